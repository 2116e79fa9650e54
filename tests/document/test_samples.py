"""Files that the makers of four libraries collected, since programs had stumbled over them: PDFs, pictures, anything.

Each is attached to a mail. Whatever it is, it has pages, or a reason that names it; no child dies of it but of one, and
nothing is faxed of what is not whole.
"""

import asyncio
import subprocess
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from bridge.document import drawing, pieces
from bridge.document.kinds import Kind, kind_of
from bridge.document.pdf import unusable
from tests.support.document_samples import AS_IT_IS, Made, mail, make, part

SOURCES = Path(__file__).parents[2] / ".tools" / "samples"
"""What deploy/fetch-samples fetches."""

FOLDERS = (
    "pikepdf-9.4.2/tests/resources",
    "pypdf-7.1.1/resources",
    "pillow_heif-1.8.1/tests/images",
    "pillow-11.0.0/Tests/images",
)
NOTES = {".md", ".py", ".rst", ".toml", ".txt"}
"""What the makers say of their files."""

OURS = {"avif", "bmp", "dib", "gif", "heic", "heif", "hif", "jpeg", "jpg", "pdf", "png", "tif", "tiff", "webp"}
"""What their names say that are to be faxed; others may be, where they are text."""

REFUSED = dict(
    line.split("\t")
    for line in (Path(__file__).parents[1] / "data" / "refused-samples.tsv").read_text("utf-8").splitlines()
)
"""What is said of those that cannot be, or else are none of ours."""


def _files() -> list[str]:
    found = (path for folder in FOLDERS for path in (SOURCES / folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(SOURCES).as_posix() for path in found if path.suffix not in NOTES)


FILES = _files()
PDFS = [name for name in FILES if name.endswith(".pdf")]


async def made_of(name: str, folder: Path) -> Made:
    """The pages of a mail with that file attached."""
    content = await asyncio.to_thread((SOURCES / name).read_bytes)
    return await make(folder, mail(part(content, "application/octet-stream", Path(name).name)))


def test_the_collections_are_there() -> None:
    """Else the tests below would show nothing; and each that is to be refused is one of them."""
    assert len(FILES) >= 1200
    assert len(PDFS) >= 100
    assert set(REFUSED) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
async def test_it_is_faxed_or_refused_by_its_name(name: str, tmp_path: Path) -> None:
    """Its pages add up, or the words are those that are its due."""
    made = await made_of(name, tmp_path)
    assert made.parts or "the converter stopped" in made.failed
    assert all(bool(each.pages) != bool(each.left_out) for each in made.parts)
    assert sum(each.pages for each in made.parts) == made.pages
    if name in REFUSED:
        assert made.failed.removeprefix(f"{Path(name).name}: ") == REFUSED[name]
    elif made.failed:
        assert made.failed == f"{Path(name).name}: {drawing.UNUSABLE_TYPE}"
        assert Path(name).suffix.lower().lstrip(".") not in OURS


@pytest.mark.parametrize("name", [name for name in PDFS if name not in REFUSED])
async def test_poppler_counts_as_many_pages(name: str, tmp_path: Path) -> None:
    """Another library, which knows nothing of ours, sees the pages that are faxed, and those left out as blank."""
    made = await made_of(name, tmp_path)
    told = await asyncio.to_thread(lambda: subprocess.check_output(["pdfinfo", SOURCES / name]))
    counted = next(int(line.split()[1]) for line in told.splitlines() if line.startswith(b"Pages:"))
    assert counted == made.pages + sum(each.left_out == pieces.BLANK for each in made.parts)


@pytest.mark.parametrize("name", ["pike-jp2.pdf", "pike-flate-jp2.pdf"])
async def test_what_is_clear_in_a_jpeg_2000_is_paper(name: str, tmp_path: Path) -> None:
    """A fish on nothing is a fish on white."""
    made = await made_of(f"pikepdf-9.4.2/tests/resources/{name}", tmp_path)
    fish = made.picture(dpi=200).crop((722, 0, 972, 90))
    assert [fish.getpixel((x, y)) for x in (2, 247) for y in (2, 87)] == [255] * 4
    assert sum(fish.histogram()[:128]) > 1000


@pytest.mark.parametrize("name", ["i_trns.png", "rgb32bf-abgr.bmp", "hopper.Lab.tif"])
async def test_pictures_of_unusual_kinds_are_seen(name: str, tmp_path: Path) -> None:
    """Sixteen bits with one grey that is clear, an alpha channel that nobody filled in, CIELAB: each is seen."""
    content = await asyncio.to_thread((SOURCES / FOLDERS[-1] / name).read_bytes)
    made = await make(tmp_path, mail(part(content, "application/octet-stream", name)), options=AS_IT_IS)
    drawn = made.picture(dpi=72)
    assert sum(drawn.histogram()[:90]) > 0
    with Image.open(SOURCES / FOLDERS[-1] / name) as original:
        assert made.sizes()[0][0] > original.width / 1300


def test_a_measurement_with_words_before_it_is_no_text() -> None:
    """Pages of header in plain letters, then numbers: it is told by what stands behind, not by its beginning."""
    content = (SOURCES / FOLDERS[-1] / "m13_gzip.fits").read_bytes()
    assert content[:2880].isascii()
    assert kind_of(content) is Kind.UNKNOWN
    assert kind_of(content[:2880]) is Kind.TEXT


def test_a_picture_that_lacks_rows_is_damaged() -> None:
    """One program shows paper where they were, another ink."""
    with pikepdf.open(SOURCES / "pikepdf-9.4.2/tests/resources/1biticc.pdf") as pdf:
        image = pdf.pages[0].resources.XObject.R10
        assert len(image.read_bytes()) < -(-int(image.Width) // 8) * int(image.Height)
    assert REFUSED["pikepdf-9.4.2/tests/resources/1biticc.pdf"] == unusable.DAMAGED
