import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.contenders import OURS, POSTFIX, SINK

ROOT = Path(__file__).parents[2]


def test_the_quick_form_prints_a_table(tmp_path: Path) -> None:
    """One row in its quick form measures all three servers and prints machine, versions, figures and verdict."""
    numbers = tmp_path / "numbers.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks", "--quick", "--only", "small"),
            *("--json", str(numbers), "--folder", str(tmp_path / "bench")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "\nPostfix: 3." in done.stdout
    assert "\nkernel: Linux " in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("| 20 sessions, 10 kB")]
    assert [line.split(":")[1].split("|")[0].strip() for line in lines] == ["messages/s", "processor ms/MB"]
    assert "| at least 100% of Postfix |" in lines[0]
    measured = json.loads(numbers.read_text())["measured"]["small"]
    assert set(measured) == {OURS, POSTFIX, SINK}
    assert all(value > 0 for figures in measured.values() for values in figures.values() for value in values)
    assert list((tmp_path / "bench").iterdir()) == []
