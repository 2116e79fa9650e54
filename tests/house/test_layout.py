import ast
import stat
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BRIDGE = ROOT / "bridge"
TESTS = ROOT / "tests"

LONGEST = 400
"""Lines of a module; past that one asks why."""

FOLDERS = ("bridge", "config", "deploy", "tests", "systemd", "docs", "docs/decisions")
ROOMS = (
    *("runtime", "cli", "fax", "ifax", "document", "mail", "store", "intake"),
    *("sending", "receiving", "posting", "web", "sandbox", "settings"),
)
FILES = ("README.md", "LICENSE", "Makefile", "pyproject.toml", "uv.lock", ".ci/run", "CHANGELOG.md", "bridge/py.typed")


def test_every_test_says_what_must_hold() -> None:
    """Every test function begins with a docstring whose first paragraph ends as a sentence does."""
    mute = []
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                says, _, _ = (ast.get_docstring(node) or "").partition("\n\n")
                if not says.endswith("."):
                    mute.append(f"{path.relative_to(TESTS)}:{node.lineno} {node.name}")
    assert mute == []


def test_no_test_is_passed_over() -> None:
    """No test is skipped or expected to fail."""
    words = ("mark." + "skip", "pytest." + "skip(", "mark." + "xfail", "pytest." + "xfail(", "importor" + "skip")
    lazy = [
        f"{path.relative_to(TESTS)}: {word}"
        for path in sorted(TESTS.rglob("*.py"))
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert lazy == []


def test_modules_are_short() -> None:
    """Every module of bridge has at most 400 lines."""
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_bytes().splitlines()) for path in BRIDGE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_modules_say_what_they_are_for() -> None:
    """Every module of bridge begins with a docstring."""
    mute = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(BRIDGE.rglob("*.py"))
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert mute == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_asked_for_is_there(folder: str) -> None:
    """Every top-level folder of the design exists and holds something."""
    assert any((ROOT / folder).iterdir())


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_there(room: str) -> None:
    """Every room of the design is a package whose docstring says what it is for."""
    tree = ast.parse((BRIDGE / room / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)


@pytest.mark.parametrize("name", FILES)
def test_a_file_asked_for_is_there(name: str) -> None:
    """Every file that the project promises at its top exists and is not empty, markers apart."""
    path = ROOT / name
    assert path.is_file()
    assert path.name == "py.typed" or path.stat().st_size > 0


def test_ci_runs_the_one_command() -> None:
    """.ci/run can be executed and calls ``make test``."""
    run = ROOT / ".ci" / "run"
    assert run.stat().st_mode & stat.S_IXUSR
    assert "make test" in run.read_text(encoding="utf-8")
