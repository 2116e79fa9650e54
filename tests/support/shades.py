"""Text on shaded ground, made on the spot in rows of many heights, and what tesseract reads of each row."""

import csv
import io
import os
import random
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pikepdf
import pypdfium2
from PIL import Image

from bridge.document import raster
from bridge.document.paper import DOTS, LETTER, lay_out

HEIGHTS = (6, 8, 10, 14, 20, 40)
"""Of bands, in points."""
SIZES = (8, 10, 12)
"""Of type, in points."""

Colour = tuple[float, float, float]
"""Red, green and blue, each from 0 to 1."""
BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
MARKERS: dict[str, Colour] = {
    "yellow": (1, 1, 0),
    "green": (0, 1, 0),
    "pale green": (0.57, 0.82, 0.31),
    "pink": (1, 0.41, 0.71),
    "magenta": (1, 0, 1),
    "cyan": (0, 1, 1),
    "orange": (1, 0.65, 0),
}
"""As word processors and felt pens have them."""

_WORDS = (
    *(
        "patient",
        "Monday",
        "given",
        "three",
        "times",
        "daily",
        "seven",
        "days",
        "allergy",
        "known",
        "please",
        "confirm",
    ),
    *(
        "confirm",
        "receipt",
        "letter",
        "return",
        "surgery",
        "question",
        "toner",
        "paper",
        "order",
        "invoice",
        "number",
        "total",
    ),
    *("delivery", "before", "address", "street", "phone", "office", "doctor", "result", "blood", "sample", "white"),
)
_WIDTH = 540
_LEFT = 36
_GAP = 4
_ABOUT = 0.53
"""Width of a letter of Helvetica, as part of its size."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of words on a band; ``top`` and ``bottom`` in points from the upper edge of the page."""

    height: float
    size: float
    words: tuple[str, ...]
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of rows, as a PDF."""

    pdf: bytes
    rows: tuple[Row, ...]


def grey(shade: float) -> Colour:
    """Of which 1 is white."""
    return (shade, shade, shade)


def sheet(ground: Colour, ink: Colour, *, times: int = 2) -> Sheet:
    """Each height of band with each size of type, in words that differ from row to row, so many times."""
    chosen, rows, content, y = random.Random(str((ground, ink))), [], [], 30.0
    for size in SIZES:
        for height in (*HEIGHTS[:-1] * times, HEIGHTS[-1]):
            if ink == WHITE and size > height:
                continue
            lines = max(1, int(height / size / 1.15)) if height == HEIGHTS[-1] else 1
            pitch = max(height, size * 1.15) + _GAP
            middle = 792 - y - pitch / 2
            band = f"{_LEFT} {middle - height / 2:.3f} {_WIDTH} {height} re f"
            content.append(f"{_painted(ground)} {band} {_painted(ink)}")
            for line in range(lines):
                words = tuple(_line(chosen, _WIDTH / size / _ABOUT))
                baseline = middle - 0.36 * size + ((lines - 1) / 2 - line) * size * 1.15
                content.append(f"BT /F1 {size} Tf {_LEFT + 3} {baseline:.3f} Td ({' '.join(words)}) Tj ET")
                above = 792 - baseline - size
                rows.append(Row(height, size, words, above, above + 1.2 * size))
            y += pitch
    assert y < 792 - 24, y
    return Sheet(a_page("\n".join(content).encode()), tuple(rows))


def _painted(colour: Colour) -> str:
    return "{:.3f} {:.3f} {:.3f} rg".format(*colour)


def _line(chosen: random.Random, letters: float) -> Iterable[str]:
    left = letters - 2
    while left >= len(word := chosen.choice(_WORDS)):
        left -= len(word) + 1
        yield word


def a_page(content: bytes) -> bytes:
    """A PDF of one page, with Helvetica as F1 and Helvetica-Bold as F2."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(612, 792))
        fonts = {
            f"/{name}": pikepdf.Dictionary(
                Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name(face)
            )
            for name, face in (("F1", "/Helvetica"), ("F2", "/Helvetica-Bold"))
        }
        page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(fonts))
        page.obj.Contents = pdf.make_stream(content)
        pdf.save(out)
    return out.getvalue()


def original(pdf: bytes) -> Image.Image:
    """A page in greys, with as many dots as its fax page has."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return raster.draw_page(document[0], lay_out(*LETTER, cut_long=False), 0.0, *LETTER)
    finally:
        document.close()


def fax(pdf: bytes) -> Image.Image:
    """The picture that is the first page of a finished fax."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        (image,) = opened.pages[0].resources["/XObject"].values()
        assert isinstance(image, pikepdf.Stream)
        return pikepdf.PdfImage(image).as_pil_image().convert("L")


Reading = list[tuple[float, str]]
"""Words, with the height of their middle in points from the top."""


def read(page: Image.Image) -> tuple[Reading, ...]:
    """The words that tesseract finds, taking the page for one block of text, and for scattered words.

    In either way it loses a whole line now and then, of pages in greys too.
    """
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        page.resize((page.width, round(page.height * DOTS[0] / DOTS[1])), Image.Resampling.BICUBIC).save(
            file.name, dpi=(DOTS[0], DOTS[0])
        )
        return tuple(_read(file.name, mode) for mode in ("6", "11"))


def _read(name: str, mode: str) -> Reading:
    command = ["tesseract", name, "-", "--psm", mode, "tsv"]
    one_thread = os.environ | {"OMP_THREAD_LIMIT": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=one_thread)
    found = csv.DictReader(io.StringIO(done.stdout), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [
        ((int(each["top"]) + int(each["height"]) / 2) * 72 / DOTS[0], word)
        for each in found
        if each["text"]
        for word in re.findall(r"\w+", each["text"])
    ]


def read_back(rows: Iterable[Row], readings: Iterable[Reading]) -> dict[tuple[float, float], int]:
    """How many of the words of each kind of row are found where they stand, by height and size."""
    count: dict[tuple[float, float], int] = {}
    for row in rows:
        best = max(
            sum((Counter(row.words) & Counter(word for at, word in found if row.top <= at <= row.bottom)).values())
            for found in readings
        )
        key = (row.height, row.size)
        count[key] = count.get(key, 0) + best
    return count
