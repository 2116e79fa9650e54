"""Plain text as fax pages: a fixed-width face, long lines wrapped, nothing fetched from anywhere. Runs in the child."""

import html
import io
import itertools
import unicodedata
from math import ceil

import pikepdf

from bridge.document import characters, markup, typesetting
from bridge.document.paper import A4, LETTER, Size, style_of

_STYLE = """@page { margin: 0.75in 0.75in 0.75in 0.9in }
pre { font: 10.5pt/1.35 "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 }
pre { orphans: 1; widows: 1 }
section + section { break-before: page }
body { font: 11pt "DejaVu Sans", sans-serif }
"""

LINES_ON_A_PAGE = {LETTER: 48, A4: 51}
"""As many as the page above holds; a test counts them."""

_LETTERS_ON_A_LINE = 120
"""More than a line of the page holds in any script; the usual face has 78."""

_WITHOUT_WIDTH = {"Mn", "Me", "Cf"}


def pages_at_least(text: str, paper: Size = LETTER) -> int:
    """A bound that costs little: the text makes so many pages or more."""
    return sum(ceil(sum(map(_lines_at_least, _lines(sheet))) / LINES_ON_A_PAGE[paper]) for sheet in _sheets(text))


def _lines_at_least(line: str) -> int:
    if len(line) <= _LETTERS_ON_A_LINE:
        return 1
    letters = sum(1 for char in line if unicodedata.category(char) not in _WITHOUT_WIDTH)
    return max(1, ceil(letters / _LETTERS_ON_A_LINE))


def add_text(
    pdf: pikepdf.Pdf, content: bytes, charset: str | None, heading: markup.Heading = (), paper: Size = LETTER
) -> int:
    """Append the text's pages to ``pdf``; returns how many. A form feed begins a new page. Raises TextUnusable."""
    page = markup.heading_of(heading) + "".join(map(_section, _sheets(characters.read(content, charset))))
    made = typesetting.draw(page, style_of(paper) + _STYLE + markup.HEADING_STYLE, {})
    with pikepdf.open(io.BytesIO(made)) as source:
        pdf.pages.extend(source.pages)
        return len(source.pages)


def _sheets(text: str) -> list[str]:
    return [sheet for sheet in text.split("\f") if sheet.strip()]


def _lines(sheet: str) -> list[str]:
    return sheet.rstrip("\n").split("\n")


def _section(sheet: str) -> str:
    """A sheet as HTML: lines that run the same way stand in one block (of which HTML drops the first newline)."""
    blocks = (
        f'<pre dir="{way}">\n{html.escape(chr(10).join(lines))}\n</pre>'
        for way, lines in itertools.groupby(_lines(sheet), characters.direction)
    )
    return f"<section>{''.join(blocks)}</section>"
