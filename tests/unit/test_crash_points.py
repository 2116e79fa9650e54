import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bridge.runtime import crash
from bridge.runtime.crash import VARIABLE, Point

ROOT = Path(__file__).parents[2]

PASS_ALL_TWICE = (
    "import os\n"
    "from bridge.runtime.crash import Point, arm, crash_point\n"
    "arm(os.environ)\n"
    "for point in (*Point, *Point): print(point, flush=True); crash_point(point)\n"
)


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    """A process that passes every point twice and says so before each."""
    return subprocess.run(
        [sys.executable, "-c", PASS_ALL_TWICE],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {VARIABLE: ""},
        {VARIABLE: "intake.committed"},
        {VARIABLE: "intake.committed:0"},
        {VARIABLE: "intake.committed:3"},
        {VARIABLE: "intake.committed:1 "},
        {VARIABLE: "intake:1"},
        {VARIABLE: "*:1"},
        {VARIABLE.lower(): "intake.committed:1"},
        {f"FAXBRIDGE_{VARIABLE}": "intake.committed:1"},
        {f"FAXBRIDGE_{VARIABLE.removeprefix('BRIDGE_')}": "intake.committed:1"},
    ],
)
def test_nothing_happens_unless_a_point_and_a_passing_are_named(environment: dict[str, str]) -> None:
    """Without the variable, or with one that names no point or a passing that never comes, a process goes on."""
    ended = run(**environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) == 2 * len(Point)


@pytest.mark.parametrize(("nth", "said"), [(1, 1), (2, 2)])
def test_the_named_passing_ends_the_process(nth: int, said: int) -> None:
    """A process that is to die at a point's Nth passing is killed there, at no other point and not before."""
    ended = run(**{VARIABLE: f"hook.read:{nth}"})
    assert ended.returncode == -signal.SIGKILL
    lines = ended.stdout.splitlines()
    assert lines.count("hook.read") == said
    assert lines[-1] == "hook.read"


def test_a_process_may_stand_still_instead() -> None:
    """With ``:freeze`` it is stopped there, and goes on when it is told to."""
    child = subprocess.Popen(
        [sys.executable, "-c", PASS_ALL_TWICE],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], VARIABLE: "hook.read:1:freeze"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        child.send_signal(signal.SIGCONT)
        assert child.stdout is not None
        assert len(child.stdout.read().splitlines()) == 2 * len(Point)
    assert child.returncode == 0


def test_a_process_that_was_not_armed_passes_all_points_for_nothing() -> None:
    """Nothing but ``serve`` reads the variable: whoever imports the module only, as this process, lives on."""
    assert crash._fuse.point is None
    for point in Point:
        crash.crash_point(point)


def test_every_point_stands_at_one_place() -> None:
    """Each point is passed at one place of the code, and each place names one of them."""
    named = []
    for path in sorted((ROOT / "bridge").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "crash_point":
                (point,) = node.args
                assert isinstance(point, ast.Attribute), ast.unparse(node)
                named.append(Point[point.attr])
    assert Counter(named) == Counter(Point)
