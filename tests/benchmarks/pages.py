"""What fax pages cost beside Ghostscript's ``tiffg4``, and how well both are read. Prints a table.

``python -m tests.benchmarks.pages``; needs Debian's ghostscript and tesseract-ocr. Docs: docs/benchmarks.md.
"""

import argparse
import asyncio
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from pathlib import Path

import pikepdf
import weasyprint
from PIL import Image

from bridge.document.converter import Converter
from bridge.document.renderer import Renderer
from tests.benchmarks import table
from tests.benchmarks.usage import processor_seconds
from tests.benchmarks.work import Line, as_table, say
from tests.support.pictures import letter_scan, noisy, photo, sentence, shadowed
from tests.support.processes import a_house, a_pdf_mail

ROOT = Path(__file__).parents[2]
TEXT_PAGES_A_SECOND = 300
LEAST_OF_BYTES = 5
PEAK = 250_000_000
READY_SECONDS = 0.150


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    text_pages: int = 100
    scans: int = 10
    mails: int = 15
    repeats: int = 5
    kinds: int = 9
    """Of scans, and of large mails, the first so many."""


QUICK = Size(text_pages=10, scans=1, mails=1, repeats=1, kinds=1)


@dataclass(frozen=True)
class Sample:
    """A PDF that both make fax pages of."""

    name: str
    pdf: Path
    pages: int
    page: Image.Image | None = None
    """What its pages show in good light, where they are pictures."""

    @property
    def mail(self) -> Path:
        """A mail with it attached."""
        return self.pdf.with_suffix(".eml")

    def mailed(self) -> "Sample":
        """The same, with its mail written."""
        self.mail.write_bytes(a_mail(self.pdf.read_bytes()))
        return self


def samples(folder: Path, size: Size) -> Iterator[Sample]:
    """Text, and scans in grey, in colour, under a shadow, and with a photo on them."""
    text = folder / "text.pdf"
    paragraphs = "".join(f"<p>{sentence(110, number)}</p>" for number in range(size.text_pages * 5))
    weasyprint.HTML(string=f"<style>p {{ height: 4.5cm }}</style>{paragraphs}").write_pdf(text)
    with pikepdf.open(text) as pdf:
        yield Sample("text", text, len(pdf.pages)).mailed()
    letter = letter_scan()
    clipping = letter.copy()
    clipping.paste(photo((1200, 900)), (600, 1200))
    pages = {
        "grey scan, 300 dpi": letter,
        "the same in colour": Image.merge("RGB", (letter, letter, letter.point(lambda value: value * 0.93))),
        "the same under a shadow": noisy(shadowed(letter, 0.55), 3),
        "the same with a photo": clipping,
    }
    for number, (name, page) in enumerate(list(pages.items())[: size.kinds]):
        path = folder / f"{number}.pdf"
        page.save(path, dpi=(300, 300), quality=80, save_all=True, append_images=[page] * (size.scans - 1))
        yield Sample(name, path, size.scans, letter if "shadow" in name else page).mailed()


def ghostscript(sample: Sample, folder: Path) -> Path:
    """What HylaFAX and others have it make: Group 4 at 204 by 196."""
    made = folder / "gs.tif"
    options = ("-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=tiffg4", "-r204x196", f"-sOutputFile={made}")
    subprocess.run(["gs", *options, str(sample.pdf)], check=True)
    return made


async def ours(renderer: Renderer, sample: Sample, folder: Path) -> Path:
    """What a mail with it becomes, from the mail to the finished PDF, in a child as ever."""
    made = folder / "ours.pdf"
    with sample.mail.open("rb", buffering=0) as source:
        async with renderer.from_mail(source) as rendered:
            assert rendered.pages == sample.pages
            rendered.path.replace(made)
    return made


@contextmanager
def timed(times: list[float], worked: list[float]) -> Iterator[None]:
    """Note how long what is done within takes, and what processes of ours used of the processors meanwhile.

    User and system time of this one, of those that ended, and of the warm one with the children it has had.
    """
    began, used = time.monotonic(), processor_time()
    yield
    times.append(time.monotonic() - began)
    worked.append(processor_time() - used)


def processor_time() -> float:
    """Of this process and all that it has started, whether they have ended or not."""
    mine = os.times()
    running = (
        int(each) for task in Path("/proc/self/task").iterdir() for each in (task / "children").read_text().split()
    )
    return sum(mine[:4]) + sum(processor_seconds(process) for process in running)


def a_mail(pdf: bytes) -> bytes:
    """With this attached."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "a scan"
    mail.set_content("see there")
    mail.add_attachment(pdf, maintype="application", subtype="pdf", filename="scan.pdf")
    return mail.as_bytes()


async def speed(renderer: Renderer, sample: Sample, folder: Path, size: Size) -> Iterator[Line]:
    """Pages a second of both, by turns, processor time and bytes of a page."""
    times: dict[str, list[float]] = {"ours": [], "gs": []}
    worked: dict[str, list[float]] = {"ours": [], "gs": []}
    for _ in range(size.repeats):
        with timed(times["gs"], worked["gs"]):
            ghostscript(sample, folder)
        with timed(times["ours"], worked["ours"]):
            await ours(renderer, sample, folder)
    mine, theirs = (sample.pages / statistics.median(times[who]) for who in ("ours", "gs"))
    what = f"{sample.name}: pages a second, and Ghostscript's"
    figure = f"{mine:.0f}, {theirs:.0f}"
    if sample.page is None:
        return iter([Line(what, figure, f"at least {TEXT_PAGES_A_SECOND}", mine >= TEXT_PAGES_A_SECOND)])
    asked = sample.name == "grey scan, 300 dpi"
    worked_mine, worked_theirs = (statistics.median(worked[who]) / sample.pages for who in ("ours", "gs"))
    bytes_mine, bytes_theirs = (path.stat().st_size / sample.pages for path in (folder / "ours.pdf", folder / "gs.tif"))
    return iter(
        [
            Line(what, figure, *(("at least Ghostscript's", mine >= theirs) if asked else ())),
            Line(
                f"{sample.name}: processor time a page, and Ghostscript's",
                f"{worked_mine * 1000:.0f} ms, {worked_theirs * 1000:.0f} ms",
                "at most Ghostscript's",
                worked_mine <= worked_theirs,
            ),
            Line(
                f"{sample.name}: kB a page, and Ghostscript's",
                f"{bytes_mine / 1000:.0f}, {bytes_theirs / 1000:.0f}",
                *((f"at most 1/{LEAST_OF_BYTES}", bytes_mine * LEAST_OF_BYTES <= bytes_theirs) if asked else ()),
            ),
        ]
    )


def legibility(sample: Sample, folder: Path) -> Line:
    """Of the words that tesseract finds on the page itself, in good light, how many it finds on the finished ones."""
    assert sample.page is not None
    wanted = words(sample.page.convert("L"))
    with pikepdf.open(folder / "ours.pdf") as pdf:
        (image,) = pdf.pages[0].resources["/XObject"].values()
        mine = Image.open(io.BytesIO(a_tiff(image)))
        found = {"ours": words(upright(mine))}
    with Image.open(folder / "gs.tif") as theirs:
        found["gs"] = words(upright(theirs))
    share = {who: sum((wanted & each).values()) / sum(wanted.values()) for who, each in found.items()}
    return Line(
        f"{sample.name}: words read back, and from Ghostscript's",
        f"{share['ours']:.0%}, {share['gs']:.0%}",
        "at least Ghostscript's",
        share["ours"] >= share["gs"],
    )


def a_tiff(image: pikepdf.Object) -> bytes:
    """A picture of a PDF as a file."""
    assert isinstance(image, pikepdf.Stream)
    out = io.BytesIO()
    pikepdf.PdfImage(image).as_pil_image().save(out, "TIFF")
    return out.getvalue()


def upright(page: Image.Image) -> Image.Image:
    """A fax page with as many dots down an inch as across, as a reader sees it."""
    return page.convert("L").resize((page.width, round(page.height * 204 / 196)), Image.Resampling.BICUBIC)


def words(page: Image.Image) -> Counter[str]:
    """What tesseract reads."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        page.save(file.name, dpi=(204, 204))
        command = ["tesseract", file.name, "-", "--psm", "6"]
        read = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Counter(re.findall(r"\w+", read))


PEAK_OF = """
import os, sys
from bridge.document import child, warm
from bridge.document.job import Job
warm.load()
process = os.fork()
if process == 0:
    os.chdir(sys.argv[1])
    os._exit(child.run(Job("mail", sys.argv[1])))
_, status, usage = os.wait4(process, 0)
print(status, usage.ru_maxrss * 1024)
"""
"""A warm process of its own, so that nothing of this one counts, and what the kernel says of its child."""


def peak(message: bytes, folder: Path) -> int:
    """Bytes of memory of a child, all it shares with the warm process included, while it works on a mail."""
    path = folder / "mail"
    path.write_bytes(message)
    private = folder / "private"
    private.mkdir()
    with path.open("rb") as mail:
        command = [sys.executable, "-c", PEAK_OF, str(private)]
        done = subprocess.run(command, check=True, stdin=mail, capture_output=True, text=True)
    status, found = map(int, done.stdout.split())
    assert status == 0
    assert b'"failed": null' in (private / "report.json").read_bytes()
    return found


def large_mails() -> dict[str, Callable[[], bytes]]:
    """Mails of 20 MB, as they come."""
    scan = letter_scan()

    def scans() -> bytes:
        out = io.BytesIO()
        scan.save(out, "PDF", dpi=(300, 300), quality=88, save_all=True, append_images=[scan] * 6)
        return a_mail(out.getvalue())

    def one_picture(kind: str, **how: object) -> bytes:
        out = io.BytesIO()
        noisy(photo((3464, 4618)), 8).convert("RGB").save(out, kind, **how)
        return a_mail(out.getvalue())

    return {
        "seven scans": scans,
        "a telephone's picture": partial(one_picture, "JPEG", quality=98),
        "a picture as PNG": partial(one_picture, "PNG", compress_level=1),
    }


async def ready(folder: Path, size: Size) -> Line:
    """From the 250 of a mail with a one-page PDF until its pages are made and written down, the daemon idle."""
    async with a_house(folder) as house:
        _, daemon = await house.start()
        waits = []
        for number in range(size.mails + 1):
            to = f"+1312555{number + 100:04}"
            await daemon.take(a_pdf_mail(to, subject=str(number)), to)
            answered = time.time()
            prepared = await daemon.event("fax.prepared", fax=house.fax(to)["id"])
            waits.append(datetime.fromisoformat(prepared["at"]).timestamp() - answered)
            await house.fax_in(to, "delivered")
    median = statistics.median(waits[1:])
    return Line(
        "one-page PDF: from its 250 to ready, idle",
        f"{median * 1000:.0f} ms (at most {max(waits[1:]) * 1000:.0f})",
        f"below {READY_SECONDS * 1000:.0f} ms",
        median < READY_SECONDS,
    )


async def measure(folder: Path, size: Size) -> list[Line]:
    """All of it."""
    lines: list[Line] = []
    with Converter() as converter:
        renderer = Renderer(folder, converter)
        for sample in samples(folder, size):
            await ours(renderer, sample, folder)
            for line in await speed(renderer, sample, folder, size):
                say(lines, line)
            if sample.page is not None:
                say(lines, legibility(sample, folder))
    place = folder / "daemon"
    place.mkdir()
    say(lines, await ready(place, size))
    for name, make in list(large_mails().items())[: size.kinds]:
        message = make()
        with tempfile.TemporaryDirectory(dir=folder) as private:
            found = peak(message, Path(private))
        what = f"memory of the child at a mail of {len(message) / 1e6:.0f} MB, {name}"
        say(lines, Line(what, f"{found / 1e6:.0f} MB", f"below {PEAK // 1_000_000} MB", found < PEAK))
    return lines


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pages", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="with few pages: to see that it runs, not how fast")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="where it works")
    chosen = parser.parse_args()
    size = QUICK if chosen.quick else Size()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.folder) as name:
        lines = asyncio.run(measure(Path(name), size))
        about = table.machine(Path(name), size.repeats)
    version = subprocess.run(["gs", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    sys.stdout.write(as_table({"Ghostscript": version} | about, lines))


if __name__ == "__main__":
    main()
