"""Bitmaps of Windows and OS/2 whose head Pillow does not know, or whose colours lie in bits that it does not know.

OS/2 wrote heads of any length from 16 bytes to 64, a pointer's tip where nothing should be, and several bitmaps in one
file, for screens of several kinds; the first is taken. Some programs tell more colours than the dots can have, or leave
out the head of the file, as the clipboard does. Runs in the child.
"""

import struct
from collections.abc import Sequence

from PIL import Image, ImageChops

ARRAY, BITMAP = b"BA", b"BM"
_FILE_HEAD = 14
_LEAST, _USUAL, _MOST_OS2 = 16, 40, 64
_KNOWN = {12, 40, 52, 56, 64, 108, 124}
_HEAD_ALONE, _OLDEST = b"\x28\0\0\0", b"\x0c\0\0\0"
"""How a head of 40 bytes begins, and one of twelve."""
_DEPTHS = {1, 4, 8, 16, 24, 32}
_BY_MASKS, _BY_FOUR_MASKS = 3, 6
_PALETTES = {1, 4, 8}
_PILLOWS = {
    16: {(0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)},
    32: {(0xFF0000, 0xFF00, 0xFF), (0xFF000000, 0xFF0000, 0xFF00), (0xFF, 0xFF00, 0xFF0000)},
}
"""What Pillow reads, faster."""
_MASKS = struct.Struct("<3I")
_MASKS_AT = _FILE_HEAD + 40
_ALPHA_AT = _MASKS_AT + _MASKS.size
_WITH_ALPHA = 56
"""A head so long has a mask for what is clear."""


def is_one(content: bytes) -> bool:
    """Whether it begins as a bitmap does, with a head of its file or without."""
    if content[:4] == _HEAD_ALONE:
        return _has_depth(content[: _FILE_HEAD + 30]) and int.from_bytes(content[16:20], "little") <= _BY_FOUR_MASKS
    if content[:2] == ARRAY:
        content = content[_FILE_HEAD : _FILE_HEAD + 40]
    header = int.from_bytes(content[14:18], "little")
    known = content[:2] == BITMAP and (header in _KNOWN or _LEAST <= header <= _MOST_OS2)
    return known and (content[6:10] == b"\0\0\0\0" or _has_depth(content[14:]))


def _has_depth(head: bytes) -> bool:
    """Whether it tells one plane, of a depth that there is."""
    at = 8 if head[:4] == _OLDEST else 12
    planes, bits = (int.from_bytes(head[place : place + 2], "little") for place in (at, at + 2))
    return planes == 1 and bits in _DEPTHS


def _with_file_head(content: bytes) -> bytes:
    bits, coding = struct.unpack_from("<HI", content, 14)
    (colours,) = struct.unpack_from("<I", content, 32)
    palette = 4 * min(colours or 1 << bits, 1 << bits) if bits in _PALETTES else 0
    masks = {_BY_MASKS: 12, _BY_FOUR_MASKS: 16}.get(coding, 0)
    start = _FILE_HEAD + _USUAL + palette + masks
    return struct.pack("<2sIII", BITMAP, _FILE_HEAD + len(content), 0, start) + content


def plain(content: bytes) -> bytes:
    """The (first) bitmap with a head that Pillow knows."""
    if content[:4] == _HEAD_ALONE and len(content) >= _USUAL:
        content = _with_file_head(content)
    if content[:2] == ARRAY:
        start = int.from_bytes(content[_FILE_HEAD + 10 : _FILE_HEAD + 14], "little") - _FILE_HEAD
        content = content[_FILE_HEAD:][:10] + struct.pack("<I", max(0, start)) + content[_FILE_HEAD + 14 :]
    size = int.from_bytes(content[14:18], "little")
    if _LEAST <= size < _USUAL:
        added = _USUAL - size
        (start,) = struct.unpack_from("<I", content, 10)
        head = content[:10] + struct.pack("<II", start + added, _USUAL) + content[18 : _FILE_HEAD + size] + bytes(added)
        content = head + content[_FILE_HEAD + size :]
    if size >= _LEAST and len(content) >= _FILE_HEAD + _USUAL:
        bits, colours = struct.unpack_from("<H", content, 28)[0], struct.unpack_from("<I", content, 46)[0]
        if bits in _PALETTES and colours > 1 << bits:
            content = content[:46] + struct.pack("<I", 1 << bits) + content[50:]
    return content


def by_masks(content: bytes) -> Image.Image | None:
    """One whose colours lie in bits that Pillow does not know, in greys on white; None if it is no such."""
    if len(content) < _ALPHA_AT + 4 or int.from_bytes(content[14:18], "little") < _USUAL:
        return None
    start, size, width, height = struct.unpack_from("<IIii", content, 10)
    bits, coding = struct.unpack_from("<HI", content, 28)
    masks = [*_MASKS.unpack_from(content, _MASKS_AT)]
    if size >= _WITH_ALPHA or coding == _BY_FOUR_MASKS:
        masks += struct.unpack_from("<I", content, _ALPHA_AT)
    if coding not in {_BY_MASKS, _BY_FOUR_MASKS} or bits not in _PILLOWS or not all(masks[:3]):
        return None
    if coding == _BY_MASKS and tuple(masks[:3]) in _PILLOWS[bits]:
        return None
    if width < 1 or not height:
        return None
    stride = -(-width * bits // 32) * 4
    rows = content[start : start + stride * abs(height)]
    if len(rows) < stride * abs(height):
        return None  # Pillow says of it what is wrong
    size_with_padding = (stride * 8 // bits, abs(height))
    found = _greys(rows, size_with_padding, bits, masks).crop((0, 0, width, abs(height)))
    return found if height < 0 else found.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def _greys(rows: bytes, size: tuple[int, int], bits: int, masks: Sequence[int]) -> Image.Image:
    """Each dot as the grey that its bits are, on white. What 32 bits mean is the sum of what their halves mean."""
    grey, seen = Image.new("L", size, 0), Image.new("L", size, 0)
    for at in range(0, bits // 8, 2):
        half = bytearray(2 * size[0] * size[1])
        half[0::2], half[1::2] = rows[at :: bits // 8], rows[at + 1 :: bits // 8]
        words = Image.frombytes("I;16", size, bytes(half)).convert("I")
        shares = [[_share(value << at * 8, mask) for value in range(1 << 16)] for mask in masks]
        lights = [red * 0.299 + green * 0.587 + blue * 0.114 for red, green, blue in zip(*shares[:3], strict=True)]
        grey = ImageChops.add(grey, words.point([round(255 * light) for light in lights], "L"))
        if len(shares) > 3:  # noqa: PLR2004 - a mask for what is clear
            seen = ImageChops.add(seen, words.point([round(255 * share) for share in shares[3]], "L"))
    if seen.getextrema() == (0, 0):
        return grey  # no such mask, or nothing there: what programs leave that mean nothing by it
    return Image.composite(grey, Image.new("L", size, 255), seen)


def _share(value: int, mask: int) -> float:
    return (value & mask) / mask if mask else 0.0
