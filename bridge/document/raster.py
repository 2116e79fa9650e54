"""Pages and pictures as grey fax lines: 1728 dots each, 196 to an inch. Runs in the child.

A page that is nothing but a scan is not drawn: its picture is taken out and brought to size, as fast as it decodes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pikepdf
from PIL import Image

from bridge.document import images
from bridge.document.damage import unpacked
from bridge.document.paper import DOTS, LINE, Layout, Placed

if TYPE_CHECKING:
    import pypdfium2

Draw = Callable[[], Image.Image]
"""Makes a grey sheet, a line wide; may be called in any thread."""

_NUMBER = rb"[-+.\d]+"
_ONLY_A_PICTURE = re.compile(
    rb"\s*(?:q\s+)?(%b)\s+0(?:\.0*)?\s+0(?:\.0*)?\s+(%b)\s+(%b)\s+(%b)\s+cm\s*(/\S+)\s+Do\s*(?:Q\s*)?"
    % ((_NUMBER,) * 4)
)
"""All that stands on a page a scanner made: a picture brought to size and drawn."""

_LONGEST_SCAN = 20_000
"""Bytes, packed: what says more than that draws more than a picture, and is not unpacked to find out."""

_NEAR = 0.02
"""By what part of the page the picture may miss its edges."""

_GREY_OR_COLOUR = {"/DeviceGray", "/CalGray", "/DeviceRGB", "/CalRGB"}


@dataclass(frozen=True, slots=True)
class Scan:
    """The picture that is all of a page: coded as JPEG, or already taken apart."""

    jpeg: bytes = b""
    picture: Image.Image | None = None

    def opened(self, dots: tuple[int, int]) -> Image.Image:
        """In greys, of that size or larger."""
        if self.picture is not None:
            return self.picture.convert("L")
        try:
            return images.jpeg(self.jpeg, dots)
        except images.DAMAGES as error:
            raise images.ImageUnusable(images.DAMAGED) from error


def scan_of(page: pikepdf.Page) -> pikepdf.Stream | None:
    """The picture of a page that has nothing else on it; None if that is not so, or not sure."""
    contents = page.obj.get("/Contents")
    if not isinstance(contents, pikepdf.Stream) or "/Rotate" in page.obj or "/UserUnit" in page.obj:
        return None
    if int(contents.get("/Length", 0)) > _LONGEST_SCAN:
        return None
    found = _ONLY_A_PICTURE.fullmatch(unpacked(contents))
    if found is None or not _fills(page, [float(number) for number in found.group(1, 2, 3, 4)]):
        return None
    image = page.resources.get("/XObject", pikepdf.Dictionary()).get(found[5].decode("latin-1"))
    return image if isinstance(image, pikepdf.Stream) and _is_plain(image) else None


def taken(image: pikepdf.Stream, max_pixels: int) -> Scan:
    """The picture out of its PDF. Raises ImageUnusable if it is larger than that."""
    if int(image["/Width"]) * int(image["/Height"]) > max_pixels:
        raise images.ImageUnusable(images.TOO_LARGE.format(dots=max_pixels // 1_000_000))
    if image.get("/Filter") == "/DCTDecode":
        return Scan(jpeg=image.read_raw_bytes())
    return Scan(picture=pikepdf.PdfImage(image).as_pil_image())


def _fills(page: pikepdf.Page, matrix: list[float]) -> bool:
    across, down, left, bottom = matrix
    x, y, right, top = (float(edge) for edge in page.cropbox)
    near = _NEAR * (right - x)
    edges = ((left, x), (bottom, y), (left + across, right), (bottom + down, top))
    return across > 0 and down > 0 and all(abs(one - other) <= near for one, other in edges)


def _is_plain(image: pikepdf.Object) -> bool:
    if image.get("/Subtype") != "/Image" or "/JPXDecode" in str(image.get("/Filter", "")):
        return False  # a JPEG 2000 has its own colours, and may be clear in places
    space = image.get("/ColorSpace")
    family = str(space[0] if isinstance(space, pikepdf.Array) else space)
    if family == "/ICCBased" and isinstance(space, pikepdf.Array):
        family = {1: "/DeviceGray", 3: "/DeviceRGB"}.get(int(space[1].get("/N", 0)), "")
    strange = any(name in image for name in ("/SMask", "/Mask", "/Decode", "/ImageMask"))
    return family in _GREY_OR_COLOUR and not strange and int(image.get("/BitsPerComponent", 0)) == 8  # noqa: PLR2004


def draw_scan(scan: Scan, layout: Layout, width: float, height: float) -> Image.Image:
    """A scan of a page of that size, in inches, on its one sheet."""
    wanted = _dots(layout, width, height)
    picture = scan.opened((wanted[1], wanted[0]) if layout.turned else wanted)
    if layout.turned:
        picture = picture.transpose(Image.Transpose.ROTATE_270)
    return _on_sheet(picture, wanted, layout.paper, _dots_down(layout.down))


def draw_picture(picture: Image.Image, placed: Placed) -> Image.Image:
    """A picture where it goes."""
    wanted = (round(placed.width * DOTS[0]), _dots_down(placed.height))
    return _on_sheet(picture.convert("L"), wanted, placed.paper, _dots_down(placed.top))


def draw_page(page: "pypdfium2.PdfPage", layout: Layout, top: float, width: float, height: float) -> Image.Image:
    """The stretch of a page that begins at ``top`` on its sheet, drawn as it would print."""
    import pypdfium2  # noqa: PLC0415 - a library that most mails need not wait for
    from pypdfium2 import raw  # noqa: PLC0415

    rows = _dots_down(layout.paper[1])
    across, down = _dots(layout, width, height)
    bitmap = pypdfium2.PdfBitmap.new_native(LINE, rows, raw.FPDFBitmap_Gray)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, LINE, rows)
    start = _dots_down(layout.down - top)
    flags = raw.FPDF_GRAYSCALE | raw.FPDF_PRINTING | raw.FPDF_ANNOT
    raw.FPDF_RenderPageBitmap(bitmap, page, (LINE - across) // 2, start, across, down, int(layout.turned), flags)
    drawn: Image.Image = bitmap.to_pil().copy()
    return drawn


def _dots(layout: Layout, width: float, height: float) -> tuple[int, int]:
    """Across and down, of the whole page as it is turned and scaled."""
    if layout.turned:
        width, height = height, width
    return round(width * layout.scale * DOTS[0]), _dots_down(height * layout.scale)


def _dots_down(inches: float) -> int:
    return round(inches * DOTS[1])


def _on_sheet(picture: Image.Image, dots: tuple[int, int], paper: tuple[float, float], top: int) -> Image.Image:
    """Brought to size and put in the middle of a white sheet; what is wider than a line is cut off on both sides."""
    shrinks = picture.width > dots[0] and picture.height > dots[1]
    way = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    fitted = picture if picture.size == dots else picture.resize(dots, way)
    sheet = Image.new("L", (LINE, _dots_down(paper[1])), 255)
    sheet.paste(fitted, ((LINE - dots[0]) // 2, top))
    return sheet
