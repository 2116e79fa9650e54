"""Texts in boxes of a given size, as drawings to be put on a PDF's page: what fields and notes of a PDF say.

All texts of a PDF are set together, each in every size that it may have; of these the largest that fits is taken.
Fonts are embedded, any script is set for which there is a font. Runs in the child.
"""

import html
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pikepdf

from bridge.document import typesetting

if TYPE_CHECKING:
    import pypdfium2

_RULES = """
body { margin: 0 }
.box { position: absolute; display: flex; flex-direction: column; box-sizing: border-box }
.box p { margin: 0; white-space: pre-wrap; overflow-wrap: normal }
.one p { white-space: pre }
.cell { position: absolute; white-space: pre; text-align: center }
.dark { background: black; color: white }
"""

Face = Literal["sans", "serif", "mono"]
Align = Literal["left", "center", "right"]
ALIGNS: tuple[Align, ...] = ("left", "center", "right")
"""By their numbers in a PDF (its key ``Q``)."""

_FAMILIES = {
    "sans": 'Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif',
    "serif": '"Times New Roman", Times, "Liberation Serif", "DejaVu Serif", "DejaVu Sans", serif',
    "mono": '"Courier New", Courier, "Liberation Mono", "DejaVu Sans Mono", "DejaVu Sans", monospace',
}
SMALLEST = 4.0
"""Points: smaller letters could not be read on a fax page."""
LARGEST_AUTO = 12.0
"""Points: where a text of several lines may choose its size, it begins with this."""
_STEP = 0.9
LINE = 1.16
"""Times the size of letters that a line is high."""
_FILL = 0.8
"""Part of the height of a box of one line that its letters take if they may choose their size."""
_WIDE_CELL = 1.2
"""Times the width of a cell that its letter may be high."""
_OVER = 0.5
"""Points by which a letter may reach over the edge of its box, as a slanted one does."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """A text in a box; lengths in points. ``size`` 0: what fits. ``cells``: so many of equal width, a letter in each.

    ``inset`` is kept free all around. ``inverted``: lines, from 0, that are white on black.
    """

    text: str
    width: float
    height: float
    size: float = 0.0
    face: Face = "sans"
    align: Align = "left"
    lines: bool = False
    cells: int = 0
    inset: float = 2.0
    colour: str = "black"
    inverted: frozenset[int] = frozenset()


class DoesNotFit(Exception):
    """A text does not fit into its box in letters that can be read; ``at`` says which."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


def draw(pdf: pikepdf.Pdf, letterings: Sequence[Lettering]) -> list[pikepdf.Stream]:
    """A form XObject for each, of the size of its box. Raises DoesNotFit, and TextUnusable where a font is missing."""
    drawn: dict[int, pikepdf.Stream] = {}
    tries = [(at, _first_size(lettering)) for at, lettering in enumerate(letterings)]
    while tries:
        drawn |= _fitting(pdf, letterings, tries)
        again = dict.fromkeys(at for at, _ in tries if at not in drawn)
        if again and any(size <= SMALLEST for _, size in tries):
            raise DoesNotFit(next(iter(again)))
        tries = [(at, size) for at in again for size in _smaller_sizes(letterings[at])]
    return [drawn[at] for at in range(len(letterings))]


_SPARE = 1000.0
"""Points: a page is so much larger on each side than the box, so that what does not fit can be seen not to."""


def _first_size(lettering: Lettering) -> float:
    if lettering.size:
        return max(lettering.size, SMALLEST)
    if lettering.lines:
        return max(min(LARGEST_AUTO, lettering.height), SMALLEST)
    size = (lettering.height - 2 * lettering.inset) * _FILL
    if lettering.cells:
        size = min(size, lettering.width / lettering.cells * _WIDE_CELL)
    return max(size, SMALLEST)


def _smaller_sizes(lettering: Lettering) -> Iterator[float]:
    """From the largest to the smallest."""
    size = _first_size(lettering)
    while (size := size * _STEP) > SMALLEST:
        yield size
    yield SMALLEST


def _style(letterings: Sequence[Lettering], tries: Iterable[tuple[int, float]]) -> str:
    """Each try has a page of its own, as large as its box and what is kept around it."""
    rules = [_RULES]
    for number, (at, _) in enumerate(tries):
        box = letterings[at]
        rules.append(
            f"@page t{number} {{ size: {box.width + 2 * _SPARE:.2f}pt {box.height + 2 * _SPARE:.2f}pt; margin: 0 }}"
            f"#t{number} {{ page: t{number}; height: {box.height + 2 * _SPARE:.2f}pt; position: relative }}"
        )
    return "".join(rules)


def _page(number: int, box: Lettering, size: float) -> str:
    font = f"font: {size:.2f}pt/{LINE} {_FAMILIES[box.face]}".replace('"', "'")
    place = f"left: {_SPARE}pt; top: {_SPARE}pt; width: {box.width:.2f}pt; height: {box.height:.2f}pt"
    if box.cells:
        return (
            f'<section id="t{number}"><div style="{font}; color: {box.colour}">{_in_cells(box, size)}</div></section>'
        )
    middle = "justify-content: flex-start" if box.lines else "justify-content: center"
    across = {"left": "flex-start", "center": "center", "right": "flex-end"}[box.align]
    style = f"{place}; padding: {box.inset:.2f}pt; {middle}; {font}; color: {box.colour}; text-align: {box.align}" + (
        "" if box.lines else f"; align-items: {across}"
    )
    lines = box.text.split("\n") if box.inverted else [box.text]
    text = "".join(
        f'<p class="{"dark" if at in box.inverted else ""}" dir="auto">{html.escape(line)}</p>'
        for at, line in enumerate(lines)
    )
    kind = "box" if box.lines else "box one"
    return f'<section id="t{number}"><div class="{kind}" style="{style}">{text}</div></section>'


def _in_cells(box: Lettering, size: float) -> str:
    """Each letter in the middle of its cell."""
    letters = box.text[: box.cells]
    first = {"left": 0, "center": (box.cells - len(letters)) // 2, "right": box.cells - len(letters)}[box.align]
    width = box.width / box.cells
    top = (box.height - size * LINE) / 2
    return "".join(
        f'<span class="cell" style="left: {_SPARE + (first + at) * width:.2f}pt; top: {_SPARE + top:.2f}pt; '
        f'width: {width:.2f}pt">{html.escape(letter)}</span>'
        for at, letter in enumerate(letters)
    )


def _fitting(
    pdf: pikepdf.Pdf, letterings: Sequence[Lettering], tries: Sequence[tuple[int, float]]
) -> dict[int, pikepdf.Stream]:
    """The texts set; of each the largest try in which all of it stands within its box."""
    import pypdfium2  # noqa: PLC0415 - a library that most mails need not wait for

    pages = "".join(_page(number, letterings[at], size) for number, (at, size) in enumerate(tries))
    made = typesetting.draw(pages, _style(letterings, tries), {})
    fitting: dict[int, pikepdf.Stream] = {}
    document = pypdfium2.PdfDocument(made)
    try:
        with pikepdf.open(io.BytesIO(made)) as drawn:
            for number, (at, _) in enumerate(tries):
                if at not in fitting and _fits(document[number], letterings[at]):
                    fitting[at] = _form(pdf, drawn.pages[number], letterings[at])
    finally:
        document.close()
    return fitting


def _form(pdf: pikepdf.Pdf, page: pikepdf.Page, box: Lettering) -> pikepdf.Stream:
    form = pdf.copy_foreign(page.as_form_xobject())
    assert isinstance(form, pikepdf.Stream)
    form.BBox = pikepdf.Array([_SPARE, _SPARE, _SPARE + box.width, _SPARE + box.height])
    form.Matrix = pikepdf.Array([1, 0, 0, 1, -_SPARE, -_SPARE])
    return form


def _fits(page: "pypdfium2.PdfPage", box: Lettering) -> bool:
    return all(
        left >= _SPARE - _OVER
        and right <= _SPARE + box.width + _OVER
        and bottom >= _SPARE - _OVER
        and top <= _SPARE + box.height + _OVER
        for left, bottom, right, top in (each.get_bounds() for each in page.get_objects())
    )
