"""The drawings that fields and notes of a PDF bring along, and what words stand in them. Runs in the child."""

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import pikepdf

from bridge.document.blank import LETTERS

_SHEET = 4000.0
"""Points: larger than twice any field."""
_DEEPEST = 5
"""Drawings within drawings that are looked into."""


def of(note: pikepdf.Dictionary) -> pikepdf.Stream | None:
    """The drawing of the state in which it is; None without one."""
    normal = note.get("/AP", pikepdf.Dictionary()).get("/N")
    if isinstance(normal, pikepdf.Dictionary):
        normal = normal.get(str(note.get("/AS", "/Off")))
    return normal if isinstance(normal, pikepdf.Stream) else None


def states(note: pikepdf.Dictionary) -> set[str]:
    """The states for which it has drawings."""
    normal = note.get("/AP", pikepdf.Dictionary()).get("/N")
    return set(normal.keys()) if isinstance(normal, pikepdf.Dictionary) else set()


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
            Words(text.get_text_range(), text.get_text_bounded(*box)) for text, box in zip(texts, boxes, strict=True)
        ]
    finally:
        document.close()


def _box(drawing: pikepdf.Stream) -> tuple[float, float, float, float]:
    """What is seen of it: its box as its matrix has it (ISO 32000-1, 8.10.1)."""
    x, y, u, v = (float(each) for each in drawing.get("/BBox", [0, 0, _SHEET / 2, _SHEET / 2]))
    a, b, c, d, e, f = (float(each) for each in drawing.get("/Matrix", [1, 0, 0, 1, 0, 0]))
    corners = [(a * s + c * t + e, b * s + d * t + f) for s in (x, u) for t in (y, v)]
    across, up = zip(*corners, strict=True)
    return min(across), min(up), max(across), max(up)


def is_same(value: str, shown: str) -> bool:
    """Whether a value is among the words shown, however these are broken into lines."""
    return _letters(value) in _letters(shown)


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char for char in plain if unicodedata.category(char)[0] not in "ZC" and char != "\u00ad")
