"""TIFFs of the kinds that scanners, cameras and Photoshop write: every dot as it was meant, every page and no more."""

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import AppendingTiffWriter

from bridge.document import drawing, images, tiffpages
from tests.support.document_samples import left_out, mail, make, part, saved

WIDTH, HEIGHT = 48, 32
RAMP = [at * 255 // (WIDTH - 1) for at in range(WIDTH)]
DOTS, PAGES = 120_000_000, 200


def directory(fields: Mapping[int, Sequence[int]], order: str, at: int, following: int = 0) -> bytes:
    """One directory as it lies at ``at``, with its values behind it; all numbers but sizes of samples are long."""
    apart_at, entries, apart = at + 2 + 12 * len(fields) + 4, [], b""
    for tag, values in sorted(fields.items()):
        code = "H" if tag in {258, 262, 320, 338, 339} else "I"
        packed = struct.pack(f"{order}{len(values)}{code}", *values)
        entries.append(struct.pack(order + "HHI", tag, 3 if code == "H" else 4, len(values)))
        if len(packed) > 4:
            entries.append(struct.pack(order + "I", apart_at + len(apart)))
            apart += packed
        else:
            entries.append(packed.ljust(4, b"\0"))
    return struct.pack(order + "H", len(fields)) + b"".join(entries) + struct.pack(order + "I", following) + apart


def a_tiff(blocks: Sequence[bytes], fields: Mapping[int, Sequence[int]], order: str = "<", size: int = WIDTH) -> bytes:
    """A TIFF of one picture whose strips (tiles, where its fields tell of tiles) these are."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + sum(map(len, blocks)))
    starts = [8 + sum(map(len, blocks[:at])) for at in range(len(blocks))]
    places, lengths = (324, 325) if 322 in fields else (273, 279)
    said = {256: [size], 257: [HEIGHT], 259: [1], 278: [HEIGHT], 277: [1], **fields}
    said |= {places: starts, lengths: [len(block) for block in blocks]}
    return head + b"".join(blocks) + directory(said, order, 8 + sum(map(len, blocks)))


def words(shades: Sequence[int], bits: int, order: str = "<") -> bytes:
    """Shades of 255 as numbers of so many bits, one behind the other; of what fills no bytes, each row alone."""
    top = (1 << bits) - 1
    if bits % 8 == 0:
        size = bits // 8
        return b"".join((shade * top // 255).to_bytes(size, "little" if order == "<" else "big") for shade in shades)
    row = "".join(f"{shade * top // 255:0{bits}b}" for shade in shades)
    row = row.ljust(-(-len(row) // 8) * 8, "0")
    return int(row, 2).to_bytes(len(row) // 8)


def greys(content: bytes) -> Image.Image:
    """The one picture as it is faxed."""
    (frame,) = images.frames(content, DOTS, PAGES)
    return frame.picture.convert("L")


def assert_ramp(seen: Image.Image, shades: Sequence[int] = RAMP, near: int = 3) -> None:
    """Each row runs through the shades."""
    assert seen.size == (len(shades), HEIGHT)
    for row in (0, HEIGHT // 2, HEIGHT - 1):
        assert [seen.getpixel((at, row)) for at in range(len(shades))] == pytest.approx(shades, abs=near)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("white_is_nought", [False, True])
@pytest.mark.parametrize("bits", [3, 5, 6, 10, 12, 14, 16, 24, 32])
def test_greys_of_any_depth_are_scaled(bits: int, order: str, *, white_is_nought: bool) -> None:
    """Black is black and white is white, whichever of the two is nought, in whichever order the bytes lie."""
    shades = [255 - shade for shade in RAMP] if white_is_nought else RAMP
    content = a_tiff([words(shades, bits, order) * HEIGHT], {258: [bits], 262: [0 if white_is_nought else 1]}, order)
    assert_ramp(greys(content), near=255 // (2 ** min(bits, 8) - 1) + 1)


def test_twelve_bits_in_sixteen_are_no_black_page() -> None:
    """A scanner of twelve bits writes numbers up to 4095: its white is white, whether it says so or not."""
    row = b"".join(struct.pack("<H", shade * 4095 // 255) for shade in RAMP)
    assert_ramp(greys(a_tiff([row * HEIGHT], {258: [16], 262: [1]})))
    row = b"".join(struct.pack("<H", shade * 1000 // 255) for shade in RAMP)
    assert_ramp(greys(a_tiff([row * HEIGHT], {258: [16], 262: [1], 281: [1000]})))


@pytest.mark.parametrize("coding", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_sixteen_bits_are_read_however_they_are_coded(coding: str) -> None:
    """As Photoshop and scanners code them."""
    deep = Image.frombytes("I;16", (WIDTH, HEIGHT), words(RAMP, 16) * HEIGHT)
    assert_ramp(greys(saved(deep, "TIFF", compression=coding)))


def test_differences_between_neighbours_are_summed_up() -> None:
    """As Photoshop writes its LZW: of one number a dot, and of five, of which the last says what is clear."""
    deep = Image.frombytes("I;16", (WIDTH, HEIGHT), words(RAMP, 16) * HEIGHT)
    assert_ramp(greys(saved(deep, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})))
    row, before = b"", (0,) * 5
    for shade in RAMP:
        dot = (0, 0, 0, 255 - shade, 255)
        row += bytes((now - then) % 256 for now, then in zip(dot, before, strict=True))
        before = dot
    fields = {258: [8] * 5, 259: [8], 262: [5], 277: [5], 338: [2], 317: [2]}
    assert_ramp(greys(a_tiff([zlib.compress(row * HEIGHT)], fields)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_planes_that_lie_apart_are_brought_together(bits: int, order: str) -> None:
    """Red, green and blue each for itself: a picture whose red alone runs from dark to light."""
    planes = [words(shades, bits, order) * HEIGHT for shades in (RAMP, [0] * WIDTH, [255] * WIDTH)]
    seen = greys(a_tiff(planes, {258: [bits] * 3, 262: [2], 277: [3], 284: [2]}, order))
    assert_ramp(seen, [round(0.299 * shade + 0.114 * 255) for shade in RAMP])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("tiles", [1, 16])
def test_tiles_lie_where_they_belong(bits: int, tiles: int) -> None:
    """A grid of tiles, the last ones standing over the edge; what is not coded is read like what is."""
    side = 32
    rows = Image.frombytes("L", (WIDTH, HEIGHT), bytes(RAMP) * HEIGHT)
    blocks = []
    for left in range(0, WIDTH, side):
        shades = rows.crop((left, 0, left + side, side)).tobytes()
        block = words(list(shades), bits)
        blocks.append(zlib.compress(block) if tiles > 1 else block)
    fields = {258: [bits], 259: [8 if tiles > 1 else 1], 262: [1], 322: [side], 323: [side]}
    assert_ramp(greys(a_tiff(blocks, fields)))


@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_clear_in_a_picture_of_inks_is_paper(bits: int) -> None:
    """A picture for the press with an alpha channel: black to the left, nothing to the right; a spot colour is none."""
    half = WIDTH // 2
    dots = b"".join(words([0, 0, 0, 255, 255 if at < half else 0], bits) for at in range(WIDTH))
    fields = {258: [bits] * 5, 262: [5], 277: [5]}
    seen = greys(a_tiff([dots * HEIGHT], {**fields, 338: [2]}))
    assert [seen.getpixel((0, 0)), seen.getpixel((WIDTH - 1, 0))] == [0, 255]
    assert greys(a_tiff([dots * HEIGHT], {**fields, 338: [0]})).getextrema() == (0, 0)


def test_what_is_clear_in_greys_is_paper() -> None:
    """Black that is seen by half is grey, whether the shades know of it already or not."""
    for meaning, shade in ((1, 0), (2, 0)):
        dots = bytes([shade, 128]) * WIDTH * HEIGHT
        seen = greys(a_tiff([dots], {258: [8, 8], 262: [1], 277: [2], 338: [meaning]}))
        assert seen.getextrema() == (127, 127)


@pytest.mark.parametrize("scale", [1, 257])
def test_a_palette_of_bytes_is_no_black_page(scale: int) -> None:
    """Colours are told in sixteen bits; some programs tell them in eight."""
    colours = [shade * scale for _ in range(3) for shade in range(256)]
    assert_ramp(greys(a_tiff([bytes(RAMP) * HEIGHT], {258: [8], 262: [3], 320: colours})))


def test_a_picture_is_turned_as_its_file_says() -> None:
    """The same as Pillow turns those that it reads."""
    dots = words(RAMP, 16) * HEIGHT
    for turn, where in ((3, (0, 0)), (6, (0, 40)), (8, (0, 0))):
        seen = greys(a_tiff([dots], {258: [16], 262: [1], 274: [turn]}))
        assert seen.size == ((WIDTH, HEIGHT) if turn == 3 else (HEIGHT, WIDTH))
        assert seen.getpixel(where) == pytest.approx(255 if turn != 6 else RAMP[40], abs=3)


@pytest.mark.parametrize("order", ["<", ">"])
def test_subsampled_colours_that_are_not_coded_are_read(order: str) -> None:
    """As cameras write thumbnails and scanners previews: four shades of grey share one colour."""
    blocks = b"".join(bytes([RAMP[at], RAMP[at + 1], RAMP[at], RAMP[at + 1], 128, 128]) for at in range(0, WIDTH, 2))
    content = a_tiff([blocks * (HEIGHT // 2)], {258: [8] * 3, 262: [6], 277: [3], 530: [2, 2]}, order)
    assert_ramp(greys(content), near=4)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({258: [32], 262: [1], 339: [3]}, tiffpages.MEASURED),
        ({258: [16], 262: [1], 339: [2]}, tiffpages.MEASURED),
        ({258: [16], 262: [32803]}, tiffpages.RAW),
        ({258: [8], 262: [1], 259: [34712]}, images.UNREADABLE),
    ],
)
def test_what_no_one_tells_the_white_of_is_refused(fields: Mapping[int, Sequence[int]], why: str) -> None:
    """Measurements, a sensor's own picture, a coding that is not known: never a guess."""
    with pytest.raises(images.ImageUnusable, match=str(why)):
        list(images.frames(a_tiff([bytes(4 * WIDTH * HEIGHT)], fields), DOTS, PAGES))


def test_a_whole_jpeg_in_an_old_tiff_is_read_and_pieces_are_refused() -> None:
    """The tables of 1992: where one stream holds all it is the picture, of the size that is told, else its cure is."""
    jpeg = saved(Image.frombytes("L", (WIDTH, HEIGHT), bytes(RAMP) * HEIGHT), "JPEG", quality=95)
    fields = {258: [8], 259: [6], 262: [1], 513: [8], 514: [len(jpeg)]}
    assert_ramp(greys(a_tiff([jpeg], fields)), near=8)
    for broken in (a_tiff([jpeg[:200]], {**fields, 514: [200]}), a_tiff([jpeg], fields, size=WIDTH + 1)):
        with pytest.raises(images.ImageUnusable, match=str(tiffpages.OLD_JPEG)):
            greys(broken)


def a_page(words_on_it: str, width: int = 1700) -> Image.Image:
    """A page in greys, with lines of different lengths on it."""
    page = Image.new("L", (width, width * 22 // 17), 255)
    pen = ImageDraw.Draw(page)
    for at, char in enumerate(words_on_it * 3):
        top = width // 12 * (at + 1)
        pen.rectangle((width // 8, top, width // 8 + width * (ord(char) % 32) // 40, top + width // 40), fill=0)
    return page


def pictures(*frames: Image.Image, kinds: Sequence[int] = ()) -> bytes:
    """A TIFF of these, each with the kind that its field NewSubfileType tells."""
    out = io.BytesIO()
    with AppendingTiffWriter(out, new=True) as writer:
        for at, frame in enumerate(frames):
            kind = {254: kinds[at]} if at < len(kinds) else {}
            frame.save(writer, "TIFF", tiffinfo=kind, dpi=(200, 200))
            writer.newFrame()
    return out.getvalue()


def thumbnails(content: bytes) -> list[bool]:
    """For each picture of a TIFF, whether it is taken for a thumbnail."""
    return [frame.is_thumbnail for frame in images.frames(content, DOTS, PAGES)]


def test_a_thumbnail_is_no_page() -> None:
    """A small copy of a page, wherever it stands, whether the file says that it is one or not."""
    page, other = a_page("first"), a_page("second")
    small = page.resize((120, 155), Image.Resampling.LANCZOS)
    assert thumbnails(pictures(page, small, kinds=(0, 1))) == [False, True]
    assert thumbnails(pictures(small, page, other, kinds=(1, 0, 0))) == [True, False, False]
    assert thumbnails(pictures(page, other, small)) == [False, False, True]
    halved = [page.reduce(by) for by in (2, 4)]
    assert thumbnails(pictures(page, *halved, kinds=(0, 1, 1))) == [False, True, True]


def test_a_page_is_no_thumbnail() -> None:
    """Pages that are smaller, alike, or of which a scanner says that all are reduced: each stays."""
    page, other = a_page("first"), a_page("second", 850)
    assert thumbnails(pictures(page, page)) == [False, False]
    assert thumbnails(pictures(page, other, kinds=(0, 1))) == [False, False]
    assert thumbnails(pictures(page, other, a_page("third"), kinds=(1, 1, 1))) == [False] * 3
    assert thumbnails(pictures(page, page.reduce(2))) == [False, False]
    assert thumbnails(pictures(page, a_page("other", 200))) == [False, False]
    assert thumbnails(pictures(page, Image.new("L", (200, 259), 255), kinds=(0, 0))) == [False, False]


async def test_a_thumbnail_has_its_line(tmp_path: Path) -> None:
    """One page is faxed, and the parts list says what became of the other picture."""
    page = a_page("first")
    content = pictures(page, page.reduce(12), kinds=(0, 1))
    made = await make(tmp_path, mail(part(content, "image/tiff", "scan.tif")))
    assert made.pages == 1
    assert left_out(made.parts) == {"scan.tif": None, "scan.tif, page 2": drawing.THUMBNAIL}


def test_a_camera_hangs_its_picture_below_the_thumbnail() -> None:
    """Where the one page is said to be reduced, and what hangs on it is not, that is the page."""
    small, large = words(RAMP, 16), words(RAMP[::-1], 16)
    main = {254: [1], 256: [WIDTH], 257: [1], 258: [16], 262: [1], 273: [8], 277: [1], 278: [1], 279: [len(small)]}
    below_at = 8 + len(small) + len(large)
    below = directory({**main, 254: [0], 273: [8 + len(small)]}, "<", below_at)
    top = directory({**main, 330: [below_at]}, "<", below_at + len(below))
    content = b"II*\0" + struct.pack("<I", below_at + len(below)) + small + large + below + top
    assert [greys(content).getpixel((at, 0)) for at in (0, WIDTH - 1)] == [255, 0]


def test_directories_that_run_in_a_ring_end() -> None:
    """A file whose last directory leads back to its first has the pages that it has."""
    content = bytearray(a_tiff([bytes(RAMP) * HEIGHT], {258: [8], 262: [1]}))
    (at,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, at)
    struct.pack_into("<I", content, at + 2 + 12 * count, at)
    assert_ramp(greys(bytes(content)))


def test_large_tiffs_of_either_order_are_read() -> None:
    """BigTIFF as microscopes and plotters write it."""
    for order in "<>":
        fields = {256: WIDTH, 257: HEIGHT, 258: 8, 259: 1, 262: 1, 273: 16, 277: 1, 278: HEIGHT, 279: WIDTH * HEIGHT}
        at = 16 + WIDTH * HEIGHT
        entries = b"".join(struct.pack(order + "HHQQ", tag, 16, 1, value) for tag, value in fields.items())
        head = (b"II+\0" if order == "<" else b"MM\0+") + struct.pack(order + "HHQ", 8, 0, at)
        assert_ramp(greys(head + bytes(RAMP) * HEIGHT + struct.pack(order + "Q", len(fields)) + entries + bytes(8)))


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_does_not_say_what_its_numbers_mean_is_no_negative(order: str) -> None:
    """One number a dot is a grey, three are colours, four are inks; with a clear part as without."""
    assert_ramp(greys(a_tiff([bytes(RAMP) * HEIGHT], {258: [8]}, order)))
    assert_ramp(
        greys(a_tiff([bytes(each for each in RAMP for _ in range(3)) * HEIGHT], {258: [8] * 3, 277: [3]}, order))
    )
    clear = bytes(each for shade in RAMP for each in (shade, shade, shade, 255)) * HEIGHT
    assert_ramp(greys(a_tiff([clear], {258: [8] * 4, 277: [4], 338: [2]}, order)))
    inks = bytes(each for shade in RAMP for each in (0, 0, 0, 255 - shade)) * HEIGHT
    assert_ramp(greys(a_tiff([inks], {258: [8] * 4, 277: [4]}, order)))


def test_a_fax_that_does_not_say_what_its_bits_mean_is_black_on_white() -> None:
    """As all readers have it."""
    page = a_page("Results")
    turned_round = page.point([255 - shade for shade in range(256)]).convert("1")  # Pillow's nought is black
    content = bytearray(saved(turned_round, "TIFF", compression="group4"))
    at = content.index(struct.pack("<HHI", 262, 3, 1))
    content[at : at + 2] = struct.pack("<H", 263)
    assert greys(bytes(content)).histogram()[255] > page.width * page.height // 2


def test_numbers_that_no_file_can_hold_are_damage() -> None:
    """So many samples of a dot that their rows have no length."""
    content = a_tiff([words(RAMP, 16) * HEIGHT], {258: [16], 262: [1], 277: [1 << 31]})
    with pytest.raises(images.ImageUnusable):
        greys(content)


CONTENT = a_tiff([words(RAMP, 16) * HEIGHT], {258: [16] * 3, 262: [2], 277: [3], 284: [2]})


@pytest.mark.filterwarnings("ignore::UserWarning")  # the child hears no warnings of Pillow either
@given(st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)), max_size=6), st.integers(0, 400))
@settings(max_examples=300, deadline=None)
def test_whatever_a_tiff_is_made_of_it_is_drawn_or_refused(changes: list[tuple[int, int]], cut: int) -> None:
    """Broken in any place, or cut short: nothing unforeseen is raised."""
    content = bytearray(CONTENT[: len(CONTENT) - cut])
    for at, value in changes:
        content[min(at, len(content) - 1)] = value
    try:
        for frame in images.frames(bytes(content), 1_000_000, 10):
            assert frame.picture.size[0]
    except images.ImageUnusable as error:
        assert str(error)  # noqa: PT017 - either is right
