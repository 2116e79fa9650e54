"""Whether a page of a damaged PDF may have lost something, though programs open it. Runs in the child.

A stream is whole if it is as long as it says, or ends as what packed it ends, or if the table of all objects shows
that no byte of the file is gone. Only what a page draws counts.
"""

import re
import zlib
from collections.abc import Iterator

import pikepdf

from bridge.document import blank, damage

_DRAWN = ("/Contents", "/Resources", "/Annots", "/Group")
"""What of a page leads to what is drawn."""
_NOT_DRAWN = {
    *("/Parent", "/P", "/Dest", "/A", "/AA", "/Popup", "/IRT", "/Metadata", "/PieceInfo", "/StructParent"),
    *("/ToUnicode", "/Alternates", "/OPI", "/Properties", "/FS", "/Sound", "/Movie", "/RichMediaContent"),
}
_DO = re.compile(rb"(/[^\s/<>\[\]()]+)\s+Do\b")
"""Draws a picture or a drawing by its name."""
_REFERENCE = re.compile(rb"(/\w+)?[ \r\n\[]+(\d{1,10}) (\d{1,5}) R\b")
_LINE_END = 2
"""Bytes that may stand between a stream and the word that ends it, and be counted or not."""
_TAIL = 1 << 16


def is_cut_off(content: bytes) -> bool:
    """Whether the file ends within one of its objects."""
    tail = content[-_TAIL:]
    last = tail.rfind(b" obj")
    return last >= 0 and b"endobj" not in tail[last:] and b"endstream" not in tail[last:]


def lacks_objects(pdf: pikepdf.Pdf, content: bytes) -> bool:
    """Whether the file names an object that it does not have, and that could be drawn.

    Read off the bytes: the library leaves out what points nowhere.
    """
    texts = [content] + [
        item.read_bytes() for item in pdf.objects if isinstance(item, pikepdf.Stream) and item.get("/Type") == "/ObjStm"
    ]
    return any(
        (found[1] or b"").decode("latin-1") not in _NOT_DRAWN and pdf.get_object(int(found[2]), int(found[3])) is None
        for text in texts
        for found in _REFERENCE.finditer(text)
    )


def lacks_something(page: pikepdf.Page, *, rebuilt: bool) -> bool:
    """Whether something that the page draws is cut short or altered.

    ``rebuilt``: no table shows where the objects are, and so none that no byte is gone.
    """
    return any(isinstance(item, pikepdf.Stream) and _is_damaged(item, rebuilt=rebuilt) for item in _drawn(page))


def _drawn(page: pikepdf.Page) -> Iterator[pikepdf.Object]:
    """All dictionaries, lists and streams that lead to ink."""
    todo: list[pikepdf.Object] = [page.obj[name] for name in _DRAWN if name in page.obj and name != "/Resources"]
    todo.extend(_used(page))
    seen: set[tuple[int, int]] = set()
    while todo:
        item = todo.pop()
        if isinstance(item, pikepdf.Array):
            todo.extend(list(item))
            yield item
        elif isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
            if item.is_indirect:
                if item.objgen in seen:
                    continue
                seen.add(item.objgen)
            if item.get("/Type") in ("/Page", "/Pages"):
                continue
            todo.extend(
                each for name, each in item.items() if name not in _NOT_DRAWN and isinstance(each, pikepdf.Object)
            )
            yield item


def _used(page: pikepdf.Page) -> Iterator[pikepdf.Object]:
    """The page's resources but for the drawings and pictures that it does not name."""
    resources = page.obj.get("/Resources", page.resources)
    try:
        content = blank.content_of(page)
    except (pikepdf.PdfError, TypeError, MemoryError):
        yield resources
        return
    for kind, held in resources.items():
        if kind == "/XObject" and isinstance(held, pikepdf.Dictionary) and b"#" not in content:
            drawn = {found[1].decode("utf-8", "replace") for found in _DO.finditer(content)}
            yield from (each for name, each in held.items() if name in drawn)
        elif isinstance(held, pikepdf.Object):
            yield held


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
