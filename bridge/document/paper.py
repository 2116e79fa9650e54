"""The paper of a fax, and where on it a page or a picture goes. All lengths in inches. Runs in the child.

A fax line has 1728 dots on 215 mm (ITU-T T.4), some less than Letter is wide and some more than A4; what is outside of
it is margin. A page that is a sheet of any paper stays one. Larger pages are shrunk, smaller ones keep their size,
landscape ones are turned, and one that is longer than any paper is cut into several or shrunk: onto the paper that lies
in the machine, A4, or Letter and for long ones Legal.
"""

from dataclasses import dataclass
from math import ceil

from bridge.fax.options import PaperUse

Size = tuple[float, float]
"""Width and height."""

LETTER = (8.5, 11.0)
A4 = (8.27, 11.69)
LEGAL = (8.5, 14.0)
PAPERS = (LETTER, A4, LEGAL)
POINTS = 72
"""PDF's units in an inch."""

LINE = 1728
"""Dots in a fax line."""
DOTS = (204, 196)
"""An inch across and down, at the resolution that every fax machine calls fine."""

MARGIN = 0.25
"""Kept free around a picture that is fitted."""
SLACK = 0.25
"""By how much a scan may miss a paper size and still be it: a fax machine's A4 is 8.47 inches wide."""
COARSEST = 100
"""Dots per inch below which no picture is enlarged."""

_LEAST = 0.1
_MOST_SHEETS = 1000
"""Of one page; a fax may have far fewer."""

_LONG = 1.9
"""Times as long as wide: what is more is a roll, not a sheet."""
_LONG_PICTURE = 3.0
"""The same of a picture whose size nobody knows: telephones have screens of more than two."""

_AGAIN = 0.3
"""Of a sheet's end stands on the next one again, so that no line of letters is whole on neither."""
_SHRUNK = 0.95
"""As little as this a long page is shrunk where it saves a sheet."""


def sheet_of(paper: PaperUse) -> Size:
    """The size of the paper that is wished."""
    return A4 if paper == "a4" else LETTER


def style_of(sheet: Size) -> str:
    """What has a text set on that paper, in CSS; a text's own wish counts before it."""
    return f"@page {{ size: {sheet[0]}in {sheet[1]}in }}\n"


def _in_the_machine(sheet: Size) -> tuple[Size, ...]:
    """The papers there, where that is the usual one; the longest last."""
    return (LETTER, LEGAL) if sheet == LETTER else (sheet,)


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture on a paper, in the middle across and so far from the top."""

    paper: tuple[float, float]
    width: float
    height: float
    top: float = MARGIN


@dataclass(frozen=True, slots=True)
class Layout:
    """How a page becomes sheets: turned by a quarter perhaps, then scaled, then a sheet for each of ``tops``.

    A sheet shows the page from its top on, ``length`` of it, ``down`` from its own upper edge, in the middle across.
    """

    paper: tuple[float, float]
    turned: bool = False
    scale: float = 1.0
    tops: tuple[float, ...] = (0.0,)
    length: float = 0.0
    down: float = 0.0

    @property
    def as_it_is(self) -> bool:
        """Whether the page is a sheet of fax paper already."""
        return not self.turned and self.scale == 1 and len(self.tops) == 1


def lay_out(width: float, height: float, sheet: Size = LETTER, *, cut_long: bool) -> Layout:
    """Sheets for a page of that size. Long ones are cut if so wished, else shrunk onto one sheet."""
    width, height = max(width, _LEAST), max(height, _LEAST)
    turned = width > height and width > LETTER[0] + SLACK
    if turned:
        width, height = height, width
    for paper in PAPERS:
        if _is_about(width, paper[0]) and _is_about(height, paper[1]):
            return Layout(paper, turned, 1.0, (0.0,), height, (paper[1] - height) / 2)
    papers = _in_the_machine(sheet)
    is_long = height > LEGAL[1] + SLACK and height > _LONG * width
    if is_long and cut_long:
        return _cut(width, height, sheet, turned=turned)
    for paper in papers:
        if width <= paper[0] + SLACK and height <= paper[1] + SLACK:
            return Layout(paper, turned, 1.0, (0.0,), height)
    paper = max(papers, key=lambda paper: _covered(paper, width, height))
    scale = min(paper[0] / width, paper[1] / height)
    return Layout(paper, turned, scale, (0.0,), height * scale)


def _cut(width: float, height: float, sheet: Size, *, turned: bool) -> Layout:
    scale = min(1.0, sheet[0] / width)
    step = sheet[1] - _AGAIN
    few = ceil(height * scale / sheet[1])
    fits = (few * step + _AGAIN) / height
    if _SHRUNK * scale <= fits < scale:
        scale = fits
    sheets = min(ceil(round((height * scale - _AGAIN) / step, 3)), _MOST_SHEETS)
    return Layout(sheet, turned, scale, tuple(at * step for at in range(sheets)), sheet[1])


def _covered(paper: Size, width: float, height: float) -> float:
    """Part of the paper that the page would fill."""
    scale = min(paper[0] / width, paper[1] / height)
    return round(width * scale * height * scale / (paper[0] * paper[1]), 2)


def place(size: tuple[int, int], dpi: tuple[float, float] | None, sheet: Size = LETTER) -> Placed:
    """Where a picture of so many dots goes, and on which paper."""
    across, down = size
    shape = 1.0
    if dpi is not None:
        width, height = across / dpi[0], down / dpi[1]
        shape = dpi[0] / dpi[1]
        for paper in PAPERS:
            if _is_about(width, paper[0]) and _is_about(height, paper[1]):
                width, height = min(width, paper[0]), min(height, paper[1])
                return Placed(paper, width, height, (paper[1] - height) / 2)
        for paper in _in_the_machine(sheet):
            if width <= paper[0] - 2 * MARGIN and height <= paper[1] - 2 * MARGIN and width > LETTER[0] / 3:
                return Placed(paper, width, height)
    height_per_width = down * shape / across
    width = min(
        sheet[0] - 2 * MARGIN,
        (sheet[1] - 2 * MARGIN) / height_per_width,
        across / COARSEST,
    )
    return Placed(sheet, width, width * height_per_width)


def stretches(
    size: tuple[int, int], dpi: tuple[float, float] | None, sheet: Size = LETTER
) -> tuple[tuple[int, int], ...]:
    """The rows of a picture, from and to, that go on one sheet each: all on one, unless it is long."""
    across, down = size
    shape = dpi[0] / dpi[1] if dpi is not None else 1.0
    width = across / dpi[0] if dpi is not None else min(sheet[0] - 2 * MARGIN, across / COARSEST)
    known = dpi is not None and down / dpi[1] > LEGAL[1] + SLACK
    if down * shape <= (_LONG if known else _LONG_PICTURE) * across:
        return ((0, down),)
    length = sheet[1] if _is_about(width, LETTER[0]) else sheet[1] - 2 * MARGIN
    rows_an_inch = across / width / shape
    rows, again = round(length * rows_an_inch), round(_AGAIN * rows_an_inch)
    tops = range(0, max(1, down - again), max(1, rows - again))
    return tuple((top, min(top + rows, down)) for top in tops)[:_MOST_SHEETS]


def _is_about(value: float, wanted: float) -> bool:
    return abs(value - wanted) <= SLACK
