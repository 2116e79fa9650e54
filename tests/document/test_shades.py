"""Words on shaded ground are read on the finished page as on the page itself; the whole grid is a benchmark."""

import io
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageFilter, ImageOps

from bridge.document import bilevel
from tests.support import shades
from tests.support.document_samples import Made, mail, make, part
from tests.support.pictures import noisy, shadowed
from tests.support.shades import BLACK, MARKERS, WHITE, Colour, grey


async def finished(workspace: Path, content: bytes, kind: str = "application/pdf") -> Made:
    made = await make(workspace, mail(part(content, kind, "file" if kind != "text/html" else "")))
    assert made.failed == ""
    return made


def words(made: Made) -> set[str]:
    return {word for reading in shades.read(shades.fax(made.pdf)) for _, word in reading}


@pytest.mark.parametrize(
    ("ground", "ink"),
    [(grey(0.3), BLACK), (grey(0.5), WHITE), (grey(0.75), BLACK), (MARKERS["orange"], BLACK)],
    ids=["black on dark", "white on grey", "black on pale", "black on orange"],
)
async def test_words_on_bands_are_read_as_well_as_on_the_page_itself(
    ground: Colour, ink: Colour, tmp_path: Path
) -> None:
    """Of every height of band and size of type, tesseract reads 90 % of what it reads in greys, and no less in all."""
    sheet = shades.sheet(ground, ink, times=1)
    made = await finished(tmp_path, sheet.pdf)
    wanted = shades.read_back(sheet.rows, shades.read(shades.original(sheet.pdf)))
    found = shades.read_back(sheet.rows, shades.read(shades.fax(made.pdf)))
    assert sum(found.values()) >= 0.97 * sum(wanted.values())
    assert not {kind: (found[kind], count) for kind, count in wanted.items() if found[kind] < 0.9 * count - 1}
    assert len(made.pdf) < 70_000


@pytest.mark.parametrize("shade", [0.55, 0.75, 0.87])
async def test_words_on_bands_of_a_scanned_page_are_read(shade: float, tmp_path: Path) -> None:
    """Of a page with bands that was scanned askew, under a shadow, with noise and a strong JPEG, nine words of ten."""
    sheet = shades.sheet(grey(shade), BLACK, times=1)
    document = pypdfium2.PdfDocument(sheet.pdf)
    page: Image.Image = document[0].render(scale=300 / 72).to_pil().convert("L")
    document.close()
    page = page.rotate(0.15, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(0.8))
    page = noisy(shadowed(page.point(lambda value: 20 + value * 0.88), 0.8), 5)
    out = io.BytesIO()
    page.save(out, "PDF", dpi=(300, 300), quality=60)
    made = await finished(tmp_path, out.getvalue())
    found = shades.read_back(sheet.rows, shades.read(shades.fax(made.pdf)))
    assert sum(found.values()) >= 0.9 * sum(len(row.words) for row in sheet.rows)


async def test_rows_and_marks_of_a_mail_in_html_are_read(tmp_path: Path) -> None:
    """Banded rows of a table, a dark head with white words, and marked words in a sentence."""
    rows = "".join(
        f'<tr style="background:{("#c0c0c0", "#fff")[at % 2]}"><td>{at}</td><td>Article</td><td>12.50</td></tr>'
        for at in range(100, 106)
    )
    text = (
        '<table cellspacing=0 cellpadding=1 style="font-size:9pt; width:60%"><tr style="background:#4472c4;color:#fff">'
        f"<th>Number</th><th>Kind</th><th>Price</th></tr>{rows}</table><p style='font-size:9pt'>Marked: "
        '<span style="background:#00ff00">before</span> <span style="background:#ff69b4">urgent</span></p>'
    )
    read = words(await finished(tmp_path, text.encode(), "text/html"))
    assert {"Number", "Kind", "Price", "Article", "Marked", "before", "urgent"} <= read
    assert {str(at) for at in range(100, 106)} <= read


async def test_an_empty_pale_field_is_no_black_bar(tmp_path: Path) -> None:
    """A shaded field of a form with nothing in it comes out white, and so does the rest of a row."""
    made = await finished(
        tmp_path, shades.a_page(b"0.75 g 72 600 300 14 re f 72 500 300 14 re f 0 g BT /F1 10 Tf 76 503 Td (Berg) Tj ET")
    )
    page = shades.fax(made.pdf)
    for top in (792 - 613, 792 - 513):
        band = page.crop(
            (int(72 * 204 / 72) + 200, int(top * 196 / 72), int(360 * 204 / 72), int((top + 12) * 196 / 72))
        )
        dark = band.histogram()[0] / (band.width * band.height)
        assert dark < 0.25


async def test_a_table_with_white_lines_and_dark_head_is_read(tmp_path: Path) -> None:
    """Cells on grey between white lines stay black on white, though lines are lighter than their ground."""
    content = ["0.3 g 72 700 468 13 re f 1 g BT /F2 9 Tf 76 703.5 Td (Article   Amount   Total) Tj ET"]
    for at in range(8):
        y = 686 - 13 * at
        content.append(f"0.7 g 72 {y} 468 13 re f 0 g BT /F1 9 Tf 76 {y + 3.5} Td (Toner paper sample order) Tj ET")
        content.append(f"1 G 1 w 72 {y} m 540 {y} l S 200 {y} m 200 {y + 13} l S 380 {y} m 380 {y + 13} l S")
    made = await finished(tmp_path, shades.a_page("\n".join(content).encode()))
    head = ImageOps.invert(shades.fax(made.pdf).crop((200, 216, 900, 248)).resize((1400, 64)))
    assert {"Article", "Amount", "Total"} <= {word for reading in shades.read(head) for _, word in reading}
    read = [word for _, word in shades.read(shades.fax(made.pdf))[0]]
    assert read.count("Toner") == read.count("sample") == 8


async def test_cells_in_many_colours_are_words_and_no_picture(tmp_path: Path) -> None:
    """A block of cells that touch, each in another shade and some with white letters, is read and not drawn in dots."""
    content, wanted = [], 0
    for at in range(20 * 6):
        row, column = divmod(at, 6)
        shade = (0.35, 0.5, 0.62, 0.1, 0.7, 0.42)[(column + row) % 6]
        x, y = 72 + 78 * column, 700 - 15 * row
        content.append(f"{shade} g {x} {y} 78 15 re f {int(shade < 0.3)} g")
        content.append(f"BT /F1 9 Tf {x + 6} {y + 4.5} Td (sample) Tj ET")
        wanted += shade > 0.3
    content.append("1 G 1 w")
    content += [f"72 {700 - 15 * row} m 540 {700 - 15 * row} l S" for row in range(20)]
    pdf = shades.a_page("\n".join(content).encode())
    assert not bilevel.Page(shades.original(pdf)).has_pictures
    made = await finished(tmp_path, pdf)
    readings = shades.read(shades.fax(made.pdf))
    assert max([word for _, word in reading].count("sample") for reading in readings) >= 0.9 * wanted
