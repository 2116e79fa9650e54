"""Shaded grounds with words on them: rows of a table, marked words, fields of a form. Runs in the child.

A band that is hardly higher than its letters looks like a thick stroke of a pen to whoever asks how bright the paper
around is. What tells them apart is what stands on it: an area that carries marks darker than itself is a ground, as far
as it goes on evenly, and ink is what is darker than it. One that carries lighter ones is ink, and these are paper.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Self

from PIL import Image, ImageChops

from bridge.document import maps
from bridge.document.maps import above

HALF = 2
"""Dots across and down that are looked at as one; lengths below are in these, shades of 255."""

_WINDOW = 6
"""No stroke of a text fills it, and it fits into every band: 1.5 mm."""
_RIM = 1
"""By so many the edge of an area may be washed out."""

_ACROSS = 4
"""So many side by side are looked at as one, to find how far a ground goes; called a four below."""

_DARKEST = 0.2
"""Part of the white paper's brightness below which an area is ink whatever is on it."""
_LIGHTEST = 0.93
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
_SQUARE = 8
_MARKED = 4
"""Fours that a ground of marks is even at the least."""
_LONG = 8
"""The same of a bar with light letters, and of an empty ground."""
_LONGEST_DOWN = 128
"""So far down and up a ground is followed."""

_THIN = 2
"""What is hardly thicker is no ground, but the washed-out edge of an area."""

_NO_LINE = (12, 6)
"""Fours across, and down, around words in which no outline is drawn."""

_BAR = 0.78
"""Part of the paper's brightness that a bar has at most."""
_STROKE = 2
"""So far from a letter's middle its edge is."""
_LIGHT = [0] * 60 + [255] * 196
"""Letters are lighter than their bar by so many shades."""
_MIDWAY = 0.45
"""Between a bar and its letters; below it is ink."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Maps of half the page's size: where grounds are, below which shade there is ink on them, and their outlines.

    ``words``: where no outline may be drawn, of nothing at all.
    """

    where: Image.Image
    ink: Image.Image
    words: Image.Image
    outlines: Image.Image


@dataclass(frozen=True, slots=True)
class _Areas:
    """Half a page without what is small and dark, or small and light; the same in fours, and where that is even."""

    half: Image.Image
    plain: Image.Image
    whole: Image.Image
    fours: Image.Image
    even: list[int]
    """A table: white for what hardly differs."""

    @classmethod
    def of(cls, half: Image.Image, first: maps.Choose, then: maps.Choose, even: list[int]) -> Self:
        plain = maps.without_small(half, _WINDOW, first, then)
        whole = maps.spread(plain, _RIM, ImageChops.darker) if first is ImageChops.lighter else plain
        fours = whole.resize((-(-half.width // _ACROSS), half.height), Image.Resampling.NEAREST)
        return cls(half, plain, whole, fours, even)

    def run(self, length: int) -> Image.Image:
        """Where it is even for so many fours across."""
        brightest, darkest = (
            _within_runs(self.fours, length, choose) for choose in (ImageChops.lighter, ImageChops.darker)
        )
        even = ImageChops.subtract(brightest, darkest).point(self.even)
        return maps.windows(even, (length, 1), ImageChops.lighter).crop((1, 0, self.fours.width + 1, even.height))

    def followed(self, found: Image.Image, through: Image.Image) -> Image.Image:
        """From what is found on as long as it is even: across, then up and down, and across again."""
        width, height = found.size
        for across, down, most in ((1, 0, width), (0, 1, _LONGEST_DOWN), (1, 0, width)):
            following = (across, down, width + across, height + down)
            even = ImageChops.difference(self.fours, self.fours.crop(following)).point(self.even)
            passes = ImageChops.darker(even, ImageChops.darker(through, through.crop(following)))
            found = _passed_on(found, passes, across, down, most)
        return found


def find(half: Image.Image, paper: Image.Image, white: Image.Image, contrast: float, noise: float) -> Grounds | None:
    """The grounds on half a page; None where there are none.

    ``paper`` is a map of how bright the paper around is, ``white`` of how bright it would be without shadows. Marks are
    darker than their ground by ``contrast``, a part of its brightness, and by ``noise``, in shades.
    """
    step = max(_STEP, int(noise / 2))
    even = [255] * (step + 1) + [0] * (255 - step)
    if not _may_be_there(half, paper, white, even):
        return None
    below = [max(0, int(min(shade * (1 - contrast), shade - max(noise, _LEAST_CONTRAST)))) for shade in range(256)]
    areas = _Areas.of(half, ImageChops.lighter, ImageChops.darker, even)
    bars = _Areas.of(half, ImageChops.darker, ImageChops.lighter, even)
    flat = ImageChops.subtract(areas.whole, bars.whole).point(even)
    light = _light(bars, white)
    marks = _marks(areas, white, below)
    if light is not None:
        between = ImageChops.subtract(light, flat.resize(light.size, Image.Resampling.NEAREST))
        marks = ImageChops.subtract(marks, between)
    empty = _empty(areas, flat, white)
    shaded = _between(areas.fours, white, _DARKEST, _LIGHTEST)
    reached = areas.followed(ImageChops.lighter(marks, empty), shaded)
    if reached.getbbox() is None and light is None:
        return None
    where = ImageChops.darker(
        _wide(maps.spread(reached, 1, ImageChops.lighter, down=False), half),
        _between(areas.whole, white, _DARKEST, _LIGHTEST),
    )
    words = _around(marks, _NO_LINE, ImageChops.lighter)
    outlines = ImageChops.subtract(_outlines(areas, reached, white), words)
    ink = areas.whole.point(below)
    if light is not None:
        letters = Image.composite(areas.plain, maps.spread(areas.plain, _STROKE, ImageChops.lighter), where)
        apart = ImageChops.subtract(letters, bars.plain)
        within = ImageChops.darker(_wide(light, half), apart.point(_LIGHT))
        midway = ImageChops.add(bars.plain, apart.point(lambda shade: shade * _MIDWAY))
        ink = Image.composite(midway, ink, within)
        where = ImageChops.lighter(where, within)
        outlines = ImageChops.subtract(outlines, light)
        words = ImageChops.lighter(words, light)
    outlines = _long(outlines)
    return Grounds(where, ink, _wide(words, half), _wide(outlines, half))


def _may_be_there(half: Image.Image, paper: Image.Image, white: Image.Image, even: list[int]) -> bool:
    """A quick look, a quarter as fine, for anything even and shaded that is not the paper around, or is a bar."""
    ground = maps.without_small(_quarter(half, ImageChops.lighter), _WINDOW // 2, ImageChops.lighter, ImageChops.darker)
    shaded = _between(ground, paper, _DARKEST / 2, _LIGHTEST)
    if _is_somewhere_even(ground, shaded, _MARKED, even):
        return True
    bars = maps.without_small(_quarter(half, ImageChops.darker), _WINDOW // 2, ImageChops.darker, ImageChops.lighter)
    return _is_somewhere_even(bars, _between(bars, white, 0, _BAR), _LONG, even)


def _is_somewhere_even(quarter: Image.Image, where: Image.Image, length: int, even: list[int]) -> bool:
    size = (length * _ACROSS * HALF // 4, _WINDOW * HALF // 4)
    brightest, darkest = (maps.windows(quarter, size, choose) for choose in (ImageChops.lighter, ImageChops.darker))
    there = ImageChops.subtract(brightest, darkest).point(even)
    return ImageChops.darker(there, where).getbbox() is not None


def _quarter(half: Image.Image, choose: maps.Choose) -> Image.Image:
    """Of each two by two the brightest or the darkest."""
    width, height = half.width // 2, half.height // 2
    corners = ((x, y, 2 * width - 1 + x, 2 * height - 1 + y) for x in (0, 1) for y in (0, 1))
    return reduce(choose, (half.resize((width, height), Image.Resampling.NEAREST, box) for box in corners))


def _light(bars: _Areas, white: Image.Image) -> Image.Image | None:
    """Where in fours bars with light letters are; None if nowhere."""
    run = ImageChops.darker(bars.run(_LONG), _between(bars.fours, white, 0, _BAR))
    if run.getbbox() is None:
        return None
    letters = _extremes(ImageChops.subtract(bars.half, bars.whole), bars.fours.size, ImageChops.lighter)
    letters = ImageChops.darker(letters.point(_LIGHT), run)
    return None if letters.getbbox() is None else bars.followed(letters, run)


def _empty(areas: _Areas, flat: Image.Image, white: Image.Image) -> Image.Image:
    """Where in fours a pale area has nothing on it."""
    flat = flat.resize(areas.fours.size, Image.Resampling.NEAREST)
    flat = maps.spread(flat, _THIN, ImageChops.darker, across=False)
    return ImageChops.darker(_long(flat), _between(areas.fours, white, _EMPTY, _LIGHTEST))


def _outlines(areas: _Areas, reached: Image.Image, white: Image.Image) -> Image.Image:
    """In fours the upper and lower edges of grounds that are not pale; an upright one may be read as a letter."""
    edges = ImageChops.subtract(reached, maps.spread(reached, 1, ImageChops.darker, across=False))
    return ImageChops.darker(edges, _between(areas.fours, white, _DARKEST, _OUTLINED))


def _long(fours: Image.Image) -> Image.Image:
    """Without what is short across."""
    long = maps.windows(_within_runs(fours, _LONG, ImageChops.darker), (_LONG, 1), ImageChops.lighter)
    return long.crop((1, 0, fours.width + 1, fours.height))


def _marks(areas: _Areas, white: Image.Image, below: list[int]) -> Image.Image:
    """What in fours is darker than every ground near it, and stands on one."""
    shaded = _between(areas.fours, white, _DARKEST, _LIGHTEST)
    darkest = _extremes(areas.half, areas.fours.size, ImageChops.darker)
    marks = above(_around(areas.fours, _ANOTHER, ImageChops.darker).point(below), darkest)
    seen = ImageChops.difference(areas.half, areas.whole).point(areas.even).reduce((_ACROSS, 1))
    seen = ImageChops.darker(seen, shaded).reduce(_SQUARE)
    bare = maps.spread(above(seen, shaded.reduce(_SQUARE).point(lambda part: part * _BARE)), 1, ImageChops.lighter)
    marks = ImageChops.darker(marks, maps.covering(bare, marks))
    return ImageChops.darker(marks, ImageChops.darker(areas.run(_MARKED), shaded))


def _between(area: Image.Image, white: Image.Image, low: float, high: float) -> Image.Image:
    """Where its brightness is from the one to the other part of the paper's."""
    white = white.resize(area.size, Image.Resampling.NEAREST)
    darker = above(white.point(lambda shade: shade * high), area)
    return ImageChops.darker(darker, above(area, white.point(lambda shade: shade * low))) if low else darker


def _extremes(half: Image.Image, size: tuple[int, int], choose: maps.Choose) -> Image.Image:
    """Of each four the brightest or the darkest."""
    right, bottom = half.width - _ACROSS + 1, half.height
    return reduce(
        choose,
        (half.resize(size, Image.Resampling.NEAREST, (at, 0, right + at, bottom)) for at in range(_ACROSS)),
    )


def _around(fours: Image.Image, reach: tuple[int, int], choose: maps.Choose) -> Image.Image:
    """The brightest or the darkest so far across and down."""
    return maps.spread(maps.spread(fours, reach[0], choose, down=False), reach[1], choose, across=False)


def _within_runs(fours: Image.Image, length: int, choose: maps.Choose) -> Image.Image:
    """The brightest or the darkest of each so many across, from so many before the left edge on."""
    large = fours.crop((-length, 0, fours.width + length, fours.height))
    return maps.windows(large, (length, 1), choose)


def _passed_on(found: Image.Image, passes: Image.Image, across: int, down: int, most: int) -> Image.Image:
    """To both sides, as long as each place passes it on to the next; in steps that double."""
    onward = back = found
    reach = 1
    while reach < most:
        x, y = across * reach, down * reach
        onward = ImageChops.lighter(onward, _taken_from(ImageChops.darker(onward, passes), -x, -y))
        back = ImageChops.lighter(back, ImageChops.darker(_taken_from(back, x, y), passes))
        passes = ImageChops.darker(passes, _taken_from(passes, x, y))
        reach *= 2
    return ImageChops.lighter(onward, back)


def _taken_from(image: Image.Image, across: int, down: int) -> Image.Image:
    """What is so far to the right and below; black from outside."""
    return image.crop((across, down, image.width + across, image.height + down))


def _wide(fours: Image.Image, half: Image.Image) -> Image.Image:
    """Back to the size of half a page."""
    wide = fours.resize((fours.width * _ACROSS, fours.height), Image.Resampling.NEAREST)
    return wide.crop((0, 0, *half.size))
