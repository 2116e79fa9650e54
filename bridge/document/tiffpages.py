"""One picture of a TIFF as it is to be seen: by Pillow where it knows the kind, else from its samples. In the child."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, TiffImagePlugin

from bridge.document import samples, tiff
from bridge.document.tiff import Directory
from bridge.document.upright import Dpi, Unusable, sensible, upright
from bridge.runtime.phrases import phrase

MEASURED = phrase("holds measured values, and does not tell which of them is white; save it as an ordinary picture")
RAW = phrase("is a camera's raw picture; save it as JPEG")
OLD_JPEG = phrase("is a TIFF of an old kind that is not read here; open it, and save it as PDF, PNG or JPEG")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the TIFF's field Orientation."""
_CENTIMETRE = 3

_PLAIN, _OLD = 1, 6
"""Not coded at all; as the first JPEGs in a TIFF (TIFF 6.0, section 22)."""


def frame(content: bytes, page: Directory) -> tuple[Image.Image, Dpi]:
    """The picture upright, in greys or black and white, on white; its dots per inch. Raises Unusable, or as Pillow."""
    if samples.is_raw(page):
        raise Unusable(RAW)
    if samples.concerns(page):
        return _turned(samples.grey(content, page), page)
    if samples.is_measured(page):
        raise Unusable(MEASURED)
    file = io.BytesIO(tiff.beginning_with(content, page))
    try:
        with _by_libtiff(page), Image.open(file, formats=("TIFF",)) as picture:
            return upright(picture, picture.format)
    except OSError as error:
        if page.value(tiff.COMPRESSION) != _OLD:
            raise
        return _turned(_old_jpeg(content, page, error), page)


def _turned(seen: Image.Image, page: Directory) -> tuple[Image.Image, Dpi]:
    dpi = _dpi(page)
    turn = _TURNS.get(page.value(tiff.ORIENTATION))
    if turn is None:
        return seen, dpi
    turned = seen.transpose(turn)
    return turned, dpi[::-1] if dpi is not None and turned.size != seen.size else dpi


def _dpi(page: Directory) -> Dpi:
    across, down = (page.fields.get(tag, (0, 1)) for tag in (tiff.ACROSS, tiff.DOWN))
    if len(across) != 2 or len(down) != 2 or not across[1] or not down[1]:  # noqa: PLR2004 - a fraction
        return None
    unit = 2.54 if page.value(tiff.UNIT) == _CENTIMETRE else 1.0
    return sensible(across[0] / across[1] * unit, down[0] / down[1] * unit)


@contextmanager
def _by_libtiff(page: Directory) -> Iterator[None]:
    """Have what is not coded unpacked by libtiff too, where Pillow itself knows neither colours at half the dots nor
    tiles that stand over the edge.
    """
    odd = page.space == samples.YCBCR or tiff.TILE_WIDTH in page.fields
    TiffImagePlugin.READ_LIBTIFF = odd and page.value(tiff.COMPRESSION) == _PLAIN
    try:
        yield
    finally:
        TiffImagePlugin.READ_LIBTIFF = False


def _old_jpeg(content: bytes, page: Directory, error: OSError) -> Image.Image:
    """The one whole JPEG that such a TIFF may hold. Raises Unusable where it holds pieces of one, or another size."""
    start, length = page.value(tiff.JPEG), page.value(tiff.JPEG_BYTES)
    blocks = page.blocks(content)
    candidates = [content[start : start + length] if length else content[start:]] if start else []
    candidates += blocks if len(blocks) == 1 else []
    for jpeg in candidates:
        try:
            with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
                if picture.size == page.size:
                    return picture.convert("L")
        except (OSError, SyntaxError):
            continue
    raise Unusable(OLD_JPEG) from error
