"""The command that shows which parts lists of public mails a change altered."""

import subprocess
import sys
from pathlib import Path

from tests.benchmarks import parts
from tests.benchmarks.parts import Outcome
from tests.support.document_samples import mail, multipart, part, plain

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, with its output."""
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.parts", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def worktrees() -> str:
    """Those that git knows of."""
    return subprocess.run(
        ["git", "worktree", "list"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.replace(" ", "")


def test_a_table_names_the_mails_that_came_out_otherwise(tmp_path: Path) -> None:
    """Compared with the last commit: a mail as ever has no row, and nothing is left behind."""
    (tmp_path / "one.eml").write_bytes(mail(multipart("mixed", plain("see"), part(b"words", "text/plain", "a.txt"))))
    (tmp_path / "broken.eml").write_bytes(b"\0\xff" * 50)
    before = worktrees()
    done = run("--base", "HEAD", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["| mail | was | is |", "|---|---|---|"]
    assert done.stdout.splitlines()[-1].startswith("2 mails: ")
    assert worktrees() == before


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    """No such commit, and no mails: one line says which, and the status is 2."""
    (tmp_path / "one.eml").write_bytes(mail(plain("see")))
    done = run("--base", "no-such-commit", str(tmp_path))
    assert (done.returncode, "no-such-commit cannot be checked out" in done.stderr) == (2, True)
    (tmp_path / "none").mkdir()
    done = run(str(tmp_path / "none"))
    assert (done.returncode, "no mails in" in done.stderr) == (2, True)


def test_the_collections_are_there() -> None:
    """Three hundred mails and more, of five projects."""
    found = parts.mails_in([])
    assert len(found) >= 300
    assert len({name.partition("/")[0] for name, _ in found}) == 5


def test_a_row_has_what_is_gone_and_what_came(tmp_path: Path) -> None:
    """Lines that both have are left out; the same lines over other words are told as well."""
    mails = [(name, tmp_path / name) for name in ("changed", "same", "reworded")]
    before = dict.fromkeys((str(path) for _, path in mails), Outcome(("a|b: 1 p.", "x"), (("x", "1"),)))
    after = dict(before)
    after[str(tmp_path / "changed")] = Outcome(("x", "a|b: empty"), ())
    after[str(tmp_path / "reworded")] = Outcome(("a|b: 1 p.", "x"), (("x", "2"),))
    assert list(parts.table(mails, before, after))[2:] == [
        "| changed | a\\|b: 1 p. | a\\|b: empty |",
        "| reworded |  | x: other content |",
        "",
        "3 mails: 1 the same, 2 with differences",
    ]
