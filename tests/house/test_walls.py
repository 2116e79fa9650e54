import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BRIDGE = ROOT / "bridge"
LINT = Path(sys.executable).with_name("lint-imports")

FORBIDDEN = {
    # the floors
    "errors knows nobody": ("errors.py", "bridge.runtime.ids", "bridge.errors"),
    "runtime knows no subject matter": ("runtime/planted.py", "bridge.fax.numbers", "bridge.runtime"),
    "fax knows no store": ("fax/planted.py", "bridge.store", "bridge.fax"),
    "fax knows no mail": ("fax/planted.py", "bridge.mail.headers", "bridge.fax"),
    "the store knows no worker": ("store/planted.py", "bridge.sending.submit", "bridge.store"),
    "a room knows no app": ("web/planted.py", "bridge.app", "bridge.web"),
    "a room knows no cli": ("posting/planted.py", "bridge.cli.common", "bridge.posting"),
    "app knows no cli": ("app.py", "bridge.cli.common", "bridge.app"),
    # side by side
    "store knows no mail": ("store/planted.py", "bridge.mail.composing", "bridge.store"),
    "mail knows no store": ("mail/planted.py", "bridge.store.blobs", "bridge.mail"),
    "ifax knows no document": ("ifax/planted.py", "bridge.document.mime", "bridge.ifax"),
    "document knows no mail": ("document/planted.py", "bridge.mail.headers", "bridge.document"),
    "sending knows no receiving": ("sending/planted.py", "bridge.receiving.fetch", "bridge.sending"),
    "intake knows no sending": ("intake/planted.py", "bridge.sending.submit", "bridge.intake"),
    "web knows no posting": ("web/planted.py", "bridge.posting.courier", "bridge.web"),
    "receiving knows no posting": ("receiving/planted.py", "bridge.posting.relay", "bridge.receiving"),
    # settings
    "a room knows no settings": ("sending/planted.py", "bridge.settings", "bridge.sending"),
    "a room knows no part of settings": ("fax/planted.py", "bridge.settings.units", "bridge.fax"),
    "settings know options alone": ("settings/planted.py", "bridge.store.blobs", "bridge.settings"),
    "settings know no app": ("settings/planted.py", "bridge.app", "bridge.settings"),
    # the stand-in
    "ifax knows no sandbox": ("ifax/planted.py", "bridge.sandbox.wire", "bridge.ifax"),
    "errors knows no sandbox": ("errors.py", "bridge.sandbox.codes", "bridge.errors"),
    "app knows no sandbox": ("app.py", "bridge.sandbox", "bridge.app"),
    "sandbox knows no fax": ("sandbox/planted.py", "bridge.fax.numbers", "bridge.sandbox"),
    "sandbox knows no ifax": ("sandbox/planted.py", "bridge.ifax.client", "bridge.sandbox"),
    "sandbox knows no errors": ("sandbox/planted.py", "bridge.errors", "bridge.sandbox"),
    # libraries behind one module
    "mail speaks no HTTP": ("mail/planted.py", "httpx", "bridge.mail"),
    "ifax speaks HTTP in its client alone": ("ifax/planted.py", "httpx", "bridge.ifax"),
    "sending speaks no HTTP": ("sending/planted.py", "httpx", "bridge.sending"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its walls, to be spoilt."""
    shutil.copytree(BRIDGE, tmp_path / "bridge", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """The walls, checked in ``folder``."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    command = [str(LINT), "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def complaints(folder: Path) -> list[str]:
    """The lines of the report on a house whose walls are broken."""
    result = lint(folder)
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout.splitlines()


def plant(folder: Path, place: str, code: str) -> None:
    """Add ``code`` to the end of a module, which is made if need be."""
    module = folder / "bridge" / place
    module.parent.mkdir(exist_ok=True)
    with module.open("a", encoding="utf-8") as end:
        end.write(f"\n{code}\n")


def test_the_house_stands(copy: Path) -> None:
    """All walls are kept as the code is."""
    result = lint(copy)
    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(("place", "imported", "room"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_forbidden_import_is_seen(copy: Path, place: str, imported: str, room: str) -> None:
    """A forbidden import breaks a wall, and the report names the module it stands in and what it imports."""
    plant(copy, place, f"import {imported}")
    assert any(room in line and imported in line for line in complaints(copy))


def test_a_new_room_is_seen(copy: Path) -> None:
    """A room that no contract speaks of breaks the plan, which is exhaustive."""
    plant(copy, "attic/__init__.py", "ROOM = 1")
    assert any("attic" in line for line in complaints(copy))


@pytest.mark.parametrize(
    ("place", "imported"),
    [
        ("fax/planted.py", "bridge.store"),
        ("intake/planted.py", "bridge.settings"),
        ("mail/planted.py", "httpx"),
        ("settings/planted.py", "bridge.store.blobs"),
    ],
)
def test_an_import_for_types_counts(copy: Path, place: str, imported: str) -> None:
    """An import under TYPE_CHECKING breaks a wall like any other."""
    plant(copy, place, f"from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import {imported}")
    planted = f"bridge.{place.removesuffix('.py').replace('/', '.')}"
    assert any(planted in line and imported in line for line in complaints(copy))


def test_an_import_within_a_function_counts(copy: Path) -> None:
    """An import hidden in a function breaks a wall like any other."""
    plant(copy, "ifax/planted.py", "def sneak():\n    from bridge.store import blobs\n    return blobs")
    assert any("bridge.ifax.planted -> bridge.store.blobs" in line for line in complaints(copy))


def test_nothing_is_exempt() -> None:
    """No contract ignores an import, the type-only ones included, and the floors are exhaustive."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    walls = tomllib.loads(text)["tool"]["importlinter"]
    for exemption in ("ignore_imports", "exclude_type_checking_imports", "unmatched_ignore_imports_alerting"):
        assert exemption not in text
    floors = [contract for contract in walls["contracts"] if contract["type"] == "layers"]
    assert [contract["exhaustive"] for contract in floors] == [True]
    assert all("exhaustive_ignores" not in contract for contract in floors)


def test_every_room_is_on_the_plan() -> None:
    """Each module and package of bridge stands on exactly one floor."""
    walls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = next(contract for contract in walls["contracts"] if contract["type"] == "layers")["layers"]
    drawn = sorted(room.strip() for floor in floors for room in floor.replace(":", "|").split("|"))
    built = sorted(
        path.stem
        for path in BRIDGE.iterdir()
        if (path.is_dir() and path.name != "__pycache__")
        or (path.suffix == ".py" and path.name not in {"__init__.py", "__main__.py"})
    )
    assert drawn == built


def test_settings_know_the_rooms_options_alone() -> None:
    """Whatever settings import from a room is its module ``options``; errors and runtime everybody may know."""
    strange = []
    for path in sorted((BRIDGE / "settings").rglob("*.py")):
        for name in imported_modules(path):
            room, _, module = name.removeprefix("bridge.").partition(".")
            if room not in {"settings", "errors", "runtime"} and module.partition(".")[0] != "options":
                strange.append(f"{path.name}: {name}")
    assert strange == []


def imported_modules(path: Path) -> list[str]:
    """The modules of bridge that a module imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("bridge.")]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "bridge":
                found += [f"bridge.{alias.name}" for alias in node.names]
            elif (node.module or "").startswith("bridge."):
                found.append(node.module or "")
    return found


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("aiosmtplib", {"posting/relay.py"}),
        ("phonenumbers", {"fax/numbers.py"}),
        ("weasyprint", {"document/typesetting.py", "document/fetching.py"}),
        ("structlog", {"runtime/events.py"}),
    ],
)
def test_a_library_stands_behind_one_module(library: str, homes: set[str]) -> None:
    """Each of these libraries is imported in one module alone, so that it can be changed there."""
    found = set()
    for path in BRIDGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        if any(name.partition(".")[0] == library for name in names):
            found.add(path.relative_to(BRIDGE).as_posix())
    assert found == homes
