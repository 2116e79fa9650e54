"""Pages that would come out of a fax machine empty. Runs in the child.

A page is blank when nothing is drawn on it, or only pictures that are white throughout. A page with text or lines is
never one, nor a picture with a single grey dot: better an empty sheet too many than a page too few.
"""

import re

import pikepdf

from bridge.document.damage import unpacked

WHITE = 240
"""From this grey (of 255) on paper counts as white; what a scanner makes of an empty sheet is lighter."""

_DRAWS_OBJECT = "Do"
PATHS = {"S", "s", "f", "F", "f*", "B", "B*", "b", "b*"}
LETTERS = {"Tj", "TJ", "'", '"'}
_DRAWS = PATHS | LETTERS | {"sh", "BI", "EI", "INLINE IMAGE"}
"""Operators that leave something on the page (ISO 32000-1, annex A)."""

_WORDS = re.compile(rb"[)>\]]\s*T[jJ]\b")
"""What shows letters; a look for them is much faster than reading the whole page."""

_LIGHT = {"/DeviceGray", "/DeviceRGB", "/CalGray", "/CalRGB", "/ICCBased"}
_STRAIGHT = ([0.0, 1.0], [0.0, 1.0] * 3)
_DEEPEST = 5
"""Drawings within drawings that are looked into."""


def is_blank(page: pikepdf.Page, max_pixels: int) -> bool:
    """Whether nothing would be seen. What cannot be read, or is larger than that, counts as seen."""
    try:
        if _WORDS.search(content_of(page)):
            return False
        annotated = bool(len(page.obj.get("/Annots", pikepdf.Array())))
        return not annotated and _draws_nothing(page, page.resources, max_pixels, 0)
    except Exception:  # noqa: BLE001 - whatever keeps a page from being read, it is faxed
        return False


def content_of(page: pikepdf.Page) -> bytes:
    """What draws the page. Raises PdfError where it cannot be decoded."""
    contents = page.obj.get("/Contents")
    if contents is None:
        return b""
    streams = [contents] if isinstance(contents, pikepdf.Stream) else list(contents)
    return b"\n".join(unpacked(stream) for stream in streams)


def _draws_nothing(
    drawing: pikepdf.Page | pikepdf.Object, resources: pikepdf.Object, max_pixels: int, depth: int
) -> bool:
    """Whether a page, or a drawing within it, leaves no ink."""
    if depth > _DEEPEST:
        return False
    names = set()
    for instruction in pikepdf.parse_content_stream(drawing):
        operator = str(instruction.operator)
        if operator in _DRAWS:
            return False
        if operator == _DRAWS_OBJECT:
            names.add(str(instruction.operands[0]))
    return all(_is_unseen(resources["/XObject"][name], resources, max_pixels, depth) for name in names)


def _is_unseen(drawn: pikepdf.Object, resources: pikepdf.Object, max_pixels: int, depth: int) -> bool:
    if drawn.get("/Subtype") == "/Form":
        return _draws_nothing(drawn, drawn.get("/Resources", resources), max_pixels, depth + 1)
    if not isinstance(drawn, pikepdf.Stream) or drawn.get("/Subtype") != "/Image" or drawn.get("/ImageMask", False):
        return False
    if int(drawn["/Width"]) * int(drawn["/Height"]) > max_pixels:
        return False
    if "/Decode" in drawn and [float(bound) for bound in drawn["/Decode"]] not in _STRAIGHT:
        return False
    image = pikepdf.PdfImage(drawn)
    if image.colorspace not in _LIGHT or image.mode not in {"1", "L", "RGB"}:
        return False  # where the largest number is the most ink
    shades = image.as_pil_image().convert("L").histogram()
    return not any(shades[:WHITE])
