"""Whether a PDF that opened has lost something. Runs in the child.

The library repairs in silence what it can, and what was lost is lost in silence too: pages may be missing.
"""

import re
import zlib
from collections.abc import Container
from dataclasses import dataclass

import pikepdf

from bridge.document import images

_BROKEN = re.compile("endstream|stream length|decoding stream|unexpected EOF|premature eof")
"""In a warning of the library's: it had to guess."""
_REBUILT = re.compile("reconstruct")
"""In a warning of the library's: it had to look for all objects."""

_NO_MEMORY = "bad_alloc"

_OBJECT = re.compile(rb"(?<![0-9])(\d{1,10}) (\d{1,5}) obj\b")
_TABLE = re.compile(rb"(?<!start)xref\s+((?:\d+ \d+\s+(?:\d{10} \d{5} [nf]\s*)+)+)trailer\b")
_SECTION = re.compile(rb"(\d+) (\d+)\s+((?:\d{10} \d{5} [nf]\s*)+)")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])")
_START = re.compile(rb"startxref\s+(\d{1,10})")
_PLAINLY_WRONG = 20
"""A table's place below that is no place at all: a program's mistake, and not one that lost bytes would make."""

_COLOURS = {
    **dict.fromkeys(("/DeviceGray", "/CalGray", "/Indexed", "/Separation"), 1),
    **dict.fromkeys(("/DeviceRGB", "/CalRGB", "/Lab"), 3),
    "/DeviceCMYK": 4,
}
_PICTURES = ("/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode")


@dataclass(frozen=True, slots=True)
class Damage:
    """Whether something may be gone, and whether all objects had to be looked for."""

    broken: bool
    rebuilt: bool


def find(pdf: pikepdf.Pdf, content: bytes, looked_at_later: Container[tuple[int, int]] = ()) -> Damage:
    """What is wrong: a stream that is cut short or cannot be unpacked, an object that is missing.

    Where only the places of its objects are wrong, and all by as much, it is repaired and whole (ISO 32000-1, 7.5.4).
    Pictures of these object numbers are taken apart later anyway, and are not here.
    """
    cut_short = _has_cut_streams(pdf, looked_at_later)
    warnings = [str(warning) for warning in pdf.get_warnings()]  # the library tells each of them once
    rebuilt = any(map(_REBUILT.search, warnings))
    try:
        broken = cut_short or any(map(_BROKEN.search, warnings)) or (rebuilt and not _is_whole(pdf, content))
    except pikepdf.PdfError:
        broken = True
    return Damage(broken, rebuilt)


def _has_cut_streams(pdf: pikepdf.Pdf, looked_at_later: Container[tuple[int, int]]) -> bool:
    try:
        return any(
            isinstance(item, pikepdf.Stream) and item.objgen not in looked_at_later and is_cut_short(item)
            for item in pdf.objects
        )
    except pikepdf.PdfError:
        return True


def _is_whole(pdf: pikepdf.Pdf, content: bytes) -> bool:
    return _is_all_there(content) and not _lacks(pdf)


def unpacked(stream: pikepdf.Object) -> bytes:
    """What a stream holds that is no packed picture; raises PdfError where it cannot be unpacked to its end.

    Raises MemoryError where it is too large: the library calls that damage, too.
    """
    try:
        return stream.read_bytes(pikepdf.StreamDecodeLevel.specialized)
    except pikepdf.PdfError as error:
        if _NO_MEMORY in str(error):
            raise MemoryError from error
        raise


def _is_all_there(content: bytes) -> bool:
    """Whether a file has one table of its objects, by which nothing from the first to the table itself is gone.

    Bytes that were lost in between would have moved what follows, and not what is before.
    """
    tables, starts = list(_TABLE.finditer(content)), list(_START.finditer(content))
    if len(tables) != 1 or len(starts) != 1:
        return False
    places: dict[tuple[int, int], list[int]] = {}
    for found in _OBJECT.finditer(content):
        places.setdefault((int(found[1]), int(found[2])), []).append(found.start())
    moved = set()
    for first, _, entries in _SECTION.findall(tables[0][1]):
        for at, (offset, generation, kind) in enumerate(_ENTRY.findall(entries)):
            if kind == b"n":
                here = places.get((int(first) + at, int(generation)), [])
                moved.add(here[0] - int(offset) if len(here) == 1 else None)
    start = int(starts[0][1])
    if start >= _PLAINLY_WRONG:
        moved.add(tables[0].start() - start)
    return len(moved) == 1 and None not in moved


def _lacks(pdf: pikepdf.Pdf) -> bool:
    """Whether an object is not there (the library has None for it) or altered, or pages are too few."""
    items: list[object] = list(pdf.objects)
    return any(item is None or (isinstance(item, pikepdf.Stream) and is_altered(item)) for item in items) or int(
        pdf.Root.Pages.get("/Count", -1)
    ) != len(pdf.pages)


def is_altered(stream: pikepdf.Stream) -> bool:
    """Whether packed bytes are not those that were packed: they end with a checksum, which the library lets be."""
    if stream.get("/Filter") != "/FlateDecode":
        return False
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(stream.read_raw_bytes())
    except zlib.error:
        return True
    return not unpacking.eof


def is_cut_short(stream: pikepdf.Stream) -> bool:
    """Whether what is in it ends too early; raises PdfError where it cannot be unpacked to its end."""
    kinds = str(stream.get("/Filter", ""))
    if "/DCTDecode" in kinds and "[" not in kinds:
        return _is_cut_picture(stream.read_raw_bytes())
    if any(kind in kinds for kind in _PICTURES):
        stream.read_raw_bytes()
    else:
        return _lacks_rows(stream, len(unpacked(stream)))
    return False


def _lacks_rows(stream: pikepdf.Stream, length: int) -> bool:
    """Whether a picture of so many unpacked bytes is a row or more short: each program shows there what it likes."""
    if stream.get("/Subtype") != "/Image":
        return False
    is_mask = stream.get("/ImageMask", False)
    bits = 1 if is_mask else int(stream.get("/BitsPerComponent", 0)) * _colours(stream.get("/ColorSpace"))
    row = -(-int(stream.get("/Width", 0)) * bits // 8)
    return row > 0 and length <= row * (int(stream.get("/Height", 0)) - 1)


def _colours(space: pikepdf.Object | None) -> int:
    """How many numbers a dot has (ISO 32000-1, 8.6); 0 where that is not plain."""
    family = str(space[0] if isinstance(space, pikepdf.Array) else space)
    if family in _COLOURS:
        return _COLOURS[family]
    if family == "/ICCBased" and isinstance(space, pikepdf.Array):
        return int(space[1].get("/N", 0))
    return len(space[1]) if family == "/DeviceN" and isinstance(space, pikepdf.Array) else 0


def _is_cut_picture(jpeg: bytes) -> bool:
    try:
        images.jpeg(jpeg, (1, 1))
    except images.DAMAGES:
        return True
    return False
