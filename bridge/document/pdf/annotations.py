"""Draws the notes on a PDF's page that bring no drawing of their own (ISO 32000-1, 12.5.6). Runs in the child.

Lines, frames and markers are drawn here, in the page's own coordinates; their words are for ``lettering``.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pikepdf

from bridge.document.pdf.lettering import ALIGNS, Lettering
from bridge.document.pdf.styles import colour_operator, read_default_appearance, text_of

_ROUND = 0.5523
"""Part of a radius by which a Bézier curve's handles reach out to make a quarter of a circle."""
_ARROW = 9.0
"""Times the line's width that the head of an arrow is long."""

Points = list[tuple[float, float]]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What stands for a note: instructions, and words in a box of the page."""

    content: bytes = b""
    words: Lettering | None = None
    box: Box = (0.0, 0.0, 0.0, 0.0)
    multiplied: bool = False
    """Whether what is beneath shines through, as under a marker."""


def draw(note: pikepdf.Dictionary) -> Drawing | None:
    """What a viewer makes of a note without a drawing; None if of this kind nothing is drawn."""
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
    }
    drawn = draws.get(str(note.get("/Subtype", "")))
    return drawn(note) if drawn is not None else None


def box_of(note: pikepdf.Dictionary) -> Box:
    """Left, bottom, right, top."""
    x, y, u, v = (float(each) for each in note["/Rect"])
    return min(x, u), min(y, v), max(x, u), max(y, v)


def _free_text(note: pikepdf.Dictionary) -> Drawing:
    """Words, in a frame if it has one; its ground is left white, so that they are legible."""
    left, bottom, right, top = _inner(note)
    text = text_of(note.get("/Contents"))
    wished = read_default_appearance(text_of(note.get("/DA")))
    align = int(note.get("/Q", 0))
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
    frame = b""
    if (width := _width(note, 0.0)) > 0:
        frame = b"0 G %.2f w %b S " % (width, _rectangle((left, bottom, right, top), width / 2))
    if callout := _pairs(note.get("/CL")):
        frame += b"0 G 1 w %b S " % _path(callout)
    return Drawing(frame, words if text.strip() else None, (left, bottom, right, top))


def _stamp(note: pikepdf.Dictionary) -> Drawing:
    """Its name in large letters within a frame, as the usual rubber stamps are."""
    name = str(note.get("/Name", "/Draft")).lstrip("/#").removeprefix("SB").removeprefix("SH")
    words = "".join(f" {letter}" if letter.isupper() and at else letter for at, letter in enumerate(name)).upper()
    left, bottom, right, top = box_of(note)
    content = b"%b 1.5 w %b S " % (_stroke(note), _rectangle((left, bottom, right, top), 1.5))
    return Drawing(
        content, Lettering(words, right - left, top - bottom, align="center", inset=4.0), (left, bottom, right, top)
    )


def _square(note: pikepdf.Dictionary) -> Drawing:
    width = _width(note, 1.0)
    path = _rectangle(_inner(note), width / 2)
    return Drawing(_painted(note, path, width))


def _circle(note: pikepdf.Dictionary) -> Drawing:
    width = _width(note, 1.0)
    left, bottom, right, top = _inner(note)
    x, y = (left + right) / 2, (bottom + top) / 2
    across, up = max(0.0, (right - left - width) / 2), max(0.0, (top - bottom - width) / 2)
    path = b"%.2f %.2f m " % (x + across, y)
    for turn in range(4):
        begin, end = math.radians(90 * turn), math.radians(90 * (turn + 1))
        handles = (
            (math.cos(begin) - _ROUND * math.sin(begin), math.sin(begin) + _ROUND * math.cos(begin)),
            (math.cos(end) + _ROUND * math.sin(end), math.sin(end) - _ROUND * math.cos(end)),
            (math.cos(end), math.sin(end)),
        )
        path += b"%.2f %.2f %.2f %.2f %.2f %.2f c " % tuple(
            each for h, v in handles for each in (x + across * h, y + up * v)
        )
    return Drawing(_painted(note, path + b"h", width))


def _line(note: pikepdf.Dictionary) -> Drawing | None:
    ends = _pairs(note.get("/L"))
    if len(ends) != 2:  # noqa: PLR2004 - from, to
        return None
    width = _width(note, 1.0)
    content = b"%b %.2f w %b S " % (_stroke(note), width, _path(ends))
    styles = [str(each) for each in note.get("/LE", pikepdf.Array())]
    for (tip, tail), style in zip(((ends[0], ends[1]), (ends[1], ends[0])), styles, strict=False):
        if "Arrow" in style:
            content += b"%b S " % _path(_arrow(tip, tail, max(width, 1.0) * _ARROW))
    return Drawing(content)


def _polygon(note: pikepdf.Dictionary) -> Drawing | None:
    points = _pairs(note.get("/Vertices"))
    if len(points) < 2:  # noqa: PLR2004 - no line
        return None
    closed = note.get("/Subtype") == "/Polygon"
    return Drawing(_painted(note, _path(points) + (b" h" if closed else b""), _width(note, 1.0), filled=closed))


def _ink(note: pikepdf.Dictionary) -> Drawing:
    """Each stroke as its points are, a single one as a dot."""
    strokes = note.get("/InkList", pikepdf.Array())
    paths = [_path(points if len(points) > 1 else points * 2) for each in strokes if (points := _pairs(each))]
    return Drawing(b"%b 1 J 1 j %.2f w %b S " % (_stroke(note), _width(note, 1.0), b" ".join(paths)))


def _highlight(note: pikepdf.Dictionary) -> Drawing:
    colour = colour_operator(note.get("/C"), stroke=False) or b"1 1 0 rg"
    content = b"".join(b"%b %b h f " % (colour, _path([quad[0], quad[1], quad[3], quad[2]])) for quad in _quads(note))
    return Drawing(content, multiplied=True)


def _underline(note: pikepdf.Dictionary) -> Drawing:
    """A line a little above the lower edge of each stretch of text."""
    return Drawing(_across(note, 0.08))


def _strike_out(note: pikepdf.Dictionary) -> Drawing:
    return Drawing(_across(note, 0.45))


def _across(note: pikepdf.Dictionary, height: float) -> bytes:
    """Lines at that part of the height of the stretches of text that are marked."""
    content = b""
    for upper_left, upper_right, lower_left, lower_right in _quads(note):
        begin, end = (
            (low[0] + (high[0] - low[0]) * height, low[1] + (high[1] - low[1]) * height)
            for low, high in ((lower_left, upper_left), (lower_right, upper_right))
        )
        tall = math.dist(upper_left, lower_left)
        content += b"%b %.2f w %b S " % (_stroke(note), max(0.7, tall / 16), _path([begin, end]))
    return content


def _caret(note: pikepdf.Dictionary) -> Drawing:
    left, bottom, right, top = _inner(note)
    points = [(left, bottom), ((left + right) / 2, top), (right, bottom)]
    return Drawing(b"%b 1 w %b S " % (_stroke(note), _path(points)))


def _icon(note: pikepdf.Dictionary) -> Drawing:
    """A small sheet with lines on it: that something is noted here; what, no viewer prints on the page."""
    left, bottom, right, top = box_of(note)
    side = min(right - left, top - bottom, 18.0)
    sheet = (left, top - side, left + side, top)
    content = b"1 g 0 G 1 w %b B " % _rectangle(sheet, 0.5)
    for part in (0.3, 0.5, 0.7):
        line: Points = [(left + side * 0.2, top - side * part), (left + side * 0.8, top - side * part)]
        content += b"%b S " % _path(line)
    return Drawing(content)


def _painted(note: pikepdf.Dictionary, path: bytes, width: float, *, filled: bool = True) -> bytes:
    ground = colour_operator(note.get("/IC"), stroke=False) if filled else b""
    if width <= 0:
        return b"%b %b f " % (ground, path) if ground else b""
    return b"%b %b %.2f w %b %b %b " % (ground, _stroke(note), width, _dashes(note), path, b"B" if ground else b"S")


def _stroke(note: pikepdf.Dictionary) -> bytes:
    return colour_operator(note.get("/C"), stroke=True) or b"0 G"


def _width(note: pikepdf.Dictionary, usual: float) -> float:
    """Of its line or its edge, in points."""
    if isinstance(style := note.get("/BS"), pikepdf.Dictionary):
        return float(style.get("/W", 1))
    border = note.get("/Border")
    return float(border[2]) if isinstance(border, pikepdf.Array) and len(border) > 2 else usual  # noqa: PLR2004 - third


def _dashes(note: pikepdf.Dictionary) -> bytes:
    style = note.get("/BS")
    if not isinstance(style, pikepdf.Dictionary) or style.get("/S") != "/D":
        return b""
    dashes = [max(0.0, float(each)) for each in style.get("/D", [3])]
    return b"[%b] 0 d" % b" ".join(b"%.2f" % each for each in dashes) if any(dashes) else b""


def _inner(note: pikepdf.Dictionary) -> Box:
    """Its box, less what it keeps free around."""
    left, bottom, right, top = box_of(note)
    kept = note.get("/RD")
    if isinstance(kept, pikepdf.Array) and len(kept) == 4:  # noqa: PLR2004 - a side each
        from_left, from_bottom, from_right, from_top = (float(each) for each in kept)
        return left + from_left, bottom + from_bottom, right - from_right, top - from_top
    return left, bottom, right, top


def _quads(note: pikepdf.Dictionary) -> Iterator[tuple[tuple[float, float], ...]]:
    """Stretches of text: upper left, upper right, lower left, lower right, as all programs write them."""
    points = _pairs(note.get("/QuadPoints"))
    if len(points) < 4:  # noqa: PLR2004 - corners
        left, bottom, right, top = box_of(note)
        points = [(left, top), (right, top), (left, bottom), (right, bottom)]
    for at in range(0, len(points) - 3, 4):
        yield tuple(points[at : at + 4])


def _pairs(found: object) -> Points:
    numbers = [float(each) for each in found] if isinstance(found, pikepdf.Array) else []
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _path(points: Points) -> bytes:
    first, *others = (b"%.2f %.2f" % point for point in points)
    return b" ".join([first + b" m", *(each + b" l" for each in others)])


def _rectangle(box: Box, inset: float) -> bytes:
    left, bottom, right, top = box
    return b"%.2f %.2f %.2f %.2f re" % (
        left + inset,
        bottom + inset,
        right - left - 2 * inset,
        top - bottom - 2 * inset,
    )


def _arrow(tip: tuple[float, float], tail: tuple[float, float], length: float) -> Points:
    angle = math.atan2(tail[1] - tip[1], tail[0] - tip[0])
    sides = [
        (tip[0] + length * math.cos(angle + turn), tip[1] + length * math.sin(angle + turn)) for turn in (0.5, -0.5)
    ]
    return [sides[0], tip, sides[1]]
