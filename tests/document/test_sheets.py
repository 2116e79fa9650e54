"""A piece's pages become sheets of fax paper: as they are where the line takes them, else ink and paper."""

import io
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from bridge.document import pieces
from bridge.document.options import DocumentOptions
from bridge.document.pdf import unusable
from tests.support.document_samples import AS_IT_IS, Made, a_pdf, ink, left_out, mail, make, part, saved
from tests.support.pictures import letter_scan, lettering, photo

FAX = (1728 / 204, 11.0)
ALL = DocumentOptions(pages="fax")


async def one(workspace: Path, content: bytes, options: DocumentOptions | None = None) -> Made:
    made = await make(workspace, mail(part(content, "application/octet-stream", "file")), options=options)
    assert made.failed == ""
    return made


def a_page(content: bytes, size: tuple[float, float] = (612, 792), **changes: object) -> bytes:
    """A PDF with this page."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=size)
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        page.obj.Contents = pdf.make_stream(content)
        for name, value in changes.items():
            page.obj[f"/{name}"] = value
        pdf.save(out)
    return out.getvalue()


def a_scan(picture: Image.Image, dpi: int = 300, kind: str = "PDF") -> bytes:
    """A page that is this picture, as scanners make it."""
    return saved(picture, kind, dpi=(dpi, dpi), quality=85)


def pictures_of(page: pikepdf.Page) -> list[pikepdf.Stream]:
    """The pictures that stand on a page, not in drawings on it."""
    drawn = page.resources.get("/XObject", pikepdf.Dictionary()).values()
    return [each for each in drawn if isinstance(each, pikepdf.Stream) and each.get("/Subtype") == "/Image"]


def fax_pictures(made: Made) -> list[tuple[int, int, bytes]]:
    """Of each page that is one fax picture: dots across and down, and the coded bytes."""
    found = []
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        for page in pdf.pages:
            images = pictures_of(page)
            if len(images) == 1 and images[0].get("/Filter") == "/CCITTFaxDecode":
                found.append((int(images[0]["/Width"]), int(images[0]["/Height"]), images[0].read_raw_bytes()))
    return found


@pytest.mark.parametrize(
    "drawing", [b"0 0 0 RG 72 72 m 300 300 l S", b"0 0 0 1 k 10 10 90 90 re f", b"1 g 9 9 9 9 re f"]
)
async def test_text_and_lines_go_as_they_are(drawing: bytes, tmp_path: Path) -> None:
    """A page of black text keeps its text and its size; so does one with lines, black areas, or white ones."""
    made = await one(tmp_path, a_page(drawing + b" 0 g BT /F1 9 Tf 72 400 Td (words) Tj ET"))
    assert (made.words(), made.sizes(), fax_pictures(made)) == (["words"], [(8.5, 11.0)], [])


@pytest.mark.parametrize(
    "content",
    [
        b"0.5 g 72 72 300 300 re f",
        b"1 0 0 rg BT /F1 48 Tf 72 400 Td (red) Tj ET",
        b"0 0.2 1 0.1 k 72 72 300 300 re f",
        b"/DeviceGray cs 0.3 sc 72 72 300 300 re f",
        b"q 100 0 0 100 72 72 cm BI /W 2 /H 2 /BPC 8 /CS /G ID \x00\x80\x90\xff EI Q",
    ],
)
async def test_what_has_greys_or_colours_is_brought_into_black_and_white(content: bytes, tmp_path: Path) -> None:
    """Grey, red, mixed of inks or an inline picture: the page is one fax picture, with its ink."""
    made = await one(tmp_path, a_page(content))
    ((across, down, data),) = fax_pictures(made)
    assert (across, down) == (1728, 2156)
    assert len(data) < 20_000
    assert ink(made.picture(dpi=100)) is not None
    assert fax_pictures(await one(tmp_path, a_page(content), AS_IT_IS)) == []


@pytest.mark.parametrize("kind", ["PDF", "JPEG", "PNG"])
async def test_a_scan_becomes_a_fax_page(kind: str, tmp_path: Path) -> None:
    """A letter scanned at 300 dots an inch is 1728 dots wide, never 1734, fits its budget by far, and is all there."""
    scan = letter_scan()
    content = a_scan(scan) if kind == "PDF" else saved(scan, kind, dpi=(300, 300))
    made = await one(tmp_path, content)
    ((across, down, data),) = fax_pictures(made)
    assert (across, down, made.pages) == (1728, 2156, 1)
    assert 20_000 < len(data) < 90_000
    assert made.sizes() == [pytest.approx(FAX, abs=0.001)]
    box = ink(made.picture(dpi=72))
    wanted = ink(scan.resize((612, 792)), below=150)
    assert box == pytest.approx(wanted, abs=3)


async def test_every_dot_of_a_fax_stays_what_it_was(tmp_path: Path) -> None:
    """A TIFF of a fax machine, of whatever lines per inch, and a page of our own go through unchanged in every mode."""
    sheet = Image.new("1", (1728, 2290), 1)
    ImageDraw.Draw(sheet).text((200, 300), "received", font=lettering(90), fill=0)
    for options in (DocumentOptions(), ALL, AS_IT_IS):
        made = await one(tmp_path, saved(sheet, "TIFF", compression="group4", dpi=(204, 196)), options)
        with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
            ((form),) = pdf.pages[0].obj.Resources.XObject.values()
            (image,) = form.Resources.XObject.values()
            assert isinstance(image, pikepdf.Stream)
            assert pikepdf.PdfImage(image).as_pil_image().convert("1").tobytes() == sheet.tobytes()
    ours = await one(tmp_path, a_scan(letter_scan()))
    for options in (DocumentOptions(), ALL, AS_IT_IS):
        assert fax_pictures(await one(tmp_path, ours.pdf, options)) == fax_pictures(ours)


async def test_all_pages_are_made_fax_pages_if_so_wished(tmp_path: Path) -> None:
    """With ``pages = "fax"`` text too is brought to dots here, and stands where it stood."""
    before, after = await one(tmp_path, a_pdf("word")), await one(tmp_path, a_pdf("word"), ALL)
    assert len(fax_pictures(after)) == 1
    wanted = ink(before.picture(dpi=102))
    assert wanted is not None
    assert ink(after.picture(dpi=102)) == pytest.approx((wanted[0] - 1.5, wanted[1], wanted[2] - 1.5, wanted[3]), abs=2)


@pytest.mark.parametrize("content", [b"", b"0.5 g 0 0 9 9 re f "])
async def test_a_landscape_page_is_turned(content: bytes, tmp_path: Path) -> None:
    """It stands upright on its paper at its full size, whether it is drawn here or not."""
    words = content + b"0 g BT /F1 60 Tf 40 540 Td (upper left) Tj ET"
    made = await one(tmp_path, a_page(words, (792, 612)))
    assert made.sizes() == [pytest.approx((8.5, 11.0) if not content else FAX, abs=0.001)]
    box = ink(made.picture().crop((300, 0, 608, 792)))
    assert box is not None, "the upper left corner is the upper right one now"
    assert box[3] - box[1] > 200, "and its line runs down"
    assert box[3] < 400


async def test_a_turned_page_and_a_cut_one_are_what_one_sees(tmp_path: Path) -> None:
    """``/Rotate``, ``/CropBox`` and ``/UserUnit`` are settled here, so that no other program need know of them."""
    words = b"BT /F1 60 Tf 40 540 Td (turned) Tj ET"
    turned = await one(tmp_path, a_page(words, (792, 612), Rotate=90))
    assert turned.sizes() == [(8.5, 11.0)]
    cut = await one(tmp_path, a_page(words, (1000, 1000), CropBox=pikepdf.Array([0, 208, 612, 1000])))
    assert cut.sizes() == [(8.5, 11.0)]
    box = ink(cut.picture())
    assert box is not None
    assert box[0] == pytest.approx(44, abs=4)
    doubled = await one(tmp_path, a_page(b"BT /F1 30 Tf 20 270 Td (unit) Tj ET", (306, 396), UserUnit=2))
    assert doubled.sizes() == [(8.5, 11.0)]
    with pikepdf.open(io.BytesIO(turned.pdf)) as pdf:
        assert "/Rotate" not in pdf.pages[0].obj


@pytest.mark.parametrize("shade", [b"0 g ", b"0.2 g "])
async def test_a_long_page_is_cut_into_sheets_or_shrunk(shade: bytes, tmp_path: Path) -> None:
    """A receipt of three lengths of Letter paper: three sheets with a third each, or all of it on one."""
    lines = b"".join(b"BT /F1 40 Tf 20 %d Td (line %d) Tj ET " % (2376 - 66 - 132 * at, at) for at in range(18))
    content = a_page(shade + lines, (300, 2376))
    made = await one(tmp_path, content, DocumentOptions(long_pages="split"))
    assert made.pages == 3
    heights = [ink(made.picture(at)) for at in range(3)]
    assert all(box is not None and box[3] - box[1] > 600 for box in heights)
    if shade == b"0 g ":
        assert [" ".join(f"line {at}" for at in range(6)) in words for words in made.words()[:1]] == [True]
    shrunk = await one(tmp_path, content, DocumentOptions(long_pages="shrink"))
    assert shrunk.pages == 1
    assert shrunk.sizes()[0][1] == pytest.approx(14, abs=0.01)


async def test_a_long_picture_is_cut_into_sheets_or_shrunk(tmp_path: Path) -> None:
    """A whole web page as a picture: each sheet as wide as the paper allows, and each line whole on one of them."""
    picture = Image.new("L", (1000, 8000), 255)
    for at in range(80):
        ImageDraw.Draw(picture).rectangle((40, 100 * at + 40, 960, 100 * at + 60), fill=0)
    made = await one(tmp_path, saved(picture, "PNG"), DocumentOptions(long_pages="split"))
    assert made.pages == 7
    assert [size[0] for size in made.sizes()] == [pytest.approx(1728 / 204, abs=0.01)] * 7
    first = ink(made.picture(0))
    assert first is not None
    assert first[2] - first[0] == pytest.approx(0.92 * 8 * 72, abs=3)
    shrunk = await one(tmp_path, saved(picture, "PNG"), DocumentOptions(long_pages="shrink"))
    assert shrunk.pages == 1


async def test_a_long_fax_page_keeps_every_dot_on_its_sheets(tmp_path: Path) -> None:
    """Cut between rows, and never scaled."""
    page = Image.new("1", (1728, 6000), 1)
    page.paste(Image.effect_noise((1500, 5900), 90).convert("1"), (100, 50))
    made = await one(tmp_path, saved(page, "TIFF", compression="group4", dpi=(204, 196)))
    assert made.pages == 3
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        drawn = [image for each in pdf.pages for image in each.get_images().values()]
        sheets = [pikepdf.PdfImage(image).as_pil_image() for image in drawn if isinstance(image, pikepdf.Stream)]
    assert [sheet.height for sheet in sheets] == [2156, 2156, 6000 - 2 * (2156 - 59)]
    for at, sheet in enumerate(sheets):
        top = at * (2156 - 59)
        assert sheet.tobytes() == page.crop((0, top, 1728, top + sheet.height)).tobytes()


async def test_a_photo_keeps_to_its_budget_and_is_dots(tmp_path: Path) -> None:
    """A telephone's picture fills the width of the sheet, in as many bytes as one minute and a half of line take."""
    made = await one(tmp_path, saved(photo((2000, 1500)).convert("RGB"), "JPEG", quality=90))
    ((_, _, data),) = fax_pictures(made)
    assert len(data) <= 150_000
    small = await one(tmp_path, saved(photo((2000, 1500)), "JPEG"), DocumentOptions(page_bytes=40_000))
    assert len(fax_pictures(small)[0][2]) <= 40_000
    box = ink(made.picture(), below=200)
    assert box is not None
    assert box[2] - box[0] == pytest.approx(8 * 72, abs=4)


async def test_blank_sheets_of_a_noisy_scan_are_dropped(tmp_path: Path) -> None:
    """The back of a sheet, grey and without a mark, makes no page, and has its line."""
    backs = Image.new("L", (1275, 1650), 225)
    out = io.BytesIO()
    letter_scan().save(out, "PDF", dpi=(300, 300), save_all=True, append_images=[backs.resize((2550, 3300))])
    made = await one(tmp_path, out.getvalue())
    assert made.pages == 1
    assert left_out(made.parts) == {"file": None, "file, page 2": pieces.BLANK}


async def test_a_scan_whose_picture_is_cut_short_fails_by_name(tmp_path: Path) -> None:
    """Half a JPEG inside a PDF that is whole is damage, not half a grey page."""
    with pikepdf.open(io.BytesIO(a_scan(letter_scan()))) as pdf:
        (image,) = pictures_of(pdf.pages[0])
        data = image.read_raw_bytes()
        image.write(data[: len(data) // 2], filter=pikepdf.Name.DCTDecode)
        out = io.BytesIO()
        pdf.save(out)
    made = await make(tmp_path, mail(part(out.getvalue(), "application/pdf", "half.pdf")))
    assert made.failed == "half.pdf: is damaged"
    kept = await make(tmp_path, mail(part(out.getvalue(), "application/pdf", "half.pdf")), options=AS_IT_IS)
    assert kept.failed == f"half.pdf: {unusable.DAMAGED}"


async def test_pages_come_in_their_order_however_they_are_made(tmp_path: Path) -> None:
    """Text, scans and drawn pages by turns: each where it belongs."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for number in range(12):
            shade = (b"0 g ", b"0.3 g ")[number % 2]
            words = shade + b"BT /F1 48 Tf 72 400 Td (page %d) Tj ET 72 %d 20 20 re f" % (number, 60 * number + 20)
            with pikepdf.open(io.BytesIO(a_page(words))) as each:
                pdf.pages.extend(each.pages)
        pdf.save(out)
    made = await one(tmp_path, out.getvalue())
    document = pypdfium2.PdfDocument(made.pdf)
    assert len(document) == 12
    for number in range(12):
        square = made.picture(number).crop((74, 792 - 60 * number - 38, 88, 792 - 60 * number - 22))
        assert ink(square) is not None, number
