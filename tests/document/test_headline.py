"""The line at the head of a page says when, from whom, to whom and which page, and covers nothing."""

import io
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image, ImageChops, ImageDraw

from bridge.document import group4, headline
from bridge.document.covers import Headline
from bridge.document.typesetting import TextUnusable
from tests.support.document_samples import AS_IT_IS, Made, a_pdf, ink, mail, make, part, saved
from tests.support.pictures import lettering

LINE = Headline("27 November 2026, 23:50 CET", "Example Surgery +1 415-555-0100", "Dr. Who +1 212-555-0177")
ROWS = 2156


def with_line(pdf: pikepdf.Pdf, line: Headline = LINE) -> Made:
    headline.put_on(pdf, line)
    out = io.BytesIO()
    pdf.save(out)
    return Made(out.getvalue(), len(pdf.pages), ())


def a_sheet(*boxes: tuple[int, int, int, int]) -> Image.Image:
    """A fax page with black boxes."""
    sheet = Image.new("1", (1728, ROWS), 255)
    for box in boxes:
        ImageDraw.Draw(sheet).rectangle(box, fill=0)
    return sheet


def dots(made: Made) -> Image.Image:
    """Of its first page, which is a finished one."""
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        image = pdf.pages[0].resources["/XObject"][group4.NAME]
        assert isinstance(image, pikepdf.Stream)
        return pikepdf.PdfImage(image).as_pil_image().convert("1")


async def test_a_page_of_text_stands_below_its_line(tmp_path: Path) -> None:
    """Each page says which it is; its own words are there, a little smaller, and below."""
    made = await make(tmp_path, mail(part(a_pdf("one", "two"), "application/pdf", "a.pdf")), options=AS_IT_IS)
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        lined = with_line(pdf)
    for number, word in enumerate(("one", "two"), 1):
        for each in (LINE.date, f"From {LINE.sender}", f"To {LINE.recipient}", f"Page {number} of 2", word):
            assert each in lined.words()[number - 1]
    assert lined.sizes() == made.sizes()
    before, after = ink(made.picture(dpi=100)), ink(lined.picture(dpi=100).crop((0, 21, 850, 1100)))
    assert before is not None
    assert after is not None
    assert after[2] - after[0] == pytest.approx((before[2] - before[0]) * 0.982, abs=2)


@pytest.mark.parametrize(
    ("boxes", "moved", "grown"),
    [
        (((100, 60, 900, 2155),), 0, 0),
        (((100, 0, 900, 2100),), 40, 0),
        (((0, 0, 1727, 2155),), 40, 40),
    ],
    ids=["blank at the top", "blank at the end", "nowhere blank"],
)
def test_every_dot_of_a_finished_page_is_still_there(boxes: object, moved: int, grown: int) -> None:
    """Where it was, or so many rows further down; above it the line, and nothing of the page under that."""
    sheet = a_sheet(*boxes)  # type: ignore[misc]
    pdf = pikepdf.new()
    group4.add(pdf, group4.encode(~np.asarray(sheet)))
    found = dots(with_line(pdf))
    assert found.size == (1728, ROWS + grown)
    top = headline.ROWS
    below = found.crop((0, top, 1728, found.height))
    wanted = Image.new("1", (1728, ROWS + grown), 255)
    wanted.paste(sheet, (0, moved))
    difference = ImageChops.difference(below.convert("L"), wanted.crop((0, top, 1728, found.height)).convert("L"))
    assert difference.getbbox() is None
    box = ink(found.crop((0, 0, 1728, top)).convert("L"))
    assert box is not None
    assert box[2] - box[0] > 1500, "from edge to edge"
    assert 12 <= box[3] - box[1] <= 40


async def test_a_fax_that_was_one_keeps_every_dot(tmp_path: Path) -> None:
    """Its page grows, and its picture is as it was."""
    sheet = a_sheet((0, 0, 1727, 9))
    ImageDraw.Draw(sheet).text((300, 900), "received", font=lettering(90), fill=0)
    content = saved(sheet, "TIFF", compression="group4", dpi=(204, 196))
    made = await make(tmp_path, mail(part(content, "image/tiff", "fax.tif")))
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        lined = with_line(pdf)
    assert lined.sizes()[0][1] == pytest.approx(made.sizes()[0][1] + headline.ROWS / 196, abs=0.01)
    height = made.picture(dpi=100).height
    drawn = lined.picture(dpi=100)
    assert ink(drawn.crop((0, drawn.height - height, drawn.width, drawn.height))) == pytest.approx(
        ink(made.picture(dpi=100)), abs=1
    )


def test_long_names_do_not_push_the_number_of_the_page_off() -> None:
    """They are cut; date and page stay."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(612, 792))
    words = with_line(pdf, Headline("today", "a very long name indeed " * 9, "<b>another</b> " * 20)).words()[0]
    assert words.startswith("today From a very long name")
    assert words.endswith("Page 1 of 1")
    assert "<b>another</b>" in words


def test_letters_without_a_font_are_told() -> None:
    """Rather than drawn as boxes."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(612, 792))
    with pytest.raises(TextUnusable, match="fonts"):
        headline.put_on(pdf, Headline("today", "\U0010f123", "x"))
