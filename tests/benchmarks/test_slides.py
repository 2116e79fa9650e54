"""The command that compares a presentation's pages with what LibreOffice alone takes for its PDF."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_quick_form_prints_a_table(tmp_path: Path) -> None:
    """Its quick form has all slides faxed, tells both costs beside LibreOffice's, and leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.slides", "--quick", "--folder", str(tmp_path / "bench")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| 2 slides")]
    assert [row[0] for row in rows] == ["2 slides: seconds", "2 slides: seconds of processor"]
    assert all("LibreOffice alone" in row[1] for row in rows)
    assert list((tmp_path / "bench").iterdir()) == []
