"""Names in a PDF that are not UTF-8, as the standard wants them, but Latin-1, as old programs write them (7.3.5).

The library that takes PDFs apart cannot say such a name: it is given another, wherever it stands. Runs in the child.
"""

import re
from collections.abc import Iterator

import pikepdf

_STRANGE = re.compile(rb"/[^\s()<>\[\]{}/%]*?(?:[\x80-\xff]|#[89A-Fa-f][0-9A-Fa-f])")
"""A name with a letter beyond ASCII in it, in whatever letters that is."""
_OF_FONTS = {"/BaseFont", "/FontName"}
"""Names by which what draws finds another font; some of them are Chinese, in their own encoding."""
_DEEPEST = 50
"""Lists within lists."""


def make_plain(pdf: pikepdf.Pdf) -> None:
    """Write the names anew of which the library could make nothing."""
    renamed = False
    for item in pdf.objects:
        held = item.stream_dict if isinstance(item, pikepdf.Stream) else item
        if isinstance(held, pikepdf.Dictionary | pikepdf.Array) and _STRANGE.search(held.unparse(resolved=True)):
            renamed = _rename_in(held, 0) or renamed
    if renamed:
        for page in pdf.pages:
            if (content := _renamed(page.obj.get("/Contents"), page)) is not None:
                page.obj.Contents = pdf.make_stream(content)
        for item in _drawings(pdf):
            if (content := _renamed(item, item)) is not None:
                item.write(content)


def _rename_in(held: pikepdf.Object, depth: int) -> bool:
    """All names within a dictionary or a list that stands by itself; whether there were any."""
    if depth > _DEEPEST:
        return False
    found = False
    if isinstance(held, pikepdf.Dictionary):
        for key in list(held.keys()):
            if (plain := _plain(key.encode("utf-8", "surrogateescape"))) != key:
                held[plain] = held[key]
                del held[key]
                found = True
    places: Iterator[str | int] = iter(list(held.keys()) if isinstance(held, pikepdf.Dictionary) else range(len(held)))
    for place in places:
        value = held[place]
        if place in _OF_FONTS:
            continue
        if isinstance(value, pikepdf.Name) and not _is_utf8(bytes(value)):
            held[place] = pikepdf.Name(_plain(bytes(value)))
            found = True
        elif isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect:
            found = _rename_in(value, depth + 1) or found
    return found


def _renamed(content: pikepdf.Object | None, drawing: pikepdf.Page | pikepdf.Stream) -> bytes | None:
    """A content with plain names; None if it has no others."""
    streams = list(content) if isinstance(content, pikepdf.Array) else [content]
    if not any(isinstance(each, pikepdf.Stream) and _STRANGE.search(each.read_bytes()) for each in streams):
        return None
    instructions = [
        each
        if isinstance(each, pikepdf.ContentStreamInlineImage)
        else pikepdf.ContentStreamInstruction([_operand(one) for one in each.operands], each.operator)
        for each in pikepdf.parse_content_stream(drawing)
    ]
    return pikepdf.unparse_content_stream(instructions)


def _operand(found: pikepdf.Object) -> pikepdf.Object:
    if isinstance(found, pikepdf.Name) and not _is_utf8(bytes(found)):
        return pikepdf.Name(_plain(bytes(found)))
    return found


def _drawings(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Stream]:
    """Drawings with a content of their own: forms, tiles of patterns, letters of fonts."""
    for item in pdf.objects:
        if isinstance(item, pikepdf.Stream) and (item.get("/Subtype") == "/Form" or item.get("/PatternType") == 1):
            yield item
        elif isinstance(item, pikepdf.Dictionary) and isinstance(held := item.get("/CharProcs"), pikepdf.Dictionary):
            yield from (each for each in held.values() if isinstance(each, pikepdf.Stream))


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _plain(name: bytes) -> str:
    """The same name as text: UTF-8 if it is that, else Latin-1."""
    return name.decode("utf-8") if _is_utf8(name) else name.decode("latin-1")
