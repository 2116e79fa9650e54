"""A page whose letters cannot be drawn here, for want of a font, is refused by name and never faxed with gaps."""

from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name

from bridge.document.pdf import glyphs
from tests.support.document_samples import Made, ink, mail, make, part
from tests.support.pdf_samples import a_page, built

LATIN_2 = Dictionary(BaseEncoding=Name.WinAnsiEncoding, Differences=Array([128, Name.Zdotaccent, Name.ncaron]))


async def faxed(pdf: bytes, workspace: Path) -> Made:
    """The pages of a mail with that PDF attached."""
    return await make(workspace, mail(part(pdf, "application/pdf", "letter.pdf")))


def lettered(content: bytes, encoding: Dictionary | Name = LATIN_2, name: str = "Helvetica", turned: int = 0) -> bytes:
    """A page in a font that is not in the file."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf, turned=turned)
        page.Resources.Font.F2 = Dictionary(
            Type=Name.Font, Subtype=Name.Type1, BaseFont=Name(f"/{name}"), Encoding=encoding
        )
        page.Contents = pdf.make_stream(content)

    return built(build)


def japanese(name: str) -> bytes:
    """A page in a font of that name for Japanese, which is not in the file."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf)
        system = Dictionary(Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Japan1"), Supplement=2)
        inner = Dictionary(Type=Name.Font, Subtype=Name.CIDFontType0, BaseFont=Name(f"/{name}"), CIDSystemInfo=system)
        page.Resources.Font.F2 = Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=Name(f"/{name}"),
            Encoding=Name("/UniJIS-UCS2-H"),
            DescendantFonts=Array([inner]),
        )
        page.Contents = pdf.make_stream(b"BT /F2 20 Tf 100 600 Td <65E5672C8A9E> Tj ET")

    return built(build)


@pytest.mark.parametrize("turned", [0, 90, 180])
async def test_a_page_with_gaps_for_letters_is_refused_by_name(turned: int, tmp_path: Path) -> None:
    """The font is named, and what to do."""
    made = await faxed(lettered(b"BT /F2 14 Tf 100 600 Td (A\x80\x81) Tj ET", turned=turned), tmp_path)
    assert made.failed == "letter.pdf: " + glyphs.NO_FONT.format(font="Helvetica")


async def test_letters_that_are_there_are_drawn(tmp_path: Path) -> None:
    """A font that is not in the file is no fault where another has all that is written."""
    made = await faxed(lettered(b"BT /F2 14 Tf 100 600 Td (Gr\xfc\xdfe \xa0 caf\xe9) Tj ET", name="Frutiger"), tmp_path)
    assert made.failed == ""
    assert ink(made.picture()) is not None


@pytest.mark.parametrize("way", [3, 7])
async def test_words_that_nobody_sees_need_no_font(way: int, tmp_path: Path) -> None:
    """Those that a program reads behind a scan, mostly."""
    content = b"20 20 100 100 re f BT %d Tr /F2 14 Tf 100 600 Td (\x80\x81) Tj ET" % way
    made = await faxed(lettered(content), tmp_path)
    assert (made.failed, made.pages) == ("", 1)


async def test_a_script_without_a_font_is_refused_by_name(tmp_path: Path) -> None:
    """Blank lines in the place of Japanese are no fax, and where a font for it is installed there are none."""
    made = await faxed(japanese("HeiseiMin-W3"), tmp_path)
    assert made.failed in {"", "letter.pdf: " + glyphs.NO_FONT.format(font="HeiseiMin-W3")}
    assert made.failed or ink(made.picture()) is not None


async def test_a_font_may_be_told_in_pieces(tmp_path: Path) -> None:
    """Its name and its kind may stand anywhere in the file, as all else."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf)
        font = page.Resources.Font.F1
        for key in ("/Type", "/Subtype", "/BaseFont"):
            font[key] = pdf.make_indirect(font[key])
        link = Dictionary(Type=Name.Annot, Subtype=pdf.make_indirect(Name.Link), F=0, Rect=Array([0, 0, 9, 9]))
        page.Annots = Array([link])
        page.Contents = pdf.make_stream(b"BT /F1 20 Tf 100 600 Td (in pieces) Tj ET")

    made = await faxed(built(build), tmp_path)
    assert (made.failed, made.pages) == ("", 1)
