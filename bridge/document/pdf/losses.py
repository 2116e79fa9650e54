"""Whether a page of a damaged PDF may have lost something, though programs open it. Runs in the child.

A stream is whole if it is as long as it says, or ends as what packed it ends, or if the table of all objects shows
that no byte of the file is gone. Only what a page draws counts.
"""

import re
import zlib
from collections.abc import Iterator

import pikepdf

from bridge.document import damage

REBUILT = re.compile("reconstruct")
"""So the library says when it had to look for all objects, since the table of where they are is wrong or missing."""

_DRAWN = ("/Contents", "/Resources", "/Annots", "/Group")
"""What of a page leads to what is drawn."""
_NOT_DRAWN = {
    *("/Parent", "/P", "/Dest", "/A", "/AA", "/Popup", "/IRT", "/Metadata", "/PieceInfo", "/StructParent"),
    *("/ToUnicode", "/Alternates", "/OPI", "/Properties", "/FS", "/Sound", "/Movie", "/RichMediaContent"),
}
_REFERENCE = re.compile(rb"(?<![\w.])(\d{1,10}) (\d{1,5}) R\b")
_STRING = re.compile(rb"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_LINE_END = 2
"""Bytes that may stand between a stream and the word that ends it, and be counted or not."""
_TAIL = 1 << 16
_MOST_OBJECTS = 200_000


def is_cut_off(content: bytes) -> bool:
    """Whether the file ends within one of its objects."""
    tail = content[-_TAIL:]
    last = tail.rfind(b" obj")
    return last >= 0 and b"endobj" not in tail[last:] and b"endstream" not in tail[last:]


def lacks_something(pdf: pikepdf.Pdf, page: pikepdf.Page) -> bool:
    """Whether something that the page draws is not there, cut short or altered."""
    rebuilt = any(REBUILT.search(str(warning)) for warning in pdf.get_warnings())
    for item in _drawn(page):
        if isinstance(item, pikepdf.Stream) and _is_damaged(item, rebuilt=rebuilt):
            return True
        if rebuilt and _points_nowhere(pdf, item):
            return True
    return False


def _drawn(page: pikepdf.Page) -> Iterator[pikepdf.Object]:
    """All dictionaries, lists and streams that lead to ink."""
    todo: list[pikepdf.Object] = [page.obj[name] for name in _DRAWN if name in page.obj]
    seen: set[tuple[int, int]] = set()
    count = 0
    while todo and count < _MOST_OBJECTS:
        item = todo.pop()
        count += 1
        if isinstance(item, pikepdf.Array):
            todo.extend(list(item))
            yield item
        elif isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
            if item.is_indirect:
                if item.objgen in seen:
                    continue
                seen.add(item.objgen)
            if item.get("/Type") in {"/Page", "/Pages"}:
                continue
            todo.extend(
                each for name, each in item.items() if name not in _NOT_DRAWN and isinstance(each, pikepdf.Object)
            )
            yield item


def _points_nowhere(pdf: pikepdf.Pdf, item: pikepdf.Object) -> bool:
    """Whether it names an object that the file does not have."""
    if isinstance(item, pikepdf.Stream):
        item = item.stream_dict
    written = _STRING.sub(b"", item.unparse())
    return any(pdf.get_object(int(found[1]), int(found[2])) is None for found in _REFERENCE.finditer(written))


def _is_damaged(stream: pikepdf.Stream, *, rebuilt: bool) -> bool:
    raw = stream.read_raw_bytes()
    try:
        if damage.is_cut_short(stream):
            return not _is_packed_whole(stream, raw)
    except (pikepdf.PdfError, ValueError, RuntimeError, TypeError):
        return not _is_packed_whole(stream, raw)
    told = stream.get("/Length", -1)
    if isinstance(told, int) and abs(told - len(raw)) <= _LINE_END:
        return damage.is_altered(stream)
    return damage.is_altered(stream) or (rebuilt and stream.get("/Filter") != "/FlateDecode")


def _is_packed_whole(stream: pikepdf.Stream, raw: bytes) -> bool:
    """Whether packed bytes end where packing ended; only the checksum behind them may be missing."""
    if stream.get("/Filter") != "/FlateDecode" or len(raw) < 3:  # noqa: PLR2004 - two bytes of head
        return False
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unpacking.decompress(raw[2:])
    except zlib.error:
        return False
    return unpacking.eof and len(unpacking.unused_data) < 4  # noqa: PLR2004 - the checksum
