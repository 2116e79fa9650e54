"""The SMTP server: what each command does (RFC 5321), for one session of one listener."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from bridge.errors import OutOfSpace, Paused, Permanent, Refused
from bridge.fax.options import is_mail_address
from bridge.intake import envelopes, parameters
from bridge.intake.connection import Connection
from bridge.intake.content import Content
from bridge.intake.data import ClientGone
from bridge.intake.dots import LINE_LIMIT, BadLine, Decoder, DotDecoder, LenientDecoder
from bridge.intake.envelopes import FaxEnvelope
from bridge.intake.logins import MECHANISMS, read_credentials
from bridge.intake.options import Auth, ListenerOptions, Profile, Tls
from bridge.intake.own import Client
from bridge.intake.parts import Intake
from bridge.intake.profiles import check_form, check_greeting, check_header_ends
from bridge.intake.recipients import Recipients, check_all, check_not_mixed
from bridge.intake.sink import Endless, Sink
from bridge.intake.standing import Standing, lies_in, read_xclient
from bridge.runtime.crash import Point, crash_point
from bridge.store.pauses import Work

_OPEN_TO_ALL = {"EHLO", "HELO", "NOOP", "RSET", "QUIT", "STARTTLS", "AUTH", "HELP", "VRFY"}
"""Commands that tell nobody anything, and may go in the clear; AUTH has a refusal of its own."""


BROKEN_OFF = "421 4.3.0 trouble on our side; nothing was taken on, try again later"


class OutOfOrder(Refused):
    """A command that does not fit here."""

    reply = "503 5.5.1"


class TlsNeeded(Refused):
    """Not in the clear."""

    reply = "538 5.7.11"


class Utf8Unasked(Permanent):
    """An address with characters beyond ASCII, without SMTPUTF8 (RFC 6531, 3.5)."""

    reply = "553 5.6.7"


class FaxServer(Connection):
    """One SMTP session. ``standing`` is who speaks; ``context`` gives the certificate of the moment, if any."""

    def __init__(
        self,
        intake: Intake,
        listener: ListenerOptions,
        standing: Standing,
        *,
        context: Callable[[], ssl.SSLContext] | None,
        closed: Callable[[Connection], None],
    ) -> None:
        options = intake.options
        super().__init__(intake.desk.events, options.hostname, options.command_timeout.total_seconds(), closed)
        self._intake = intake
        self._listener = listener
        self._standing = standing
        self._context = context
        self._recipients = Recipients(intake, listener)

    def _create_envelope(self) -> FaxEnvelope:  # type: ignore[override]  # ours takes the place of theirs
        return FaxEnvelope()

    def _mail(self) -> FaxEnvelope:
        # Not a property, like ``client``: aiosmtpd reads every attribute of its class before there is a session.
        assert isinstance(self.envelope, FaxEnvelope)
        return self.envelope

    def client(self) -> Client:
        """Who speaks to us."""
        assert self.session is not None
        protocol = "SMTP" if not self.session.extended_smtp else "UTF8SMTP" if self._mail().utf8 else "ESMTP"
        secured = "S" if self.encrypted() else ""
        known = "A" if self._standing.login is not None else ""
        is_legacy = self._listener.profile is Profile.LEGACY
        return Client(self._standing.shown, self._standing.helo, f"{protocol}{secured}{known}", is_legacy)

    def client_shown(self) -> str:
        return self._standing.shown

    async def refuse(self, verb: str, reply: str) -> None:
        if reply.startswith("4") and self._listener.profile is Profile.LEGACY:
            permission = self._mail().permission or self._standing.login
            self._intake.refusals.note(self.client_shown(), permission.name if permission else None, reply)
        await super().refuse(verb, reply)

    def sent_away(self, reply: str) -> None:
        if self._listener.profile is Profile.LEGACY and self._mail().sender is not None:
            self._intake.refusals.note(self.client_shown(), None, reply)

    async def before(self, command: str) -> str:
        must_be_tls = self._listener.tls is Tls.STARTTLS and self._listener.profile is Profile.STRICT
        if must_be_tls and not self.encrypted() and command not in _OPEN_TO_ALL:
            return "530 5.7.0 say STARTTLS first; nothing is taken in the clear here"
        return ""

    # Greetings

    def _may_log_in(self) -> bool:
        """Whether AUTH is offered: passwords go in the clear on a legacy listener alone (RFC 4954, 4)."""
        return self._knows_logins() and (self.encrypted() or self._listener.profile is Profile.LEGACY)

    def _knows_logins(self) -> bool:
        return self._listener.auth is not Auth.OFF and self._intake.logins.any

    def _may_start_tls(self) -> bool:
        return self._listener.tls is Tls.STARTTLS and self._context is not None and not self.encrypted()

    async def smtp_HELO(self, hostname: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        self._greet("HELO", hostname, extended=False)
        await self.push(f"250 {self.hostname}")

    async def smtp_EHLO(self, hostname: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        self._greet("EHLO", hostname, extended=True)
        offers = [
            f"SIZE {self._intake.options.max_message_size}",
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "DSN",
            "ENHANCEDSTATUSCODES",
        ]
        if self._may_start_tls():
            offers.append("STARTTLS")
        if self._may_log_in():
            offers.append(f"AUTH {' '.join(MECHANISMS)}")
        if self._standing.front:
            offers.append("XCLIENT ADDR LOGIN HELO NAME PORT PROTO DESTADDR DESTPORT")
        lines = [f"250-{self.hostname}", *(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}"]
        await self.push("\r\n".join(lines))

    def _greet(self, verb: str, hostname: str | None, *, extended: bool) -> None:
        check_greeting(verb, hostname, self._listener.profile)
        self._set_rset_state()  # type: ignore[no-untyped-call]
        assert self.session is not None
        self.session.extended_smtp = extended
        self.session.host_name = hostname or "unknown"
        self._standing = replace(self._standing, helo=self._standing.handed_helo or (hostname or "")[:255])

    def _check_greeted(self) -> None:
        if self.session is None or not self.session.host_name:
            raise OutOfOrder("say EHLO first")

    async def smtp_STARTTLS(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        if arg:
            raise envelopes.BadSyntax("STARTTLS takes nothing after it")
        if not self._may_start_tls() or self._context is None:
            raise OutOfOrder("TLS is not to be had here, or is on already")
        self.tls_context = self._context()
        self._standing = replace(self._standing, helo="", login=None)
        await super().smtp_STARTTLS(None)

    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        self._check_greeted()
        if self._standing.login is not None or self._mail().sender is not None:
            raise OutOfOrder("AUTH comes once, and before MAIL")
        if not self._may_log_in():
            if self._knows_logins() and self._may_start_tls():
                raise TlsNeeded("passwords go through TLS alone; say STARTTLS first")
            raise OutOfOrder("AUTH is not offered here")
        said = await read_credentials(arg, self.ask)
        login = await self._intake.logins.check(said, self.client_shown())
        self._standing = replace(self._standing, login=login)
        await self.push("235 2.7.0 welcome")

    async def smtp_XCLIENT(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        handed = read_xclient(arg, self._standing)
        if self._mail().sender is not None:
            raise OutOfOrder("XCLIENT comes before MAIL")
        if handed.address is not None:
            # Another client: what was said of the one before it is nothing to it.
            self._standing = replace(self._standing, address=handed.address or None, login=None, handed_helo="")
        if handed.helo is not None:
            self._standing = replace(self._standing, handed_helo=handed.helo)
        if handed.login is not None:
            self._standing = replace(self._standing, login=self._intake.gate.policy.of_login(handed.login))
        self._set_rset_state()  # type: ignore[no-untyped-call]
        assert self.session is not None
        self.session.host_name, self.session.extended_smtp = "", False
        await self.push(f"220 {self.hostname} ESMTP Faxbridge")

    async def smtp_RSET(self, arg: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's way of naming
        self._set_rset_state()  # type: ignore[no-untyped-call]
        await self.push("250 2.0.0 Ok")

    async def smtp_NOOP(self, arg: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's way of naming
        await self.push("250 2.0.0 Ok")

    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's way of naming
        await self.push("252 2.1.5 send some mail, and see")

    async def smtp_HELP(self, arg: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's way of naming
        await self.push("214 2.0.0 mail to NUMBER@domain becomes a fax; see docs/mail.md of Faxbridge")

    # One mail

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        self._check_greeted()
        mail = self._mail()
        if mail.sender is not None:
            raise OutOfOrder("one MAIL is open already")
        address, given = envelopes.read_path(arg, "FROM")
        wishes = parameters.read_mail_wishes(given, self._intake.options.max_message_size)
        if not address.isascii() and not wishes.utf8:
            raise Utf8Unasked("that address needs SMTPUTF8")
        bare = address
        if self._listener.profile is Profile.LEGACY and address and "@" not in address.removesuffix("@"):
            address = f"{address.removesuffix('@')}@{self._intake.options.hostname}"
        if address and not is_mail_address(address, utf8=wishes.utf8):
            raise envelopes.BadSyntax("the sender's address cannot be read; write name@domain")
        if await self._intake.watch.paused(Work.INTAKE):
            raise Paused("no mail is taken at the moment; try again later")
        self._check_room(wishes.size)
        mail.sender, mail.bare = address, address != bare
        mail.ret, mail.envelope_id, mail.utf8 = wishes.ret, wishes.envelope_id, wishes.utf8
        await self.push("250 2.1.0 Ok")

    def _check_room(self, size: int) -> None:
        """Before the offer is accepted: below the reserve nothing more is taken, so that what is here can go on."""
        if self._intake.desk.store.blobs.free_bytes() - size < self._intake.options.reserve:
            raise OutOfSpace("not enough room on disk; try again later")

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        self._check_greeted()
        mail = self._mail()
        if mail.sender is None:
            raise OutOfOrder("MAIL comes first")
        address, given = envelopes.read_path(arg, "TO")
        wishes = parameters.read_recipient_wishes(given)
        warning = await self._recipients.add(
            mail, address, wishes, self._standing, here=self._here(), may_log_in=self._may_log_in()
        )
        await self.push(f"250 2.1.5 Ok{warning}")

    def _here(self) -> str:
        """The address at which the client has reached us; empty where it is none, on a Unix socket."""
        name = self.transport.get_extra_info("sockname") if self.transport is not None else None
        return str(name[0]) if isinstance(name, tuple) else ""

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        self._check_greeted()
        if arg:
            raise envelopes.BadSyntax("DATA takes nothing after it")
        if not self._mail().recipients:
            raise OutOfOrder("RCPT comes first; no recipient was accepted")
        check_not_mixed(self._mail())
        blobs, ids = self._intake.desk.store.blobs, self._intake.desk.ids
        sink = Sink(blobs.writer(ids.file_name()), self._intake.options.max_message_size)
        try:
            message = await self._take_data(sink)
        except BadLine:
            reply = "521 5.5.2 bare CR, bare LF or NUL in the message; lines end with CR LF"
            self._events.mail_refused(client=self.client_shown(), verb="DATA", reply=reply)
            await self.hang_up(reply)
        except Endless as error:
            await self.hang_up(error.smtp)
        except Exception as error:
            if isinstance(error, ClientGone | ConnectionError) or not self.in_message():
                raise
            self._events.intake_failed(client=self.client_shown(), error=error)
            await self.hang_up(BROKEN_OFF)  # the rest of the message must not be read as commands
        finally:
            self.received()
            sink.drop()
            self._set_post_data_state()  # type: ignore[no-untyped-call]
        self.productive()
        await self.push(f"250 2.0.0 Ok: {message}")
        crash_point(Point.INTAKE_ANSWERED)

    async def _take_data(self, sink: Sink) -> str:
        """The id of the mail taken on. Everything is read to its end before anything is refused."""
        decoder = self._decoder()
        await self.push("354 end data with <CR><LF>.<CR><LF>")
        await self.receive(decoder, sink).whole()
        if sink.trouble is not None:
            raise sink.trouble
        content = await sink.commit()
        crash_point(Point.INTAKE_STORED)
        try:
            await self._check_message(content, too_long=decoder.too_long)
        except BaseException:
            self._intake.desk.store.blobs.discard(content.stored)
            raise
        return await self._intake.acceptor.accept(self.client(), self._mail(), content)

    def _decoder(self) -> Decoder:
        if self._listener.profile is Profile.STRICT:
            return DotDecoder(LINE_LIMIT)
        if lies_in(self.client_shown(), self._listener.bare_lf):
            return LenientDecoder()
        return DotDecoder()

    async def _check_message(self, content: Content, *, too_long: bool) -> None:
        """What only the message tells: its form, and, where nothing else does, who sent it."""
        mail = self._mail()
        if mail.for_pages:
            check_header_ends(content)
        if self._listener.profile is Profile.STRICT and mail.for_pages:
            check_form(content.headers, too_long=too_long)
        if mail.provable and mail.for_pages:
            mail.permission = await self._intake.gate.prove(self._standing, self._listener, mail, content)
            check_all(mail, mail.permission)
        elif mail.provable and mail.answers:
            with suppress(Refused):  # whom the notice went to is told then
                mail.permission = await self._intake.gate.prove(self._standing, self._listener, mail, content)
