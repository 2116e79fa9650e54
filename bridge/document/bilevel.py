"""A grey page in black and white: ink on clean paper, and dots only where a picture is. Runs in the child.

Ink is what is darker than the paper around it by more than the paper's noise, so that shadows, yellowed sheets and
shaded boxes come out white and light letters on dark bars stay readable. A picture is a patch that is mostly no paper
and has many tones; there alone the greys become dots, by error diffusion (Floyd and Steinberg 1976).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from bridge.document import grounds, maps, patches
from bridge.document.areas import HALF
from bridge.document.maps import BRIGHTEST, DARKEST, WHITE, Mask, Shades

_CELL = 8
"""Dots of one cell of the map of the paper's brightness: 1 mm across."""

_REACH = 2
"""Cells around one in which its paper is looked for: further than any letter of a text is wide."""

_FAR_REACH = 40
"""Cells in which white paper is looked for beside a picture; a shadow falls off over more than that."""

_LEAST_CONTRAST = 0.14
"""How much darker than the paper ink must be at least: less is the other side of the sheet, or a grey box."""

_NOISES = 5
"""How many standard deviations of the paper's noise it must be darker."""
_MOST_CONTRAST = 0.45
_APART = 3
_CLIPPED = 0.2
"""Part of the dots that are white at its brightest."""
_ALWAYS_INK = 0.38
"""Part of the white paper's brightness below which everything is ink, as white on black would have it."""
_BLACK = 0.25
"""Part of the page's brightest paper below which everything is ink, however far from any paper."""

_DIM = 128
"""What counts as paper at the least where a page is dark all over."""

_FILL = 0.8
"""Part of the brightness beside it below which an even area, such as a chart's bar, keeps its outline."""
_BESIDE = 3
"""Within so many cells of its edge."""
_EDGE = 20
"""By so many of 255 shades the paper's brightness differs across that outline."""

_SEEN = 0.25
"""How much darker than the brightest place something must be to be seen on a page without any ink."""
_FEW = 0.002
"""Part of its dots."""
_SEEN_ON_WHITE = 0.06
"""The same on a page that is white without any noise, where nothing is there by chance."""
_FEW_ON_WHITE = 0.00002

_SAMPLE = 4
"""Every so many dots one is looked at to find noise and pictures."""
_PICTURE_EDGE = 5
"""By so many of these a picture may be larger than it was found to be."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to bring a page into black and white. ``dots``: how large those of a picture are; 0: as ink.

    ``blur``: by how many dots it is smoothed before, against noise.
    """

    dots: int
    blur: int = 0


WAYS = (Way(1), Way(2), Way(3), Way(4, 1), Way(6, 2), Way(0, 2), Way(0, 5))
"""From the finest, which may take minutes on the line, to the last."""


class Page:
    """A grey page that is read once and brought into black and white in as many ways as are asked for."""

    def __init__(self, grey: Image.Image) -> None:
        self._grey = grey
        self._shades = np.asarray(grey)
        self._drawn: dict[int, Mask] = {}
        reduced = grey.reduce(HALF)
        self._paper = maps.smooth(maps.closed(np.asarray(reduced.reduce(_CELL // HALF)), _REACH, further=1))
        self._white = maps.closed(self._paper, _FAR_REACH)
        noise = _noise(self._shades)
        self._noise = noise / max(1.0, float(np.median(self._paper)))
        self._contrast = min(max(_LEAST_CONTRAST, _NOISES * self._noise), _MOST_CONTRAST)
        self._roughness = maps.less(*(maps.around(self._paper, 1, extreme) for extreme in (BRIGHTEST, DARKEST)))
        sample = self._shades[_SAMPLE // 2 :: _SAMPLE, _SAMPLE // 2 :: _SAMPLE]
        self._pictures = patches.find(sample, self._white, self._roughness)
        half = np.array(reduced)
        for each in self._pictures:
            self._set_apart(each, half)
        self._grounds = grounds.find(half, self._paper, self._white, self._contrast, _NOISES * noise)

    def _set_apart(self, picture: patches.Picture, half: Shades) -> None:
        """Take a picture for paper, with the edge that its cells leave out, before grounds and outlines are found."""
        times, halves = _SAMPLE // HALF, _CELL // HALF
        mask = maps.around(np.pad(picture.mask, _PICTURE_EDGE), _PICTURE_EDGE, BRIGHTEST)
        mask = mask.repeat(times, 0).repeat(times, 1)
        left, top = ((edge - _PICTURE_EDGE) * times for edge in picture.box[:2])
        mask = mask[max(0, -top) : half.shape[0] - top, max(0, -left) : half.shape[1] - left]
        left, top = max(0, left), max(0, top)
        half[top:, left:][: mask.shape[0], : mask.shape[1]][mask] = WHITE
        cells = maps.shares(mask, (halves, halves)) > 0
        place = self._roughness[top // halves :, left // halves :][: cells.shape[0], : cells.shape[1]]
        place[cells[: place.shape[0], : place.shape[1]]] = 0

    @property
    def has_pictures(self) -> bool:
        """Whether anything on it is drawn in dots."""
        return bool(self._pictures)

    def ways(self) -> Iterator[Mask]:
        """Where there is ink, in one way after the other, each smaller on the line than the one before."""
        for way in WAYS:
            if self.has_pictures or way.dots in {0, 1}:
                yield self.drawn(way)

    @property
    def is_seen(self) -> bool:
        """Whether more than a few dots are much darker than the page's brightest place, be they ink or not.

        On clean white, pale marks are seen as well: what somebody wrote in yellow must not be taken for nothing.
        """
        counts = maps.counts(self._shades)
        brightest = int(self._paper.max())
        clean = brightest == WHITE and not self._noise
        least, few = (_SEEN_ON_WHITE, _FEW_ON_WHITE) if clean else (max(_SEEN, _NOISES * self._noise), _FEW)
        return sum(counts[: max(0, int(brightest * (1 - least)))]) > few * sum(counts)

    def in_dots(self) -> Iterator[Mask]:
        """The whole page as if it were a picture, in one way after the other."""
        self._pictures = (patches.whole(-(-self._grey.height // _SAMPLE), -(-self._grey.width // _SAMPLE)),)
        yield from (self.drawn(way) for way in WAYS if way.dots)

    def drawn(self, way: Way) -> Mask:
        """The page's ink in one way."""
        grey = self._grey.filter(ImageFilter.BoxBlur(way.blur)) if way.blur else self._grey
        ink = self._blurred(way.blur, grey)
        if way.dots and self._pictures:
            ink = ink.copy()
            for each in self._pictures:
                _diffuse(ink, grey, each, way.dots)
        return ink

    def _blurred(self, blur: int, grey: Image.Image) -> Mask:
        """All but its pictures, which several ways have alike."""
        if blur not in self._drawn:
            ink = self._ink(np.asarray(grey) if blur else self._shades)
            self._outline(ink, grey)
            self._drawn = {blur: ink}
        return self._drawn[blur]

    def _ink(self, grey: Shades) -> Mask:
        """What is darker than the paper around."""
        black = _BLACK * max(int(self._white.max()), _DIM)
        always = np.maximum(maps.times(self._white, _ALWAYS_INK), np.uint8(black))
        bound = np.maximum(maps.times(self._paper, 1 - self._contrast), always)
        if self._grounds is not None:
            bound = np.where(self._grounds.where, self._grounds.ink, maps.covering(bound, self._grounds.ink.shape))
        return grey < maps.covering(bound, grey.shape)

    def _outline(self, ink: Mask, grey: Image.Image) -> None:
        """Draw the edges of even areas, of which nothing else is left."""
        if self._grounds is not None:
            ink |= maps.covering(self._grounds.outlines, ink.shape)
        edges = self._roughness >= _EDGE
        if not edges.any():
            return
        half = np.asarray(grey.reduce(HALF))
        beside = maps.times(maps.around(self._paper, _BESIDE, BRIGHTEST), _FILL)
        inside = half < maps.covering(beside, half.shape)
        outline = inside & ~maps.around(inside, 1, DARKEST) & maps.covering(edges, half.shape)
        if self._grounds is not None:
            outline &= ~self._grounds.words
        ink |= maps.covering(outline, ink.shape)


def _diffuse(ink: Mask, grey: Image.Image, picture: patches.Picture, dots: int) -> None:
    """Draw a picture in dots."""
    left, top, right, bottom = (edge * _SAMPLE for edge in picture.box)
    there = ink[top:bottom, left:right]
    height, width = there.shape
    mask = picture.mask.repeat(_SAMPLE, 0).repeat(_SAMPLE, 1)[:height, :width]
    tones = grey.crop((left, top, left + width, top + height))
    tones = ImageOps.autocontrast(tones, cutoff=(1, 4), mask=Image.fromarray(mask.astype(np.uint8) * WHITE))
    dotted = ~np.asarray((tones.reduce(dots) if dots > 1 else tones).convert("1"))
    there[mask] = maps.covering(dotted, there.shape)[mask]


def _noise(grey: Shades) -> float:
    """Standard deviation of the paper's brightness, in shades of 255.

    From pairs of dots far enough apart to know nothing of one another: half of them differ by less than 0.954
    deviations, since more than half of them are paper. Where much of it is as white as white gets, only one side of
    the noise is left, and the pairs show half of it. Every other row tells enough.
    """
    width = grey.shape[1]
    middle, beside = (grey[::2, width // 4 + by : 3 * width // 4 + by] for by in (0, _APART))
    counts = maps.counts(maps.difference(middle, beside))
    half, seen = sum(counts) / 2, 0
    for value, count in enumerate(counts):
        seen += count
        if seen >= half:
            inside = (half - (seen - count)) / count
            clipped = (middle == WHITE).sum() > middle.size * _CLIPPED
            return max(0.0, value - 1 + inside) / 0.954 * (2 if clipped else 1)
    return 0.0
