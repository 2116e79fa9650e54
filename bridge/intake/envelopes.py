"""What MAIL and RCPT say, read strictly: paths as bytes between angle brackets, parameters by name."""

import re
from dataclasses import dataclass, field, replace

from bridge.errors import Permanent
from bridge.fax.addresses import OwnMailbox
from bridge.fax.arrivals import Delivery
from bridge.fax.policy import Permission
from bridge.fax.replies import Answerable
from bridge.fax.wishes import Notify, Ret

ADDRESS_LIMIT = 320

_PATH = re.compile(r"(FROM|TO):\s*(?:<([^<>\r\n]*)>|([^<>\s]+))(?:\s+(.*))?", re.IGNORECASE)
_SOURCE_ROUTE = re.compile(r"@[^:]*:")


class BadSyntax(Permanent):
    """The command cannot be read."""

    reply = "501 5.5.4"


@dataclass(frozen=True, slots=True)
class FaxRecipient:
    """A recipient that becomes a fax: the address as given, the number it means, whom it is for, and what the sender
    wants to hear of it (RFC 3461; ``notify`` None: as the site has it). ``wishes`` are options that the address asks
    for.
    """

    address: str
    number: str
    person: str = ""
    company: str = ""
    notify: frozenset[Notify] | None = None
    original_recipient: str = ""
    wishes: tuple[tuple[str, str], ...] = ()

    def joined(self, other: "FaxRecipient") -> "FaxRecipient":
        """The same number given once more: whatever either asked to hear of is told, and nothing known is lost."""
        asked: frozenset[Notify] | None = None
        if self.notify is not None and other.notify is not None:
            wanted = (self.notify | other.notify) - {Notify.NEVER}
            asked = wanted or frozenset({Notify.NEVER})
        return replace(
            self,
            person=self.person or other.person,
            company=self.company or other.company,
            notify=asked,
            original_recipient=self.original_recipient or other.original_recipient,
            wishes=tuple(dict.fromkeys((*self.wishes, *other.wishes))),
        )


@dataclass(frozen=True, slots=True)
class OwnRecipient:
    """A recipient that is one of our own mailboxes.

    ``delivery`` is what a bounce address stands for, ``answerable`` the notice of a reply address.
    """

    address: str
    mailbox: OwnMailbox
    delivery: Delivery | None = None
    answerable: Answerable | None = None


@dataclass(frozen=True, slots=True)
class PreviewRecipient:
    """A recipient that gets the pages by mail: as the fax to ``number`` would have them, or, without one, any."""

    address: str
    number: str = ""
    person: str = ""
    company: str = ""
    wishes: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class FaxEnvelope:
    """One mail transaction: ``sender`` is None before MAIL, empty for the null sender.

    ``permission`` is under whose rules it is faxed: None while nobody has been found, or where only the mail itself can
    prove who sent it (``provable``). ``bare``: the client named a sender without a domain, and ours stands there now.
    """

    sender: str | None = None
    bare: bool = False
    faxes: list[FaxRecipient] = field(default_factory=list)
    previews: list[PreviewRecipient] = field(default_factory=list)
    own: list[OwnRecipient] = field(default_factory=list)
    permission: Permission | None = None
    provable: bool = False
    ret: Ret | None = None
    envelope_id: str = ""
    utf8: bool = False

    @property
    def recipients(self) -> int:
        """How many were accepted."""
        return len(self.faxes) + len(self.previews) + len(self.own)

    @property
    def answers(self) -> bool:
        """Whether it answers a notice."""
        return any(each.answerable is not None for each in self.own)

    @property
    def for_pages(self) -> list[FaxRecipient | PreviewRecipient]:
        """The recipients for whom pages are made of the mail."""
        return [*self.faxes, *self.previews]


def read_path(argument: str | None, verb: str) -> tuple[str, dict[str, str]]:
    """The address of ``FROM:<...>`` or ``TO:<...>`` and the parameters after it, names in capitals.

    Raises BadSyntax. A source route (RFC 5321, appendix C) is passed over, as the RFC asks.
    """
    match = _PATH.fullmatch((argument or "").strip())
    if match is None or match[1].upper() != verb:
        raise BadSyntax(f"write {'MAIL' if verb == 'FROM' else 'RCPT'} {verb}:<address>")
    address = match[2] if match[2] is not None else match[3]
    if route := _SOURCE_ROUTE.match(address):
        address = address[route.end() :]
        if not address:
            raise BadSyntax("there is no address behind the source route")
    if len(address) > ADDRESS_LIMIT or not address.isprintable():
        raise BadSyntax("that address is too long or has control characters in it")
    parameters: dict[str, str] = {}
    if not (match[4] or "").isprintable():
        raise BadSyntax("the parameters have control characters in them")
    for word in (match[4] or "").split():
        name, _, value = word.partition("=")
        if name.upper() in parameters:
            raise BadSyntax(f"{name[:30]} is given twice")
        parameters[name.upper()] = value
    return address, parameters
