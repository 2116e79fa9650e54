"""Who a mail is for: each recipient is judged as it is named, and joins the envelope, or is refused in words."""

from contextlib import suppress

from bridge.errors import BridgeError, NotAFaxNumber, Refused, Unavailable
from bridge.fax import failing
from bridge.fax.addresses import FaxNumber, FaxNumbers, Mailbox, OwnMailbox, PreviewOf
from bridge.fax.policy import Permission, check_not_null
from bridge.fax.replies import Answerable
from bridge.intake.envelopes import FaxEnvelope, FaxRecipient, OwnRecipient, PreviewRecipient
from bridge.intake.options import ListenerOptions
from bridge.intake.parameters import RecipientWishes
from bridge.intake.parts import Intake
from bridge.intake.standing import Standing, read_address
from bridge.store import arrivals, replies


class NoSuchMailbox(Refused):
    """One of our own mailboxes that does not take this mail."""

    reply = "550 5.1.1"


class TooManyRecipients(Unavailable):
    """More recipients than one mail may have; the rest in another mail."""

    reply = "452 4.5.3"


class Mixed(Refused):
    """One mail cannot be faxed, and be looked at before it is."""

    reply = "554 5.7.1"


class Recipients:
    """The judge of one session's recipients."""

    def __init__(self, intake: Intake, listener: ListenerOptions) -> None:
        self._intake = intake
        self._listener = listener

    async def add(
        self,
        mail: FaxEnvelope,
        address: str,
        wishes: RecipientWishes,
        standing: Standing,
        *,
        here: str,
        may_log_in: bool,
    ) -> str:
        """One recipient joins the envelope, and what the client is told beside; raises what stands against it.

        ``here`` is the address (IP) at which the client has reached us.
        """
        local = self._local_part(address, here)
        try:
            wanted = self._intake.gate.policy.expand(local)
        except BridgeError:
            await self._admit(mail, standing, may_log_in=may_log_in)  # a stranger learns nothing about our numbers
            raise
        if isinstance(wanted, OwnMailbox):
            self._check_count(mail, 1)
            known = await self._answerable(mail, wanted, standing, may_log_in=may_log_in)
            await self._add_own(mail, address, wanted, known)
            return ""
        await self._admit(mail, standing, may_log_in=may_log_in)
        self._check_count(mail, max(1, len(wanted.numbers)))
        if mail.permission is not None:
            for number in wanted.numbers:
                mail.permission.check_number(number.number)
        if isinstance(wanted, PreviewOf):
            if mail.permission is not None:
                mail.permission.pages_address(mail.sender or "")
            _add_previews(mail, address, wanted)
            return ""
        warning = await self._warning(mail, wanted)
        _add_faxes(mail, address, wanted, wishes)
        return warning

    async def _warning(self, mail: FaxEnvelope, wanted: FaxNumbers) -> str:
        """That the last faxes to a number failed; raises NumberFails after too many.

        Of a group no number is refused, for the others would go with it; and whoever is not known yet learns nothing.
        """
        if mail.permission is None or len(wanted.numbers) != 1:
            return ""
        [number] = wanted.numbers
        known, now = await self._intake.failing.numbers(), self._intake.desk.clock.now()
        return failing.check(number.number, known, self._intake.options.refuse_after, now)

    def _local_part(self, address: str, here: str) -> str:
        """What stands before the @ of a domain of ours, or of the very address that the client speaks to."""
        domains = self._intake.options.domains
        local, at, domain = address.rpartition("@")
        if not at and address.lower() == Mailbox.POSTMASTER:
            return address
        if not at:
            raise NotAFaxNumber(f"there is no domain; write it like +14155550123@{domains[0]}")
        if domain.lower().removesuffix(".") not in domains and not _is_literal_of(domain, here):
            raise Refused(f"<{domain[:80]}> is not a domain of ours; nothing is relayed")
        return local

    async def _admit(self, mail: FaxEnvelope, standing: Standing, *, may_log_in: bool) -> None:
        """Find under whose permission this mail is, once a mail."""
        assert mail.sender is not None
        check_not_null(mail.sender)
        if mail.permission is None and not mail.provable:
            permission, provable = await self._intake.gate.admit(
                standing, self._listener, mail.sender, may_log_in=may_log_in
            )
            if permission is not None:
                _check_sender(permission, mail)
            mail.permission, mail.provable = permission, provable

    def _check_count(self, mail: FaxEnvelope, more: int) -> None:
        most = self._intake.options.recipients
        if more > most:
            raise Refused(f"that name stands for {more} numbers, and one mail may have {most} recipients")
        if mail.recipients + more > most:
            raise TooManyRecipients(f"{most} recipients at most; send the rest separately")

    async def _answerable(
        self, mail: FaxEnvelope, wanted: OwnMailbox, standing: Standing, *, may_log_in: bool
    ) -> Answerable | None:
        """The notice that this address answers; raises NoSuchMailbox where that is none, or none any more.

        Whoever has the address may write: if it is not who got the notice, that one is told.
        """
        if wanted.mailbox is not Mailbox.REPLY:
            return None
        check_not_null(mail.sender or "")
        hashed, desk = replies.digest(wanted.token), self._intake.desk
        known = await desk.store.read(lambda connection: replies.find(connection, hashed))
        if known is None or known.expires_at <= desk.clock.now():
            raise NoSuchMailbox("a notice can be answered for two weeks; this one is not known, or no longer")
        with suppress(Refused):
            await self._admit(mail, standing, may_log_in=may_log_in)
        return known

    async def _add_own(
        self, mail: FaxEnvelope, address: str, wanted: OwnMailbox, answerable: Answerable | None
    ) -> None:
        known = None
        if wanted.mailbox is Mailbox.BOUNCE:
            known = await self._intake.desk.store.read(
                lambda connection: arrivals.delivery_by_token(connection, wanted.token)
            )
            if known is None:
                raise NoSuchMailbox("that address is not, or no longer, one of ours")
        elif answerable is None:
            check_not_null(mail.sender or "")
        if not any(each.mailbox == wanted for each in mail.own):
            mail.own.append(OwnRecipient(address, wanted, known, answerable))


def _check_sender(permission: Permission, mail: FaxEnvelope) -> None:
    """Raise Refused as the permission does; where the sender's name was completed, with what the operator can add."""
    try:
        permission.check_sender(mail.sender or "")
    except Refused as error:
        raise (Refused(f"{error.public}: {mail.sender}") if mail.bare else error) from None


def _is_literal_of(domain: str, here: str) -> bool:
    """Whether it is an address literal (RFC 5321, 4.1.3) for that IP address."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return False
    literal = read_address(domain[1:-1].removeprefix("IPv6:").removeprefix("ipv6:"))
    return literal is not None and literal == read_address(here)


def check_not_mixed(mail: FaxEnvelope) -> None:
    """Raise Mixed for a mail that is to be faxed, and to be looked at before it is."""
    if mail.faxes and mail.previews:
        raise Mixed("a mail for a preview is not faxed: write to preview@ alone, and then to the number alone")


def check_all(mail: FaxEnvelope, permission: Permission) -> None:
    """The rules that stood back until it was known whose they are."""
    permission.check_sender(mail.sender or "")
    for each in mail.for_pages:
        if each.number:
            permission.check_number(each.number)
    if mail.previews:
        permission.pages_address(mail.sender or "")


def _add_faxes(mail: FaxEnvelope, address: str, wanted: FaxNumbers, wishes: RecipientWishes) -> None:
    """One fax a number: a number that is given twice is faxed once, and heard of as either asked."""
    for number in wanted.numbers:
        new = FaxRecipient(
            address,
            number.number,
            number.person,
            number.company,
            wishes.notify,
            wishes.original_recipient,
            number.wishes,
        )
        place = next((at for at, known in enumerate(mail.faxes) if known.number == new.number), None)
        if place is None:
            mail.faxes.append(new)
        else:
            mail.faxes[place] = mail.faxes[place].joined(new)


def _add_previews(mail: FaxEnvelope, address: str, wanted: PreviewOf) -> None:
    """One preview a number, or one for nobody in particular."""
    for each in wanted.numbers or (FaxNumber(""),):
        if all(known.number != each.number for known in mail.previews):
            mail.previews.append(PreviewRecipient(address, each.number, each.person, each.company, each.wishes))
