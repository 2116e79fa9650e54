"""Compares our intake with Postfix and smtp-sink, side by side in one run, and prints a table.

``python -m tests.benchmarks``; needs root (or ``sudo`` without a password) for Postfix, and 12 GB of disk.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import table
from tests.benchmarks.contenders import STARTERS, Contender
from tests.benchmarks.loads import Load, by_smtp_source
from tests.benchmarks.rows import ROWS, Figures, Row

ROOT = Path(__file__).parents[2]
REPEATS = 5
Runs = dict[str, dict[str, list[float]]]


class Miscounted(RuntimeError):
    """A server has not as many messages on record as it said 250 to."""


class Counted:
    """A contender that is given mail, and has every message of it counted."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self._given = 0

    def warm_up(self, load: Load) -> None:
        """One message a session, not measured: every process is there, every module loaded."""
        by_smtp_source(self.contender.port, Load(load.sessions, load.sessions, 10_000))
        self._check(load.sessions)

    def measure(self, row: Row, load: Load) -> Figures:
        """One run; raises Miscounted where its record shows another number than was sent."""
        figures = row.measure(self.contender, load)
        self._check(load.messages)
        return figures

    def _check(self, given: int) -> None:
        self._given += given
        self.contender.settle(self._given)
        if self.contender.taken is not None and (taken := self.contender.taken()) != self._given:
            raise Miscounted(f"{self.contender.name} was given {self._given} messages and has {taken}")


def measure(row: Row, folder: Path, *, quick: bool, repeats: int) -> Runs:
    """All runs of one row. The order changes with each repeat, so that a drift of the machine hits all alike."""
    load = row.quick if quick else row.load
    runs: Runs = {name: {} for name in row.who}
    with ExitStack() as stack:
        there = {} if row.fresh else {name: _start(name, folder, stack) for name in row.who}
        for each in there.values():
            each.warm_up(load)
        for repeat in range(repeats):
            at = repeat % len(row.who)
            for name in (*row.who[at:], *row.who[:at]):
                with ExitStack() as once:
                    figures = (there.get(name) or _start(name, folder, once)).measure(row, load)
                for figure, value in figures.items():
                    runs[name].setdefault(figure, []).append(value)
                said = ", ".join(f"{figure} {value:.4g}" for figure, value in figures.items())
                sys.stderr.write(f"{row.key} {repeat + 1}/{repeats} {name}: {said}\n")
    return runs


def _start(name: str, folder: Path, stack: ExitStack) -> Counted:
    return Counted(stack.enter_context(STARTERS[name](folder)))


def _chosen(keys: Iterable[str] | None) -> tuple[Row, ...]:
    return tuple(row for row in ROWS if keys is None or row.key in keys)


def _save(path: Path, about: Mapping[str, str], measured: Mapping[str, Runs]) -> None:
    path.write_text(json.dumps({"about": about, "measured": measured}, indent=1) + "\n")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repeat, with fewer messages")
    parser.add_argument("--only", action="append", choices=[row.key for row in ROWS], metavar="ROW", help="this row")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single run there")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="on the file system to be measured")
    chosen = parser.parse_args()
    # Debian has smtp-source and smtp-sink where an ordinary user's PATH may not look.
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    chosen.folder.mkdir(parents=True, exist_ok=True)
    repeats = 1 if chosen.quick else REPEATS
    rows = _chosen(chosen.only)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.folder) as name:
        about = table.environment(Path(name), repeats)
        measured = {row.key: measure(row, Path(name), quick=chosen.quick, repeats=repeats) for row in rows}
    if chosen.json is not None:
        _save(chosen.json, about, measured)
    sys.stdout.write(table.written(about, measured, rows))


if __name__ == "__main__":
    main()
