"""What the left side of a recipient's address asks for: a fax to a number, or one of our own mailboxes."""

import re
from dataclasses import dataclass
from enum import StrEnum

from bridge.errors import NotAFaxNumber
from bridge.fax import numbers


class Mailbox(StrEnum):
    """Addresses at our domains that are never faxed."""

    POSTMASTER = "postmaster"
    ABUSE = "abuse"
    BOUNCE = "bounce"
    REPLY = "reply"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class FaxNumber:
    """A fax is wanted, to this number in E.164."""

    number: str


@dataclass(frozen=True, slots=True)
class OwnMailbox:
    """Mail for ourselves; ``token`` is what stood after the plus, lower case, empty where there was none."""

    mailbox: Mailbox
    token: str = ""


_OWN = re.compile(r"(postmaster|abuse|preview)|(bounce|reply)\+([0-9a-z]{1,64})", re.ASCII)
_FAX_PREFIX = re.compile(r"fax=", re.IGNORECASE | re.ASCII)


def read_local_part(local: str, default_country: str) -> FaxNumber | OwnMailbox:
    """What ``local`` (the part before the @, still quoted if it came so) stands for.

    Understood: a number as people write it, ``FAX=`` before one (RFC 3192), a quoted local part around either, and
    our own mailboxes. Anything else raises NotAFaxNumber with what was understood; digits are never glued together.
    """
    text = _unquote(local)
    if own := _OWN.fullmatch(text.lower()):
        plain, tagged, token = own.groups()
        return OwnMailbox(Mailbox(plain or tagged), token or "")
    if match := _FAX_PREFIX.match(text):
        text = text[match.end() :]
    number, slash, elements = text.partition("/")
    if slash:
        name = elements.partition("=")[0].upper()[:16]
        if name == "T33S":
            raise NotAFaxNumber(
                "fax sub-addresses (T33S) cannot be carried by the fax service; send to the number alone"
            )
        raise NotAFaxNumber("only a number is understood before the @, without /NAME=value elements")
    return FaxNumber(numbers.understand(number, default_country))


def _unquote(local: str) -> str:
    """RFC 5321 Quoted-string to the text it stands for; other local parts as they are."""
    if len(local) >= 2 and local.startswith('"') and local.endswith('"'):  # noqa: PLR2004 - two quotes
        return re.sub(r"\\(.)", r"\1", local[1:-1])
    return local
