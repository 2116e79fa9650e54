"""The command that measures what work costs as it grows."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_quick_form_prints_a_table(tmp_path: Path) -> None:
    """Its quick form measures every line, on both databases, keeps the pace of calls, and leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.work", "--quick", "--folder", str(tmp_path / "bench")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    whats = [row[0] for row in rows]
    assert sum(what.startswith("claims: ") for what in whats) == 9
    assert sum(what.startswith("start with ") for what in whats) == 2
    assert whats[-2:] == ["faxes from end to end on SQLite", "faxes from end to end on PostgreSQL"]
    (calls,) = [row for row in rows if row[0].startswith("calls to the carrier")]
    assert calls[-1].strip("| ") == "met", calls
    assert list((tmp_path / "bench").iterdir()) == []
