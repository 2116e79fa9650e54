"""A decoded picture turned as the camera held it, in greys on a white ground, with its dots per inch. In the child."""

from PIL import Image, ImageOps

from bridge.runtime.phrases import phrase

DEEP = phrase("has more than 8 bits a dot; save it as an ordinary picture")

_SENSIBLE_DPI = (60.0, 1300.0)
_DEEP = range(1 << 16)
"""The greys of a picture with 16 bits a dot."""

Dpi = tuple[float, float] | None
"""Dots per inch across and down; None if the file tells nothing sensible."""


class Unusable(Exception):
    """The picture cannot be shown; the text says why."""


def upright(picture: Image.Image, kind: str | None) -> tuple[Image.Image, Dpi]:
    """As it is to be seen: black and white stays so, everything else becomes grey. Raises Unusable."""
    dpi = _dpi(picture)
    turned = ImageOps.exif_transpose(picture)
    if turned.size != picture.size and dpi is not None:
        dpi = (dpi[1], dpi[0])
    return _on_white(turned, kind), dpi


def _on_white(image: Image.Image, kind: str | None) -> Image.Image:
    if image.mode.startswith("I") and kind in {"PNG", "HEIF", "JPEG2000"}:
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
        raise Unusable(DEEP)
    return image.convert("L")


def _eight_bits(image: Image.Image) -> Image.Image:
    """One of 16 bits a dot, which Pillow would cut off at 255, not scale; what is clear is so to the last bit."""
    deep = image.convert("I")
    grey = deep.point([round(value / 257) for value in _DEEP], "L")
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    return Image.merge("LA", (grey, deep.point([0 if value == clear else 255 for value in _DEEP], "L")))


def _dpi(image: Image.Image) -> Dpi:
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return sensible(across, down)


def sensible(across: float, down: float) -> Dpi:
    """What a scanner or a fax machine may have meant."""
    low, high = _SENSIBLE_DPI
    return (across, down) if low <= across <= high and low <= down <= high else None
