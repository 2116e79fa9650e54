"""Even areas of a page, and how far each goes. Runs in the child.

All lengths and maps here are of half the page's size, or of fours: of each four dots of that side by side.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np

from bridge.document import maps
from bridge.document.maps import BRIGHTEST, DARKEST, Dots, Extreme, Mask, Shades

HALF = 2
"""Dots across and down that are looked at as one."""
ACROSS = 4
"""So many of these side by side make a four."""

WINDOW = 6
"""No stroke of a text fills it, and it fits into every band: 1.5 mm."""
_RIM = 1
"""By so many the edge of an area may be washed out."""
_LONGEST_DOWN = 128
"""So far down and up an area is followed."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Half a page without what is small and dark, or small and light; the same in fours.

    What differs by ``step`` shades at the most is even.
    """

    half: Shades
    plain: Shades
    whole: Shades
    fours: Shades
    step: int

    @classmethod
    def without_marks(cls, half: Shades, step: int) -> Self:
        """What dark marks stand on."""
        plain = maps.without_small(half, WINDOW, BRIGHTEST)
        whole = maps.around(plain, _RIM, DARKEST)
        return cls(half, plain, whole, fours(whole), step)

    @classmethod
    def without_light(cls, half: Shades, step: int) -> Self:
        """What light letters stand on."""
        plain = maps.without_small(half, WINDOW, DARKEST)
        return cls(half, plain, plain, fours(plain), step)

    def run(self, length: int) -> Mask:
        """Where it is even for so many fours across."""
        wide = _with_black(self.fours, length - 1)
        brightest, darkest = (maps.windows(wide, length, extreme, 1) for extreme in (BRIGHTEST, DARKEST))
        return maps.windows(maps.less(brightest, darkest) <= self.step, length, BRIGHTEST, 1)

    def followed(self, found: Mask, through: Mask) -> Mask:
        """From what is found on as long as it is even: across, then up and down, and across again."""
        height, width = found.shape
        for axis, most in ((1, width), (0, min(_LONGEST_DOWN, height)), (1, width)):
            passes = np.zeros_like(found)
            here, there = (_cut(axis, part) for part in (slice(None, -1), slice(1, None)))
            even = maps.difference(self.fours[here], self.fours[there]) <= self.step
            passes[here] = even & through[here] & through[there]
            found = _passed_on(found, passes, axis, most)
        return found


def fours(half: Dots) -> Dots:
    """One of each four."""
    width = half.shape[1]
    return half[:, np.minimum(np.arange(ACROSS // 2, width + ACROSS // 2, ACROSS), width - 1)]


def extremes(half: Shades, extreme: Extreme) -> Shades:
    """Of each four the brightest or the darkest."""
    lacking = -half.shape[1] % ACROSS
    whole = np.pad(half, ((0, 0), (0, lacking)), constant_values=extreme.nothing) if lacking else half
    return reduce(extreme.of, (whole[:, at::ACROSS] for at in range(ACROSS)))


def wide(fours: Mask, width: int) -> Mask:
    """Back to that width of half a page."""
    return np.repeat(fours, ACROSS, 1)[:, :width]


def long(mask: Mask, length: int) -> Mask:
    """Without what is shorter than that across."""
    lasting = maps.windows(_with_black(mask, length - 1), length, DARKEST, 1)
    return maps.windows(lasting, length, BRIGHTEST, 1)


def _with_black(picture: Dots, by: int) -> Dots:
    """With so much of nothing at its left and right."""
    return np.pad(picture, ((0, 0), (by, by)))


def _passed_on(found: Mask, passes: Mask, axis: int, most: int) -> Mask:
    """To both sides, as long as each place passes it on to the next; in steps that double."""
    onward, back = found.copy(), found.copy()
    reach = 1
    while reach < most:
        before, after = (_cut(axis, part) for part in (slice(None, -reach), slice(reach, None)))
        onward[after] |= onward[before] & passes[before]
        back[before] |= back[after] & passes[before]
        passes[before] &= passes[after]
        passes[_cut(axis, slice(-reach, None))] = False
        reach *= 2
    return onward | back


def _cut(axis: int, part: slice) -> tuple[slice, slice]:
    return (slice(None), part) if axis else (part, slice(None))
