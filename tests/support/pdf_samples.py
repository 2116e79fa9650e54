"""PDFs with forms, layers, notes and files in them, as programs write them: each with what a test needs and no more."""

import io
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String

PRINTED = 4
HIDDEN = 2
"""Flags of an annotation."""
MULTILINE, PASSWORD, COMB = 1 << 12, 1 << 13, 1 << 24
RADIO, PUSHBUTTON, COMBO = 1 << 15, 1 << 16, 1 << 17
"""Flags of a field."""

Build = Callable[[pikepdf.Pdf], None]
BuildField = Callable[[pikepdf.Pdf], Dictionary]


def a_page(pdf: pikepdf.Pdf, words: str = "", *, size: tuple[float, float] = (612, 792), turned: int = 0) -> Dictionary:
    """A page of that PDF with words on it; its font is ``F1``."""
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    page = pdf.add_blank_page(page_size=size)
    page.obj.Resources = Dictionary(Font=Dictionary(F1=font))
    if words:
        page.obj.Contents = pdf.make_stream(b"BT /F1 14 Tf 40 %d Td (%b) Tj ET" % (size[1] - 40, words.encode()))
    if turned:
        page.obj.Rotate = turned
    assert isinstance(page.obj, Dictionary)
    return page.obj


def built(*steps: Build, **saved: Any) -> bytes:
    """A PDF after these steps."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for step in steps:
            step(pdf)
        pdf.save(out, **saved)
    return out.getvalue()


def a_drawing(pdf: pikepdf.Pdf, content: bytes, width: float, height: float) -> pikepdf.Stream:
    """A form XObject with Helvetica as ``Helv``."""
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
    drawing = pdf.make_stream(content)
    drawing.Type, drawing.Subtype = Name.XObject, Name.Form
    drawing.BBox = Array([0, 0, width, height])
    drawing.Resources = Dictionary(Font=Dictionary(Helv=font))
    return drawing


def a_form(*fields: Dictionary | BuildField, words: str = "A FORM", turned: int = 0, **form: Any) -> bytes:
    """A PDF of one page with these fields, one below the other where they have no place; ``form``: keys of its own."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf, words, turned=turned)
        page.Annots = Array()
        pdf.Root.AcroForm = pdf.make_indirect(Dictionary(Fields=Array(), DA=String("/Helv 12 Tf 0 g"), **form))
        for at, one in enumerate(fields):
            widget = one(pdf) if callable(one) else Dictionary(dict(one.items()))
            if "/Rect" not in widget:
                widget.Rect = Array([40, 700 - 40 * at, 340, 720 - 40 * at])
            widget.Type, widget.Subtype = Name.Annot, Name.Widget
            widget.F = widget.get("/F", PRINTED)
            made = pdf.make_indirect(widget)
            page.Annots.append(made)
            pdf.Root.AcroForm.Fields.append(made)

    return built(build)


def a_field(value: str, name: str = "field", **keys: Any) -> Dictionary:
    """A field of text."""
    return Dictionary(FT=Name.Tx, T=String(name), V=String(value), **keys)


def with_layers(
    content: bytes, groups: dict[str, Dictionary], default: Callable[[dict[str, Any]], Dictionary], *others: Build
) -> bytes:
    """A page drawn by ``content``, its layers by name; ``default`` makes the configuration of them."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf)
        made = {name: pdf.make_indirect(group) for name, group in groups.items()}
        page.Resources.Properties = Dictionary({f"/{name}": group for name, group in made.items()})
        page.Contents = pdf.make_stream(content)
        pdf.Root.OCProperties = Dictionary(OCGs=Array(list(made.values())), D=default(made))

    return built(build, *others)


def a_group(name: str, **keys: Any) -> Dictionary:
    """A layer."""
    return Dictionary(Type=Name.OCG, Name=String(name), **keys)
