"""HTML and CSS become a PDF: with the pictures it is given, and nothing fetched from anywhere. Runs in the child."""

import io
import logging
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

from PIL import ImageFile

from bridge.document import images, references, signs, vectors
from bridge.document.upright import Unusable, upright
from bridge.runtime.phrases import phrase

LETTERS = phrase("its {script} letters")
SIGN = phrase("its sign U+{code}")
DAMAGED_PICTURE = phrase("shows a picture that is damaged; attach the picture as a file")
NO_FONT = phrase("the fonts for {what} are not installed here; attach it as PDF")
_NO_GLYPH = ".notdef glyph"
"""How WeasyPrint's warning begins when no font has a character; the character is its first argument."""

_GOOD_AS_IT_IS = {"PNG", "JPEG", "GIF"}


class TextUnusable(Exception):
    """The text cannot be set; the words say why."""


def draw(page: str, style: str, pictures: Mapping[str, bytes], shown: set[str] | None = None) -> bytes:
    """The PDF of an HTML text. Raises TextUnusable where no font has one of its letters.

    ``pictures`` are drawable ones, by what the text names them by; the names of those that are drawn join ``shown``.

    A sign that no font has, an emoji mostly, is named in brackets: drawn it would be an empty box.
    """
    page = signs.joined(page)
    shown = set() if shown is None else shown
    made, missing = _draw(page, style, pictures, shown)
    if not missing:
        return made
    for char in missing:
        if not signs.name_of(char):
            raise TextUnusable(NO_FONT.format(what=_kind(char)))
    page = signs.named(page, missing)
    pictures = {
        name: vectors.named(picture, missing) if vectors.is_one(picture) else picture
        for name, picture in pictures.items()
    }
    made, missing = _draw(page, style, pictures, shown)
    if missing:
        raise TextUnusable(NO_FONT.format(what=_kind(next(iter(missing)))))
    return made


def _draw(page: str, style: str, pictures: Mapping[str, bytes], shown: set[str]) -> tuple[bytes, set[str]]:
    """As browsers draw it, with what a text says in attributes that are older than styles: the dark ground of a cell
    whose letters are white, lines of a table, the number with which a list begins.
    """
    weasyprint = load()
    from bridge.document.fetching import PartsOnly  # noqa: PLC0415 - for the same reason

    with _glyphs_missing() as missing:
        document = weasyprint.HTML(
            string=page, url_fetcher=PartsOnly(pictures, shown), base_url=references.HERE, media_type="screen"
        )
        references.made_plain(document.etree_element)
        made: bytes = document.write_pdf(stylesheets=[weasyprint.CSS(string=style)], presentational_hints=True)
    return made, missing


def drawable(content: bytes) -> bytes:
    """A picture in a form that can be drawn. Raises ImageUnusable, DrawingUnusable."""
    if vectors.is_one(content):
        return vectors.plain(content)
    try:
        with images.opened(content) as picture:
            if picture.format in _GOOD_AS_IT_IS:
                return content
            out = io.BytesIO()
            upright(picture, picture.format)[0].save(out, "PNG")
            return out.getvalue()
    except (Unusable, *images.DAMAGES) as error:
        raise images.ImageUnusable(DAMAGED_PICTURE) from error


def load() -> ModuleType:
    """WeasyPrint, which takes a second to load. It has Pillow take half a picture for a whole one, for good."""
    import weasyprint  # noqa: F401, PLC0415 - where it is needed, or in the warm process

    ImageFile.LOAD_TRUNCATED_IMAGES = False
    return sys.modules["weasyprint"]


@contextmanager
def _glyphs_missing() -> Iterator[set[str]]:
    """The characters that WeasyPrint draws as empty boxes meanwhile; it says so in its log only."""
    found: set[str] = set()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if str(record.msg).startswith(_NO_GLYPH) and isinstance(record.args, tuple):
                found.update(str(record.args[0]))

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
        return LETTERS.format(script=name.split()[0].split("-")[0].capitalize().replace("Cjk", "CJK"))
    return SIGN.format(code=f"{ord(char):04X}")
