"""Draws the annotations on a PDF's page that bring no drawing of their own (ISO 32000-1, 12.5.6). Runs in the child.

Lines, frames and markers are drawn here, in the page's own coordinates; their words are for ``lettering``.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pikepdf

from bridge.document.pdf import shapes
from bridge.document.pdf.lettering import ALIGNS, Lettering
from bridge.document.pdf.shapes import Box, Point, Points
from bridge.document.pdf.styles import (
    colour_operator,
    number,
    numbers,
    read_default_appearance,
    rich_text_of,
    text_of,
)

_ICON = 18.0
"""Points: the size of the sign for a note, whatever its box: many programs give it one of no size."""
_CAPTION = 9.0
"""Points: the size of the words on a line."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What stands for an annotation: instructions, and words in a box of the page."""

    content: bytes = b""
    words: Lettering | None = None
    box: Box = (0.0, 0.0, 0.0, 0.0)
    multiplied: bool = False
    """Whether what is beneath shines through, as under a marker."""


def draw(annotation: pikepdf.Dictionary) -> Drawing | None:
    """What a viewer makes of an annotation without a drawing; None if of this kind nothing is drawn."""
    draws: dict[str, Callable[[pikepdf.Dictionary], Drawing | None]] = {
        "/FreeText": _free_text,
        "/Stamp": _stamp,
        "/Square": _square,
        "/Redact": _square,
        "/Circle": _circle,
        "/Line": _line,
        "/Polygon": _polygon,
        "/PolyLine": _polygon,
        "/Ink": _ink,
        "/Highlight": _highlight,
        "/Underline": _underline,
        "/StrikeOut": _strike_out,
        "/Squiggly": _underline,
        "/Caret": _caret,
        "/Text": _icon,
        "/FileAttachment": _icon,
        "/Sound": _icon,
        "/Link": _link,
    }
    drawn = draws.get(str(annotation.get("/Subtype", "")))
    return drawn(annotation) if drawn is not None else None


def on(page: pikepdf.Page) -> list[pikepdf.Dictionary]:
    """Those of a page, widgets of fields among them."""
    found = page.obj.get("/Annots")
    return [each for each in found if isinstance(each, pikepdf.Dictionary)] if isinstance(found, pikepdf.Array) else []


def has_box(annotation: pikepdf.Dictionary) -> bool:
    """Whether it says where on the page it is."""
    return len(numbers(annotation.get("/Rect"))) == 4  # noqa: PLR2004 - two corners


def box_of(annotation: pikepdf.Dictionary) -> Box:
    """Its place on the page."""
    x, y, u, v = numbers(annotation["/Rect"])
    return min(x, u), min(y, v), max(x, u), max(y, v)


def _free_text(annotation: pikepdf.Dictionary) -> Drawing:
    """Words in a frame; its ground is left white, so that they are legible."""
    left, bottom, right, top = _inner(annotation)
    text = text_of(annotation.get("/Contents"))
    if not text.strip():
        text = rich_text_of(annotation.get("/RC"))
    wished = read_default_appearance(text_of(annotation.get("/DA")))
    align = int(number(annotation.get("/Q")))
    words = Lettering(
        text,
        right - left,
        top - bottom,
        size=wished.size or 12.0,
        face=wished.face,
        align=ALIGNS[align] if 0 <= align < len(ALIGNS) else "left",
        lines=True,
        colour=wished.colour,
    )
    usual = 0.0 if text_of(annotation.get("/IT")).lower() == "freetexttypewriter" else 1.0
    frame = b""
    if (width := _width(annotation, usual)) > 0:
        frame = b"0 G %.2f w %b S " % (width, shapes.rectangle((left, bottom, right, top), width / 2))
    if len(callout := _pairs(annotation.get("/CL"))) > 1:
        frame += b"0 G 0 g 1 w %b S " % shapes.path(callout)
        frame += shapes.ending(str(annotation.get("/LE", "")), callout[0], callout[1], 1.0)
    return Drawing(frame, words if text.strip() else None, (left, bottom, right, top))


def _stamp(annotation: pikepdf.Dictionary) -> Drawing:
    """Its name in large letters within a frame, as the usual rubber stamps are."""
    name = str(annotation.get("/Name", "/Draft")).lstrip("/#").removeprefix("SB").removeprefix("SH")
    words = "".join(f" {letter}" if letter.isupper() and at else letter for at, letter in enumerate(name)).upper()
    left, bottom, right, top = box_of(annotation)
    content = b"%b 1.5 w %b S " % (_stroke(annotation), shapes.rectangle((left, bottom, right, top), 1.5))
    return Drawing(
        content, Lettering(words, right - left, top - bottom, align="center", inset=4.0), (left, bottom, right, top)
    )


def _square(annotation: pikepdf.Dictionary) -> Drawing:
    width = _width(annotation, 1.0)
    path = shapes.rectangle(_inner(annotation), width / 2)
    return Drawing(_painted(annotation, path, width))


def _circle(annotation: pikepdf.Dictionary) -> Drawing:
    width = _width(annotation, 1.0)
    left, bottom, right, top = _inner(annotation)
    across, up = max(0.0, right - left - width), max(0.0, top - bottom - width)
    x, y = (left + right - across) / 2, (bottom + top - up) / 2
    return Drawing(_painted(annotation, shapes.ellipse((x, y, x + across, y + up)), width))


def _line(annotation: pikepdf.Dictionary) -> Drawing | None:
    """With what stands at its ends, the lines that lead to it if it measures something, and its words."""
    ends = _pairs(annotation.get("/L"))
    if len(ends) != 2:  # noqa: PLR2004 - from, to
        return None
    width, leader = _width(annotation, 1.0), number(annotation.get("/LL"))
    begin, end = shapes.beside(ends[0], ends[1], leader)
    content = b"%b %b %.2f w %b " % (_fill(annotation), _stroke(annotation), width, _dashes(annotation))
    content += b"%b S " % shapes.path([begin, end])
    if leader:
        content += b"".join(b"%b S " % shapes.path([*each]) for each in zip(ends, (begin, end), strict=True))
    content += _endings(annotation, [begin, end], width)
    if not annotation.get("/Cap", False) or not (text := text_of(annotation.get("/Contents"))).strip():
        return Drawing(content)
    across, (x, y) = _CAPTION * (len(text) + 2), ((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2)
    box = (x - across / 2, y + width, x + across / 2, y + width + 1.5 * _CAPTION)
    words = Lettering(text, across, 1.5 * _CAPTION, size=_CAPTION, align="center", inset=0.0)
    return Drawing(content, words, box)


def _polygon(annotation: pikepdf.Dictionary) -> Drawing | None:
    points = _pairs(annotation.get("/Vertices"))
    if len(points) < 2:  # noqa: PLR2004 - no line
        return None
    closed, width = annotation.get("/Subtype") == "/Polygon", _width(annotation, 1.0)
    content = _painted(annotation, shapes.path(points) + (b" h" if closed else b""), width, filled=closed)
    if not closed:
        content += _fill(annotation) + b" " + _endings(annotation, points, width)
    return Drawing(content)


def _ink(annotation: pikepdf.Dictionary) -> Drawing:
    """Each stroke as its points are, a single one as a dot."""
    found = annotation.get("/InkList")
    strokes = [points for each in found if (points := _pairs(each))] if isinstance(found, pikepdf.Array) else []
    paths = [shapes.path(points if len(points) > 1 else points * 2) for points in strokes]
    return Drawing(b"%b 1 J 1 j %.2f w %b S " % (_stroke(annotation), _width(annotation, 1.0), b" ".join(paths)))


def _highlight(annotation: pikepdf.Dictionary) -> Drawing:
    colour = colour_operator(annotation.get("/C"), stroke=False) or b"1 1 0 rg"
    content = b"".join(
        b"%b %b h f " % (colour, shapes.path([quad[0], quad[1], quad[3], quad[2]])) for quad in _quads(annotation)
    )
    return Drawing(content, multiplied=True)


def _underline(annotation: pikepdf.Dictionary) -> Drawing:
    """A line a little above the lower edge of each stretch of text."""
    return Drawing(_across(annotation, 0.08))


def _strike_out(annotation: pikepdf.Dictionary) -> Drawing:
    return Drawing(_across(annotation, 0.45))


def _across(annotation: pikepdf.Dictionary, height: float) -> bytes:
    """Lines at that part of the height of the stretches of text that are marked."""
    content = b""
    for upper_left, upper_right, lower_left, lower_right in _quads(annotation):
        begin, end = (
            (low[0] + (high[0] - low[0]) * height, low[1] + (high[1] - low[1]) * height)
            for low, high in ((lower_left, upper_left), (lower_right, upper_right))
        )
        tall = math.dist(upper_left, lower_left)
        content += b"%b %.2f w %b S " % (_stroke(annotation), max(0.7, tall / 16), shapes.path([begin, end]))
    return content


def _caret(annotation: pikepdf.Dictionary) -> Drawing:
    left, bottom, right, top = _inner(annotation)
    points = [(left, bottom), ((left + right) / 2, top), (right, bottom)]
    return Drawing(b"%b 1 w %b S " % (_stroke(annotation), shapes.path(points)))


def _icon(annotation: pikepdf.Dictionary) -> Drawing:
    """A small sheet with lines on it: that something is noted here; what, no viewer prints on the page."""
    left, _, _, top = box_of(annotation)
    content = b"1 g 0 G 1 w %b B " % shapes.rectangle((left, top - _ICON, left + _ICON, top), 0.5)
    for part in (0.3, 0.5, 0.7):
        line: Points = [(left + _ICON * 0.2, top - _ICON * part), (left + _ICON * 0.8, top - _ICON * part)]
        content += b"%b S " % shapes.path(line)
    return Drawing(content)


def _link(annotation: pikepdf.Dictionary) -> Drawing | None:
    """Its edge, if it has one."""
    left, bottom, right, top = box_of(annotation)
    if (width := _width(annotation, 1.0)) <= 0:
        return None
    style = annotation.get("/BS")
    if isinstance(style, pikepdf.Dictionary) and style.get("/S") == "/U":
        path = shapes.path([(left, bottom + width / 2), (right, bottom + width / 2)])
    else:
        path = shapes.rectangle((left, bottom, right, top), width / 2)
    return Drawing(_painted(annotation, path, width, filled=False))


def _painted(annotation: pikepdf.Dictionary, path: bytes, width: float, *, filled: bool = True) -> bytes:
    ground = _fill(annotation) if filled else b""
    if width <= 0:
        return b"%b %b f " % (ground, path) if ground else b""
    how = b"B" if ground else b"S"
    return b"%b %b %.2f w %b %b %b " % (ground, _stroke(annotation), width, _dashes(annotation), path, how)


def _endings(annotation: pikepdf.Dictionary, points: Points, width: float) -> bytes:
    """What stands at both ends of a line of these points."""
    found = annotation.get("/LE")
    styles = [str(each) for each in found] if isinstance(found, pikepdf.Array) else []
    ends = ((points[0], points[1]), (points[-1], points[-2]))
    ground = b"" if _fill(annotation) else b"1 g "
    drawn = b"".join(shapes.ending(style, *end, width) for end, style in zip(ends, styles, strict=False))
    return ground + drawn


def _fill(annotation: pikepdf.Dictionary) -> bytes:
    return colour_operator(annotation.get("/IC"), stroke=False)


def _stroke(annotation: pikepdf.Dictionary) -> bytes:
    return colour_operator(annotation.get("/C"), stroke=True) or b"0 G"


def _width(annotation: pikepdf.Dictionary, usual: float) -> float:
    """Of its line or its edge, in points."""
    if isinstance(style := annotation.get("/BS"), pikepdf.Dictionary):
        return number(style.get("/W"), 1.0)
    border = numbers(annotation.get("/Border"))
    return border[2] if len(border) > 2 else usual  # noqa: PLR2004 - third


def _dashes(annotation: pikepdf.Dictionary) -> bytes:
    style = annotation.get("/BS")
    if not isinstance(style, pikepdf.Dictionary) or style.get("/S") != "/D":
        return b""
    dashes = [max(0.0, each) for each in numbers(style.get("/D")) or [3.0]]
    return b"[ %b ] 0 d" % b" ".join(b"%.2f" % each for each in dashes) if any(dashes) else b""


def _inner(annotation: pikepdf.Dictionary) -> Box:
    """Its box, less what it keeps free around."""
    left, bottom, right, top = box_of(annotation)
    kept = numbers(annotation.get("/RD"))
    if len(kept) == 4:  # noqa: PLR2004 - a side each
        return left + kept[0], bottom + kept[1], right - kept[2], top - kept[3]
    return left, bottom, right, top


def _quads(annotation: pikepdf.Dictionary) -> Iterator[tuple[Point, Point, Point, Point]]:
    """Stretches of text: upper left, upper right, lower left, lower right, as nearly all programs write them.

    The standard has them go round from the lower left; those who do as it says are understood as well.
    """
    points = _pairs(annotation.get("/QuadPoints"))
    if len(points) < 4:  # noqa: PLR2004 - corners
        left, bottom, right, top = box_of(annotation)
        points = [(left, top), (right, top), (left, bottom), (right, bottom)]
    for at in range(0, len(points) - 3, 4):
        a, b, c, d = points[at : at + 4]
        goes_round = (b[0] - a[0]) * (d[0] - c[0]) + (b[1] - a[1]) * (d[1] - c[1]) < 0
        yield (d, c, a, b) if goes_round else (a, b, c, d)


def _pairs(found: object) -> Points:
    each = numbers(found)
    return list(zip(each[::2], each[1::2], strict=False))
