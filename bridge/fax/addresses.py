"""What the left side of a recipient's address asks for: faxes to numbers, or one of our own mailboxes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bridge.errors import NotAFaxNumber
from bridge.fax import elements, flags, imcea, numbers, persons
from bridge.fax.elements import Elements
from bridge.fax.options import Alias

MAX_LENGTH = 256
"""Characters of a local part; RFC 5321, 4.5.3.1.1, asks for 64, and address elements may need more."""


class Mailbox(StrEnum):
    """Addresses at our domains that are never faxed."""

    POSTMASTER = "postmaster"
    ABUSE = "abuse"
    BOUNCE = "bounce"
    REPLY = "reply"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class FaxNumber:
    """One fax is wanted, to this number in E.164; whom it is for, where the address says so.

    ``wishes`` are options (``asked``) that the address asks for.
    """

    number: str
    person: str = ""
    company: str = ""
    wishes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FaxNumbers:
    """Faxes are wanted: one, or through an alias for a group one each; no number stands there twice."""

    numbers: tuple[FaxNumber, ...]


@dataclass(frozen=True, slots=True)
class OwnMailbox:
    """Mail for ourselves; ``token`` is what stood after the plus, lower case, empty where there was none."""

    mailbox: Mailbox
    token: str = ""


@dataclass(frozen=True, slots=True)
class PreviewOf:
    """The pages are wanted by mail, and nothing is to be faxed: as these numbers would get them; none: as anybody."""

    numbers: tuple[FaxNumber, ...] = ()


Wanted = FaxNumbers | OwnMailbox | PreviewOf

_OWN = re.compile(r"(postmaster|abuse)|(bounce|reply)\+([0-9a-z]{1,64})", re.ASCII)
_SERVICE = re.compile(r"([A-Za-z0-9-]{1,16})=", re.ASCII)
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*)"', re.ASCII)
_PAIR = re.compile(r"\\(.)")


def read_local_part(local: str, default_country: str, aliases: Iterable[Alias] = ()) -> Wanted:
    """What ``local`` (the part before the @, still quoted if it came so) stands for.

    Understood, in this order: our own mailboxes, of which ``preview`` may have a plus behind it and then whatever may
    be faxed to; an alias, which is a whole local part and may look like a number (the registered codes of copiers); a
    number as Exchange encloses it (``imcea``); a number as people write it, with the fields of other fax servers at it
    (``flags``); ``FAX=`` before one (RFC 3192), then with ``/NAME=value`` elements if wanted. Each may stand in a
    quoted string. Anything else raises NotAFaxNumber with what was understood; digits are never glued together.
    """
    text = _unquote(local)
    name = text.lower()
    if own := _OWN.fullmatch(name):
        plain, tagged, token = own.groups()
        return OwnMailbox(Mailbox(plain or tagged), token or "")
    before, plus, rest = text.partition("+")
    if before.lower() == Mailbox.PREVIEW:
        return PreviewOf(_read_numbers(rest, default_country, aliases) if plus else ())
    return FaxNumbers(_read_numbers(text, default_country, aliases))


def is_reserved(name: str) -> bool:
    """Whether a name is, or with something after a plus looks like, one of our own mailboxes; no alias may be."""
    return name.strip('" ').partition("+")[0].lower() in set(Mailbox)


def _read_numbers(text: str, default_country: str, aliases: Iterable[Alias]) -> tuple[FaxNumber, ...]:
    name = text.lower()
    for alias in aliases:
        if alias.name.lower() == name:
            return tuple(FaxNumber(number) for number in dict.fromkeys(alias.numbers))
    return (_read_number(text, default_country),)


def _read_number(text: str, default_country: str) -> FaxNumber:
    if (enclosed := imcea.read(text)) is not None:
        written, name = enclosed
        return _flagged(written, default_country, persons.person(name))
    if "!" in text.partition("/")[0] or "%" in text.partition("/")[0]:
        raise NotAFaxNumber("nothing is relayed: write the number alone before the @, like +14155550123")
    service = _SERVICE.match(text)
    if service is None:
        if "/" in text:
            raise NotAFaxNumber(
                "elements /NAME=value need FAX= before the number, like FAX=+14155550123/ATTN=John.Smith"
            )
        return _flagged(text, default_country)
    if service[1].upper() != "FAX":
        raise NotAFaxNumber(f"{service[1]}= is not a fax; write FAX=+14155550123")
    number, slash, rest = text[service.end() :].partition("/")
    said = elements.read(rest) if slash else Elements()
    return FaxNumber(numbers.understand(number, default_country), said.person, said.company)


def _flagged(written: str, default_country: str, person: str = "") -> FaxNumber:
    """A number, or one with fields of other fax servers at it."""
    found = flags.read(written)
    number = numbers.understand(found.number, default_country)
    return FaxNumber(number, person or found.person, found.company, found.wishes)


def _unquote(local: str) -> str:
    """RFC 5321, 4.1.2, Quoted-string to the text it stands for; other local parts as they are."""
    if len(local) > MAX_LENGTH:
        raise NotAFaxNumber(f"an address with more than {MAX_LENGTH} characters before the @ is no fax number")
    if not local.isascii():
        raise NotAFaxNumber(
            "an address with letters or digits beyond ASCII is no fax number; write it like +14155550123"
        )
    if '"' not in local:
        return local
    match = _QUOTED.fullmatch(local)
    if match is None:
        raise NotAFaxNumber("the quotes before the @ do not fit together (RFC 5321); write the number without them")
    return _PAIR.sub(r"\1", match[1])
