"""Greyscale pages as scanners and telephones make them, drawn on the spot, always the same."""

import random
from functools import cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

LINE = 1728
WORDS = (
    *("the", "patient", "was", "seen", "on", "Monday", "and", "given", "amoxicillin", "500", "mg", "three", "times"),
    *("daily", "for", "seven", "days", "no", "allergy", "to", "penicillin", "known", "please", "confirm", "receipt"),
    *("of", "this", "letter", "by", "return", "call", "surgery", "with", "any", "question"),
)
FONT = "/usr/share/fonts/truetype/dejavu/{}.ttf"


def lettering(size: int, face: str = "DejaVuSans") -> ImageFont.FreeTypeFont:
    """A face of Debian's fonts-dejavu-core, ``size`` dots high."""
    return ImageFont.truetype(FONT.format(face), size)


def sentence(count: int, seed: int) -> str:
    """So many words."""
    chosen = random.Random(seed)
    return " ".join(chosen.choice(WORDS) for _ in range(count))


def noisy(page: Image.Image, sigma: float, seed: int = 7) -> Image.Image:
    """With a scanner's noise, the same each time: normally distributed, of that many shades."""
    chosen = random.Random(seed)
    tile = Image.new("L", (256, 256))
    tile.putdata([max(0, min(255, round(chosen.gauss(128, sigma)))) for _ in range(256 * 256)])
    noise = Image.new("L", page.size)
    for x in range(0, page.width, 256):
        for y in range(0, page.height, 256):
            noise.paste(tile.rotate(90 * chosen.randrange(4)), (x, y))
    return ImageChops.add(page, noise, 1, -128)


@cache
def letter_scan(sigma: float = 12.0, size: tuple[int, int] = (2550, 3300)) -> Image.Image:
    """A typed letter as a scanner at 300 dots an inch sees it: off-white paper, dark grey ink, noise, a little blur."""
    page = Image.new("L", size, 235)
    draw, font = ImageDraw.Draw(page), lettering(42, "DejaVuSerif")
    for number, y in enumerate(range(200, size[1] - 200, 62)):
        draw.text((200, y), sentence(12, number), font=font, fill=40)
    return noisy(page, sigma).filter(ImageFilter.GaussianBlur(0.7))


@cache
def photo(size: tuple[int, int]) -> Image.Image:
    """Something with soft and hard edges and every tone, as a photo has."""
    chosen = random.Random(11)
    picture = Image.linear_gradient("L").resize(size)
    draw = ImageDraw.Draw(picture)
    for _ in range(120):
        x, y, radius = chosen.randrange(size[0]), chosen.randrange(size[1]), chosen.randrange(4, size[0] // 6)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=chosen.randrange(256))
    return noisy(picture.filter(ImageFilter.GaussianBlur(3)), 4)


def shadowed(page: Image.Image, darkest: float) -> Image.Image:
    """Under a lamp at the right: the left edge has that part of the light."""
    fall = Image.linear_gradient("L").rotate(90).resize(page.size)
    light = fall.point(lambda value: round(255 * (darkest + (1 - darkest) * value / 255)))
    return ImageChops.multiply(page, light)
