"""Where on a grey page pictures are: patches that are mostly no paper, of many tones, and rough. Runs in the child.

A text is half paper, a bar or a shaded box has one tone, a bar code two, and a shadow is smooth. All looks at a sample
of the page's dots.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageChops

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, the last two excluded."""

_CELL = 8
"""Dots of the sample that make one cell: a few millimetres of the page, wider than a stroke and a gap."""

_DARK = 0.78
"""Part of the paper's brightness below which a dot is not paper, in most of any cell whatever the noise."""

_COVERED = 0.6
"""Part of a cell that must be darker than paper."""

_FEWEST_CELLS = 12
"""Of a picture: smaller ones, stamps and icons, read better as ink."""

_THICK = 3
"""Cells of a square that fits into a picture: what is thinner everywhere, a band behind words, reads better as ink."""

_ONE_TONE = 0.55
"""A patch is of one tone if so much of it is within a few shades of one."""
_TONE_WIDTH = 10

_MIDDLE = (0.15, 0.85)
_LEAST_MIDDLE = 0.25
"""Part of a patch whose tones must be neither black nor white: else it is a drawing, large type or a code."""

_ROUGH = ((8, 0.3), (20, 0.17))
"""A patch is rough if in such a part of it places a millimetre apart differ by so many of 255 shades, or here by more
and there in less. In a shadow over ruled lines and boxes it is neither.
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A box of the sample, and a mask (mode ``L``, 255 on the picture) of its size."""

    box: Box
    mask: Image.Image


def find(sample: Image.Image, white: Image.Image, roughness: Image.Image) -> tuple[Picture, ...]:
    """The pictures on a sample of a page; no dot is in two of them.

    ``white`` is how bright paper would be, ``roughness`` by how much the brightness differs around: maps of the whole
    page.
    """
    white = white.resize(sample.size, Image.Resampling.NEAREST)
    dark = ImageChops.subtract(white.point(lambda value: value * _DARK), sample).point(
        lambda value: 255 if value else 0
    )
    cells = dark.reduce(_CELL).point(lambda value: 255 if value > _COVERED * 255 else 0)
    found: set[tuple[int, int]] = set()
    for patch in _connected(_places(cells)):
        if len(patch) < _FEWEST_CELLS:
            continue
        filled = _filled(patch)
        if not _is_thick(filled):
            continue
        alone = _mask(filled, (0, 0, *cells.size)).crop((0, 0, *sample.size))
        if _is_rough(roughness, alone) and _has_many_tones(sample, white, alone):
            found |= filled
    return parted(found, sample.size)


def parted(cells: set[tuple[int, int]], size: tuple[int, int]) -> tuple[Picture, ...]:
    """A picture for each patch of cells that touch, on a sample of that size."""
    return tuple(_picture(patch, size) for patch in _connected(cells))


def whole(size: tuple[int, int]) -> Picture:
    """All of a sample of that size."""
    return Picture((0, 0, *size), Image.new("L", size, 255))


def _picture(patch: set[tuple[int, int]], size: tuple[int, int]) -> Picture:
    left, top = (min(each) for each in zip(*patch, strict=True))
    right, bottom = (max(each) + 1 for each in zip(*patch, strict=True))
    box = (left * _CELL, top * _CELL, min(right * _CELL, size[0]), min(bottom * _CELL, size[1]))
    mask = _mask(patch, (left, top, right, bottom))
    return Picture(box, mask.crop((0, 0, box[2] - box[0], box[3] - box[1])))


def _mask(patch: set[tuple[int, int]], cells: Box) -> Image.Image:
    """White on the patch, of so many cells brought to the size of the sample."""
    left, top, right, bottom = cells
    mask = Image.new("L", (right - left, bottom - top), 0)
    for x, y in patch:
        mask.putpixel((x - left, y - top), 255)
    return mask.resize((mask.width * _CELL, mask.height * _CELL), Image.Resampling.NEAREST)


def _places(cells: Image.Image) -> set[tuple[int, int]]:
    width = cells.width
    return {(at % width, at // width) for at, value in enumerate(cells.tobytes()) if value}


def _connected(left: set[tuple[int, int]]) -> Iterator[set[tuple[int, int]]]:
    """Patches of cells that touch."""
    left = set(left)
    while left:
        reached = [left.pop()]
        patch = set(reached)
        while reached:
            x, y = reached.pop()
            for near in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
                if near in left:
                    left.remove(near)
                    patch.add(near)
                    reached.append(near)
        yield patch


def _filled(patch: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """With what lies between its cells both across and down: the bright parts of a picture."""
    across: dict[int, tuple[int, int]] = {}
    down: dict[int, tuple[int, int]] = {}
    for x, y in patch:
        low, high = across.get(y, (x, x))
        across[y] = (min(low, x), max(high, x))
        low, high = down.get(x, (y, y))
        down[x] = (min(low, y), max(high, y))
    return {
        (x, y)
        for y, (first, last) in across.items()
        for x in range(first, last + 1)
        if x in down and down[x][0] <= y <= down[x][1]
    }


def _is_thick(patch: set[tuple[int, int]]) -> bool:
    square = [(x, y) for x in range(_THICK) for y in range(_THICK)]
    return any(all((left + x, top + y) in patch for x, y in square) for left, top in patch)


def _is_rough(roughness: Image.Image, patch: Image.Image) -> bool:
    counts = roughness.histogram(patch.resize(roughness.size, Image.Resampling.NEAREST))
    return any(sum(counts[shades:]) > least * sum(counts) for shades, least in _ROUGH)


def _has_many_tones(sample: Image.Image, white: Image.Image, patch: Image.Image) -> bool:
    counts = sample.histogram(patch)
    total = sum(counts)
    one_tone = max(sum(counts[at : at + _TONE_WIDTH]) for at in range(256 - _TONE_WIDTH + 1))
    paper = max(at for at, count in enumerate(white.histogram()) if count)
    low, high = (int(part * paper) for part in _MIDDLE)
    return one_tone < _ONE_TONE * total and sum(counts[low:high]) > _LEAST_MIDDLE * total
