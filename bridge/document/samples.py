"""Pictures of a TIFF whose dots are told in ways that Pillow does not read, or not rightly: as greys. In the child.

Sixteen bits and more to a dot, bits that fill no byte, planes that lie apart, more inks than four, clear parts between
the inks. libtiff, by way of Pillow, unpacks their bytes; what these mean is worked out here. Of each number its eight
highest bits count, which is more than a fax line has.
"""

import io
from array import array
from itertools import accumulate

from PIL import Image, ImageChops, ImageOps, TiffImagePlugin

from bridge.document import tiff
from bridge.document.tiff import Directory

_PLAIN_CODINGS = {1, 5, 8, 32773, 32946, 34925, 50000}
"""None, LZW, Deflate, PackBits, LZMA, Zstandard: those to which it is all the same what the bytes mean."""

WHITE_IS_NOUGHT, BLACK_IS_NOUGHT, RGB, PALETTE, INKS, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
RAW = {32803, 34892}
"""What a camera's sensor saw, as no viewer shows it."""

_COLOURS = {WHITE_IS_NOUGHT: 1, BLACK_IS_NOUGHT: 1, RGB: 3, PALETTE: 1, INKS: 4, LAB: 3}
_UNSIGNED = {1, 4}
_FLOATING = {3, 5, 6}
_SEPARATE = 2
_MULTIPLIED, _CLEAR = 1, 2
"""What an extra sample may be: how much is seen of a dot, which its colours know already, or do not."""

_DIFFERENCES = 2
_MOST_ODD_BYTES = 40_000_000
"""Of a picture whose numbers fill no bytes: each bit takes one meanwhile."""

_TYPECODES = {8: "B", 16: "H", 32: "I"}


class Unknown(ValueError):
    """What the dots mean is not told, or not known here."""


def is_measured(page: Directory) -> bool:
    """Whether its numbers are no shades: fractions, or some below nought, of which nobody says which is white."""
    kind, bits = page.value(tiff.FORMAT), page.value(tiff.BITS)
    return kind in _FLOATING or (kind == 2 and bits > 8)  # noqa: PLR2004 - signed, and more than a byte


def is_raw(page: Directory) -> bool:
    """Whether it is a camera's raw picture."""
    return page.space in RAW


def concerns(page: Directory) -> bool:
    """Whether it is read here, and not by Pillow alone."""
    space, bits = page.space, page.value(tiff.BITS)
    if page.value(tiff.COMPRESSION) not in _PLAIN_CODINGS or space not in _COLOURS:
        return False
    if len(set(page.fields.get(tiff.BITS, (1,)))) > 1 or page.value(tiff.FORMAT) not in _UNSIGNED:
        return False
    if page.is_big and page.order == ">" and bits >= 8:  # noqa: PLR2004 - which Pillow takes for something else
        return True
    extra, together = page.value(tiff.SAMPLES) - _COLOURS[space], page.value(tiff.PLANAR) != _SEPARATE
    if space == PALETTE or extra < 0:
        return extra >= 0 and bits in {1, 2, 4, 8, 16}
    if space in {WHITE_IS_NOUGHT, BLACK_IS_NOUGHT}:
        return extra > 0 or bits not in {1, 2, 4, 8}
    if space == RGB and extra <= 1:
        return bits != 8 and not (bits == 16 and together)  # noqa: PLR2004 - which Pillow reads
    return extra > 0 or bits != 8  # noqa: PLR2004 - likewise


def grey(content: bytes, page: Directory) -> Image.Image:
    """The picture in greys, on white. Raises Unknown, or what Pillow raises on damage."""
    samples = _Samples(content, page)
    space = page.space
    if space == PALETTE:
        seen = samples.read(0, _palette(page))
    elif space in {WHITE_IS_NOUGHT, BLACK_IS_NOUGHT}:
        seen = samples.shade(0)
        seen = ImageOps.invert(seen) if space == WHITE_IS_NOUGHT else seen
    elif space == LAB:
        seen = samples.shade(0)
    else:
        mode = "RGB" if space == RGB else "CMYK"
        seen = Image.merge(mode, [samples.shade(at) for at in range(len(mode))]).convert("RGB").convert("L")
    return _on_white(seen, samples, page)


def _on_white(seen: Image.Image, samples: "_Samples", page: Directory) -> Image.Image:
    space = page.space
    for at, meaning in enumerate(page.fields.get(tiff.EXTRA_SAMPLES, ()), _COLOURS[space]):
        if meaning == _CLEAR:
            white = Image.new("L", seen.size, 255)
            return Image.composite(seen, white, samples.shade(at))
        if meaning == _MULTIPLIED and space not in {INKS, WHITE_IS_NOUGHT}:
            return ImageChops.add(seen, ImageOps.invert(samples.shade(at)))
    return seen


def _palette(page: Directory) -> list[int]:
    """The grey of each colour. Some programs write eight bits where sixteen belong."""
    colours = page.fields.get(tiff.COLOURS, ())
    each = len(colours) // 3
    if not each:
        raise Unknown("no colours")
    scale = 1 if max(colours) > 255 else 256  # noqa: PLR2004 - a byte
    parts = (colours[:each], colours[each : 2 * each], colours[2 * each : 3 * each])
    return [
        min(255, round((red * 0.299 + green * 0.587 + blue * 0.114) * scale / 256))
        for red, green, blue in zip(*parts, strict=True)
    ]


class _Samples:
    """The numbers of a picture, one plane of them at a time."""

    def __init__(self, content: bytes, page: Directory) -> None:
        self._page = page
        self._bits = page.value(tiff.BITS)
        self._samples = page.value(tiff.SAMPLES)
        self._apart = page.value(tiff.PLANAR) == _SEPARATE
        self._blocks = page.blocks(content)
        self._together: bytes | None = None
        self._one_a_dot = (self._apart or self._samples == 1) and self._bits in {8, 16}
        if not 1 <= self._bits <= 64:  # noqa: PLR2004 - of a long word
            raise Unknown("bits of a dot")

    def shade(self, at: int) -> Image.Image:
        """A plane from 0 to 255."""
        if self._bits == 16:  # noqa: PLR2004 - where the darkest shades may be all there are
            return self.read(at, None)
        most = (1 << min(self._bits, 8)) - 1
        return self.read(at, [round(value * 255 / most) for value in range(most + 1)])

    def read(self, at: int, table: list[int] | None) -> Image.Image:
        """A plane, each number replaced by what stands in the table for its (highest) bits; 16 bits whole."""
        if self._bits == 16 and self._one_a_dot:  # noqa: PLR2004 - which Pillow knows
            deep = self._opened(at).convert("I")
            table = _scale(deep, self._page, is_shade=not at) if table is None else table
            return deep.point([*table, *[table[-1]] * (1 << 16)][: 1 << 16], "L")
        plane = Image.frombytes("L", self._page.size, self._highest(at))
        if self._bits >= 8 or table is None:  # noqa: PLR2004 - a byte
            return plane if table is None else plane.point([*table, *[table[-1]] * 256][:256])
        low = 8 - self._bits
        return plane.point([table[min(value >> low, len(table) - 1)] for value in range(256)])

    def _highest(self, at: int) -> bytes:
        """The eight highest bits of each number of a plane."""
        if self._apart:
            data, samples, at = self._unpacked(at), 1, 0
        else:
            if self._together is None:
                self._together = self._unpacked(0)
            data, samples = self._together, self._samples
        if self._bits % 8:
            return self._odd(data, samples, at)
        size = self._bits // 8
        return data[at * size + (size - 1 if self._page.order == "<" else 0) :: samples * size]

    def _odd(self, data: bytes, samples: int, at: int) -> bytes:
        """Of numbers that do not begin with a byte."""
        width, height = self._page.size
        if len(data) > _MOST_ODD_BYTES:
            raise Unknown("too many dots of an odd size")
        spread = f"{int.from_bytes(data):0{len(data) * 8}b}".encode()
        rows = Image.frombytes("L", (len(data) * 8 // height, height), spread)
        step = samples * self._bits
        bits = rows.crop((0, 0, width * step, height)).tobytes()
        found = Image.new("L", self._page.size, 0)
        for place in range(min(self._bits, 8)):
            plane = Image.frombytes("L", self._page.size, bits[at * self._bits + place :: step])
            worth = 128 >> place
            found = ImageChops.add(found, plane.point([worth if value == ord("1") else 0 for value in range(256)]))
        return found.tobytes()

    def _unpacked(self, at: int) -> bytes:
        """The bytes of the plane, or of all where they lie together."""
        data = self._opened(at).tobytes()
        summed = self._one_a_dot or self._page.value(tiff.PREDICTOR) != _DIFFERENCES
        return data if summed else self._summed(data)

    def _opened(self, at: int) -> Image.Image:
        """What libtiff unpacks, as if it were shades of grey: one number a dot, or else the bytes of a row."""
        page = self._page
        width, height = page.size
        fields = {
            tiff.WIDTH: [self._across(width)],
            tiff.LENGTH: [height],
            tiff.BITS: [self._bits if self._one_a_dot else 8],
            tiff.COMPRESSION: [page.value(tiff.COMPRESSION)],
            tiff.PHOTOMETRIC: [BLACK_IS_NOUGHT],
            tiff.FILL_ORDER: [page.value(tiff.FILL_ORDER)],
        }
        tiled = tiff.TILES in page.fields
        if tiled:
            fields |= {tiff.TILE_WIDTH: [self._across(page.value(tiff.TILE_WIDTH))]}
            fields |= {tiff.TILE_LENGTH: [page.value(tiff.TILE_LENGTH)]}
        else:
            fields |= {tiff.ROWS_PER_STRIP: [min(height, page.value(tiff.ROWS_PER_STRIP, height) or height)]}
        if self._one_a_dot:  # libtiff sums up what it can
            fields |= {tiff.PREDICTOR: [page.value(tiff.PREDICTOR)]}
        blocks = self._blocks
        if self._apart:
            each = len(blocks) // self._samples
            blocks = blocks[at * each : (at + 1) * each]
        file = io.BytesIO(tiff.written(fields, blocks, tiled=tiled, order=page.order))
        with TiffImagePlugin.TiffImageFile(file) as unpacked:
            return unpacked.copy()

    def _across(self, dots: int) -> int:
        """So many numbers, or bytes, make a row of so many dots, or a tile's."""
        samples = 1 if self._apart else self._samples
        return dots if self._one_a_dot else -(-dots * samples * self._bits // 8)

    def _summed(self, data: bytes) -> bytes:
        """Each number the sum of those before it in its row, or in its tile's, as TIFF 6.0 has it in section 14."""
        if self._bits not in _TYPECODES:
            raise Unknown("differences")
        numbers = array(_TYPECODES[self._bits], data)
        swap = self._page.order == ">"
        if swap:
            numbers.byteswap()
        samples = 1 if self._apart else self._samples
        width, height = self._page.size
        stretch, most = min(self._page.value(tiff.TILE_WIDTH, width), width), (1 << self._bits) - 1
        for row in range(0, width * height, width):
            for start in range(row, row + width, stretch):
                end = min(start + stretch, row + width) * samples
                for first in range(start * samples, start * samples + samples):
                    summed = accumulate(numbers[first:end:samples], lambda total, each: (total + each) & most)
                    numbers[first:end:samples] = array(numbers.typecode, summed)
        if swap:
            numbers.byteswap()
        return numbers.tobytes()


def _scale(deep: Image.Image, page: Directory, *, is_shade: bool) -> list[int]:
    """The shade of each number of 16 bits: up to what is said to be the highest, or what can be.

    Where black is nought and none reaches a quarter of that, the numbers are of fewer bits, as scanners that see twelve
    of them write: they go up to the next power of two.
    """
    top = page.value(tiff.HIGHEST, (1 << 16) - 1)
    found = int(str(deep.getextrema()[1]))
    dark = is_shade and page.space == BLACK_IS_NOUGHT and tiff.HIGHEST not in page.fields
    if dark and found < 1 << 14:
        top = (1 << max(8, found.bit_length())) - 1
    top = top if 0 < top < 1 << 16 else (1 << 16) - 1
    return [min(255, round(value * 255 / top)) for value in range(1 << 16)]
