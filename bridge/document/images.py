"""Pictures as fax pages: PNG, JPEG, TIFF with all its pages, turned as the camera held it, on white. Runs in the child.

A scan that knows its size keeps it; fax TIFFs keep their shape whatever their lines per inch; all else is fitted onto
a Letter page, but never blown up: a logo stays a logo.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
from PIL import Image, ImageOps, ImageSequence

POINTS = 72
LETTER = (8.5, 11.0)
A4 = (8.27, 11.69)
LEGAL = (8.5, 14.0)
MARGIN = 0.25
"""Inches kept free around a picture that is fitted."""

SLACK = 0.25
"""Inches by which a scan may miss a paper size and still be it: a fax machine's A4 is 1728 dots, 8.47 inches, wide."""

COARSEST = 100
"""Dots per inch below which no picture is enlarged."""

FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "DIB", "WEBP", "AVIF")
"""What is opened, beside HEIF, which iPhones write and call JPEG as often as not."""

DAMAGES = (OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, EOFError, Image.DecompressionBombError)
"""What Pillow raises on a file that is not what it seems."""

_SENSIBLE_DPI = (60.0, 1300.0)


class ImageUnusable(Exception):
    """The picture cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture on a paper, in the middle across and so far from the top: all in inches."""

    paper: tuple[float, float]
    width: float
    height: float
    top: float = MARGIN


def opened(content: bytes) -> Image.Image:
    """The picture, of which only the head is read as yet; raises one of DAMAGES."""
    formats: tuple[str, ...] = FORMATS
    if content[4:8] == b"ftyp":
        import pi_heif  # noqa: PLC0415 - a decoder that few mails need

        pi_heif.register_heif_opener(thumbnails=False)
        formats = ("HEIF", *FORMATS)
    return Image.open(io.BytesIO(content), formats=formats)


def add_image(pdf: pikepdf.Pdf, content: bytes, max_pixels: int, max_pages: int) -> int:
    """Append the picture's pages to ``pdf``; returns how many. Raises ImageUnusable."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    count = 0
    try:
        with opened(content) as picture:
            for frame, dpi in _frames(picture, max_pixels):
                count += 1
                if count > max_pages:
                    raise ImageUnusable(f"has more than {max_pages} pages")
                _add_page(pdf, frame, dpi)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageUnusable(f"is larger than {max_pixels // 1_000_000} million dots") from error
    except DAMAGES as error:
        raise ImageUnusable("is damaged") from error
    return count


def _frames(picture: Image.Image, max_pixels: int) -> Iterator[tuple[Image.Image, tuple[float, float] | None]]:
    for frame in ImageSequence.Iterator(picture):
        if frame.width * frame.height > max_pixels:
            raise ImageUnusable(f"is larger than {max_pixels // 1_000_000} million dots")
        dpi = _dpi(frame)
        turned = ImageOps.exif_transpose(frame)
        if turned.size != frame.size and dpi is not None:
            dpi = (dpi[1], dpi[0])
        yield _on_white(turned, picture.format), dpi
        if picture.format != "TIFF":
            return


def _on_white(image: Image.Image, kind: str | None) -> Image.Image:
    """Black and white stays so; everything else becomes grey on a white ground."""
    if image.mode.startswith("I") and kind == "PNG":
        image = _eight_bits(image)
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        seen = image.convert("RGBA")
        ground = Image.new("RGBA", seen.size, "white")
        ground.alpha_composite(seen)
        return ground.convert("L")
    if image.mode == "1":
        return image
    if image.mode.startswith("I") or image.mode == "F":
        raise ImageUnusable("has more than 8 bits a dot; save it as an ordinary picture")
    return image.convert("L")


def _eight_bits(image: Image.Image) -> Image.Image:
    """A PNG of 16 bits a dot, which Pillow would cut off at 255 rather than scale."""
    grey = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey.info["transparency"] = clear // 257
    return grey


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch across and down, if the file tells something sensible."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    low, high = _SENSIBLE_DPI
    return (across, down) if low <= across <= high and low <= down <= high else None


def place(size: tuple[int, int], dpi: tuple[float, float] | None) -> Placed:
    """Where a picture of so many dots goes, and on which paper."""
    across, down = size
    shape = 1.0
    if dpi is not None:
        width, height = across / dpi[0], down / dpi[1]
        shape = dpi[0] / dpi[1]
        for paper in (LETTER, A4, LEGAL):
            if _is_about(width, paper[0]) and _is_about(height, paper[1]):
                width, height = min(width, paper[0]), min(height, paper[1])
                return Placed(paper, width, height, (paper[1] - height) / 2)
        for paper in (LETTER, LEGAL):
            if width <= paper[0] - 2 * MARGIN and height <= paper[1] - 2 * MARGIN and width > LETTER[0] / 3:
                return Placed(paper, width, height)
    height_per_width = down * shape / across
    width = min(
        LETTER[0] - 2 * MARGIN,
        (LETTER[1] - 2 * MARGIN) / height_per_width,
        across / COARSEST,
    )
    return Placed(LETTER, width, width * height_per_width)


def _is_about(value: float, wanted: float) -> bool:
    return abs(value - wanted) <= SLACK


def _add_page(pdf: pikepdf.Pdf, image: Image.Image, dpi: tuple[float, float] | None) -> None:
    placed = place(image.size, dpi)
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
