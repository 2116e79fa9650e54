"""The brightest and the darkest nearby, for whole pictures and maps of them at once. Runs in the child.

All of it is done by laying a picture over itself, shifted, which costs the same whatever is on it (Serra 1982). A
picture has its rows first, as numpy has them: its shape is height and width.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy import typing as npt
from PIL import Image, ImageFilter

Shades = npt.NDArray[np.uint8]
"""A grey picture, from 0, black, to 255."""
Mask = npt.NDArray[np.bool_]
"""Where something is so."""

Dots = TypeVar("Dots", Shades, Mask)

WHITE = 255


@dataclass(frozen=True, slots=True)
class Extreme:
    """Of two pictures the brighter or the darker one, dot by dot; in a mask what is so is bright."""

    of: np.ufunc
    nothing: int
    """What changes nothing: it lies beyond the edges."""


BRIGHTEST = Extreme(np.maximum, 0)
DARKEST = Extreme(np.minimum, WHITE)


def closed(cells: Shades, reach: int, further: int = 0) -> Shades:
    """With everything dark that is narrower than twice so many cells taken away, all else as far as it goes.

    (A closing: the brightest around each cell, then the darkest of these.) Bright places shrink by ``further`` cells.
    """
    return around(around(cells, reach, BRIGHTEST), reach + further, DARKEST)


def around(picture: Dots, reach: int, extreme: Extreme) -> Dots:
    """For each place the brightest or darkest within so many across and down."""
    return along(along(picture, reach, extreme, 1), reach, extreme, 0)


def along(picture: Dots, reach: int, extreme: Extreme, axis: int) -> Dots:
    """The same within so many across (axis 1), or down (axis 0)."""
    return windows(_beyond(picture, reach, extreme, axis), 2 * reach + 1, extreme, axis)


def windows(picture: Dots, length: int, extreme: Extreme, axis: int) -> Dots:
    """The brightest or darkest of each so many in a row, where the first of them is; shorter by all but one."""
    have = 1
    while have < length:
        step = min(have, length - have)
        first, then = (slice(None, -step), slice(step, None))
        picture = extreme.of(*(picture[:, part] if axis else picture[part] for part in (first, then)))
        have += step
    return picture


def without_small(picture: Dots, window: int, extreme: Extreme) -> Dots:
    """Without what such a square does not fit into: what is dark, where the brightest is asked for, or light."""
    for each in (extreme, DARKEST if extreme is BRIGHTEST else BRIGHTEST):
        for axis in (1, 0):
            wide = _beyond(picture, window - 1, each, axis) if each is extreme else picture
            picture = windows(wide, window, each, axis)
    return picture


def difference(one: Shades, other: Shades) -> Shades:
    """By how much they differ, dot by dot."""
    found: Shades = np.maximum(one, other) - np.minimum(one, other)
    return found


def less(picture: Shades, other: Shades) -> Shades:
    """How much brighter it is than another, dot by dot; 0 where it is not."""
    found: Shades = np.maximum(picture, other) - other
    return found


def times(picture: Shades, part: float) -> Shades:
    """With so much of its brightness."""
    table = np.rint(np.arange(WHITE + 1) * part).clip(0, WHITE).astype(np.uint8)
    found: Shades = table[picture]
    return found


def covering(cells: Dots, shape: tuple[int, ...]) -> Dots:
    """A map of a picture brought to that shape: each cell so many dots across and down."""
    for axis in (0, 1):
        dots = -(-shape[axis] // cells.shape[axis])
        cells = np.repeat(cells, dots, axis) if dots > 1 else cells
    return cells[: shape[0], : shape[1]]


def shares(mask: Mask, box: tuple[int, int]) -> Shades:
    """How much of each so many dots across and down it is, of 255."""
    return np.asarray(Image.fromarray(mask.astype(np.uint8) * WHITE).reduce(box))


def counts(picture: Shades) -> list[int]:
    """How many dots there are of each shade."""
    return Image.fromarray(np.ascontiguousarray(picture)).histogram()


def smooth(cells: Shades) -> Shades:
    """Each the mean of the three by three around it."""
    return np.asarray(Image.fromarray(cells).filter(ImageFilter.BoxBlur(1)))


def _beyond(picture: Dots, by: int, extreme: Extreme, axis: int) -> Dots:
    """With so much at both ends that changes nothing."""
    wider = [(0, 0), (0, 0)]
    wider[axis] = (by, by)
    return np.pad(picture, wider, constant_values=extreme.nothing)
