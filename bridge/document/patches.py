"""Where on a grey page pictures are: patches that are mostly no paper, of many tones, and rough. Runs in the child.

A text is half paper, a bar or a shaded box has one tone, a bar code two, and a shadow is smooth. Shaded cells and
words marked in many colours have many tones, each of them even as far as it goes: in a picture tones run into one
another. All looks at a sample of the page's dots.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bridge.document import maps
from bridge.document.maps import BRIGHTEST, DARKEST, Mask, Shades

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

_RUNS_ON = 24
"""Shades by which a tone differs at the most from one that runs into it, from one dot of the sample to the next."""
_CLIPPED = 8
"""Shades from black, and from white, in which a photo has no tones left."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A box of the sample, and a mask of its size."""

    box: Box
    mask: Mask


def find(sample: Shades, white: Shades, roughness: Shades) -> tuple[Picture, ...]:
    """The pictures on a sample of a page; no dot is in two of them.

    ``white`` is how bright paper would be, ``roughness`` by how much the brightness differs around: maps of the whole
    page.
    """
    dark = sample < maps.covering(maps.times(white, _DARK), sample.shape)
    rows, columns = np.nonzero(maps.shares(dark, (_CELL, _CELL)) > _COVERED * maps.WHITE)
    found: set[tuple[int, int]] = set()
    for patch in _connected(set(zip(columns.tolist(), rows.tolist(), strict=True))):
        if len(patch) < _FEWEST_CELLS:
            continue
        filled = _filled(patch)
        if not _is_thick(filled):
            continue
        height, width = sample.shape
        alone = _mask(filled, (0, 0, -(-width // _CELL), -(-height // _CELL)))[:height, :width]
        if (
            _is_rough(roughness, alone)
            and _has_many_tones(sample[alone], int(white.max()))
            and not _is_flat(sample, alone)
        ):
            found |= filled
    return parted(found, sample.shape)


def parted(cells: set[tuple[int, int]], shape: tuple[int, ...]) -> tuple[Picture, ...]:
    """A picture for each patch of cells that touch, on a sample of that shape."""
    return tuple(_picture(patch, shape) for patch in _connected(cells))


def whole(height: int, width: int) -> Picture:
    """All of a sample of that size."""
    return Picture((0, 0, width, height), np.ones((height, width), np.bool_))


def _picture(patch: set[tuple[int, int]], shape: tuple[int, ...]) -> Picture:
    left, top = (min(each) for each in zip(*patch, strict=True))
    right, bottom = (max(each) + 1 for each in zip(*patch, strict=True))
    box = (left * _CELL, top * _CELL, min(right * _CELL, shape[1]), min(bottom * _CELL, shape[0]))
    mask = _mask(patch, (left, top, right, bottom))
    return Picture(box, mask[: box[3] - box[1], : box[2] - box[0]])


def _mask(patch: set[tuple[int, int]], cells: Box) -> Mask:
    """The patch, of so many cells brought to the size of the sample."""
    left, top, right, bottom = cells
    mask = np.zeros((bottom - top, right - left), np.bool_)
    columns, rows = zip(*patch, strict=True)
    mask[np.array(rows) - top, np.array(columns) - left] = True
    return mask.repeat(_CELL, 0).repeat(_CELL, 1)


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


def _is_rough(roughness: Shades, patch: Mask) -> bool:
    height, width = roughness.shape
    there = roughness[patch[:: -(-patch.shape[0] // height), :: -(-patch.shape[1] // width)]]
    return any((there >= shades).sum() > least * there.size for shades, least in _ROUGH)


def _has_many_tones(patch: Shades, paper: int) -> bool:
    counts = np.bincount(patch, minlength=maps.WHITE + 1)
    one_tone = np.convolve(counts, np.ones(_TONE_WIDTH, int)).max()
    low, high = (int(part * paper) for part in _MIDDLE)
    return bool(one_tone < _ONE_TONE * patch.size and counts[low:high].sum() > _LEAST_MIDDLE * patch.size)


def _is_flat(sample: Shades, patch: Mask) -> bool:
    """Whether more of it has exactly the tone that is beside it than one that runs into that.

    What is all black or all white does not count: so are the parts of a photo that had too little light, or too much.
    """
    rows, columns = (np.nonzero(patch.any(axis))[0] for axis in (1, 0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    brightest, darkest = (
        maps.windows(maps.windows(sample[box], 2, extreme, 1), 2, extreme, 0) for extreme in (BRIGHTEST, DARKEST)
    )
    differs = maps.less(brightest, darkest)
    even = (differs == 0) & (darkest >= _CLIPPED) & (darkest <= maps.WHITE - _CLIPPED)
    runs_on = (differs > 0) & (differs <= _RUNS_ON)
    there = patch[box][:-1, :-1]
    return bool((even & there).sum() > (runs_on & there).sum())
