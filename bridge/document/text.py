"""Plain text as fax pages: a fixed-width face, long lines wrapped, nothing fetched from anywhere. Runs in the child."""

import html
import io
import itertools
import logging
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

import pikepdf

from bridge.document import characters

_PAGE = """<!doctype html><meta charset="utf-8"><style>
@page { size: letter; margin: 0.75in 0.75in 0.75in 0.9in }
pre { font: 10.5pt/1.35 "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 }
pre { orphans: 1; widows: 1 }
section + section { break-before: page }
</style>"""

LINES_ON_A_PAGE = 48
"""As many as the page above holds; a test counts them."""

_LETTERS_ON_A_LINE = 120
"""More than a line of the page holds in any script; the usual face has 78."""

_WITHOUT_WIDTH = {"Mn", "Me", "Cf"}

NO_FONT = "the fonts for {} are not installed here; attach it as PDF"
_NO_GLYPH = ".notdef glyph"
"""How WeasyPrint's warning begins when no font has a character; the character is its first argument."""


class TextUnusable(Exception):
    """The text cannot be set; the words say why."""


def pages_at_least(text: str) -> int:
    """A bound that costs little: the text makes so many pages or more."""
    return sum(ceil(sum(map(_lines_at_least, _lines(sheet))) / LINES_ON_A_PAGE) for sheet in _sheets(text))


def _lines_at_least(line: str) -> int:
    if len(line) <= _LETTERS_ON_A_LINE:
        return 1
    letters = sum(1 for char in line if unicodedata.category(char) not in _WITHOUT_WIDTH)
    return max(1, ceil(letters / _LETTERS_ON_A_LINE))


def add_text(pdf: pikepdf.Pdf, content: bytes, charset: str | None) -> int:
    """Append the text's pages to ``pdf``; returns how many. A form feed begins a new page. Raises TextUnusable."""
    import weasyprint  # noqa: PLC0415 - a second and a half that a mail without text need not wait

    def nothing(url: str, *_: object, **__: object) -> dict[str, object]:
        raise ValueError(f"nothing is fetched: {url[:20]}")

    page = _PAGE + "".join(map(_section, _sheets(characters.read(content, charset))))
    with _glyphs_missing() as missing:
        made = weasyprint.HTML(string=page, url_fetcher=nothing).write_pdf()
    if missing:
        raise TextUnusable(NO_FONT.format(_kind(missing[0])))
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


@contextmanager
def _glyphs_missing() -> Iterator[list[str]]:
    """The characters that WeasyPrint draws as empty boxes meanwhile; it says so in its log only."""
    found: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if str(record.msg).startswith(_NO_GLYPH) and isinstance(record.args, tuple):
                found.append(str(record.args[0]))

    log, ear = logging.getLogger("weasyprint"), Ear(logging.WARNING)
    log.addHandler(ear)
    try:
        yield found
    finally:
        log.removeHandler(ear)


def _kind(char: str) -> str:
    """What a font would be needed for: a script by the first word of its letters' names, else the single sign."""
    name = unicodedata.name(char, "")
    if unicodedata.category(char).startswith("L") and name:
        return f"its {name.split()[0].split('-')[0].capitalize().replace('Cjk', 'CJK')} letters"
    return f"its sign U+{ord(char):04X}"
