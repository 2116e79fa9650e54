"""What the pages of a presentation cost beside LibreOffice alone, which makes a PDF of it. Prints a table.

``python -m tests.benchmarks.slides``; needs LibreOffice. Docs: docs/benchmarks.md.
"""

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bridge.document.converter import Converter
from bridge.document.office import find_program
from bridge.document.renderer import Renderer
from tests.benchmarks import table
from tests.benchmarks.work import Line, as_table, say
from tests.support.document_samples import mail, part
from tests.support.slides import presentation

ROOT = Path(__file__).parents[2]
MOST = 1.3
_AGAIN = 81


@dataclass(frozen=True)
class Cost:
    """By the clock, and of all processors together."""

    wall: float
    processor: float


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def alone(document: Path, folder: Path) -> Cost:
    """LibreOffice with a profile of its own, as it is started for us."""
    command = [
        *(find_program(), f"-env:UserInstallation=file://{folder}/profile"),
        *("--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck"),
        *("--convert-to", "pdf", "--outdir", str(folder), str(document)),
    ]
    began, used = time.monotonic(), _children()
    while subprocess.run(command, check=False, capture_output=True).returncode == _AGAIN:
        pass
    return Cost(time.monotonic() - began, _children() - used)


async def ours(message: bytes, folder: Path) -> tuple[Cost, int]:
    """From the mail to the finished pages, the warm process started before."""
    used = _children()
    with Converter() as converter, (folder / "mail").open("w+b", buffering=0) as file:
        converter.start()
        renderer = Renderer(folder, converter)
        await renderer.picture(_BLANK)  # its libraries are loaded then
        file.write(message)
        file.seek(0)
        began = time.monotonic()
        async with renderer.from_mail(file) as made:
            wall, pages = time.monotonic() - began, made.pages
    return Cost(wall, _children() - used), pages


_BLANK = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


async def measure(folder: Path, slides: int, repeats: int) -> list[Line]:
    """Both by turns; the median of each."""
    document = folder / "slides.odp"
    content = presentation(slides)
    document.write_bytes(content)
    message = mail(part(content, "application/octet-stream", document.name))
    theirs, costs = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(dir=folder) as name:
            theirs.append(alone(document, Path(name)))
        with tempfile.TemporaryDirectory(dir=folder) as name:
            cost, pages = await ours(message, Path(name))
        if pages != slides:
            raise RuntimeError(f"{pages} pages of {slides}")
        costs.append(cost)
    lines: list[Line] = []
    for what, of in (("seconds", "wall"), ("seconds of processor", "processor")):
        one, other = (statistics.median(getattr(each, of) for each in found) for found in (costs, theirs))
        ratio = one / other
        figure = f"{one:.1f}, LibreOffice alone {other:.1f}: {ratio:.2f} times"
        asked = f"at most {MOST} times" if of == "wall" else ""
        say(lines, Line(f"{slides} slides: {what}", figure, asked, ratio <= MOST if asked else None))
    return lines


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.slides", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="with two slides: to see that it runs, not how fast")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="where it works")
    chosen = parser.parse_args()
    slides, repeats = (2, 1) if chosen.quick else (28, 3)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.folder) as name:
        lines = asyncio.run(measure(Path(name), slides, repeats))
        about = table.machine(Path(name), repeats)
    sys.stdout.write(as_table(about, lines))


if __name__ == "__main__":
    main()
