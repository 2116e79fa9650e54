"""Pictures as fax pages: PNG, JPEG, TIFF with all its pages, turned as the camera held it, on white. Runs in the child.

A scan that knows its size keeps it; fax TIFFs keep their shape whatever their lines per inch; all else is fitted onto
a Letter page, but never blown up: a logo stays a logo.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
from PIL import Image, ImageOps, ImageSequence

from bridge.document.paper import POINTS, place
from bridge.runtime.phrases import phrase

FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "DIB", "WEBP", "AVIF")
"""What is opened, beside HEIF, which iPhones write and call JPEG as often as not."""

TOO_LARGE = phrase("is larger than {dots} million dots")

DAMAGES = (OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, EOFError, Image.DecompressionBombError)
"""What Pillow raises on a file that is not what it seems."""

MANY_PAGES = phrase("has more than {pages} pages")
DEEP = phrase("has more than 8 bits a dot; save it as an ordinary picture")
DAMAGED = phrase("is damaged")
UNREADABLE = phrase("is damaged, or of a kind that is not read here; save it as PNG or JPEG")

_SENSIBLE_DPI = (60.0, 1300.0)
_DEEP = range(1 << 16)
"""The greys of a picture with 16 bits a dot."""


class ImageUnusable(Exception):
    """The picture cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a file, upright, on white, in greys or in black and white; its dots per inch if it tells them."""

    picture: Image.Image
    dpi: tuple[float, float] | None

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
    return Image.open(io.BytesIO(content), formats=formats)


def jpeg(content: bytes, least: tuple[int, int]) -> Image.Image:
    """A JPEG in greys, decoded to its last byte, no smaller than that if it is not; raises one of DAMAGES."""
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
        picture.draft("L", least)
        return picture.convert("L")


def frames(content: bytes, max_pixels: int, max_pages: int) -> Iterator[Frame]:
    """The picture, or all of a TIFF's. Raises ImageUnusable."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        with opened(content) as picture:
            for count, frame in enumerate(ImageSequence.Iterator(picture), 1):
                if count > max_pages:
                    raise ImageUnusable(MANY_PAGES.format(pages=max_pages))
                if frame.width * frame.height > max_pixels:
                    raise ImageUnusable(TOO_LARGE.format(dots=max_pixels // 1_000_000))
                yield _upright(frame, picture.format)
                if picture.format != "TIFF":
                    return
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageUnusable(TOO_LARGE.format(dots=max_pixels // 1_000_000)) from error
    except DAMAGES as error:
        raise ImageUnusable(UNREADABLE) from error


def _upright(frame: Image.Image, kind: str | None) -> Frame:
    dpi = _dpi(frame)
    turned = ImageOps.exif_transpose(frame)
    if turned.size != frame.size and dpi is not None:
        dpi = (dpi[1], dpi[0])
    return Frame(_on_white(turned, kind), dpi)


def _on_white(image: Image.Image, kind: str | None) -> Image.Image:
    """Black and white stays so; everything else becomes grey on a white ground."""
    if image.mode.startswith("I") and kind in {"PNG", "HEIF"}:
        image = _eight_bits(image)
    if kind in {"BMP", "DIB"} and image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        image = image.convert("RGB")  # what programs leave there that mean nothing by it
    if image.mode == "LAB":
        return image.getchannel("L")  # its lightness
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        seen = image.convert("RGBA")
        ground = Image.new("RGBA", seen.size, "white")
        ground.alpha_composite(seen)
        return ground.convert("L")
    if image.mode == "1":
        return image
    if image.mode.startswith("I") or image.mode == "F":
        raise ImageUnusable(DEEP)
    return image.convert("L")


def _eight_bits(image: Image.Image) -> Image.Image:
    """One of 16 bits a dot, which Pillow would cut off at 255, not scale; what is clear is so to the last bit."""
    deep = image.convert("I")
    grey = deep.point([round(value / 257) for value in _DEEP], "L")
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    return Image.merge("LA", (grey, deep.point([0 if value == clear else 255 for value in _DEEP], "L")))


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch across and down, if the file tells something sensible."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    low, high = _SENSIBLE_DPI
    return (across, down) if low <= across <= high and low <= down <= high else None


def add_page(pdf: pikepdf.Pdf, frame: Frame) -> None:
    """Append it as it is, on the paper on which it belongs."""
    image, placed = frame.picture, place(frame.picture.size, frame.dpi)
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
