"""Photos as iPhones write them, made by libheif's own encoder: decoded by their bytes, whatever they are called."""

import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.support.document_samples import AS_IT_IS, Made, ink, mail, make, part


def encoded(folder: Path, ending: str, picture: Image.Image | None = None, *others: Image.Image) -> bytes:
    """A picture, white with its upper left quarter black, as HEIC or AVIF."""
    if picture is None:
        picture = Image.new("RGB", (1200, 800), "white")
        ImageDraw.Draw(picture).rectangle((0, 0, 599, 399), fill="black")
    names = []
    for number, each in enumerate((picture, *others)):
        names.append(str(folder / f"source-{number}.png"))
        each.save(names[-1])
    out = folder / f"photo.{ending}"
    command = ["heif-enc", "-q", "90", *(["--avif"] if ending == "avif" else []), *names, "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out.read_bytes()


async def faxed(folder: Path, content: bytes, name: str, kind: str = "image/jpeg") -> Made:
    return await make(folder, mail(part(content, kind, name)), options=AS_IT_IS)


@pytest.mark.parametrize("ending", ["heic", "avif"])
@pytest.mark.parametrize(
    ("name", "kind"), [("photo.heic", "image/heic"), ("IMG_1.JPG", "image/jpeg"), ("x", "text/plain")]
)
async def test_a_photo_is_drawn_whatever_it_is_called(ending: str, name: str, kind: str, tmp_path: Path) -> None:
    """It fills the width of the page, its dark quarter where it was."""
    made = await faxed(tmp_path, encoded(tmp_path, ending), name, kind)
    assert (made.failed, made.pages) == ("", 1)
    box = ink(made.picture())
    assert box is not None
    assert box == pytest.approx((18, 18, 18 + 288, 18 + 192), abs=3)


async def test_of_several_the_first_is_faxed(tmp_path: Path) -> None:
    """A burst in one file is one photo on the fax, as a mail program shows it."""
    made = await faxed(tmp_path, encoded(tmp_path, "heic", None, Image.new("RGB", (600, 600), "black")), "burst.heic")
    assert (made.failed, made.pages) == ("", 1)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
async def test_half_a_photo_is_none(share: float, tmp_path: Path) -> None:
    """Cut short it fails the fax by its name."""
    whole = encoded(tmp_path, "heic")
    made = await faxed(tmp_path, whole[: int(len(whole) * share)], "cut.heic")
    assert made.failed.startswith("cut.heic: ")
    assert made.pages == 0
