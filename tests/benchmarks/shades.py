"""How well words on shaded ground are read on the finished page, beside the page itself. Prints a grid.

``python -m tests.benchmarks.shades``; needs Debian's tesseract-ocr. Docs: docs/benchmarks.md.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bridge.document.limits import CORES
from tests.support import shades
from tests.support.document_samples import mail, make, part
from tests.support.shades import BLACK, HEIGHTS, MARKERS, SIZES, WHITE, Colour, grey

LEAST = 0.9
"""Of what is read on the page itself, in each cell."""


@dataclass(frozen=True)
class Kind:
    """Letters of one colour on grounds of another."""

    name: str
    ground: Colour
    ink: Colour


def kinds() -> Iterator[Kind]:
    """Black on all greys and markers, white on the darker ones."""
    for shade in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        yield Kind(f"black on {shade:.2f}", grey(shade), BLACK)
    for shade in (0.1, 0.3, 0.4, 0.5, 0.6):
        yield Kind(f"white on {shade:.2f}", grey(shade), WHITE)
    for name, colour in MARKERS.items():
        yield Kind(f"black on {name}", colour, BLACK)


async def measure() -> bool:
    """Print a line for each kind as it is known; whether all is as asked."""
    write = sys.stdout.write
    columns = [(height, size) for size in SIZES for height in HEIGHTS]
    write(
        "| band, points x type, points | all | " + " | ".join(f"{height}x{size}" for height, size in columns) + " |\n"
    )
    write("|---" * (len(columns) + 2) + "|\n")
    total = {"ours": 0, "greys": 0}
    met = True
    with ThreadPoolExecutor(CORES) as pool, tempfile.TemporaryDirectory() as folder:
        for kind in kinds():
            sheet = shades.sheet(kind.ground, kind.ink)
            made = await make(Path(folder), mail(part(sheet.pdf, "application/pdf", "shades.pdf")))
            pictures = (shades.fax(made.pdf), shades.original(sheet.pdf))
            found, wanted = (shades.read_back(sheet.rows, read) for read in pool.map(shades.read, pictures))
            total["ours"] += sum(found.values())
            total["greys"] += sum(wanted.values())
            met = met and all(found[at] >= LEAST * count for at, count in wanted.items())
            cells = (f"{found[at]}/{wanted[at]}" if at in wanted else "" for at in columns)
            write(f"| {kind.name} | {sum(found.values())}/{sum(wanted.values())} | {' | '.join(cells)} |\n")
            sys.stdout.flush()
    met = met and total["ours"] >= total["greys"]
    verdict = "met" if met else "not met"
    write(
        f"\nwords read on the finished pages, and on the pages in greys: {total['ours']}, {total['greys']}: {verdict}\n"
    )
    return met


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(measure()) else 1)
