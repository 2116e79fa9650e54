"""From a mail to finished pages through the real child process, looked at as they would be printed."""

import io
from pathlib import Path
from typing import get_args

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageDraw

from bridge.document import drawing, pages, pieces
from bridge.document.limits import Limits
from bridge.document.options import DocumentOptions
from bridge.document.renderer import DocumentUnusable, Renderer
from bridge.fax.options import PagesUse, PaperUse
from tests.support.document_samples import (
    AS_IT_IS,
    DOCX,
    EXECUTABLE,
    WORD,
    Made,
    a_converter,
    a_pdf,
    ink,
    inside,
    left_out,
    mail,
    make,
    markup,
    multipart,
    part,
    plain,
    saved,
)

LETTER = (8.5, 11.0)


async def one(
    workspace: Path, content: bytes, kind: str, name: str = "file", options: DocumentOptions | None = None
) -> Made:
    """A mail with this one attachment."""
    return await make(
        workspace, mail(multipart("mixed", plain("see there"), part(content, kind, name))), options=options
    )


def about(value: float, wanted: float, slack: float = 0.03) -> bool:
    """Equal but for rounding."""
    return abs(value - wanted) <= slack


async def test_a_pdf_goes_through_as_it_is(tmp_path: Path) -> None:
    """Pages, their order, size and content are those of the PDF."""
    made = await one(tmp_path, a_pdf("first", "second", "third", size=(595, 842)), "application/pdf", "a.pdf")
    assert made.failed == ""
    assert made.words() == ["first", "second", "third"]
    assert made.pages == 3
    assert all(about(width, 595 / 72) and about(height, 842 / 72) for width, height in made.sizes())
    assert [(each.name, each.type, each.pages, each.left_out) for each in made.parts] == [
        ("text of the mail", "text/plain", 0, "only the attachments are faxed"),
        ("a.pdf", "application/pdf", 3, None),
    ]


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "application/x-unknown", "image/tiff"])
async def test_a_pdf_is_known_by_its_content(kind: str, tmp_path: Path) -> None:
    """Whatever type it was given, a PDF is a PDF."""
    assert (await one(tmp_path, a_pdf("here"), kind, "scan")).words() == ["here"]


async def test_a_pdf_behind_junk_is_read(tmp_path: Path) -> None:
    """A few bytes before the header do no harm."""
    made = await one(tmp_path, b"\r\nHTTP junk: yes\r\n\r\n" + a_pdf("here", "there"), "application/pdf", "a.pdf")
    assert made.words() == ["here", "there"]


async def test_all_attachments_in_their_order(tmp_path: Path) -> None:
    """Attachments of every kind follow one another as in the mail, and the counts are right for each."""
    black = saved(Image.new("1", (850, 1100), 0), "PNG")
    made = await make(
        tmp_path,
        mail(
            multipart(
                "mixed",
                plain("see there"),
                part(a_pdf("one", "two"), "application/pdf", "a.pdf"),
                part(b"three\fand four", "text/plain", "b.txt"),
                part(black, "image/png", "c.png"),
                part(a_pdf("six"), "application/pdf", "d.pdf"),
            )
        ),
    )
    assert made.words() == ["one", "two", "three", "and four", "", "six"]
    assert [each.pages for each in made.parts] == [0, 2, 2, 1, 1]
    assert made.pages == 6


async def test_the_body_is_faxed_when_there_is_nothing_else(tmp_path: Path) -> None:
    """A mail of text alone becomes pages of its text, the HTML form where there are two, its texts running on."""
    made = await make(tmp_path, mail(multipart("alternative", plain("the plain form"), markup("the other"))))
    assert made.words() == ["the other"]
    made = await make(tmp_path, mail(multipart("mixed", plain("first text"), plain("second text"))))
    assert made.words() == ["first text second text"]


def locked(owner_only: bool) -> bytes:
    """A PDF that needs a password to be opened, or only to be changed."""
    with pikepdf.open(io.BytesIO(a_pdf("locked"))) as pdf:
        out = io.BytesIO()
        pdf.save(out, encryption=pikepdf.Encryption(owner="owner", user="" if owner_only else "user"))
        return out.getvalue()


async def test_a_pdf_that_anyone_may_read_is_faxed(tmp_path: Path) -> None:
    """A password only against changes is no hindrance, and the pages are not encrypted."""
    made = await one(tmp_path, locked(owner_only=True), "application/pdf", "a.pdf")
    assert made.words() == ["locked"]


BROKEN = {
    "password": (locked(owner_only=False), "application/pdf", "password"),
    "header only": (b"%PDF-1.4\n", "application/pdf", "damaged"),
    "no pages": (a_pdf(), "application/pdf", "no pages"),
    "docx": (DOCX, WORD, "cannot be faxed"),
    "docx called PDF": (DOCX, "application/pdf", "cannot be faxed"),
    "executable called PDF": (EXECUTABLE, "application/pdf", "cannot be faxed"),
    "binary called text": (EXECUTABLE, "text/plain", "cannot be faxed"),
    "SVG cut": (b"<svg xmlns='http://www.w3.org/2000/svg'><g>", "image/svg+xml", "damaged"),
    "drawing of Windows's": (b"\xd7\xcd\xc6\x9a" + bytes(300), "image/x-wmf", "print it to a PDF"),
    "GIF cut": (saved(Image.effect_noise((300, 300), 90), "GIF")[:9_000], "image/gif", "damaged"),
    "WebP cut": (saved(Image.effect_noise((300, 300), 90), "WEBP")[:9_000], "image/webp", "damaged"),
    "encrypted": (b"-----BEGIN PGP MESSAGE-----\n\nabc\n", "application/octet-stream", "without encryption"),
    "item of Outlook's": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "__substg1.0_37".encode("utf-16-le"),
        "application/vnd.ms-outlook",
        "print it to a PDF",
    ),
    "pointer": (b"x", "message/external-body; access-type=URL", "attach the file itself"),
    "PNG cut": (saved(Image.effect_noise((300, 300), 90), "PNG")[:20_000], "image/png", "damaged"),
    "PNG header": (b"\x89PNG\r\n\x1a\n", "image/png", "damaged"),
    "JPEG cut": (saved(Image.effect_noise((300, 300), 90), "JPEG")[:9_000], "image/jpeg", "damaged"),
    "TIFF header": (b"II*\0\x08\0\0\0", "image/tiff", "damaged"),
    "TIFF cut": (saved(Image.effect_noise((300, 300), 90), "TIFF")[:30_000], "image/tiff", "damaged"),
}


@pytest.mark.parametrize(("content", "kind", "why"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_part_that_cannot_be_faxed_fails_the_whole(content: bytes, kind: str, why: str, tmp_path: Path) -> None:
    """The refusal names the part and the reason, and the good parts stand there as not faxed for its sake."""
    body = multipart(
        "mixed",
        part(a_pdf("good"), "application/pdf", "good.pdf"),
        part(content, kind, "odd.bin"),
        part(a_pdf("too"), "application/pdf", "good too.pdf"),
    )
    made = await make(tmp_path, mail(body))
    assert made.pdf == b""
    assert made.failed.startswith("odd.bin: ")
    assert why in made.failed
    reasons = left_out(made.parts)
    assert list(reasons) == ["good.pdf", "odd.bin", "good too.pdf"]
    assert why in (reasons["odd.bin"] or "")
    assert reasons["good.pdf"] == reasons["good too.pdf"] == pages.NOT_ALONE
    assert sum(each.pages for each in made.parts) == 0
    assert inside(tmp_path) == []


async def test_every_part_that_cannot_be_faxed_is_named(tmp_path: Path) -> None:
    """With two bad parts both have their reason, so that the sender need not try three times."""
    body = multipart("mixed", part(DOCX, WORD, "a.docx"), part(b"", "application/pdf", "b.pdf"))
    reasons = left_out((await make(tmp_path, mail(body))).parts)
    assert "cannot be faxed" in (reasons["a.docx"] or "")
    assert "empty" in (reasons["b.pdf"] or "")


@pytest.mark.parametrize(
    "body", [b"\r\n", plain(" \r\n\t"), multipart("mixed", plain(""), plain("\n")), plain("\u00a0\r\n")]
)
async def test_a_mail_that_says_nothing_is_not_faxed(body: bytes, tmp_path: Path) -> None:
    """No attachment and no text: the sender is told so, and no blank page goes out."""
    assert (await make(tmp_path, mail(body))).failed == pages.NOTHING


@pytest.mark.parametrize("share", [0.95, 0.8, 0.6, 0.5, 0.35, 0.2, 0.1])
@pytest.mark.parametrize("streams", [True, False], ids=["object streams", "plain objects"])
async def test_a_pdf_cut_short_is_whole_or_refused(share: float, streams: bool, tmp_path: Path) -> None:
    """Of a truncated PDF either every page is there with its content or none goes out: never a page less or blank."""
    words = [f"page number {number}" for number in range(6)]
    mode = pikepdf.ObjectStreamMode.generate if streams else pikepdf.ObjectStreamMode.disable
    content = a_pdf(*words, object_stream_mode=mode)
    made = await one(tmp_path, content[: int(len(content) * share)], "application/pdf", "a.pdf")
    if not made.failed:
        assert made.words() == words


async def test_a_received_pdf_cut_short_is_not_taken_for_whole(tmp_path: Path) -> None:
    """A download that broke off is not a fax of fewer or blank pages: it is refused, so that it is fetched again."""
    content = a_pdf(*"abcdef", object_stream_mode=pikepdf.ObjectStreamMode.disable)
    for share in (0.9, 0.6, 0.3):
        path = tmp_path / "cut.pdf"
        path.write_bytes(content[: int(len(content) * share)])
        with path.open("rb", buffering=0) as file:
            try:
                async with Renderer(tmp_path, a_converter()).from_received(file) as made:
                    found = Made(made.path.read_bytes(), made.pages, ())
            except DocumentUnusable:
                continue
            assert found.words() == list("abcdef")


async def test_damage_inside_a_pdf_is_not_a_blank_page(tmp_path: Path) -> None:
    """A page whose content cannot be unpacked fails the fax instead of going out white."""
    pdf = a_pdf("first", "second", compress_streams=True, recompress_flate=True)
    at = pdf.index(b"stream\n") + 30
    made = await one(tmp_path, pdf[:at] + b"\xff\x5a" * 10 + pdf[at + 20 :], "application/pdf", "a.pdf")
    assert made.failed or made.words() == ["first", "second"]


async def test_form_fields_and_notes_are_drawn(tmp_path: Path) -> None:
    """What a person filled into a form is on the page, though the form had no drawing of it."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(612, 792))
        field = pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx, T="dose", V="20 mg", F=4,
                DA="/Helv 12 Tf 0 g", Rect=[100, 600, 300, 630],
            )
        )  # fmt: skip
        page.obj.Annots = pikepdf.Array([field])
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(Helv=font))
        form = pikepdf.Dictionary(Fields=[field], DR=resources, DA="/Helv 12 Tf 0 g", NeedAppearances=True)
        pdf.Root.AcroForm = pdf.make_indirect(form)
        out = io.BytesIO()
        pdf.save(out)
    assert (await one(tmp_path, out.getvalue(), "application/pdf", "form.pdf")).words() == ["20 mg"]


def quarters(size: tuple[int, int], mode: str = "L") -> Image.Image:
    """White, with the upper left quarter black."""
    image = Image.new(mode, size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2 - 1, size[1] // 2 - 1), fill="black")
    return image


def corners(image: Image.Image) -> str:
    """Where the picture on a page is dark: for each quarter of the box that holds all ink of a framed picture."""
    box = ink(image)
    assert box is not None
    dark = image.point([255 if value < 128 else 0 for value in range(256)])
    width, height = box[2] - box[0], box[3] - box[1]
    points = [(box[0] + int(width * x), box[1] + int(height * y)) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    return "".join("#" if dark.getpixel(point) else "." for point in points)


def framed(image: Image.Image) -> Image.Image:
    """With a dark frame, so that its whole extent can be found on the page."""
    ImageDraw.Draw(image).rectangle((0, 0, image.width - 1, image.height - 1), outline="black", width=8)
    return image


TURNED = {1: "#...", 2: ".#..", 3: "...#", 4: "..#.", 5: "#...", 6: ".#..", 7: "...#", 8: "..#."}


@pytest.mark.parametrize(("orientation", "dark"), TURNED.items())
async def test_a_photo_stands_as_the_camera_held_it(orientation: int, dark: str, tmp_path: Path) -> None:
    """Each of the eight EXIF orientations is turned upright, and its shape with it."""
    image = framed(quarters((1200, 800), "RGB"))
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = await one(tmp_path, saved(image, "JPEG", exif=exif, quality=95), "image/jpeg", "photo.jpg", AS_IT_IS)
    page = made.picture()
    box = ink(page)
    assert box is not None
    across = (box[2] - box[0]) / (box[3] - box[1])
    assert about(across, 1.5 if orientation < 5 else 1 / 1.5)
    assert corners(page) == dark
    assert made.sizes() == [LETTER]


async def test_transparent_is_white(tmp_path: Path) -> None:
    """Black that is wholly transparent does not print, whatever kind of PNG it stands in; what is seen does."""
    seen = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    ImageDraw.Draw(seen).rectangle((100, 100, 199, 199), fill=(0, 0, 0, 255))
    palette = Image.new("P", (400, 400), 0)
    palette.putpalette([0, 0, 0, 255, 255, 255, 10, 10, 10])
    palette.paste(2, (100, 100, 200, 200))
    grey = Image.new("L", (400, 400), 0)
    grey.paste(9, (100, 100, 200, 200))
    body = multipart(
        "mixed",
        part(saved(seen, "PNG"), "image/png", "rgba.png"),
        part(saved(seen.convert("LA"), "PNG"), "image/png", "la.png"),
        part(saved(palette, "PNG", transparency=0), "image/png", "palette.png"),
        part(saved(grey, "PNG", transparency=0), "image/png", "grey.png"),
    )
    made = await make(tmp_path, mail(body))
    for number in range(4):
        box = ink(made.picture(number))
        assert box is not None
        assert abs((box[2] - box[0]) - 4 * 72 / 4) <= 3


async def test_one_bit_with_a_transparent_colour(tmp_path: Path) -> None:
    """Of a black-and-white PNG whose black is transparent nothing is to be seen."""
    image = Image.new("1", (400, 400), 0)
    made = await one(tmp_path, saved(image, "PNG", transparency=0), "image/png", "a.png")
    assert left_out(made.parts)["a.png"] == pieces.BLANK


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "RGBA", "I;16"])
async def test_every_kind_of_png_prints(mode: str, tmp_path: Path) -> None:
    """Depth and colour of a PNG change nothing about where it is dark and where it is white."""
    if mode == "I;16":
        image = Image.new("I;16", (600, 400), 65_535)
        image.paste(0, (0, 0, 300, 200))
        for box in ((0, 0, 600, 8), (0, 392, 600, 400), (0, 0, 8, 400), (592, 0, 600, 400)):
            image.paste(0, box)
    else:
        image = framed(quarters((600, 400), "RGB")).convert(mode)
    made = await one(tmp_path, saved(image, "PNG"), "image/png", "a.png")
    assert made.failed == ""
    assert corners(made.picture()) == "#..."


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
async def test_every_kind_of_jpeg_prints(mode: str, tmp_path: Path) -> None:
    """A JPEG in print colours is no negative."""
    made = await one(tmp_path, saved(framed(quarters((600, 400), "RGB")).convert(mode), "JPEG"), "image/jpeg", "a.jpg")
    assert corners(made.picture()) == "#..."


async def test_pictures_are_neither_cut_nor_enlarged_beyond_the_margin(tmp_path: Path) -> None:
    """Wide, tall, tiny and huge pictures all lie wholly on their page with their shape kept."""
    sizes = [(3000, 500), (500, 1450), (40, 30), (3300, 2550), (2550, 3300)]
    parts = [part(saved(Image.new("L", size, 0), "PNG"), "image/png", f"{size}.png") for size in sizes]
    made = await make(tmp_path, mail(multipart("mixed", *parts)))
    for number, (across, down) in enumerate(sizes):
        page = made.picture(number, dpi=144)
        box = ink(page)
        assert box is not None
        width, height = box[2] - box[0], box[3] - box[1]
        assert about(width, height * across / down, 2 * max(1, across / down))  # two dots of rounding
        assert box[0] >= 30
        assert box[1] >= 30
        assert box[2] <= page.width - 30
        assert box[3] <= page.height - 30


async def test_a_scan_that_knows_its_size_keeps_it(tmp_path: Path) -> None:
    """A4, Letter and Legal scans at 300 dpi become pages of that very size, filled to the edge."""
    papers = [(8.27, 11.69), LETTER, (8.5, 14.0)]
    parts = [
        part(
            saved(Image.new("1", (round(width * 300), round(height * 300)), 0), "PNG", dpi=(300, 300)),
            "image/png",
            f"{height}.png",
        )
        for width, height in papers
    ]
    made = await make(tmp_path, mail(multipart("mixed", *parts)))
    for (width, height), (paper_width, paper_height) in zip(made.sizes(), papers, strict=True):
        assert about(width, paper_width)
        assert about(height, paper_height)
    assert all(ink(made.picture(number)) == (0, 0, *made.picture(number).size) for number in range(3))


@pytest.mark.parametrize("dpi", [None, (72, 72)], ids=["no dpi", "72 dpi"])
async def test_a_logo_stays_small(dpi: tuple[int, int] | None, tmp_path: Path) -> None:
    """A little picture is not blown up: it stands at the top, in the middle across, two inches wide."""
    how = {} if dpi is None else {"dpi": dpi}
    made = await one(tmp_path, saved(Image.new("L", (200, 80), 0), "PNG", **how), "image/png", "logo.png")
    page = made.picture(made.pages - 1, dpi=100)
    box = ink(page)
    assert box is not None
    assert abs(box[2] - box[0] - 200) <= 2
    assert abs(box[3] - box[1] - 80) <= 2
    assert abs(box[0] - (page.width - box[2])) <= 2
    assert box[1] <= 50


async def test_a_photo_fills_the_page(tmp_path: Path) -> None:
    """A photo of many dots is as wide as the page between its margins, whatever size it thinks it has."""
    made = await one(tmp_path, saved(Image.new("L", (4000, 3000), 0), "JPEG", dpi=(72, 72)), "image/jpeg", "photo.jpg")
    box = ink(made.picture(dpi=100))
    assert box is not None
    assert abs(box[2] - box[0] - 800) <= 2
    assert abs(box[3] - box[1] - 600) <= 2


async def test_sixteen_bits_are_scaled_not_cut_off(tmp_path: Path) -> None:
    """Of a 16-bit grey PNG the middle grey is middle grey on the page."""
    image = Image.new("I;16", (400, 400))
    image.frombytes((32_768).to_bytes(2, "little") * 160_000)
    made = await one(tmp_path, saved(image, "PNG"), "image/png", "a.png", AS_IT_IS)
    page = made.picture(dpi=100)
    assert abs(page.getpixel((page.width // 2, 100)) - 128) <= 3  # type: ignore[operator]  # one band: a number


def a_fax(size: tuple[int, int], dpi: tuple[int, int], pages_of_it: int) -> bytes:
    """A TIFF as fax machines write it: Group 4, a frame round the page, and an inch square in its middle."""
    sheet = Image.new("1", size, 1)
    draw = ImageDraw.Draw(sheet)
    middle = (size[0] // 2, size[1] // 2)
    draw.rectangle((*middle, middle[0] + dpi[0] - 1, middle[1] + dpi[1] - 1), fill=0)
    rest = [sheet.copy() for _ in range(pages_of_it - 1)]
    return saved(sheet, "TIFF", compression="group4", dpi=dpi, save_all=True, append_images=rest)


@pytest.mark.parametrize("down", [98, 196])
async def test_a_fax_keeps_its_shape(down: int, tmp_path: Path) -> None:
    """Group 4 at 204 by 98 and by 196: every page is there, Letter, and a square is a square an inch wide."""
    content = a_fax((1728, 11 * down), (204, down), 3)
    made = await one(tmp_path, content, "image/tiff", "fax.tif")
    assert made.pages == 3
    for number, (width, height) in enumerate(made.sizes()):
        assert about(width, 8.5)
        assert about(height, 11)
        box = ink(made.picture(number, dpi=100))
        assert box is not None
        assert abs(box[2] - box[0] - 100) <= 3
        assert abs(box[3] - box[1] - 100) <= 3


@pytest.mark.parametrize("down", [98, 196])
async def test_a_fax_of_a4_length_is_not_shrunk(down: int, tmp_path: Path) -> None:
    """A fax from an A4 machine (1728 dots across, 297 mm down) keeps its inch and becomes an A4 page."""
    content = a_fax((1728, round(11.69 * down)), (204, down), 1)
    path = tmp_path / "fax.tif"
    path.write_bytes(content)
    with path.open("rb", buffering=0) as file:
        async with Renderer(tmp_path, a_converter()).from_received(file) as rendered:
            made = Made(rendered.path.read_bytes(), rendered.pages, ())
    [(width, height)] = made.sizes()
    assert about(height, 11.69)
    assert 8.2 < width < 8.52
    box = ink(made.picture(0, dpi=100))
    assert box is not None
    assert abs(box[3] - box[1] - 100) <= 3


async def test_a_picture_bomb_is_refused_in_words(tmp_path: Path) -> None:
    """A small file that unfolds into gigabytes is named as too large."""
    for image in (Image.new("1", (20_000, 20_000)), Image.new("1", (11_500, 11_000))):
        made = await one(tmp_path, saved(image, "PNG"), "image/png", "bomb.png")
        assert made.failed.startswith("bomb.png: ")
        assert "million dots" in made.failed


async def test_more_pages_than_a_fax_may_have(tmp_path: Path) -> None:
    """Two hundred pages are faxed, one more is refused, with the part that made it too long."""
    made = await one(tmp_path, a_pdf(*["x"] * 200), "application/pdf", "long.pdf")
    assert made.pages == 200
    body = multipart(
        "mixed",
        part(a_pdf(*["x"] * 200), "application/pdf", "long.pdf"),
        part(a_pdf("y"), "application/pdf", "more.pdf"),
        part(a_pdf("z"), "application/pdf", "last.pdf"),
    )
    made = await make(tmp_path, mail(body))
    assert made.failed.startswith("more.pdf: makes more than 200 pages")
    assert left_out(made.parts)["long.pdf"] == pages.NOT_ALONE
    assert left_out(made.parts)["last.pdf"] == drawing.TOO_MANY.format(pages=200)


async def test_a_tiff_of_too_many_pages_is_named(tmp_path: Path) -> None:
    """A TIFF of more pages than the limit is refused like any other document."""
    made = await one(tmp_path, a_fax((864, 539), (102, 49), 201), "image/tiff", "long.tif")
    assert made.failed.startswith("long.tif: ")
    assert "200 pages" in made.failed


async def test_a_text_far_too_long_is_refused_in_words(tmp_path: Path) -> None:
    """A log file of megabytes is refused as too many pages, by name, before hours are spent on laying it out."""
    text = b"".join(b"%08d a line of a log file as programs write them, all day long\n" % n for n in range(150_000))
    body = multipart("mixed", plain("see there"), part(text, "text/plain", "daemon.log"))
    made = await make(tmp_path, mail(body), Limits(wall_seconds=15))
    assert made.failed.startswith("daemon.log: ")
    assert "200 pages" in made.failed


async def test_the_limits_given_to_the_renderer_hold_in_the_child(tmp_path: Path) -> None:
    """A renderer built with lower limits refuses what is above them."""
    message = mail(part(a_pdf("a", "b", "c"), "application/pdf", "a.pdf"))
    assert "more than 2 pages" in (await make(tmp_path, message, Limits(pages=2))).failed


async def test_a_picture_of_the_first_page(tmp_path: Path) -> None:
    """The preview is page 1 as PNG."""
    drawn = Image.open(io.BytesIO(await Renderer(tmp_path, a_converter()).picture(a_pdf("one", "two"))))
    assert drawn.size == (850, 1100)
    assert ink(drawn.convert("L")) is not None


async def test_nobody_else_finds_the_result_broken(tmp_path: Path) -> None:
    """The finished PDF opens without a single complaint in two other libraries, though its sources are closed."""
    body = multipart(
        "mixed",
        part(a_pdf("one"), "application/pdf", "a.pdf"),
        part(saved(quarters((300, 300)), "PNG"), "image/png", "b.png"),
        part(b"text", "text/plain", "c.txt"),
    )
    made = await make(tmp_path, mail(body))
    with pikepdf.open(io.BytesIO(made.pdf), attempt_recovery=False) as pdf:
        assert pdf.check_pdf_syntax() == []
    document = pypdfium2.PdfDocument(made.pdf)
    assert len(document) == 3
    document.close()


async def test_the_rest_is_faxed_where_the_site_wishes(tmp_path: Path) -> None:
    """With ``partial`` what can be faxed goes out, and what can't has its line; nothing at all is still a failure."""
    options = DocumentOptions(partial=True, max_pages=3)
    good, odd = part(a_pdf("good"), "application/pdf", "good.pdf"), part(EXECUTABLE, "application/pdf", "odd.bin")
    long = part(a_pdf(*"abc"), "application/pdf", "long.pdf")
    made = await make(tmp_path, mail(multipart("mixed", good, odd, long, good)), options=options)
    assert (made.failed, made.words()) == ("", ["good", "good"])
    assert [(each.name, each.pages, each.left_out) for each in made.parts] == [
        ("good.pdf", 1, None),
        ("odd.bin", 0, drawing.UNUSABLE_TYPE),
        ("long.pdf", 0, drawing.TOO_MANY.format(pages=3)),
        ("good.pdf", 1, None),
    ]
    made = await make(tmp_path, mail(multipart("mixed", plain("see"), odd)), options=options)
    assert made.failed == f"odd.bin: {drawing.UNUSABLE_TYPE}"


@pytest.mark.parametrize(("rows", "down"), [(1145, 98), (2290, 196), (4580, 391)])
async def test_a_fax_page_keeps_every_dot(rows: int, down: int, tmp_path: Path) -> None:
    """What already is a fax page stands in the PDF dot for dot, at its own resolution."""
    sheet = Image.effect_noise((1728, rows), 90).convert("1")
    made = await one(tmp_path, saved(sheet, "TIFF", compression="group4", dpi=(204, down)), "image/tiff", "fax.tif")
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        [drawing] = pdf.pages[0].resources["/XObject"].values()
        [stream] = drawing["/Resources"]["/XObject"].values()
        assert isinstance(stream, pikepdf.Stream)
        found = pikepdf.PdfImage(stream).as_pil_image()
    assert ImageChops.difference(found.convert("L"), sheet.convert("L")).getbbox() is None


@pytest.mark.parametrize(("wished", "size"), [("letter", (8.5, 11.0)), ("a4", (8.27, 11.69)), ("auto", (8.5, 11.0))])
async def test_what_has_no_size_of_its_own_is_on_the_paper_that_is_wished(
    wished: PaperUse, size: tuple[float, float], tmp_path: Path
) -> None:
    """Texts, HTML, photographs and small pages; a PDF that is a sheet of paper stays what it is."""
    photo = saved(Image.linear_gradient("L").resize((900, 600)), "JPEG")
    message = mail(
        multipart(
            "mixed",
            part(b"words", "text/plain", "a.txt"),
            part(b"<p>words</p>", "text/html", "a.html"),
            part(photo, "image/jpeg", "a.jpg"),
            part(a_pdf("large", size=(842, 1191)), "application/pdf", "large.pdf"),
            part(a_pdf("legal", size=(612, 1008)), "application/pdf", "legal.pdf"),
        )
    )
    for use in get_args(PagesUse):
        made = await make(tmp_path, message, options=DocumentOptions(paper=wished, pages=use))
        *fitted, legal = made.sizes()
        if use == "original":
            del fitted[-1]  # the large one, with which the carrier does as it likes
        for width, height in fitted:
            assert about(width, size[0], 0.21), "a fax line is wider than A4"
            assert about(height, size[1])
        assert about(legal[1], 14.0)
