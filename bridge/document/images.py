"""Pictures as fax pages, of TIFF and DCX all, turned as the camera held them, on white. Runs in the child.

A scan that knows its size keeps it; fax TIFFs keep their shape whatever their lines per inch; all else is fitted onto
a Letter page, but never blown up: a logo stays a logo.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
from PIL import Image

from bridge.document import bitmaps, runs, thumbnails, tiff, tiffpages
from bridge.document.paper import LETTER, POINTS, Size, place
from bridge.document.upright import Dpi, Unusable, upright
from bridge.runtime.phrases import phrase

FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "DIB", "WEBP", "AVIF", "JPEG2000", "PCX", "DCX", "ICO")
"""What is opened, beside HEIF, which iPhones write and call JPEG as often as not."""

TOO_LARGE = phrase("is larger than {dots} million dots")

DAMAGES = (
    *(OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, EOFError, struct.error, OverflowError),
    Image.DecompressionBombError,
)
"""What Pillow raises on a file that is not what it seems, and ``struct`` on numbers that no file can hold."""

MANY_PAGES = phrase("has more than {pages} pages")
DAMAGED = phrase("is damaged")
UNREADABLE = phrase("is damaged, or of a kind that is not read here; save it as PNG or JPEG")


class ImageUnusable(Exception):
    """The picture cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a file, upright, on white, in greys or in black and white; its dots per inch if it tells them.

    ``number`` is its place in the file, from 1; ``is_thumbnail`` whether it is another one once more, and no page.
    """

    picture: Image.Image
    dpi: Dpi
    number: int = 1
    is_thumbnail: bool = False

    @property
    def is_bilevel(self) -> bool:
        """Whether it is ink and paper only."""
        return self.picture.mode == "1"


def opened(content: bytes) -> Image.Image:
    """The picture, of which only the head is read as yet; raises one of DAMAGES."""
    formats: tuple[str, ...] = FORMATS
    if content[4:8] == b"ftyp":
        import pi_heif  # noqa: PLC0415 - a decoder that few mails need

        pi_heif.register_heif_opener(thumbnails=False)
        formats = ("HEIF", *FORMATS)
    if bitmaps.is_one(content):
        content = bitmaps.plain(content)
        if (found := bitmaps.by_masks(content)) is not None:
            return found
        if runs.concerns(content):
            return runs.grey(content)
    return Image.open(io.BytesIO(content), formats=formats)


def jpeg(content: bytes, least: tuple[int, int]) -> Image.Image:
    """A JPEG in greys, decoded to its last byte, no smaller than that if it is not; raises one of DAMAGES."""
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
        picture.draft("L", least)
        picture.load()
        return picture if picture.mode == "L" else picture.convert("L")


def frames(content: bytes, max_pixels: int, max_pages: int) -> Iterator[Frame]:
    """The picture, or all of a TIFF's or a DCX's. Raises ImageUnusable."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        if content[:2] in {b"II", b"MM"}:
            yield from _of_tiff(content, max_pixels, max_pages)
            return
        with opened(content) as picture:
            yield from _of_file(picture, max_pixels, max_pages)
    except Unusable as error:
        raise ImageUnusable(str(error)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageUnusable(TOO_LARGE.format(dots=max_pixels // 1_000_000)) from error
    except DAMAGES as error:
        raise ImageUnusable(UNREADABLE) from error


def _of_file(picture: Image.Image, max_pixels: int, max_pages: int) -> Iterator[Frame]:
    """The picture; of a DCX, which is what fax programs made of several PCX, each. (An animation is one picture.)"""
    count = int(getattr(picture, "n_frames", 1)) if picture.format == "DCX" else 1
    if count > max_pages:
        raise ImageUnusable(MANY_PAGES.format(pages=max_pages))
    for at in range(count):
        if at:
            picture.seek(at)
        _check_size(picture.size, max_pixels)
        seen, dpi = upright(picture, picture.format)
        yield Frame(seen, None if dpi == picture.size else dpi, at + 1)  # the size stands there in old PCX files


def _of_tiff(content: bytes, max_pixels: int, max_pages: int) -> Iterator[Frame]:
    found = tiff.directories(content)
    if not found:
        raise ImageUnusable(UNREADABLE)
    if len(found) > max_pages:
        raise ImageUnusable(MANY_PAGES.format(pages=max_pages))
    for page in found:
        _check_size(page.size, max_pixels)

    def draw(at: int) -> Image.Image | None:
        try:
            return tiffpages.frame(content, found[at])[0]
        except (Unusable, *DAMAGES):
            return None

    small = thumbnails.among(found, draw) if len(found) > 1 else set()
    for at, page in enumerate(found):
        if at in small:
            yield Frame(Image.new("1", (1, 1), 1), None, at + 1, is_thumbnail=True)
            continue
        yield Frame(*tiffpages.frame(content, page), at + 1)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise ImageUnusable(TOO_LARGE.format(dots=max_pixels // 1_000_000))


def add_page(pdf: pikepdf.Pdf, frame: Frame, sheet: Size = LETTER) -> None:
    """Append it as it is, on the paper on which it belongs."""
    image, placed = frame.picture, place(frame.picture.size, frame.dpi, sheet)
    single = io.BytesIO()
    resolution = (image.width / placed.width, image.height / placed.height)
    if image.mode == "L":
        image.save(single, "PDF", dpi=resolution, quality=85)
    else:
        image.save(single, "PDF", dpi=resolution)  # Group 4, as faxes are
    single.seek(0)
    width, height = (inches * POINTS for inches in placed.paper)
    pdf.add_blank_page(page_size=(width, height))
    left = (width - placed.width * POINTS) / 2
    top = height - placed.top * POINTS
    box = pikepdf.Rectangle(left, top - placed.height * POINTS, width - left, top)
    with pikepdf.open(single) as source:
        pdf.pages[-1].add_overlay(source.pages[0], box)
