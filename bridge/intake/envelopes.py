"""What MAIL and RCPT say, read strictly: paths as bytes between angle brackets, parameters by name."""

import re
from dataclasses import dataclass, field

from bridge.errors import Permanent
from bridge.fax.addresses import OwnMailbox

ADDRESS_LIMIT = 320

_PATH = re.compile(r"(FROM|TO):\s*(?:<([^<>\r\n]*)>|([^<>\s]+))(?:\s+(.*))?", re.IGNORECASE)
_SOURCE_ROUTE = re.compile(r"@[^:]*:")
_SIZE = re.compile(r"[0-9]{1,20}", re.ASCII)


class BadSyntax(Permanent):
    """The command cannot be read."""

    reply = "501 5.5.4"


class UnknownParameter(Permanent):
    """A parameter we did not offer."""

    reply = "555 5.5.4"


class TooLarge(Permanent):
    """More than the site takes."""

    reply = "552 5.3.4"


@dataclass(frozen=True, slots=True)
class FaxRecipient:
    """A recipient that becomes a fax: the address as given, the number it means."""

    address: str
    number: str


@dataclass(frozen=True, slots=True)
class OwnRecipient:
    """A recipient that is one of our own mailboxes."""

    address: str
    mailbox: OwnMailbox


@dataclass(slots=True)
class FaxEnvelope:
    """One mail transaction: ``sender`` is None before MAIL, empty for the null sender."""

    sender: str | None = None
    faxes: list[FaxRecipient] = field(default_factory=list)
    own: list[OwnRecipient] = field(default_factory=list)

    @property
    def recipients(self) -> int:
        """How many were accepted."""
        return len(self.faxes) + len(self.own)


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
        parameters[name.upper()] = value
    return address, parameters


def check_mail_parameters(parameters: dict[str, str], max_size: int) -> None:
    """SIZE (RFC 1870) and BODY (RFC 6152), which are what EHLO offers; raises UnknownParameter, TooLarge, BadSyntax."""
    for name, value in parameters.items():
        if name == "SIZE":
            if not _SIZE.fullmatch(value):
                raise BadSyntax("SIZE takes a number of bytes")
            if int(value) > max_size:
                raise too_large(max_size)
        elif name == "BODY":
            if value.upper() not in {"7BIT", "8BITMIME"}:
                raise BadSyntax("BODY can be 7BIT or 8BITMIME")
        else:
            raise UnknownParameter(f"{name[:30]} is not offered here")


def too_large(max_size: int) -> TooLarge:
    """The refusal, with the limit in it."""
    return TooLarge(f"the message is too large; {max_size / 1_000_000:g} MB at most, encoding included")
