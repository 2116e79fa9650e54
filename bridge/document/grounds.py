"""Shaded grounds with words on them: rows of a table, marked words, fields of a form. Runs in the child.

A band that is hardly higher than its letters looks like a thick stroke of a pen to whoever asks how bright the paper
around is. What tells them apart is what stands on it: an area that carries marks darker than itself is a ground, as far
as it goes on evenly, and ink is what is darker than it. One that carries lighter ones is ink, and these are paper.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from bridge.document import areas, maps
from bridge.document.areas import ACROSS, WINDOW, Areas
from bridge.document.maps import BRIGHTEST, DARKEST, Dots, Extreme, Mask, Shades

_ALL_INK = 0.2
"""Part of the white paper's brightness below which an area is ink whatever is on it."""
_ALL_PAPER = 0.93
"""The same above which it is paper."""
_EMPTY = 0.72
"""And above which it is no ink even with nothing on it, such as a field not filled in."""
_OUTLINED = 0.8
"""And below which its outline is drawn."""

_LEAST_CONTRAST = 14
"""Shades by which a mark is darker than its ground at the least."""
_STEP = 10
"""Shades by which an even ground may differ from one place to the next."""

_ANOTHER = (2, 12)
"""Fours across, and down: marks are darker than the darkest ground so near. What lies between light letters is not."""
_BARE = 0.3
"""Part of a ground, in squares of eight fours, that must be seen between what stands on it."""
_BARE_BAR = 0.5
"""The same of a bar; of a line of bold letters, which are as even and as dark, less than half is as dark as that."""
_SQUARE = 8
_CORNER = 60
"""Of 255, the part of a square from which it tells something."""
_MARKED = 4
"""Fours that a ground of marks is even at the least."""
_LONG = 8
"""The same of a bar with light letters, and of an empty ground."""
_THIN = 2
"""What is hardly thicker is no ground, but the washed-out edge of an area."""

_NO_LINE = (12, 6)
"""Fours across, and down, around words in which no outline is drawn."""

_BAR = 0.78
"""Part of the paper's brightness that a bar has at most."""
_STROKE = 2
"""So far from a letter's middle its edge is."""
_LIGHTER = 60
"""By so many shades letters are lighter than their bar."""
_MIDWAY = 0.45
"""Between a bar and its letters; below it is ink."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Maps of half the page's size: where grounds are, below which shade there is ink on them, and their outlines.

    ``words``: where no outline may be drawn, of nothing at all.
    """

    where: Mask
    ink: Shades
    words: Mask
    outlines: Mask


def find(half: Shades, paper: Shades, white: Shades, contrast: float, noise: float) -> Grounds | None:
    """The grounds on half a page; None where there are none.

    ``paper`` is a map of how bright the paper around is, ``white`` of how bright it would be without shadows. Marks are
    darker than their ground by ``contrast``, a part of its brightness, and by ``noise``, in shades.
    """
    step = max(_STEP, int(noise / 2))
    is_shaded = _may_be_shaded(half, paper, step)
    if not is_shaded and not _may_be_bars(half, white, step):
        return None
    bars = Areas.without_light(half, step)
    light = _light(bars, white)
    if light is None and not is_shaded:
        return None
    ground = Areas.without_marks(half, step)
    shades = np.arange(maps.WHITE + 1)
    below = np.minimum(shades * (1 - contrast), shades - max(noise, _LEAST_CONTRAST)).clip(0).astype(np.uint8)
    flat = maps.less(ground.whole, bars.whole) <= step
    marks = _marks(ground, white, below)
    if light is not None:
        marks &= ~light | areas.fours(flat)
    reached = ground.followed(marks | _empty(ground, flat, white), _between(ground.fours, white, _ALL_INK, _ALL_PAPER))
    if light is None and not reached.any():
        return None
    width = half.shape[1]
    where = areas.wide(maps.along(reached, 1, BRIGHTEST, 1), width)
    where &= _between(ground.whole, white, _ALL_INK, _ALL_PAPER)
    words = _around(marks, _NO_LINE, BRIGHTEST)
    outlines = _outlines(ground, reached, white) & ~words
    ink = below[ground.whole]
    if light is not None:
        letters = np.where(where, ground.plain, maps.around(ground.plain, _STROKE, BRIGHTEST))
        apart = maps.less(letters, bars.plain)
        within = areas.wide(light, width) & (apart >= _LIGHTER)
        ink[within] = (bars.plain + maps.times(apart, _MIDWAY))[within]
        where |= within
        outlines &= ~light
        words |= light
    return Grounds(where, ink, areas.wide(words, width), areas.wide(areas.long(outlines, _LONG), width))


def _may_be_shaded(half: Shades, paper: Shades, step: int) -> bool:
    """A quick look, a quarter as fine, for anything even and shaded that is not the paper around."""
    ground = maps.without_small(_quarter(half, BRIGHTEST), WINDOW // 2, BRIGHTEST)
    return _is_somewhere_even(ground, _between(ground, paper, _ALL_INK / 2, _ALL_PAPER), _MARKED, step)


def _may_be_bars(half: Shades, white: Shades, step: int) -> bool:
    """The same for anything even and dark."""
    bars = maps.without_small(_quarter(half, DARKEST), WINDOW // 2, DARKEST)
    return _is_somewhere_even(bars, _between(bars, white, 0, _BAR), _LONG, step)


def _is_somewhere_even(quarter: Shades, where: Mask, length: int, step: int) -> bool:
    across, down = length * ACROSS // 2, WINDOW // 2
    brightest, darkest = (
        maps.windows(maps.windows(quarter, across, extreme, 1), down, extreme, 0) for extreme in (BRIGHTEST, DARKEST)
    )
    even = maps.less(brightest, darkest) <= step
    return bool((even & where[: even.shape[0], : even.shape[1]]).any())


def _quarter(half: Shades, extreme: Extreme) -> Shades:
    """Of each two by two the brightest or the darkest."""
    height, width = (size // 2 * 2 for size in half.shape)
    return reduce(extreme.of, (half[y:height:2, x:width:2] for x in (0, 1) for y in (0, 1)))


def _light(bars: Areas, white: Shades) -> Mask | None:
    """Where in fours bars with light letters are; None if nowhere."""
    run = bars.run(_LONG) & _between(bars.fours, white, 0, _BAR)
    if not run.any():
        return None
    run &= _bare(bars, run, _BARE_BAR)
    letters = (areas.extremes(maps.less(bars.half, bars.whole), BRIGHTEST) >= _LIGHTER) & run
    return bars.followed(letters, run) if letters.any() else None


def _empty(ground: Areas, flat: Mask, white: Shades) -> Mask:
    """Where in fours a pale area has nothing on it."""
    thick = maps.along(areas.fours(flat), _THIN, DARKEST, 0)
    return areas.long(thick, _LONG) & _between(ground.fours, white, _EMPTY, _ALL_PAPER)


def _outlines(ground: Areas, reached: Mask, white: Shades) -> Mask:
    """In fours the upper and lower edges of grounds that are not pale; an upright one may be read as a letter."""
    edges = reached & ~maps.along(reached, 1, DARKEST, 0)
    return edges & _between(ground.fours, white, _ALL_INK, _OUTLINED)


def _marks(ground: Areas, white: Shades, below: Shades) -> Mask:
    """What in fours is darker than every ground near it, and stands on one."""
    shaded = _between(ground.fours, white, _ALL_INK, _ALL_PAPER)
    marks = areas.extremes(ground.half, DARKEST) < below[_around(ground.fours, _ANOTHER, DARKEST)]
    marks &= _bare(ground, shaded, _BARE)
    return marks & ground.run(_MARKED) & shaded


def _bare(found: Areas, where: Mask, part: float) -> Mask:
    """Where in fours such a part of it, or of what is near, is seen between what stands on it: else it is letters."""
    even = maps.difference(found.half, found.whole) <= found.step
    wide = areas.wide(where, even.shape[1])
    seen, all_of_it = (maps.shares(mask, (_SQUARE * ACROSS, _SQUARE)) for mask in (even & wide, wide))
    enough = seen > maps.times(np.maximum(all_of_it, _CORNER), part)
    return maps.covering(maps.around(enough, 1, BRIGHTEST), where.shape)


def _between(area: Shades, white: Shades, low: float, high: float) -> Mask:
    """Where its brightness is from the one to the other part of the paper's."""
    darker = area < maps.covering(maps.times(white, high), area.shape)
    return darker & (area > maps.covering(maps.times(white, low), area.shape)) if low else darker


def _around(fours: Dots, reach: tuple[int, int], extreme: Extreme) -> Dots:
    """The brightest or the darkest so far across and down."""
    return maps.along(maps.along(fours, reach[0], extreme, 1), reach[1], extreme, 0)
