"""The table: what was measured, with which versions, and on which machine."""

import os
import platform
import sqlite3
import statistics
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.contenders import OURS, POSTFIX, SINK
from tests.benchmarks.rows import Line, Row, Target

Measured = Mapping[str, Mapping[str, list[float]]]
"""Of one row: by contender and figure, what each repeat came to."""

NOTES = (
    "Median of the repeats (least to most). MB are millions of octets of message text.",
    "Everything runs on this one machine, client included: smtp-source, and for the waits a client of our own.",
    "All of ours is as durable as in production; every message counted here stands in our database with its fax.",
    "Postfix's delivery to its discard transport and its log are part of its work here, our making of pages is not.",
    "Processor time is user and system of all of a server's processes, until the client has its last reply.",
    "A wait begins when the client's kernel has taken the last byte, so it holds what the loopback's buffers held.",
)


def environment(folder: Path, repeats: int) -> dict[str, str]:
    """Versions and machine, by name."""
    servers = {
        "aiosmtpd": version("aiosmtpd"),
        "Postfix": _printed("postconf", "-d", "-h", "mail_version"),
    }
    return servers | machine(folder, repeats)


def machine(folder: Path, repeats: int) -> dict[str, str]:
    """The same without servers of mail."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "kernel": f"{platform.system()} {platform.release()}",
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{memory / 2**30:.1f} GiB",
        "file system": _file_system(folder),
        "repeats": str(repeats),
    }


def _printed(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """Kind and options of what is mounted where ``folder`` lies (``findmnt`` of util-linux)."""
    return _printed("findmnt", "--noheadings", "--raw", "--output", "FSTYPE,OPTIONS", "--target", str(folder))


def written(about: Mapping[str, str], measured: Mapping[str, Measured], rows: tuple[Row, ...]) -> str:
    """The whole of it, as Markdown."""
    lines = [f"{name}: {value}  " for name, value in about.items()]
    lines += ["", "| what | ours | Postfix | smtp-sink | asked | ours is | |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        if row.key in measured:
            lines += _of_row(row, measured[row.key])
    return "\n".join([*lines, "", *(f"- {note}" for note in NOTES), ""])


def _of_row(row: Row, measured: Measured) -> Iterator[str]:
    for line in row.lines:
        cells = [_cell(measured, who, line) for who in (OURS, POSTFIX, SINK)]
        yield f"| {row.title}: {line.unit} | {' | '.join([*cells, *_judged(line, measured)])} |"


def _cell(measured: Measured, who: str, line: Line) -> str:
    if who not in measured:
        return ""
    each = measured[who][line.figure]
    middle = _number(statistics.median(each))
    return middle if len(each) == 1 else f"{middle} ({_number(min(each))} to {_number(max(each))})"


def _judged(line: Line, measured: Measured) -> tuple[str, str, str]:
    """What was asked, what our figure is to that, and whether that will do."""
    target = line.target
    if target is None:
        return "", "", ""
    medians = {who: statistics.median(figures[line.figure]) for who, figures in measured.items()}
    ratio = f"{target.ratio(medians):.0%}" if target.of else _number(medians[OURS])
    return _asked(target), ratio, "met" if target.met(medians) else "**not met**"


def _asked(target: Target) -> str:
    if not target.of:
        return f"below {target.limit:g}"
    return f"at {'least' if target.at_least else 'most'} {target.limit:.0%} of {target.of}"


def _number(value: float) -> str:
    """Three digits that count."""
    for digits, above in ((0, 100), (1, 10), (2, 1)):
        if value >= above:
            return f"{value:.{digits}f}"
    return f"{value:.3f}"
