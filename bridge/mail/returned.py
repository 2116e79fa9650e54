"""The third part of a notice: the mail it is about, whole or its header alone (RFC 3461, 4.3; RFC 6522, 3).

A whole mail is given back byte by byte, as ``message/rfc822``, which may not be encoded; its header as
``text/rfc822-headers``, which may. So a notice that holds a whole mail may have octets beyond ASCII, and may be long:
for a relay that takes no such mail there is ``without_content`` (docs/decisions/0011).
"""

import re
from dataclasses import dataclass

from bridge.mail import composing

LINE_LIMIT = 998
"""Octets of a line without its CR LF (RFC 5322, 2.1.1)."""

HEADER_KEPT = 64 * 1024
"""Octets of a header that are given back."""

_WHOLE = b"Content-Type: message/rfc822\r\n"
_HEADER = b"Content-Type: text/rfc822-headers\r\n"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_NOT_PLAIN = re.compile(rb"[^\t\r\n -~]")


@dataclass(frozen=True, slots=True)
class Returned:
    """``mail`` is all of it, or at least its header; ``whole``: all is given back, if a part can hold it as it is."""

    mail: bytes
    whole: bool


def part(returned: Returned, row_id: str) -> bytes:
    """The part, for a notice with that row's boundary."""
    mail = returned.mail
    if returned.whole and _fits(mail, row_id):
        coding = b"7bit" if mail.isascii() else composing.EIGHT_BIT
        return _WHOLE + b"Content-Transfer-Encoding: " + coding + b"\r\n\r\n" + mail
    return _header_part(mail, row_id)


def without_content(notice: bytes) -> bytes:
    """A notice of ours with the mail's header where the whole mail was; one that holds no whole mail stays as it is."""
    row_id = composing.row_of(notice)
    if row_id is None:
        return notice
    mark = b"\r\n" + composing.mark(row_id)
    before, start, rest = notice.partition(mark + b"\r\n" + _WHOLE)
    if not start:
        return notice
    mail = rest.partition(b"\r\n\r\n")[2].removesuffix(mark + b"--\r\n")
    head, end, body = before.partition(b"\r\n\r\n")
    head = head.replace(b"\r\n" + composing.EIGHT_BIT_FIELD.rstrip(), b"")
    return b"".join([head, end, body, mark, b"\r\n", _header_part(mail, row_id), mark, b"--\r\n"])


def _fits(mail: bytes, row_id: str) -> bool:
    """Whether it can stand in a part as it is: lines as mail has them, a header in ASCII, nothing like our boundary."""
    ends = mail.count(b"\r\n")
    return (
        mail.count(b"\r") == mail.count(b"\n") == ends
        and b"\0" not in mail
        and composing.mark(row_id) not in mail
        and mail.partition(b"\r\n\r\n")[0].isascii()
        and max(map(len, mail.split(b"\r\n"))) <= LINE_LIMIT
    )


def _header_part(mail: bytes, row_id: str) -> bytes:
    """Its fields; quoted-printable where the header is not legal text, as RFC 6522, 4, has it."""
    fields = _fields(mail)
    lines = fields.split(b"\r\n")
    if _NOT_PLAIN.search(fields) or max(map(len, lines)) > LINE_LIMIT or composing.mark(row_id) in fields:
        coded = composing.quoted_printable(fields.replace(b"\r\n", b"\n"))
        return _HEADER + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + coded
    return _HEADER + b"\r\n" + fields


def _fields(mail: bytes) -> bytes:
    """The header's lines that are a field or the rest of one, as bytes, each with CR LF."""
    kept: list[bytes] = []
    of_a_field = False
    beginning = mail if len(mail) <= HEADER_KEPT else mail[:HEADER_KEPT].rpartition(b"\n")[0]
    for line in _LINE_END.split(beginning):
        if not line:
            break
        of_a_field = of_a_field if line[:1] in b" \t" else _FIELD.match(line) is not None
        if of_a_field:
            kept.append(line + b"\r\n")
    return b"".join(kept)
