"""The hash of a mail's body as DKIM defines it (RFC 6376, 3.4.3 to 3.4.5), piece by piece.

The library's own way takes several times the body in memory, and on long runs of blanks time that grows with their
square, during which nothing else runs in the process.
"""

import hashlib

PIECE = 1_000_000
"""Octets taken at once."""

_LINE_END = b"\r\n"


class BareLineEnd(ValueError):
    """A CR or an LF by itself: such a body has no form that all agree on."""


def body_hash(message: bytes, start: int, *, relaxed: bool) -> bytes:
    """SHA-256 of ``message`` from ``start`` on, in the simple or the relaxed form. Raises BareLineEnd."""
    ends = message.count(_LINE_END, start)
    if message.count(b"\r", start) != ends or message.count(b"\n", start) != ends:
        raise BareLineEnd
    hasher = hashlib.sha256()
    held, empty_lines, any_text = b"", 0, False
    for at in range(start, len(message) + 1, PIECE):
        piece = held + message[at : at + PIECE]
        last = at + PIECE > len(message)
        if last and piece and not piece.endswith(_LINE_END):
            piece += _LINE_END
        cut = piece.rfind(_LINE_END) + len(_LINE_END) if _LINE_END in piece else 0
        held, lines = piece[cut:], piece[:cut]
        if relaxed:
            lines = _without_runs(lines).replace(b" \r\n", _LINE_END)
        text = lines.rstrip(_LINE_END)
        if text:
            hasher.update(_LINE_END * empty_lines)
            hasher.update(text)
            empty_lines, any_text = 0, True
        empty_lines += (len(lines) - len(text)) // len(_LINE_END)
    if any_text or not relaxed:
        hasher.update(_LINE_END)
    return hasher.digest()


def _without_runs(lines: bytes) -> bytes:
    """Each run of blanks as one space. Halving them is quicker than any pattern, on the worst of lines as well."""
    lines = lines.replace(b"\t", b" ")
    while b"  " in lines:
        lines = lines.replace(b"  ", b" ")
    return lines
