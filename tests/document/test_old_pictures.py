"""Pictures that few programs still write: JPEG 2000, PCX and the DCX of fax programs, icons; and Photoshop's own."""

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from bridge.document import images, typesetting
from bridge.document.kinds import Kind, kind_of
from tests.support.document_samples import mail, make, part, saved

WIDTH, HEIGHT = 64, 48
RAMP = Image.frombytes("L", (WIDTH, HEIGHT), bytes(at * 255 // (WIDTH - 1) for at in range(WIDTH)) * HEIGHT)


def dcx(*pages: Image.Image) -> bytes:
    """Several PCX in one file, as fax programs kept a fax."""
    each = [saved(page, "PCX") for page in pages]
    head = 4 + 4 * (len(each) + 1)
    starts = [head + sum(map(len, each[:at])) for at in range(len(each))]
    return struct.pack(f"<{len(each) + 2}I", 0x3ADE68B1, *starts, 0) + b"".join(each)


def shades(content: bytes) -> list[int]:
    """Those of the first row of the one picture, as it is faxed."""
    (frame,) = images.frames(content, 1_000_000, 10)
    assert frame.picture.size == (WIDTH, HEIGHT)
    return list(frame.picture.convert("L").tobytes()[:WIDTH])


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PCX", "L"), ("PCX", "RGB"), *((kind, mode) for kind in ("JPEG2000", "ICO") for mode in ("L", "RGB", "RGBA"))],
)
async def test_they_are_read_like_any_picture(kind: str, mode: str, tmp_path: Path) -> None:
    """Told by their bytes, and drawn as they are."""
    content = saved(RAMP.convert(mode), kind)
    if kind == "ICO":  # which Pillow writes in sizes of its own
        content = saved(RAMP.convert(mode), kind, sizes=[(WIDTH, HEIGHT)])
    assert kind_of(content) is Kind.PICTURE
    assert shades(content) == pytest.approx(list(RAMP.tobytes()[:WIDTH]), abs=3)
    made = await make(tmp_path, mail(part(content, "application/octet-stream", "scan.bin")))
    assert (made.pages, made.failed) == (1, "")


def test_a_jpeg_2000_of_sixteen_bits_is_no_white_page() -> None:
    """Its highest bits are what counts; also where a text shows it."""
    deep = Image.frombytes("I;16", (WIDTH, HEIGHT), b"".join(struct.pack("<H", each * 257) for each in RAMP.tobytes()))
    content = saved(deep, "JPEG2000", no_jp2=True)
    assert kind_of(content) is Kind.PICTURE
    assert shades(content) == pytest.approx(list(RAMP.tobytes()[:WIDTH]), abs=3)
    with Image.open(io.BytesIO(typesetting.drawable(content))) as drawn:
        assert list(drawn.convert("L").tobytes()[:WIDTH]) == pytest.approx(list(RAMP.tobytes()[:WIDTH]), abs=3)


async def test_every_page_of_a_dcx_is_faxed(tmp_path: Path) -> None:
    """What an old fax program kept is all there; too many pages are refused like those of a TIFF."""
    content = dcx(*[Image.new("1", (1728, 2200), 0)] * 3)
    assert kind_of(content) is Kind.PICTURE
    made = await make(tmp_path, mail(part(content, "application/octet-stream", "fax.dcx")))
    assert (made.pages, made.failed) == (3, "")
    with pytest.raises(images.ImageUnusable, match="pages"):
        list(images.frames(content, 120_000_000, 2))


def test_a_pcx_that_tells_its_size_for_its_resolution_tells_none() -> None:
    """Paintbrush wrote the screen's dots where dots per inch belong."""
    content = bytearray(saved(Image.new("1", (640, 480), 0), "PCX"))
    struct.pack_into("<HH", content, 12, 640, 480)
    (frame,) = images.frames(bytes(content), 1_000_000, 10)
    assert frame.dpi is None


async def test_photoshops_own_file_is_refused_with_the_cure(tmp_path: Path) -> None:
    """What it would show without Photoshop is not always what is meant."""
    content = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 10, 10, 8, 3) + bytes(400)
    made = await make(tmp_path, mail(part(content, "application/octet-stream", "scan.psd")))
    assert made.failed == f"scan.psd: {images.UNREADABLE}"


@pytest.mark.parametrize("content", [b"\n\x05\x01\x08 and so on" * 20, b"\0\0\1\0" * 50, b"\xff\x4f\xff\x51\0" * 9])
def test_what_only_begins_like_one_raises_nothing_strange(content: bytes) -> None:
    """Whatever it is taken for, it is drawn or refused."""
    assert kind_of(content) in {Kind.PICTURE, Kind.UNKNOWN, Kind.TEXT}
    with pytest.raises(images.ImageUnusable):
        list(images.frames(content, 1_000_000, 10))
