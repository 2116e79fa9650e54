"""HTML as fax pages: drawn as seen, its own pictures in place, nothing fetched from anywhere. Runs in the child."""

import html
import io
import re
from collections.abc import Mapping

import pikepdf

from bridge.document import characters, typesetting
from bridge.document.paper import LETTER, POINTS, Size

MARGIN = 0.6
"""Inches."""

WIDEST = 4.0
"""So many times the paper's width may a text be laid out; beyond that its letters could not be read."""

_DOCTYPE = re.compile(r"<!doctype\s+html", re.IGNORECASE)

Heading = tuple[tuple[str, str], ...]
"""Fields of an attached mail, to stand above its text."""

HEADING_STYLE = """
table.faxbridge-heading { border-bottom: 1pt solid black; margin-bottom: 12pt; width: 100%; text-align: left }
table.faxbridge-heading th { width: 5em; vertical-align: top }"""

_STYLE = """@page {{ size: {width}in {height}in; margin: {margin}in }}
html {{ background: white }}
body {{ margin: 0; font-family: "DejaVu Sans", sans-serif; font-size: 11pt }}
img {{ max-width: 100% }}
pre {{ white-space: pre-wrap }}
:is(td, th, div)[align=center i] > table, center > table {{ margin-left: auto; margin-right: auto }}
"""

_WITHOUT_DOCTYPE = "table { text-align: initial }"
"""What browsers do in a text that names no version of HTML: a table in a centred cell is centred, its words are not."""


def add_html(
    pdf: pikepdf.Pdf,
    content: bytes,
    charset: str | None,
    heading: Heading,
    pictures: Mapping[str, bytes],
    *,
    paper: Size = LETTER,
) -> set[str]:
    """Append the text's pages to ``pdf``; returns which pictures stand on them. Raises TextUnusable, ImageUnusable.

    What is wider than the paper is laid out on wider paper and shrunk, rather than cut off.
    """
    page = heading_of(heading) + characters.read(content, charset)
    drawable = {content_id: typesetting.drawable(picture) for content_id, picture in pictures.items()}
    shown: set[str] = set()
    made = _draw(page, 1.0, drawable, paper, shown)
    if (needed := _width_needed(made, paper)) > 1.0:
        made = _draw(page, min(needed, WIDEST), drawable, paper, shown)
    with pikepdf.open(io.BytesIO(made)) as source:
        for drawn in source.pages:
            _add_page(pdf, drawn, paper)
    return shown


def heading_of(heading: Heading) -> str:
    """As HTML; nothing if there is none."""
    rows = "".join(f"<tr><th>{html.escape(name)}:</th><td>{html.escape(value)}</td></tr>" for name, value in heading)
    return f'<table class="faxbridge-heading">{rows}</table>' if rows else ""


def _draw(page: str, scale: float, pictures: Mapping[str, bytes], paper: Size, shown: set[str]) -> bytes:
    """On paper ``scale`` times as wide and high as that."""
    quirks = "" if _DOCTYPE.search(page) else _WITHOUT_DOCTYPE
    style = quirks + _STYLE.format(width=paper[0] * scale, height=paper[1] * scale, margin=MARGIN * scale)
    return typesetting.draw(page, style + HEADING_STYLE, pictures, shown)


def _width_needed(made: bytes, paper: Size) -> float:
    """How many times as wide the paper should be for nothing to stand beyond its right edge."""
    import pypdfium2  # noqa: PLC0415 - which a mail without HTML need not wait for

    document = pypdfium2.PdfDocument(made)
    try:
        furthest = max((each.get_bounds()[2] for page in document for each in page.get_objects(max_depth=4)), default=0)
    finally:
        document.close()
    width, margin = paper[0] * POINTS, MARGIN * POINTS
    return 1.0 if furthest <= width else (furthest + margin) / width


def _add_page(pdf: pikepdf.Pdf, drawn: pikepdf.Page, paper: Size) -> None:
    width, height = (inches * POINTS for inches in paper)
    pdf.add_blank_page(page_size=(width, height))
    pdf.pages[-1].add_overlay(drawn, pikepdf.Rectangle(0, 0, width, height))
