"""Bitmaps of Windows and OS/2 with heads and colours of every kind that was ever written."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from bridge.document import images
from bridge.document.kinds import Kind, kind_of
from tests.support.document_samples import mail, make, part, saved

WIDTH, HEIGHT = 32, 8
RAMP = [at * 255 // (WIDTH - 1) for at in range(WIDTH)]
PALETTE = b"".join(bytes([255 - at] * 3 + [0]) for at in range(256))
"""Turned round, so that a reader who misses it is found out."""


def os2(header: int, offset: int = 0) -> bytes:
    """A bitmap of eight bits with a palette and a head of so many bytes, as OS/2 2.0 writes it."""
    head = struct.pack("<IIIHH", header, WIDTH, HEIGHT, 1, 8) + bytes(48)
    start = 14 + header + len(PALETTE)
    file_head = struct.pack("<2sIHHI", b"BM", start + WIDTH * HEIGHT, 0, 0, start + offset)
    return file_head + head[:header] + PALETTE + bytes(255 - shade for shade in RAMP) * HEIGHT


def masked(bits: int, masks: tuple[int, ...], header: int = 40, clear: bool = False) -> bytes:
    """A bitmap whose colours lie in these bits; with a fourth mask clear in its right half, if so wished."""
    dots = b""
    for at, shade in enumerate(RAMP):
        parts = [shade] * 3 + [0 if clear and at >= WIDTH // 2 else 255]
        values = (mask * part // 255 & mask for mask, part in zip(masks, parts, strict=False))
        dots += sum(values).to_bytes(bits // 8, "little")
    told = struct.pack(f"<{len(masks)}I", *masks)
    start = 14 + max(header, 40 + len(told))
    head = struct.pack(
        "<IiiHHIIiiII", header, WIDTH, HEIGHT, 1, bits, 3 if header > 40 or len(masks) < 4 else 6, *[0] * 5
    )
    body = head + told + bytes(start - 14 - 40 - len(told))
    return struct.pack("<2sIHHI", b"BM", start + len(dots) * HEIGHT, 0, 0, start) + body + dots * HEIGHT


def greys(content: bytes) -> Image.Image:
    """The one picture as it is faxed."""
    (frame,) = images.frames(content, 1_000_000, 10)
    return frame.picture.convert("L")


def row(content: bytes) -> list[int]:
    """The shades of its first row, which are those of its last."""
    seen = greys(content)
    assert seen.size == (WIDTH, HEIGHT)
    assert seen.crop((0, 0, WIDTH, 1)).tobytes() == seen.crop((0, HEIGHT - 1, WIDTH, HEIGHT)).tobytes()
    return list(seen.tobytes()[:WIDTH])


@pytest.mark.parametrize("header", [16, 20, 24, 36, 40, 64])
async def test_a_head_of_os2_may_be_of_any_length(header: int, tmp_path: Path) -> None:
    """What follows behind its end counts as nought; the colours are found where they are."""
    content = os2(header)
    assert kind_of(content) is Kind.PICTURE
    assert row(content) == RAMP
    made = await make(tmp_path, mail(part(content, "image/bmp", "logo.bmp")))
    assert (made.pages, made.failed) == (1, "")


def test_the_first_of_several_in_one_file_is_taken() -> None:
    """OS/2 keeps a bitmap for each kind of screen in one file."""
    content = struct.pack("<2sIIHH", b"BA", 14, 0, 640, 480) + os2(40, offset=14)
    assert kind_of(content) is Kind.PICTURE
    assert row(content) == RAMP


def test_more_colours_than_dots_can_have_do_no_harm() -> None:
    """Some programs tell 300 of 256."""
    content = bytearray(os2(40))
    struct.pack_into("<I", content, 46, 300)
    assert row(bytes(content)) == RAMP


@pytest.mark.parametrize(
    ("bits", "masks"),
    [
        (16, (0xF800, 0x7E0, 0x1F)),
        (16, (0xF00, 0xF0, 0xF)),
        (16, (0x6000, 0x1C00, 0x380)),
        (32, (0xFF00, 0xFF0000, 0xFF000000)),
        (32, (0xFFE00000, 0x1FFC00, 0x3FF)),
        (32, (0xFF00000, 0xFF000, 0xFF0)),
    ],
)
def test_colours_may_lie_in_any_bits(bits: int, masks: tuple[int, int, int]) -> None:
    """Four of each, or eleven of one: black is black, white is white, and what is between is between."""
    seen = row(masked(bits, masks))
    assert [seen[0], seen[-1]] == [0, pytest.approx(255, abs=1)]
    assert seen == pytest.approx(RAMP, abs=50)
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("bits", "masks"), [(16, (0xF00, 0xF0, 0xF, 0xF000)), (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000))]
)
@pytest.mark.parametrize("header", [40, 56, 108])
def test_what_a_fourth_mask_tells_is_clear_is_paper(bits: int, masks: tuple[int, ...], header: int) -> None:
    """The right half stands on white; where the mask tells that all is clear, nothing was meant by it."""
    seen = row(masked(bits, masks, header, clear=True))
    assert seen[WIDTH // 2 :] == [255] * (WIDTH // 2)
    assert seen[: WIDTH // 2] == pytest.approx(RAMP[: WIDTH // 2], abs=17)


def test_what_is_cut_short_is_damaged() -> None:
    """No row is taken for paper, or for ink, because it is missing."""
    for content in (os2(16)[:-1], masked(16, (0xF00, 0xF0, 0xF))[:-1], saved(Image.new("L", (9, 9)), "BMP")[:-4]):
        with pytest.raises(images.ImageUnusable):
            greys(content)


def test_a_text_that_begins_with_two_letters_is_no_bitmap() -> None:
    """BA and BM begin words as well."""
    assert kind_of(b"BAD WEATHER IS EXPECTED ON FRIDAY, AND NOTHING IS TO BE DONE ABOUT IT") is Kind.TEXT


def coded(coding: int, bits: int, runs: bytes, colours: bytes = b"", size: tuple[int, int] = (5, 3)) -> bytes:
    """A bitmap whose dots are these runs."""
    head = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, coding, len(runs), 7874, 7874, len(colours) // 4, 0)
    return struct.pack("<2sIII", b"BM", 54 + len(colours) + len(runs), 0, 54 + len(colours)) + head + colours + runs


GREYS = b"".join(bytes([at * 17] * 3 + [0]) for at in range(16))
ONE, TWO, THREE = 1 * 17, 2 * 17, 3 * 17
RUNS = {
    "eight bits": (1, 8, bytes([5, 1, 0, 0, 0, 3, 1, 2, 3, 0, 2, 2, 0, 0, 5, 3, 0, 1]), GREYS),
    "four bits": (2, 4, bytes([5, 0x11, 0, 0, 0, 3, 0x12, 0x30, 2, 0x22, 0, 0, 5, 0x33, 0, 1]), GREYS),
    "24 bits": (
        *(4, 24),
        bytes([5, *[ONE] * 3, 0, 0, 0, 3, *[ONE] * 3, *[TWO] * 3, *[THREE] * 3, 0, 2, *[TWO] * 3])
        + bytes([0, 0, 5, *[THREE] * 3, 0, 1]),
        b"",
    ),
}


@pytest.mark.parametrize("kind", RUNS.values(), ids=RUNS.keys())
def test_runs_of_any_depth_are_read(kind: tuple[int, int, bytes, bytes]) -> None:
    """Runs of one colour, dots one by one, ends of lines, from the lowest row up."""
    (frame,) = images.frames(coded(*kind), 1_000_000, 10)
    rows = [list(frame.picture.crop((0, at, 5, at + 1)).tobytes()) for at in range(3)]
    assert rows == [[THREE] * 5, [ONE, TWO, THREE, TWO, TWO], [ONE] * 5]
    assert frame.dpi == pytest.approx((200, 200), abs=0.1)


def test_a_run_of_four_bits_takes_its_two_colours_in_turn() -> None:
    """Of an odd number of dots as well, and the next run begins with its own first."""
    seen = greys(coded(2, 4, bytes([3, 0x12, 2, 0x30, 0, 1]), GREYS, (5, 1)))
    assert list(seen.tobytes()) == [ONE, TWO, ONE, THREE, 0]


def test_dots_that_runs_leap_over_are_paper() -> None:
    """What no run draws was never drawn; it is not black, whatever the first colour is."""
    seen = greys(coded(1, 8, bytes([1, 1, 0, 2, 2, 1, 2, 2, 0, 1]), GREYS))
    white = [255] * 5
    assert list(seen.tobytes()) == [*white, *white[:3], TWO, TWO, ONE, *white[:4]]


def test_runs_that_are_cut_short_are_damaged() -> None:
    """Nothing that is missing is taken for paper; and a picture larger than its bytes can be is not begun."""
    for content in (coded(1, 8, bytes([5, 1, 0, 0, 5]), GREYS), coded(2, 4, bytes([5, 0x11]), GREYS)):
        with pytest.raises(images.ImageUnusable):
            greys(content)
    with pytest.raises(images.ImageUnusable, match="million"):
        greys(coded(1, 8, bytes([5, 1, 0, 1]), GREYS, (30_000, 30_000)))


def test_runs_that_go_on_over_the_edge_do_no_harm() -> None:
    """A run too long for its row ends there, and what lies above the top is left."""
    seen = greys(coded(1, 8, bytes([9, 1, 0, 0, 9, 2, 0, 0, 9, 3, 0, 0, 9, 4]), GREYS))
    assert list(seen.tobytes()) == [THREE] * 5 + [TWO] * 5 + [ONE] * 5


@pytest.mark.parametrize("kind", ["1", "L", "RGB"])
async def test_a_bitmap_without_the_head_of_its_file_is_one(kind: str, tmp_path: Path) -> None:
    """As the clipboard of Windows keeps it, and some programs write it as ``.dib``."""
    whole = saved(Image.new(kind, (200, 100), 0), "BMP")
    assert kind_of(whole[14:]) is Kind.PICTURE
    assert greys(whole[14:]).getextrema() == (0, 0)
    made = await make(tmp_path, mail(part(whole[14:], "image/bmp", "a.dib")))
    assert (made.pages, made.failed) == (1, "")


def test_the_tip_of_a_pointer_makes_no_other_file_of_a_bitmap() -> None:
    """OS/2 tells it where Windows has nought."""
    content = os2(40)
    assert kind_of(content[:6] + b"\x15\0\x10\0" + content[10:]) is Kind.PICTURE
    assert row(content[:6] + b"\x15\0\x10\0" + content[10:]) == RAMP
