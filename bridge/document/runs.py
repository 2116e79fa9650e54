"""Bitmaps whose dots are coded in runs (RLE8 and RLE4 of Windows, RLE24 of OS/2), in greys. Runs in the child.

Dots that the runs leap over are nobody's, and count as paper. Pillow mistakes runs of four bits, and does not know
those of 24.
"""

import struct

from PIL import Image

_FILE_HEAD, _LEAST = 14, 40
_RLE8, _RLE4, _RLE24 = 1, 2, 4
_BITS = {_RLE8: 8, _RLE4: 4, _RLE24: 24}
_END_OF_LINE, _END, _LEAP = 0, 1, 2
_METRE = 39.37
"""Inches."""


class CutShort(ValueError):
    """The runs end before the picture does."""


def concerns(content: bytes) -> bool:
    """Whether the bitmap is coded so."""
    if len(content) < _FILE_HEAD + _LEAST or int.from_bytes(content[14:18], "little") < _LEAST:
        return False
    bits, coding = struct.unpack_from("<HI", content, 28)
    return bool(_BITS.get(coding) == bits)


def grey(content: bytes) -> Image.Image:
    """The picture. Raises CutShort, and Image.DecompressionBombError where it is too large."""
    start, size, width, height = struct.unpack_from("<IIii", content, 10)
    bits, _, _, across, down, colours = struct.unpack_from("<HIIiiI", content, 28)
    if width < 1 or height < 1:
        raise CutShort("no dots")
    if width * height > (Image.MAX_IMAGE_PIXELS or width * height):
        raise Image.DecompressionBombError("too many dots")
    at = _FILE_HEAD + size
    has_palette = bits != _BITS[_RLE24]
    shades = _shades(content[at : at + 4 * min(colours or 1 << bits, 1 << bits)]) if has_palette else b""
    drawn = _drawn(content[start:], (width, height), bits, shades)
    found = Image.frombytes("L", (width, height), bytes(drawn)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    found.info["dpi"] = (across / _METRE, down / _METRE)
    return found


def _shades(palette: bytes) -> bytes:
    """The grey of each number, and black for those that have no colour."""
    greys = (_shade(palette[at : at + 3]) for at in range(0, len(palette) - 2, 4))
    return bytes(greys).ljust(256, b"\0")


def _shade(colour: bytes) -> int:
    blue, green, red = colour
    return round(red * 0.299 + green * 0.587 + blue * 0.114)


def _drawn(data: bytes, size: tuple[int, int], bits: int, shades: bytes) -> bytearray:
    """The greys, from the lowest row up."""
    width, height = size
    drawn = bytearray(b"\xff") * (width * height)
    each = max(1, bits // 8)
    at = across = row = 0
    while at + 1 < len(data) and row < height:
        count, value = data[at], data[at + 1]
        if count:
            dots = _greys(data[at + 1 : at + 1 + each], bits, shades)
            dots = (dots * count)[:count]
            at += 1 + each
        elif value == _END_OF_LINE:
            at, across, row = at + 2, 0, row + 1
            continue
        elif value == _END:
            return drawn
        elif value == _LEAP:
            across, row = across + sum(data[at + 2 : at + 3]), row + sum(data[at + 3 : at + 4])
            at += 4
            continue
        else:
            length = -(-value * bits // 8)
            dots = _greys(data[at + 2 : at + 2 + length], bits, shades)[:value]
            at += 2 + length + length % 2
        shown = dots[: max(0, width - across)]
        first = row * width + across
        drawn[first : first + len(shown)] = shown
        across += len(dots)
    if row < height - 1 or (row == height - 1 and across < width):
        raise CutShort("runs")
    return drawn


def _greys(data: bytes, bits: int, shades: bytes) -> bytes:
    """What these bytes show, one grey a dot."""
    if bits == 8:  # noqa: PLR2004 - a byte a dot
        return data.translate(shades)
    if bits == 4:  # noqa: PLR2004 - two dots in a byte
        return bytes(half for value in data for half in (value >> 4, value & 15)).translate(shades)
    return bytes(_shade(data[at : at + 3]) for at in range(0, len(data) - 2, 3))
