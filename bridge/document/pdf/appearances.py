"""The drawings that fields and other annotations of a PDF bring along, and the words in them. Runs in the child."""

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import pikepdf

from bridge.document.blank import LETTERS
from bridge.document.pdf import glyphs
from bridge.document.pdf.styles import numbers

_SHEET = 4000.0
"""Points: larger than twice any field."""
_DEEPEST = 5
"""Drawings within drawings that are looked into."""


def of(annotation: pikepdf.Dictionary) -> pikepdf.Stream | None:
    """The drawing of the state in which it is; None without one."""
    normal = _normal(annotation)
    if isinstance(normal, pikepdf.Dictionary):
        normal = normal.get(str(annotation.get("/AS", "/Off")))
    return normal if isinstance(normal, pikepdf.Stream) else None


def states(annotation: pikepdf.Dictionary) -> set[str]:
    """The states for which it has drawings."""
    normal = _normal(annotation)
    return set(normal.keys()) if isinstance(normal, pikepdf.Dictionary) else set()


def _normal(annotation: pikepdf.Dictionary) -> pikepdf.Object | None:
    """As it looks when nobody points at it: a drawing, or one for each state."""
    held = annotation.get("/AP")
    return held.get("/N") if isinstance(held, pikepdf.Dictionary) else None


def is_empty(drawing: pikepdf.Stream) -> bool:
    """Whether there is nothing in it at all, as where a program leaves the drawing to viewers."""
    return not drawing.read_bytes().strip()


def has_words(drawing: pikepdf.Stream, depth: int = 0) -> bool:
    """Whether anything within it could show a value: letters, or a picture of them."""
    for instruction in pikepdf.parse_content_stream(drawing):
        operator = str(instruction.operator)
        if operator in LETTERS and any(_is_seen(each) for each in instruction.operands):
            return True
        if operator == "INLINE IMAGE":
            return True
        if operator == "Do":
            drawn = drawing.get("/Resources", pikepdf.Dictionary()).get("/XObject", pikepdf.Dictionary())
            inner = drawn.get(str(next(iter(instruction.operands))))
            if not isinstance(inner, pikepdf.Stream) or inner.get("/Subtype") != "/Form" or depth > _DEEPEST:
                return True
            if has_words(inner, depth + 1):
                return True
    return False


def _is_seen(operand: object) -> bool:
    if isinstance(operand, pikepdf.Array):
        return any(map(_is_seen, operand))
    return isinstance(operand, pikepdf.String) and bool(bytes(operand).strip(b" \0"))


@dataclass(frozen=True, slots=True)
class Words:
    """What a drawing says as the library that draws reads it, and what of that stands within its box."""

    all: str
    seen: str
    lacks_letters: bool
    """Whether its fonts are not in the file, and here are none that have all its letters."""


def words(drawings: Sequence[pikepdf.Stream]) -> list[Words]:
    """Of each drawing."""
    if not drawings:
        return []
    import pypdfium2  # noqa: PLC0415 - a library that most mails need not wait for

    sheets, saved = pikepdf.new(), io.BytesIO()
    boxes = []
    for drawing in drawings:
        page = sheets.add_blank_page(page_size=(_SHEET, _SHEET))
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(D=sheets.copy_foreign(drawing)))
        left, bottom, right, top = box = _box(drawing)
        boxes.append((_SHEET / 2, _SHEET / 2, _SHEET / 2 + right - left, _SHEET / 2 + top - bottom))
        page.Contents = sheets.make_stream(
            b"1 0 0 1 %.3f %.3f cm /D Do" % (boxes[-1][0] - box[0], boxes[-1][1] - box[1])
        )
    sheets.save(saved)
    document = pypdfium2.PdfDocument(saved.getvalue())
    try:
        texts = (page.get_textpage() for page in document)
        return [
            Words(text.get_text_range(), text.get_text_bounded(*box), any(glyphs.missing(text)))
            for text, box in zip(texts, boxes, strict=True)
        ]
    finally:
        document.close()


def _box(drawing: pikepdf.Stream) -> tuple[float, float, float, float]:
    """What is seen of it: its box as its matrix has it (ISO 32000-1, 8.10.1)."""
    x, y, u, v = numbers(drawing["/BBox"])
    matrix = numbers(drawing.get("/Matrix"))
    a, b, c, d, e, f = matrix if len(matrix) == 6 else (1, 0, 0, 1, 0, 0)  # noqa: PLR2004 - of a matrix
    corners = [(a * s + c * t + e, b * s + d * t + f) for s in (x, u) for t in (y, v)]
    across, up = zip(*corners, strict=True)
    return min(across), min(up), max(across), max(up)


def is_same(value: str, shown: str) -> bool:
    """Whether a value is among the words shown, however these are broken into lines."""
    return _letters(value) in _letters(shown)


def is_replaced(value: str, shown: str) -> bool:
    """Whether what is shown is the value with question marks for the letters that a program's font did not have."""
    wanted, found = _letters(value), _letters(shown)
    return (
        wanted != found
        and len(wanted) == len(found)
        and all(here in {there, "?"} for there, here in zip(wanted, found, strict=True))
    )


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char for char in plain if unicodedata.category(char)[0] not in "ZC" and char != "\u00ad")
