"""The end of DATA and the dots before it (RFC 5321, 4.5.2), for chunks of any size; strict about line ends.

The one end is CR LF . CR LF. A bare CR, a bare LF or a NUL is an error, never an end and never quietly mended: what two
servers read differently can be smuggled past one of them.
"""

from dataclasses import dataclass

_END = b"\r\n.\r\n"
_STUFFED = b"\r\n."


class BadLine(ValueError):
    """A bare CR, a bare LF or a NUL."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Plain bytes of the message; ``rest`` is None until the end was seen, then what came after it."""

    plain: bytes
    rest: bytes | None = None


class DotDecoder:
    """Feed it what the connection gives; it hands back the message without its stuffing."""

    def __init__(self) -> None:
        self._held = b"\r\n"  # the end of the DATA command's line: an empty message ends with it
        self._virtual = 2

    def feed(self, chunk: bytes) -> Decoded:
        """The plain bytes that are certain so far. Raises BadLine; nothing may be fed after that or after the end."""
        data = self._held + chunk
        end = data.find(_END)
        if end >= 0:
            return Decoded(self._plain(data[: end + 2]), data[end + len(_END) :])
        keep = next((size for size in range(len(_END) - 1, 0, -1) if data.endswith(_END[:size])), 0)
        certain = len(data) - keep
        self._held = data[certain:]
        return Decoded(self._plain(data[:certain]))

    def _plain(self, data: bytes) -> bytes:
        lines = data.count(b"\r\n")
        if data.count(b"\r") != lines or data.count(b"\n") != lines or b"\0" in data:
            raise BadLine
        plain = data.replace(_STUFFED, b"\r\n")[self._virtual :]
        if data:
            self._virtual = 0
        return plain
