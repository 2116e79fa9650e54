"""A grey page in black and white: ink on clean paper, and dots only where a picture is. Runs in the child.

Ink is what is darker than the paper around it by more than the paper's noise, so that shadows, yellowed sheets and
shaded boxes come out white and light letters on dark bars stay readable. A picture is a patch that is mostly no paper
and has many tones; there alone the greys become dots, by error diffusion (Floyd and Steinberg 1976).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

from bridge.document import grounds, maps, patches

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

_PURE_WHITE = 255

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
        self._drawn: dict[int, Image.Image] = {}
        half = grey.reduce(grounds.HALF)
        cells = half.reduce(_CELL // grounds.HALF)
        self._paper = maps.closed(cells, _REACH, further=1).filter(ImageFilter.BoxBlur(1))
        self._white = maps.closed(self._paper, _FAR_REACH)
        sample = grey.resize((grey.width // _SAMPLE, grey.height // _SAMPLE), Image.Resampling.NEAREST)
        noise = _noise(grey)
        self._noise = noise / max(1.0, ImageStat.Stat(self._paper).median[0])
        self._contrast = min(max(_LEAST_CONTRAST, _NOISES * self._noise), _MOST_CONTRAST)
        brightest, darkest = (maps.spread(self._paper, 1, choose) for choose in (ImageChops.lighter, ImageChops.darker))
        self._roughness = ImageChops.subtract(brightest, darkest)
        self._pictures = patches.find(sample, self._white, self._roughness)
        halves = _CELL // grounds.HALF
        for each in self._pictures:
            box, mask = _around(each, half.size)
            half.paste(_PURE_WHITE, box, mask)
            place = (box[0] // halves, box[1] // halves)
            self._roughness.paste(0, place, mask.reduce(halves).point(maps.WHERE_ANY))
        self._grounds = grounds.find(half, self._paper, self._white, self._contrast, _NOISES * noise)

    @property
    def has_pictures(self) -> bool:
        """Whether anything on it is drawn in dots."""
        return bool(self._pictures)

    def ways(self) -> Iterator[Image.Image]:
        """The page (mode ``1``) in one way after the other, each smaller on the line than the one before."""
        for way in WAYS:
            if self.has_pictures or way.dots in {0, 1}:
                yield self.drawn(way)

    @property
    def is_seen(self) -> bool:
        """Whether more than a few dots are much darker than the page's brightest place, be they ink or not.

        On clean white, pale marks are seen as well: what somebody wrote in yellow must not be taken for nothing.
        """
        counts = self._grey.histogram()
        brightest = max(at for at, count in enumerate(self._paper.histogram()) if count or not at)
        clean = brightest == _PURE_WHITE and not self._noise
        least, few = (_SEEN_ON_WHITE, _FEW_ON_WHITE) if clean else (max(_SEEN, _NOISES * self._noise), _FEW)
        return sum(counts[: max(0, int(brightest * (1 - least)))]) > few * sum(counts)

    def in_dots(self) -> Iterator[Image.Image]:
        """The whole page as if it were a picture, in one way after the other."""
        size = (-(-self._grey.width // _SAMPLE), -(-self._grey.height // _SAMPLE))
        self._pictures = (patches.whole(size),)
        yield from (self.drawn(way) for way in WAYS if way.dots)

    def drawn(self, way: Way) -> Image.Image:
        """The page in one way."""
        grey = self._grey.filter(ImageFilter.BoxBlur(way.blur)) if way.blur else self._grey
        page = self._blurred(way.blur, grey).copy()
        if way.dots:
            for each in self._pictures:
                self._diffuse(page, grey, each, way.dots)
        return page

    def _blurred(self, blur: int, grey: Image.Image) -> Image.Image:
        """All but its pictures, which several ways have alike."""
        if blur not in self._drawn:
            page = self._ink(grey)
            self._outline(page, grey)
            self._drawn = {blur: page}
        return self._drawn[blur]

    def _ink(self, grey: Image.Image) -> Image.Image:
        """Black where darker than the paper around."""
        kept = 1 - self._contrast
        black = _BLACK * max(at for at, count in enumerate(self._white.histogram()) if count or at == _DIM)
        bound = ImageChops.lighter(
            self._paper.point(lambda value: value * kept),
            self._white.point(lambda value: max(value * _ALWAYS_INK, black)),
        )
        if self._grounds is not None:
            bound = maps.covering(bound, self._grounds.ink)
            bound = Image.composite(self._grounds.ink, bound, self._grounds.where)
        return ImageChops.subtract(maps.covering(bound, grey), grey).point(_NOTHING_IS_WHITE, "1")

    def _outline(self, page: Image.Image, grey: Image.Image) -> None:
        """Draw the edges of even areas, of which nothing else is left."""
        if self._grounds is not None:
            page.paste(0, mask=maps.covering(self._grounds.outlines, page).convert("1", dither=_SHARP))
        edges = self._roughness.point(lambda value: 255 if value >= _EDGE else 0)
        if edges.getbbox() is None:
            return
        half = grey.reduce(2)
        beside = maps.spread(self._paper, _BESIDE, ImageChops.lighter)
        bound = maps.covering(beside.point(lambda value: value * _FILL), half)
        inside = ImageChops.subtract(bound, half).point(lambda value: 255 if value else 0)
        outline = ImageChops.subtract(inside, maps.spread(inside, 1, ImageChops.darker))
        outline = ImageChops.darker(outline, maps.covering(edges, half))
        if self._grounds is not None:
            outline = ImageChops.subtract(outline, self._grounds.words)
        page.paste(0, mask=maps.covering(outline, page).convert("1", dither=_SHARP))

    def _diffuse(self, page: Image.Image, grey: Image.Image, picture: patches.Picture, dots: int) -> None:
        """Draw a picture in dots."""
        left, top, right, bottom = (edge * _SAMPLE for edge in picture.box)
        where = (left, top, min(right, grey.width), min(bottom, grey.height))
        size = (where[2] - where[0], where[3] - where[1])
        mask = picture.mask.resize((right - left, bottom - top), Image.Resampling.NEAREST).crop((0, 0, *size))
        tones = ImageOps.autocontrast(grey.crop(where), cutoff=(1, 4), mask=mask)
        if dots > 1:
            tones = tones.reduce(dots)
        dotted = tones.convert("1")
        if dots > 1:
            dotted = dotted.resize((dotted.width * dots, dotted.height * dots), Image.Resampling.NEAREST)
        page.paste(dotted.crop((0, 0, *size)), where[:2], mask.convert("1", dither=_SHARP))


_SHARP = Image.Dither.NONE
_NOTHING_IS_WHITE = [_PURE_WHITE] + [0] * 255


def _around(picture: patches.Picture, size: tuple[int, int]) -> tuple[patches.Box, Image.Image]:
    """Where on half a page a picture is, with the edge that its cells leave out: a box, and a mask of its size."""
    times = _SAMPLE // grounds.HALF
    large = ImageOps.expand(picture.mask, _PICTURE_EDGE)
    mask = maps.spread(large, _PICTURE_EDGE, ImageChops.lighter)
    mask = mask.resize((mask.width * times, mask.height * times), Image.Resampling.NEAREST)
    left, top = ((edge - _PICTURE_EDGE) * times for edge in picture.box[:2])
    from_left, from_top = max(0, -left), max(0, -top)
    right, bottom = min(left + mask.width, size[0]), min(top + mask.height, size[1])
    box = (left + from_left, top + from_top, right, bottom)
    return box, mask.crop((from_left, from_top, right - left, bottom - top))


def _noise(grey: Image.Image) -> float:
    """Standard deviation of the paper's brightness, in shades of 255.

    From pairs of dots far enough apart to know nothing of one another: half of them differ by less than 0.954
    deviations, since more than half of them are paper. Where much of it is as white as white gets, only one side of
    the noise is left, and the pairs show half of it.
    """
    width, height = grey.size
    middle = grey.crop((width // 4, 0, 3 * width // 4, height))
    shifted = grey.crop((width // 4 + _APART, 0, 3 * width // 4 + _APART, height))
    counts = ImageChops.difference(middle, shifted).histogram()
    half, seen = sum(counts) / 2, 0
    for value, count in enumerate(counts):
        seen += count
        if seen >= half:
            inside = (half - (seen - count)) / count
            clipped = middle.histogram()[255] > sum(counts) * _CLIPPED
            return max(0.0, value - 1 + inside) / 0.954 * (2 if clipped else 1)
    return 0.0
