"""Letters on a PDF's page that cannot be drawn here, since their font is neither in the file nor installed.

The library that draws takes another font where one is not in the file, and leaves out in silence what that has not.
Runs in the child.
"""

import ctypes
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pikepdf

from bridge.document.pdf.unusable import PdfUnusable
from bridge.runtime import foreign
from bridge.runtime.phrases import phrase

if TYPE_CHECKING:
    import pypdfium2

NO_FONT = phrase(
    "its font “{font}” is neither in the file nor installed here, and letters would be missing; save it with all its "
    "fonts embedded, or print it to a new PDF"
)

_SEEN = {0, 1, 2, 4, 5, 6}
"""Ways to draw text that leave ink (ISO 32000-1, table 106); words behind a scan have none."""
_NAME = 200
_USUAL = (
    *("/Helvetica", "/Helvetica-Bold", "/Helvetica-Oblique", "/Helvetica-BoldOblique", "/Symbol", "/ZapfDingbats"),
    *("/Times-Roman", "/Times-Bold", "/Times-Italic", "/Times-BoldItalic"),
    *("/Courier", "/Courier-Bold", "/Courier-Oblique", "/Courier-BoldOblique"),
)
"""Fonts that whatever draws has, with their own letters."""
_FILES = ("/FontFile", "/FontFile2", "/FontFile3")
_LOOK = 1400.0
"""Dots of the longer side of the picture in which missing letters are looked for."""
_INK = 60
"""By so many of 255 shades ink differs from what is around it."""

Box = tuple[float, float, float, float]


def check(pdf: pikepdf.Pdf) -> None:
    """Raises PdfUnusable where letters of a page would be missing."""
    if not any(map(_may_lack_letters, _fonts(pdf))):
        return
    import pypdfium2  # noqa: PLC0415 - a library that most mails need not wait for

    saved = io.BytesIO()
    pdf.save(saved)
    document = pypdfium2.PdfDocument(saved.getvalue())
    try:
        for page in document:
            _check_page(page)
            page.close()
    finally:
        document.close()


def missing(text: "pypdfium2.PdfTextPage") -> Iterator[tuple[str, Box]]:
    """The letters for which no outline is found: the name of their font, and their place on the page."""
    from pypdfium2 import raw  # noqa: PLC0415 - a library that most mails need not wait for

    known: dict[tuple[int, int], bool] = {}
    place = raw.FS_RECTF()
    for at in range(raw.FPDFText_CountChars(text)):
        char = raw.FPDFText_GetUnicode(text, at)
        drawn = raw.FPDFText_GetTextObject(text, at)
        if not drawn or not chr(char).isprintable() or chr(char).isspace():
            continue
        font = raw.FPDFTextObj_GetFont(drawn)
        if not font or raw.FPDFFont_GetIsEmbedded(font) or raw.FPDFTextObj_GetTextRenderMode(drawn) not in _SEEN:
            continue
        key = (ctypes.addressof(font.contents), char)
        if key not in known:
            outline = raw.FPDFFont_GetGlyphPath(font, char, 10.0)
            known[key] = bool(outline) and raw.FPDFGlyphPath_CountGlyphSegments(outline) > 0
        if not known[key] and raw.FPDFText_GetLooseCharBox(text, at, place):
            yield _name_of(font), (place.left, place.bottom, place.right, place.top)


def _check_page(page: "pypdfium2.PdfPage") -> None:
    """A letter without an outline is missing if its place is empty: some are found in another way by what draws."""
    if not (lacking := list(missing(page.get_textpage()))):
        return
    width, height = page.get_size()
    left, _, _, top = page.get_bbox()
    scale = _LOOK / max(width, height, 1.0)
    turned = page.get_rotation()
    page.set_rotation(0)
    picture = page.render(scale=scale, grayscale=True).to_pil()
    page.set_rotation(turned)
    for font, box in lacking:
        place = (
            *(max(0, int((box[0] - left) * scale)), max(0, int((top - box[3]) * scale))),
            *(
                min(picture.width, int((box[2] - left) * scale) + 1),
                min(picture.height, int((top - box[1]) * scale) + 1),
            ),
        )
        if place[0] < place[2] and place[1] < place[3]:
            darkest, lightest = picture.crop(place).getextrema()
            if lightest - darkest < _INK:
                raise PdfUnusable(NO_FONT.format(font=font))


def _fonts(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Dictionary]:
    """All that the file has, whether they stand by themselves or within lists of resources."""
    for item in pdf.objects:
        if not isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
            continue
        if item.get("/Type") == "/Font" and isinstance(item, pikepdf.Dictionary):
            yield item
        resources = item.get("/Resources")
        for holder in (item, resources):
            held = holder.get("/Font") if isinstance(holder, pikepdf.Dictionary | pikepdf.Stream) else None
            if isinstance(held, pikepdf.Dictionary):
                yield from (each for each in held.values() if isinstance(each, pikepdf.Dictionary))


def _may_lack_letters(font: pikepdf.Dictionary) -> bool:
    """Whether it is not in the file, and may have letters that what stands for it has not."""
    kind = font.get("/Subtype")
    if kind == "/Type0":
        inner = font.get("/DescendantFonts")
        fonts = list(inner) if isinstance(inner, pikepdf.Array) else []
        return not any(map(_is_embedded, fonts))
    usual = font.get("/BaseFont") in _USUAL and not isinstance(font.get("/Encoding"), pikepdf.Dictionary)
    return kind != "/Type3" and not usual and not _is_embedded(font)


def _is_embedded(font: object) -> bool:
    descriptor = font.get("/FontDescriptor") if isinstance(font, pikepdf.Dictionary) else None
    return isinstance(descriptor, pikepdf.Dictionary) and any(name in descriptor for name in _FILES)


def _name_of(font: object) -> str:
    from pypdfium2 import raw  # noqa: PLC0415 - a library that most mails need not wait for

    name = ctypes.create_string_buffer(_NAME)
    raw.FPDFFont_GetBaseFontName(font, name, _NAME)
    return foreign.one_line(name.value.decode("latin-1"))
