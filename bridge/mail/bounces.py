"""What came back for a mail of ours: whether it says that the mail reached nobody, read from a stranger's words.

Whoever writes it may be anybody: nothing here raises, recurses or looks further than ``HEADER_LIMIT`` octets.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from bridge.mail.headers import Headers, read_headers
from bridge.runtime import foreign

PARTS = 20
"""Parts of a report that are looked at; RFC 6522 knows three."""

WHY_LIMIT = 250
"""Characters kept of what a report says."""


class Meaning(StrEnum):
    """What a mail to a bounce address means; ``other``: a person must read it."""

    FAILED = "failed"
    PROGRESS = "progress"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CameBack:
    """``why`` is what the report says of it, on one line, for people."""

    meaning: Meaning
    why: str


_REPORT = re.compile(rb"\s*multipart/report\b", re.IGNORECASE)
_KIND = re.compile(rb"report-type\s*=\s*\"?([A-Za-z-]{1,40})", re.IGNORECASE)
_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,70})\"|([^\s\";]{1,70}))", re.IGNORECASE)
_STATUS_PART = re.compile(rb"\s*message/(?:global-)?delivery-status\b", re.IGNORECASE)
_ACTION = re.compile(rb"^Action[ \t]*:[ \t]*([A-Za-z-]{1,20})", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(rb"^Status[ \t]*:[ \t]*(5\.[0-9]{1,3}\.[0-9]{1,3})", re.IGNORECASE | re.MULTILINE)
_DIAGNOSIS = re.compile(rb"^Diagnostic-Code[ \t]*:([^\r\n]{1,1000})", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_GOING_ON = {b"delayed", b"delivered", b"relayed", b"expanded"}
_QMAIL = b"Hi. This is the "
"""How a bounce of qmail begins, which is no report (QSBMF)."""


def read_bounce(head: bytes, headers: Headers) -> CameBack:
    """What the mail that begins with ``head`` means. What says neither that it failed nor that it goes on is OTHER.

    A delivery report (RFC 3464) that cannot be read counts as failed: better one copy too many than a fax nobody gets.
    """
    content_type = headers.raw("content-type") or b""
    if _REPORT.match(content_type):
        kind = _KIND.search(content_type)
        if kind is not None and kind[1].lower() == b"delivery-status":
            return _of_status(_status(head, content_type))
        if kind is not None and kind[1].lower() == b"disposition-notification":
            return CameBack(Meaning.PROGRESS, "a receipt for reading")
    if headers.raw("x-failed-recipients") is not None:  # Exim's
        return CameBack(Meaning.FAILED, headers.text("subject"))
    if _text(head).startswith(_QMAIL):
        return CameBack(Meaning.FAILED, headers.text("subject"))
    return CameBack(Meaning.OTHER, headers.text("subject"))


def _of_status(status: bytes) -> CameBack:
    actions = {action.lower() for action in _ACTION.findall(status)}
    if actions and actions <= _GOING_ON:
        return CameBack(Meaning.PROGRESS, ", ".join(sorted(action.decode("ascii") for action in actions)))
    code, diagnosis = _STATUS.search(status), _DIAGNOSIS.search(status)
    said = [foreign.decode(found[1]) for found in (code, diagnosis) if found is not None]
    return CameBack(Meaning.FAILED, foreign.one_line(" ".join(said), WHY_LIMIT))


def _status(head: bytes, content_type: bytes) -> bytes:
    """The fields of the report's status part; nothing where there is none to be found."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return b""
    mark = b"\n--" + (boundary[1] or boundary[2])
    for part in head.split(mark, PARTS)[1:]:
        fields, _, rest = part.partition(b"\n")[2].partition(b"\n\r\n" if b"\n\r\n" in part else b"\n\n")
        if _STATUS_PART.match(read_headers(fields).raw("content-type") or b""):
            return rest.replace(b"\r\n", b"\n")
    return b""


def _text(head: bytes) -> bytes:
    """How the text behind the header begins."""
    end = _HEADER_END.search(head)
    return b"" if end is None else head[end.end() : end.end() + len(_QMAIL)]
