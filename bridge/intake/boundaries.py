"""A mail's body as it counts for being the same mail: boundaries of its parts (RFC 2046, 5.1.1) by their place.

Machines that send a mail again, and relays that pass one on, may part it by other boundaries than before. What a
boundary is called is nobody's matter, so where one is declared, and in the lines that are it, its number stands in its
place, between two NUL: no mail has one, and so none can be written to look like another. Every other octet counts as it
is, boundaries named elsewhere too.

Octets are taken as they come, and few are held: a line that may be a boundary, or the header of a part.
"""

import hashlib
import re
from dataclasses import dataclass

LONGEST = 200
"""Octets of a boundary; RFC 2046 has 70."""

MOST = 100
"""Boundaries of one mail that are heeded."""

MOST_LINES = 2000
"""Lines and headers of one mail that are; a mail of more parts than a tenth of that is not faxed anyway."""

HEADER_LIMIT = 64 * 1024
"""Octets of a part's header that are looked at."""

_HELD = LONGEST + 80
"""Octets that the line of a boundary may have at the most, with line ends and padding."""

_TYPE = re.compile(rb"^content-type[ \t]*:((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_MULTIPART = re.compile(rb"\s*multipart/", re.IGNORECASE)
_PARAMETER = re.compile(rb';\s*boundary\s*=\s*("(?P<quoted>[^"\\\r\n]+)"|[^\s;"()<>@,\\]+)', re.IGNORECASE)
_A_MAIL = re.compile(rb"\s*message/rfc822\b", re.IGNORECASE)
_BEGUN = (b"\r\n-", b"\r\n", b"\r")
"""How the line of a boundary may have begun, where octets have yet to come."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A boundary, and where it stands in the value that declares it, quotes and all."""

    name: bytes
    start: int
    end: int


def declared(content_type: bytes) -> Declared | None:
    """The boundary that a Content-Type's value declares; None where it declares none, or is no multipart's."""
    found = _PARAMETER.search(content_type) if _MULTIPART.match(content_type) else None
    if found is None:
        return None
    name = found["quoted"] or found[1]
    return Declared(name, *found.span(1)) if len(name) <= LONGEST else None


def anonymous(content_type: bytes) -> bytes:
    """A Content-Type's value without the name of its boundary."""
    found = declared(content_type)
    return content_type if found is None else content_type[: found.start] + b"\0" + content_type[found.end :]


class BodyDigest:
    """SHA-256 of the body of a multipart with that boundary: fed in pieces, the same however it is cut up."""

    def __init__(self, boundary: bytes) -> None:
        self._hash = hashlib.sha256()
        self._boundaries: list[bytes] = []
        self._add(boundary)
        self._waiting = bytearray(b"\r\n")
        self._in_header = False
        self._left = MOST_LINES

    def feed(self, data: bytes) -> None:
        """The next octets of the body."""
        if not self._left:
            self._hash.update(data)
            return
        self._waiting += data
        while self._left and (self._read_header() if self._in_header else self._read_line()):
            self._left -= 1
        if not self._left:
            self._pass_on(len(self._waiting))

    def hexdigest(self) -> str:
        """Of all that came."""
        whole = self._hash.copy()
        whole.update(self._waiting)
        return whole.hexdigest()

    def _read_line(self) -> bool:
        """Pass on what stands before the next boundary, and its line; whether there was one."""
        found = self._lines.search(self._waiting)
        if found is None:
            self._pass_on(self._until())
            return False
        number, closing, padding = self._boundaries.index(found[1]), found[2] or b"", found[3]
        end = found.end()
        self._pass_on(found.start())
        self._hash.update(b"\r\n--\0%d\0%b%b" % (number, closing, padding))
        del self._waiting[: end - found.start()]
        self._in_header = not closing
        return True

    def _until(self) -> int:
        """How much of what waits can be no part of a boundary's line, whatever comes behind it."""
        size = len(self._waiting)
        begun = self._waiting.rfind(b"\r\n--", max(size - _HELD, 0))
        if begun >= 0:
            return begun
        return next((size - len(each) for each in _BEGUN if self._waiting.endswith(each)), size)

    def _read_header(self) -> bool:
        """Pass on the header of a part, with the boundary it declares by its number; whether it has come whole.

        What waits begins with the line end before it. It ends at a blank line, or is broken off by a boundary.
        """
        end = self._ends.search(self._waiting, 0, HEADER_LIMIT + _HELD)
        if end is None and len(self._waiting) < HEADER_LIMIT + _HELD:
            return False
        self._in_header = False
        if end is not None and end.start() <= HEADER_LIMIT:
            is_blank = end[1] is None
            value = self._pass_on_header(end.start())
            if is_blank and _A_MAIL.match(value):  # the header of the mail within follows
                self._pass_on(len(b"\r\n"))
                self._in_header = True
        return True

    def _pass_on_header(self, end: int) -> bytes:
        """The value of its Content-Type."""
        header = bytes(self._waiting[:end])
        del self._waiting[:end]
        found = _TYPE.search(header)
        value, start = (found[1], found.start(1)) if found is not None else (b"", 0)
        inner = declared(value)
        if inner is not None and len(self._boundaries) < MOST:
            self._add(inner.name)
            number = self._boundaries.index(inner.name)
            header = header[: start + inner.start] + b"\0%d\0" % number + header[start + inner.end :]
        self._hash.update(header)
        return value

    def _pass_on(self, count: int) -> None:
        self._hash.update(self._waiting[:count])
        del self._waiting[:count]

    def _add(self, boundary: bytes) -> None:
        if boundary not in self._boundaries:
            self._boundaries.append(boundary)
            names = b"|".join(re.escape(each) for each in self._boundaries)
            line = rb"\r\n--(" + names + rb")(--)?([ \t]{0,60})(?=\r\n)"
            self._lines, self._ends = re.compile(line), re.compile(line + rb"|\r\n(?=\r\n)")
