"""The SMTP server: aiosmtpd's protocol class with its intake replaced.

Replaced are EHLO, MAIL, RCPT, DATA and the answer to our own failures: aiosmtpd's answer 500 with the exception's text,
parse addresses as header fields, and hold whole messages in memory. Private names of aiosmtpd that are leaned on:
``_create_envelope``, ``_set_rset_state``, ``_set_post_data_state``, ``_reset_timeout``, ``_reader``; each has a test.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP

from bridge.errors import BridgeError, Refused, Unavailable
from bridge.fax import addresses
from bridge.fax.addresses import FaxNumber, Mailbox, OwnMailbox
from bridge.fax.options import is_mail_address
from bridge.fax.policy import Policy
from bridge.intake import envelopes
from bridge.intake.acceptance import Acceptor, Client
from bridge.intake.dots import BadLine, DotDecoder
from bridge.intake.envelopes import FaxEnvelope, FaxRecipient, OwnRecipient
from bridge.intake.options import IntakeOptions
from bridge.intake.sink import Sink
from bridge.store import arrivals
from bridge.store.desk import Desk

_WITHOUT_CODE = re.compile(r"([245])[0-9]{2} (?![245]\.[0-9]+\.[0-9]+)", re.ASCII)

CHUNK = 256 * 1024
COMMAND_LIMIT = 2048
"""Octets of one command line."""

DRAIN_SECONDS = 10.0
DRAIN_LIMIT = 100_000_000
"""So long and so much is still read after a session's end was announced."""

SHUTTING_DOWN = "421 4.3.2 shutting down, try again later"
GONE = "421 4.4.2 the connection ended in the middle of a command"
OWN_TROUBLE = "451 4.3.0 trouble on our side; nothing was taken on, try again later"


class NoSuchMailbox(Refused):
    """One of our own mailboxes that does not take this mail."""

    reply = "550 5.1.1"


class TooManyRecipients(Unavailable):
    """More recipients than one mail may have; the rest in another mail."""

    reply = "452 4.5.3"


class OutOfOrder(Refused):
    """A command that does not fit here."""

    reply = "503 5.5.1"


@dataclass(frozen=True, slots=True)
class Intake:
    """What every session needs."""

    desk: Desk
    options: IntakeOptions
    policy: Policy
    acceptor: Acceptor


class FaxServer(SMTP):
    """One SMTP session. ``closing`` ends it after what it is at.

    ``opened`` and ``closed`` keep the set of sessions; ``opened`` answers with a reply where there shall be none.
    """

    line_length_limit = CHUNK
    command_size_limit = COMMAND_LIMIT

    def __init__(
        self, intake: Intake, opened: Callable[["FaxServer"], str], closed: Callable[["FaxServer"], None]
    ) -> None:
        super().__init__(
            None,
            data_size_limit=intake.options.max_message_size,
            hostname=intake.options.hostname,
            ident="ESMTP Faxbridge",
            timeout=intake.options.command_timeout.total_seconds(),
            loop=asyncio.get_running_loop(),
        )
        self.command_size_limits = defaultdict(lambda: COMMAND_LIMIT)
        self._intake = intake
        self._on_open = opened
        self._on_close = closed
        self._busy = False
        self._counted = False
        self.closing = False

    # Sessions

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if refusal := self._on_open(self):
            assert isinstance(transport, asyncio.WriteTransport)
            transport.write(f"{refusal}\r\n".encode())
            transport.close()
            return
        self._counted = True
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._on_close(self)
        if self._counted:
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """The client will say no more: what it said is still answered, and then the session ends.

        aiosmtpd cancels its handler here, so that a mail could be taken on without its 250 and come again.
        """
        if self._counted:
            self._reader.feed_eof()
        return True if self._counted else None

    def finish_soon(self) -> None:
        """End the session: at once when it is between mails, else after the one in hand."""
        self.closing = True
        if not self._busy and isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(f"{SHUTTING_DOWN}\r\n".encode())
            self.transport.close()

    def _create_envelope(self) -> FaxEnvelope:  # type: ignore[override]  # ours takes the place of theirs
        return FaxEnvelope()

    def _mail(self) -> FaxEnvelope:
        # Not a property, like ``client``: aiosmtpd reads every attribute of its class before there is a session.
        assert isinstance(self.envelope, FaxEnvelope)
        return self.envelope

    def client(self) -> Client:
        """Who speaks to us."""
        assert self.session is not None
        peer: object = self.session.peer
        address = str(peer[0]) if isinstance(peer, tuple) else "local"
        return Client(address, self.session.host_name or "")

    async def _refuse(self, verb: str, error: BridgeError) -> None:
        self._intake.desk.events.mail_refused(client=self.client().address, verb=verb, reply=error.smtp)
        await self.push(error.smtp)

    async def push(self, status: str | bytes) -> None:
        """A reply; after EHLO each has an enhanced code (RFC 2034), also those that aiosmtpd words."""
        text = status.decode("ascii", errors="replace") if isinstance(status, bytes) else status
        if self.session is not None and self.session.extended_smtp and (match := _WITHOUT_CODE.match(text)):
            detail = "0.0" if match[1] != "5" else "5.1"
            text = f"{text[:3]} {match[1]}.{detail} {text[4:]}"
        await super().push(text.encode("ascii", errors="replace"))

    async def handle_exception(self, error: Exception) -> str:
        """Our own trouble is temporary, and its text is nobody else's business; a client gone is no trouble."""
        if isinstance(error, asyncio.IncompleteReadError):
            if self.transport is not None:
                self.transport.close()
            return GONE
        self._intake.desk.events.intake_failed(client=self.client().address, error=error)
        return OWN_TROUBLE

    # Commands

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's way of naming
        if not hostname:
            await self.push("501 5.5.4 write EHLO hostname")
            return
        self._set_rset_state()  # type: ignore[no-untyped-call]
        assert self.session is not None
        self.session.extended_smtp = True
        self.session.host_name = hostname
        size = self._intake.options.max_message_size
        for line in (f"250-{self.hostname}", f"250-SIZE {size}", "250-8BITMIME", "250 ENHANCEDSTATUSCODES"):
            await super().push(line)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        if await self.check_helo_needed():
            return
        try:
            if self._mail().sender is not None:
                raise OutOfOrder("one MAIL is open already")
            address, parameters = envelopes.read_path(arg, "FROM")
            envelopes.check_mail_parameters(parameters, self._intake.options.max_message_size)
            if address and not is_mail_address(address):
                raise envelopes.BadSyntax("the sender's address cannot be read; write name@domain")
        except BridgeError as error:
            await self._refuse("MAIL", error)
            return
        self._mail().sender = address
        await self.push("250 2.1.0 Ok")

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        if await self.check_helo_needed():
            return
        try:
            if self._mail().sender is None:
                raise OutOfOrder("MAIL comes first")
            address, parameters = envelopes.read_path(arg, "TO")
            if parameters:
                raise envelopes.UnknownParameter(f"{next(iter(parameters))[:30]} is not offered here")
            if self._mail().recipients >= self._intake.options.recipients:
                raise TooManyRecipients(
                    f"{self._intake.options.recipients} recipients at most; send the rest separately"
                )
            await self._add_recipient(address)
        except BridgeError as error:
            await self._refuse("RCPT", error)
            return
        await self.push("250 2.1.5 Ok")

    async def _add_recipient(self, address: str) -> None:
        """Judge one recipient; raises what stands against it."""
        local, at, domain = address.rpartition("@")
        if not at and address.lower() == Mailbox.POSTMASTER:
            local, domain = address, self._intake.options.domains[0]
        if domain.lower() not in self._intake.options.domains:
            raise Refused(f"<{domain[:80]}> is not a domain of ours; nothing is relayed")
        policy, mail = self._intake.policy, self._mail()
        assert mail.sender is not None
        try:
            wanted = addresses.read_local_part(local, policy.default_country)
        except BridgeError:
            policy.check_client(self.client().address)  # a stranger learns nothing about our numbers
            raise
        if isinstance(wanted, OwnMailbox):
            await self._check_own(wanted)
            if not any(known.mailbox == wanted for known in mail.own):
                mail.own.append(OwnRecipient(address, wanted))
            return
        policy.check_client(self.client().address)
        policy.check_sender(mail.sender)
        policy.check_number(wanted.number)
        self._add_fax(address, wanted)

    def _add_fax(self, address: str, wanted: FaxNumber) -> None:
        """One fax a recipient; the same address given twice is one recipient."""
        if not any(known.number == wanted.number for known in self._mail().faxes):
            self._mail().faxes.append(FaxRecipient(address, wanted.number))

    async def _check_own(self, wanted: OwnMailbox) -> None:
        if wanted.mailbox is Mailbox.BOUNCE:
            known = await self._intake.desk.store.read(
                lambda connection: arrivals.delivery_by_token(connection, wanted.token)
            )
            if known is None:
                raise NoSuchMailbox("that address is not, or no longer, one of ours")
            return
        if wanted.mailbox in {Mailbox.REPLY, Mailbox.PREVIEW}:
            raise NoSuchMailbox("this mailbox takes no mail in this version; nothing was faxed")
        self._intake.policy.check_not_null(self._mail().sender or "")

    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's way of naming
        await self.push("252 2.1.5 send some mail, and see")

    async def smtp_HELP(self, arg: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's way of naming
        await self.push("214 2.0.0 mail to NUMBER@domain becomes a fax; see docs/mail.md of Faxbridge")

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's way of naming
        if await self.check_helo_needed():
            return
        if arg:
            await self.push("501 5.5.4 DATA takes nothing after it")
            return
        if not self._mail().recipients:
            await self._refuse("DATA", OutOfOrder("RCPT comes first; no recipient was accepted"))
            return
        self._busy = True
        try:
            await self._take_data()
        finally:
            self._busy = False
            self._set_post_data_state()  # type: ignore[no-untyped-call]
        if self.closing:
            self.finish_soon()

    async def _take_data(self) -> None:
        sink = Sink(self._intake.options.max_message_size)
        try:
            sink.open(self._intake.desk.store.blobs.writer(self._intake.desk.ids.file_name()))
        except BridgeError as error:
            await self._refuse("DATA", error)
            return
        try:
            await self.push("354 end data with <CR><LF>.<CR><LF>")
            await self._read_data(sink)
            if sink.trouble is not None:
                raise sink.trouble
            message = await self._intake.acceptor.accept(self.client(), self._mail(), await sink.commit())
        except BadLine:
            await self._hang_up_on_bad_line()
        except BridgeError as error:
            await self._refuse("DATA", error)
        else:
            await self.push(f"250 2.0.0 Ok: {message}")
        finally:
            sink.drop()

    async def _read_data(self, sink: Sink) -> None:
        """Everything up to the end of data into the sink; what came after it waits for the next command."""
        decoder = DotDecoder()
        while True:
            chunk = await self._reader.read(CHUNK)
            if not chunk:
                raise asyncio.IncompleteReadError(b"", None)
            self._reset_timeout()
            decoded = decoder.feed(chunk)
            sink.write(decoded.plain)
            if decoded.rest is not None:
                if decoded.rest:
                    self._reader._buffer[:0] = decoded.rest  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
                return

    async def _hang_up_on_bad_line(self) -> None:
        reply = "521 5.5.2 bare CR, bare LF or NUL in the message; lines end with CR LF"
        self._intake.desk.events.mail_refused(client=self.client().address, verb="DATA", reply=reply)
        await self.push(reply)
        await self._drain()
        if self.transport is not None:
            self.transport.close()

    async def _drain(self) -> None:
        """Read on for a while and throw it away, so that the reply is not lost to a reset of the connection."""
        if isinstance(self.transport, asyncio.WriteTransport) and self.transport.can_write_eof():
            self.transport.write_eof()
        left = DRAIN_LIMIT
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0 and (chunk := await self._reader.read(CHUNK)):
                    left -= len(chunk)
