"""Mails that were divided before they were sent: ``message/partial`` (RFC 2046, 5.2.2)."""

from dataclasses import dataclass
from email.message import Message

from bridge.mail.headers import Headers, read_headers
from bridge.runtime import foreign

TYPE = "message/partial"
MOST = 200
"""Pieces of one mail."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One piece: of which mail, which of its pieces, and how many there are (None: this one does not say)."""

    id: str
    number: int
    total: int | None


def fragment_of(head: bytes) -> Fragment | None:
    """What piece a mail is; None if it is none, or does not say which. ``head`` is its beginning."""
    return _read(read_headers(head)) if TYPE.encode() in head.lower() else None


def _read(headers: Headers) -> Fragment | None:
    field = Message()
    field["Content-Type"] = foreign.one_line(foreign.decode(headers.raw("content-type") or b""), 1000)
    if field.get_content_type() != TYPE:
        return None
    try:
        identity, number, total = (field.get_param(name) for name in ("id", "number", "total"))
        read = Fragment(str(identity or ""), int(str(number)), None if total is None else int(str(total)))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    fits = 1 <= read.number <= (read.total or MOST) <= MOST
    return read if fits and read.id else None
