"""Empty sheets stay off the fax, and no sheet with a mark does."""

import io
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageDraw

from bridge.document import pages, pieces
from tests.support.document_samples import a_pdf, left_out, mail, make, multipart, part, saved

SHEET = (1728, 2200)


def scan(*sheets: Image.Image) -> bytes:
    """Sheets as a machine's TIFF."""
    first, *others = sheets
    return saved(first, "TIFF", save_all=True, append_images=others, dpi=(204, 200))


def marked(at: tuple[int, int], grey: int = 0, mode: str = "L") -> Image.Image:
    """A sheet with one dot."""
    sheet = Image.new(mode, SHEET, 255)
    sheet.putpixel(at, grey)
    return sheet


async def one(workspace: Path, content: bytes, name: str) -> tuple[int, dict[str, str | None], str]:
    """Pages, what was left out, and why it failed."""
    made = await make(workspace, mail(multipart("mixed", part(content, "application/octet-stream", name))))
    return made.pages, left_out(made.parts), made.failed


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
async def test_a_blank_sheet_of_a_scan_is_dropped_with_a_line(mode: str, tmp_path: Path) -> None:
    """Backs of a duplex scan are left out, each by its number; the others are all there."""
    full = Image.new("L", SHEET, 255)
    ImageDraw.Draw(full).rectangle((100, 100, 900, 400), fill=0)
    empty = Image.new(mode, SHEET, "white")
    number, lines, failed = await one(tmp_path, scan(full, empty, full, empty), "scan.tif")
    assert (number, failed) == (2, "")
    assert lines == {"scan.tif": None, "scan.tif, page 2": pieces.BLANK, "scan.tif, page 4": pieces.BLANK}


@pytest.mark.parametrize("mode", ["1", "L"])
@pytest.mark.parametrize("at", [(0, 0), (1727, 2199), (864, 1100)])
async def test_a_sheet_with_a_single_dot_is_faxed(mode: str, at: tuple[int, int], tmp_path: Path) -> None:
    """However small the mark, and wherever it is."""
    number, lines, _ = await one(tmp_path, scan(marked(at, mode=mode)), "scan.tif")
    assert (number, lines) == (1, {"scan.tif": None})


async def test_a_faint_mark_is_a_mark(tmp_path: Path) -> None:
    """Pencil, far from black, keeps its sheet."""
    sheet = Image.new("L", SHEET, 250)
    ImageDraw.Draw(sheet).line((300, 300, 500, 320), fill=200, width=2)
    assert (await one(tmp_path, saved(sheet, "PNG"), "a.png"))[0] == 1


async def test_blank_pages_of_a_pdf_are_dropped_and_pages_with_words_stay(tmp_path: Path) -> None:
    """Also where a page has nothing but white: an empty page made by a program is as empty as a scanned one."""
    made = await make(tmp_path, mail(part(a_pdf("one", "two"), "application/pdf", "a.pdf")))
    assert made.words() == ["one", "two"]
    with pikepdf.open(io.BytesIO(a_pdf("one", "two"))) as pdf:
        pdf.add_blank_page()
        out = io.BytesIO()
        pdf.save(out)
    number, lines, _ = await one(tmp_path, out.getvalue(), "a.pdf")
    assert (number, lines) == (2, {"a.pdf": None, "a.pdf, page 3": pieces.BLANK})


async def test_nothing_but_blank_sheets_is_no_fax(tmp_path: Path) -> None:
    """It fails, and the words say that the sheets are blank."""
    number, lines, failed = await one(tmp_path, scan(Image.new("1", SHEET, 1)), "scan.tif")
    assert (number, failed) == (0, f"scan.tif: {pages.ALL_BLANK}")
    assert lines["scan.tif"] == pieces.BLANK


@pytest.mark.parametrize("change", ["inverted", "ink", "mask"])
async def test_a_picture_whose_largest_number_is_ink_is_not_blank(change: str, tmp_path: Path) -> None:
    """A sheet that is black on paper is no blank one, though its numbers are those of white."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(612, 792))
        space: pikepdf.Object = pikepdf.Name.DeviceGray
        if change == "ink":
            tint = pdf.make_stream(b"{1 exch sub}", FunctionType=4, Domain=[0, 1], Range=[0, 1])
            space = pikepdf.Array([pikepdf.Name.Separation, pikepdf.Name.Black, pikepdf.Name.DeviceGray, tint])
        image = pdf.make_stream(bytes([255] * 64), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
        image.Width, image.Height, image.BitsPerComponent, image.ColorSpace = 8, 8, 8, space
        if change == "inverted":
            image.Decode = pikepdf.Array([1, 0])
        if change == "mask":
            del image.ColorSpace
            image.ImageMask, image.BitsPerComponent = True, 1
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=image))
        page.obj.Contents = pdf.make_stream(b"612 0 0 792 0 0 cm /Im Do")
        out = io.BytesIO()
        pdf.save(out)
    assert (await one(tmp_path, out.getvalue(), "a.pdf"))[0] == 1


async def test_pale_marks_on_white_are_marks(tmp_path: Path) -> None:
    """A line in pure yellow, and nothing else, is dots on the fax, and no blank page; white paper is one."""
    with pikepdf.open(io.BytesIO(a_pdf("yellow"))) as pdf:
        pdf.pages[0].Contents = pdf.make_stream(b"1 1 0 rg " + pdf.pages[0].Contents.read_bytes())
        out = io.BytesIO()
        pdf.save(out)
    made = await make(tmp_path, mail(part(out.getvalue(), "application/pdf", "a.pdf")))
    assert 100 < sum(made.picture(dpi=204).histogram()[:200]) < 20_000
    picture = Image.new("RGB", (600, 800), "white")
    for mark, number in (((0, 0, 0, 0), 0), ((100, 100, 160, 160), 1)):
        picture.paste((255, 255, 0), mark)
        assert (await one(tmp_path, saved(picture, "PNG"), "a.png"))[0] == number
