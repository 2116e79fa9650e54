"""The line at the head of each page: when, from whom, to whom, page so of so many. Runs in the child.

It covers nothing. On a finished fax page it stands in rows that are blank, at the top or, the page moved down, at the
bottom; where there are none the page grows by it. A page of text is shrunk a little, and a fax that was one before
grows, so that its dots stay what they were.
"""

import html
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pikepdf
from PIL import Image

from bridge.document import greys, group4, typesetting
from bridge.document.covers import Headline
from bridge.document.maps import Mask
from bridge.document.paper import DOTS, LINE, POINTS

if TYPE_CHECKING:
    import pypdfium2

ROWS = 40
"""Lines of a fax page that it takes: a fifth of an inch."""
_HEIGHT = ROWS / DOTS[1] * POINTS
_WIDTH = LINE / DOTS[0] * POINTS

_STYLE = f"""@page {{ size: {_WIDTH}pt {_HEIGHT}pt; margin: 0 }}
body {{ margin: 0; font: 8pt/{_HEIGHT}pt "DejaVu Sans", sans-serif; color: black }}
p {{ margin: 0 14pt; height: {_HEIGHT}pt; overflow: hidden; white-space: nowrap; display: flex; gap: 14pt }}
p + p {{ break-before: page }}
b {{ font-weight: normal; overflow: hidden; flex: 1 1 auto }}
i {{ font-style: normal; flex: none }}
"""
_BLACK_BELOW = 128


def put_on(pdf: pikepdf.Pdf, line: Headline) -> None:
    """Give every page its line. Raises TextUnusable where no font has one of its letters."""
    pages = list(pdf.pages)
    del pdf.pages[:]
    with _drawn(line, len(pages)) as (lines, pictures):
        for page, head, picture in zip(pages, lines.pages, pictures, strict=True):
            if (fax := _fax_page(page)) is not None:
                group4.add(pdf, group4.encode(_with_head(fax, picture)))
            else:
                _lay_out(pdf, page, head)


@contextmanager
def _drawn(line: Headline, count: int) -> Iterator[tuple[pikepdf.Pdf, Iterator[Mask]]]:
    """The lines of all pages: as a page each of a PDF, and as dots."""
    import pypdfium2  # noqa: PLC0415 - a library that most mails need not wait for

    words = [html.escape(each) for each in (line.date, f"From {line.sender}", f"To {line.recipient}")]
    rows = "".join(
        f"<p><i>{words[0]}</i><b>{words[1]}</b><b>{words[2]}</b><i>Page {number} of {count}</i></p>"
        for number in range(1, count + 1)
    )
    made = typesetting.draw(rows, _STYLE, {})
    drawing = pypdfium2.PdfDocument(made)
    try:
        with pikepdf.open(io.BytesIO(made)) as lines:
            yield lines, (_picture(drawing, at) for at in range(count))
    finally:
        drawing.close()


def _picture(drawing: "pypdfium2.PdfDocument", at: int) -> Mask:
    picture: Image.Image = drawing[at].render(scale=DOTS[0] / POINTS).to_pil().convert("L")
    return np.asarray(picture.resize((LINE, ROWS))) < _BLACK_BELOW


def _fax_page(page: pikepdf.Page) -> Mask | None:
    """The ink of a page that was finished here; None of any other."""
    drawn = page.resources.get("/XObject", pikepdf.Dictionary())
    if list(drawn.keys()) != [group4.NAME] or drawn[group4.NAME].get("/Width") != LINE:
        return None
    image = drawn[group4.NAME]
    assert isinstance(image, pikepdf.Stream)
    return ~np.asarray(pikepdf.PdfImage(image).as_pil_image().convert("1"))


def _with_head(page: Mask, head: Mask) -> Mask:
    """In blank rows at the top; else with the page moved into those at its end; else on a page that is longer."""
    if not page[:ROWS].any():
        return np.concatenate((head, page[ROWS:]))
    if not page[-ROWS:].any():
        return np.concatenate((head, page[:-ROWS]))
    return np.concatenate((head, page))


def _lay_out(pdf: pikepdf.Pdf, page: pikepdf.Page, head: pikepdf.Page) -> None:
    """A page drawn below its line."""
    left, bottom, right, top = (float(edge) for edge in page.mediabox)
    width, height = right - left, top - bottom
    grows = greys.is_scan(page)
    whole = height + _HEIGHT if grows else height
    scale = 1.0 if grows else (height - _HEIGHT) / height
    pdf.add_blank_page(page_size=(width, whole))
    sheet, margin = pdf.pages[-1], (width - width * scale) / 2
    sheet.add_overlay(page, pikepdf.Rectangle(margin, 0, width - margin, height * scale))
    sheet.add_overlay(head, pikepdf.Rectangle((width - _WIDTH) / 2, whole - _HEIGHT, (width + _WIDTH) / 2, whole))
