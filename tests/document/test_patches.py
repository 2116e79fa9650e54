"""Pictures of a page are parted by the cells of which they are made."""

import numpy as np
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageChops, ImageDraw

from bridge.document import patches

CELL = 8


def by_flood(mask: Image.Image) -> list[patches.Box]:
    """The same, dot by dot, from the top down."""
    rest, found = mask.copy(), []
    while (box := rest.getbbox()) is not None:
        row = rest.crop((box[0], box[1], box[2], box[1] + 1)).getbbox()
        assert row is not None
        poured = rest.copy()
        ImageDraw.floodfill(poured, (box[0] + row[0], box[1]), 128)
        alone = poured.point([255 if value == 128 else 0 for value in range(256)])
        of_one = alone.getbbox()
        assert of_one is not None
        found.append(of_one)
        rest = ImageChops.subtract(rest, alone)
    return found


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=40),
)
@settings(max_examples=100, deadline=None)
def test_each_picture_has_its_box(width: int, height: int, cells: set[tuple[int, int]]) -> None:
    """One for each patch of cells that touch, also where the page ends within a cell."""
    mask = Image.new("L", (width, height), 0)
    for x, y in cells:
        mask.paste(255, (x * CELL, y * CELL, (x + 1) * CELL, (y + 1) * CELL))
    seen = {(x, y) for x, y in cells if x * CELL < width and y * CELL < height}
    pictures = patches.parted(seen, (height, width))
    assert sorted(each.box for each in pictures) == sorted(by_flood(mask))
    again = Image.new("L", mask.size, 0)
    for each in pictures:
        again.paste(255, each.box, Image.fromarray(each.mask.astype(np.uint8) * 255))
    assert again.tobytes() == mask.tobytes()
