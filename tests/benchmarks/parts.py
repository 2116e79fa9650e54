"""The parts lists of public mails before and after a change: prints a table of differences.

``python -m tests.benchmarks.parts [FOLDER ...] [--base COMMIT]``; docs: docs/benchmarks.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = "6086f05"
"""The last commit before mails were opened however oddly they are written."""

SAMPLES = ROOT / ".tools" / "samples"
COLLECTIONS = (
    ("/usr/lib/python3.11/test/test_email/data", "msg_*.txt"),
    ("/usr/share/gocode/src/github.com/jhillyerd/enmime", "testdata/*/*.raw"),
    ("/usr/share/gocode/src/github.com/jhillyerd/enmime", "testdata/*/*.golden"),
    (str(SAMPLES / "flufl.bounce-4.0"), "flufl/bounce/tests/data/*.txt"),
    (str(SAMPLES / "mailman-3.3.10"), "src/mailman/*/tests/data/*.eml"),
    (str(SAMPLES / "talon-1.4.4"), "tests/fixtures/**/*.eml"),
    (str(SAMPLES / "talon-1.4.4"), "tests/fixtures/signature/emails/*/*"),
)
"""Mails that the packages and sources named in deploy/ bring, with all that programs stumbled over."""

_LONGEST_CELL = 600
_HOURS = 2


class CannotCompare(Exception):
    """The words say why, and what to do."""


@dataclass(frozen=True)
class Outcome:
    """What one checkout makes of a mail: the lines of its parts list, and what is in what is faxed."""

    lines: tuple[str, ...]
    contents: tuple[tuple[str, str], ...]


def mails_in(folders: Sequence[Path]) -> list[tuple[str, Path]]:
    """Every file in the folders, or in the collections where none are named: what to call it, and where it is.

    Raises CannotCompare where a folder has none.
    """
    asked = [(folder, "**/*") for folder in folders] or [(Path(place), pattern) for place, pattern in COLLECTIONS]
    found: dict[Path, str] = {}
    for place, pattern in asked:
        files = sorted(path for path in place.glob(pattern) if path.is_file())
        if not files:
            raise CannotCompare(f"no mails in {place} ({pattern}); for the collections, run: make .set-up-tests")
        found |= {path: f"{place.name}/{path.relative_to(place)}" for path in files}
    return [(name, path) for path, name in found.items()]


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """That commit in a folder of its own, which is gone in the end. Raises CannotCompare where there is none."""
    with tempfile.TemporaryDirectory(prefix="faxbridge-parts-") as folder:
        tree = Path(folder) / "base"
        git = ["git", "-C", str(ROOT), "worktree"]
        done = subprocess.run(
            [*git, "add", "--quiet", "--detach", str(tree), commit], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CannotCompare(f"{commit} cannot be checked out: {done.stderr.strip()}")
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=False, capture_output=True)


def outcomes(tree: Path, mails: Sequence[Path], errors: Path) -> dict[str, Outcome]:
    """What that checkout makes of each. A mail at which it dies has a line that says so, and the others go on."""
    found: dict[str, Outcome] = {}
    while left := [str(mail) for mail in mails if str(mail) not in found]:
        with errors.open("w") as log:
            done = subprocess.run(
                [sys.executable, "-P", str(ROOT / "tests" / "benchmarks" / "parts_of.py")],
                input="".join(f"{mail}\n" for mail in left),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=tree,
                env=os.environ | {"PYTHONPATH": str(tree)},
                timeout=_HOURS * 3600,
                check=False,
            )
        for line in done.stdout.splitlines():
            read = json.loads(line)
            contents = tuple((name, digest) for name, digest in read["contents"])
            found[read["mail"]] = Outcome(tuple(read["lines"]), contents)
        if not done.stdout and done.returncode == 1:
            raise CannotCompare(f"{tree} makes no parts lists: {errors.read_text().strip()[-500:]}")
        if len(found) < len(mails):
            dead = next(mail for mail in left if mail not in found)
            found[dead] = Outcome((f"the process died ({done.returncode})",), ())
    return found


def difference(before: Outcome, after: Outcome) -> tuple[list[str], list[str]]:
    """The lines that only one of the two has; where the lines are the same, whose content is not."""
    was, now = Counter(before.lines), Counter(after.lines)
    left, come = list((was - now).elements()), list((now - was).elements())
    if not left and not come and before.contents != after.contents:
        others = sorted({name for name, _ in set(before.contents) ^ set(after.contents)})
        return [], [f"{name}: other content" for name in others] or ["in another order"]
    if not left and not come and before.lines != after.lines:
        return [], ["in another order"]
    return left, come


def table(mails: Sequence[tuple[str, Path]], before: dict[str, Outcome], after: dict[str, Outcome]) -> Iterator[str]:
    """A row for each mail whose parts list is another one, and the counts below."""
    yield "| mail | was | is |"
    yield "|---|---|---|"
    differ = 0
    for name, path in mails:
        left, come = difference(before[str(path)], after[str(path)])
        if left or come:
            differ += 1
            yield f"| {_cell([name])} | {_cell(left)} | {_cell(come)} |"
    yield ""
    yield f"{len(mails)} mails: {len(mails) - differ} the same, {differ} with differences"


def _cell(lines: Sequence[str]) -> str:
    text = " ⏎ ".join(lines).replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= _LONGEST_CELL else text[:_LONGEST_CELL] + " ..."


def compare(base: str, folders: Sequence[Path]) -> Iterator[str]:
    """The table. Raises CannotCompare."""
    mails = mails_in(folders)
    paths = [path.resolve() for _, path in mails]
    named = [(name, path) for (name, _), path in zip(mails, paths, strict=True)]
    with tempfile.TemporaryDirectory() as folder, checked_out(base) as tree:
        before = outcomes(tree, paths, Path(folder) / "errors")
        after = outcomes(ROOT, paths, Path(folder) / "errors")
    yield from table(named, before, after)


def main() -> int:
    """Exit status 0 if the two were compared, whatever came of it; 2 if they could not be."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.parts", description=__doc__)
    parser.add_argument("folders", metavar="FOLDER", nargs="*", type=Path, help="of mails; the collections if none")
    parser.add_argument("--base", metavar="COMMIT", default=BASE, help="what this checkout is compared with")
    chosen = parser.parse_args()
    try:
        for line in compare(chosen.base, chosen.folders):
            sys.stdout.write(line + "\n")
    except CannotCompare as error:
        sys.stderr.write(f"parts: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
