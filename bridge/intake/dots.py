"""The end of DATA and the dots before it (RFC 5321, 4.5.2), for chunks of any size; strict about line ends.

The one end is CR LF . CR LF. A bare CR, a bare LF or a NUL is an error, never an end and never quietly mended: what two
servers read differently can be smuggled past one of them. For named machines that end lines with a bare LF there is
``LenientDecoder``, which mends those, and to which everything that only looks like an end is an error too.
"""

import re
from dataclasses import dataclass
from io import IncrementalNewlineDecoder
from typing import Protocol

_END = b"\r\n.\r\n"
_LINE_END = b"\r\n"
_STUFFED = re.compile(rb"\r\n\.")
"""As a pattern: its search is twice as fast as that of ``bytes``."""

_ONLY_CRLF = (None, "\r\n")
_HELD_LIMIT = 1_000_000
"""Octets of a line whose end has not come; the lenient decoder holds no more."""

LINE_LIMIT = 998
"""Octets of a line without its CR LF (RFC 5322, 2.1.1)."""


class BadLine(ValueError):
    """A bare CR, a bare LF or a NUL."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Plain bytes of the message; ``rest`` is None until the end was seen, then what came after it."""

    plain: bytes
    rest: bytes | None = None


class Decoder(Protocol):
    """Feed it what the connection gives; it hands back the message without its stuffing."""

    too_long: bool
    """Whether a line was longer than it may be."""

    def feed(self, chunk: bytes) -> Decoded:
        """The plain bytes that are certain so far. Raises BadLine; nothing may be fed after that or after the end."""
        ...


class DotDecoder:
    """The decoder for all. It goes over every byte as few times as can be, all of it in C: text is what the standard
    library's reader of line ends sees nothing in but CR LF, and a message without a dot has none to take away.
    """

    def __init__(self, line_limit: int | None = None) -> None:
        self._held = _LINE_END  # the end of the DATA command's line: an empty message ends with it
        self._virtual = 2
        self._ends = IncrementalNewlineDecoder(None, translate=False)
        self._limit = line_limit
        self._run = 0
        self.too_long = False

    def feed(self, chunk: bytes) -> Decoded:
        data = self._held + chunk if self._held else chunk
        dotted = b"." in data and _STUFFED.search(data) is not None
        end = data.find(_END) if dotted else -1
        if end >= 0:
            return Decoded(self._plain(data[: end + 2], dotted=dotted), data[end + len(_END) :])
        keep = 0
        if data.endswith((b"\r", b"\n", b".")):
            keep = next((size for size in range(len(_END) - 1, 0, -1) if data.endswith(_END[:size])), 0)
        certain = len(data) - keep
        self._held = data[certain:]
        return Decoded(self._plain(data[:certain] if keep else data, dotted=dotted))

    def _plain(self, data: bytes, *, dotted: bool) -> bytes:
        """``data`` never ends between CR and LF, but may end with a CR that is bare."""
        self._ends.decode(data.decode("latin-1"), final=data.endswith(b"\r"))
        if self._ends.newlines not in _ONLY_CRLF or b"\0" in data:
            raise BadLine
        plain = data.replace(b"\r\n.", _LINE_END) if dotted else data
        if self._limit is not None:
            self._measure(plain, self._limit)
        if self._virtual:
            plain = plain[self._virtual :]
            if data:
                self._virtual = 0
        return plain

    def _measure(self, data: bytes, limit: int) -> None:
        """Look for a line over the limit, one step a limit: within so many octets from a line's start one must end."""
        size, step, find_last = len(data), limit + 2, data.rfind
        start = find_last(b"\n", 0, max(step - self._run, 0)) + 1
        if not start:  # no line has ended yet: this one began before
            self._run += size
            if self._run >= step:
                self.too_long, self._limit = True, None
            return
        while size - start >= step:
            end = find_last(b"\n", start, start + step)
            if end < 0:
                self.too_long, self._limit = True, None
                return
            start = end + 1
        self._run = size - (find_last(b"\n", start) + 1 or start)


class LenientDecoder:
    """For named machines: a bare LF ends a line as well, and becomes CR LF.

    The end is still CR LF . CR LF alone. A dot by itself on a line that begins or ends otherwise is an error: such a
    line is an end to some servers and text to others.
    """

    def __init__(self) -> None:
        self._held = b""
        self._after_crlf = True
        self.too_long = False

    def feed(self, chunk: bytes) -> Decoded:
        lines: list[bytes] = []
        data, at = self._held + chunk, 0
        while (end := data.find(b"\n", at)) >= 0:
            whole = end > at and data[end - 1] == ord("\r")
            line = data[at : end - 1] if whole else data[at:end]
            at = end + 1
            if b"\r" in line or b"\0" in line:
                raise BadLine
            if line == b".":
                if not (whole and self._after_crlf):
                    raise BadLine
                return Decoded(b"".join(lines), data[at:])
            lines.append(line.removeprefix(b".") + _LINE_END)
            self._after_crlf = whole
        self._held = data[at:]
        if len(self._held) > _HELD_LIMIT:
            raise BadLine
        return Decoded(b"".join(lines))
