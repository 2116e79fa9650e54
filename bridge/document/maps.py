"""The brightest and the darkest nearby, for whole pictures and maps of them at once. Runs in the child.

All of it is done by laying a picture over itself, shifted, which costs the same whatever is on it (Serra 1982).
"""

from collections.abc import Callable

from PIL import Image, ImageChops, ImageOps

Choose = Callable[[Image.Image, Image.Image], Image.Image]
"""Of two pictures the brighter or the darker one, dot by dot."""

WHERE_ANY = [0] + [255] * 255
"""White where a picture is not black."""


def closed(cells: Image.Image, reach: int, further: int = 0) -> Image.Image:
    """With everything dark that is narrower than twice so many cells taken away, all else as far as it goes.

    (A closing: the brightest around each cell, then the darkest of these.) Bright places shrink by ``further`` cells.
    """
    return spread(spread(cells, reach, ImageChops.lighter), reach + further, ImageChops.darker)


def spread(image: Image.Image, reach: int, choose: Choose, *, across: bool = True, down: bool = True) -> Image.Image:
    """For each cell the brightest or darkest within so many cells across and down."""
    while reach:
        step = max(1, reach // 2)
        for x, y in ((step, 0),) * across + ((0, step),) * down:
            image = choose(choose(_moved(image, x, y), _moved(image, -x, -y)), image)
        reach -= step
    return image


def windows(image: Image.Image, size: tuple[int, int], choose: Choose) -> Image.Image:
    """The brightest or darkest of each window of that size, where its upper left corner is; smaller by a window."""
    for across, down, length in ((1, 0, size[0]), (0, 1, size[1])):
        have = 1
        while have < length:
            step = min(have, length - have)
            image = choose(image, image.crop((across * step, down * step, image.width, image.height)))
            have += step
    return image


def without_small(image: Image.Image, window: int, first: Choose, then: Choose) -> Image.Image:
    """Without what such a window does not fit into: what is dark, by brightest and then darkest, or what is light."""
    width, height = image.size
    large = ImageOps.expand(image, window, 0 if first is ImageChops.lighter else 255)
    large = windows(windows(large, (window, window), first), (window, window), then)
    return large.crop((1, 1, width + 1, height + 1))


def above(image: Image.Image, bound: Image.Image) -> Image.Image:
    """White where a picture is brighter than a bound, dot by dot."""
    return ImageChops.subtract(image, bound).point(WHERE_ANY)


def covering(cells: Image.Image, page: Image.Image) -> Image.Image:
    """A map of the page brought to its size."""
    dots = -(-page.width // cells.width)
    large = cells.resize((cells.width * dots, cells.height * dots), Image.Resampling.NEAREST)
    return large.crop((0, 0, *page.size))


def _moved(image: Image.Image, across: int, down: int) -> Image.Image:
    """Shifted; what comes in at the edge is the picture itself."""
    moved = image.copy()
    moved.paste(image, (across, down))
    return moved
