"""Which pictures of a TIFF are another one once more, small: no pages, but what programs show in a list of files.

A page that is one must never be taken for a thumbnail. What its file says of a picture is not enough: some scanners say
of every page that it is reduced. So it must be smaller than another by far, and the same to look at, or too small to be
read. Runs in the child.
"""

from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageStat

from bridge.document.tiff import Directory

_LONGEST = 320
"""Dots: the longer side of what nobody reads as a page; at its smallest, a fax has five times as many."""

_SMALLER = 0.8
"""So much of the other's width and length at most, or it is no smaller copy."""

_FAR_SMALLER = 0.3
_SAME_SHAPE = 0.05
_CELLS = (40, 40)
_ALIKE = 12.0
_VERY_ALIKE = 6.0
"""By how many of 255 shades two pictures may differ, each cell against its like."""

Draw = Callable[[int], Image.Image | None]
"""A picture in greys; None where it cannot be read."""


def among(pages: Sequence[Directory], draw: Draw) -> set[int]:
    """The places of those that are thumbnails of another."""
    wholes = [at for at, page in enumerate(pages) if not page.is_reduced]
    return {at for at in range(len(pages)) if any(_is_one(pages, at, whole, draw) for whole in wholes if whole != at)}


def _is_one(pages: Sequence[Directory], at: int, whole: int, draw: Draw) -> bool:
    (width, length), (whole_width, whole_length) = pages[at].size, pages[whole].size
    if not all((width, length, whole_width, whole_length)):
        return False
    scale = max(width / whole_width, length / whole_length)
    small = max(width, length) <= _LONGEST and scale <= _FAR_SMALLER
    if pages[at].is_reduced and small:
        return True
    same_shape = abs(width / length * whole_length / whole_width - 1) <= _SAME_SHAPE
    if scale > _SMALLER or not same_shape or not (small or pages[at].is_reduced):
        return False
    return _differ(draw(at), draw(whole)) <= (_ALIKE if pages[at].is_reduced else _VERY_ALIKE)


def _differ(one: Image.Image | None, other: Image.Image | None) -> float:
    """By how many shades, cell against cell; more than can be where one cannot be seen, or shows nothing."""
    if one is None or other is None:
        return 256.0
    cells = [image.convert("L").resize(_CELLS, Image.Resampling.BOX) for image in (one, other)]
    if any(max(image.tobytes()) - min(image.tobytes()) < _ALIKE for image in cells):
        return 256.0
    return ImageStat.Stat(ImageChops.difference(*cells)).mean[0]
