import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from bridge.cli import app
from bridge.runtime.meters import Meters
from tests.support.unit_contract import COMMAND_OPTIONS, COMMANDS, LATER_COMMANDS, METRICS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_EVENT = re.compile(r"[a-z]+\.[a-z_]+")
_FIRST_CELL = re.compile(r"^\| `([a-z_.]+)", re.MULTILINE)


def events() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every event that the vocabulary can write: its name, level and fields, read from the source."""
    tree = ast.parse((ROOT / "bridge" / "runtime" / "events.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        if not isinstance(node.func.value, ast.Attribute) or node.func.value.attr != "_log":
            continue
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and _EVENT.fullmatch(first.value):
            fields = tuple(word.arg for word in node.keywords if word.arg and word.arg != "exc_info")
            yield first.value, node.func.attr, fields


def test_the_vocabulary_is_found() -> None:
    """The search for events finds those everybody knows, so that the tests below test something."""
    assert {"fax.accepted", "mail.sent", "daemon.started", "received.lost"} <= {name for name, _, _ in events()}


def test_log_events_are_listed() -> None:
    """docs/log-events.md has a row for every log event there is, and for nothing else."""
    listed = _FIRST_CELL.findall((DOCS / "log-events.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted({name for name, _, _ in events()})


def test_log_events_are_described_as_they_are() -> None:
    """Each row of docs/log-events.md has the event's level and fields."""
    text = (DOCS / "log-events.md").read_text(encoding="utf-8")
    rows = {
        name: (level, tuple(re.findall(r"`([a-z_]+)`", fields)))
        for name, level, fields in re.findall(r"^\| `([a-z_.]+)` \| ([a-z]+) \| .* \| (.*) \|$", text, re.MULTILINE)
    }
    wrong = [name for name, level, fields in events() if rows.get(name) != (level, fields)]
    assert wrong == []


def test_events_are_logged_through_the_vocabulary_alone() -> None:
    """No other module makes log lines of its own, the stand-in apart, which knows no room: no logger, no print.

    The converter listens to what WeasyPrint logs, in a process whose output nobody reads.
    """
    loud = []
    for path in sorted((ROOT / "bridge").rglob("*.py")):
        if (
            path.parts[-2:] == ("runtime", "events.py")
            or path.parent.name == "sandbox"
            or path.parts[-2:] == ("document", "typesetting.py")
        ):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                loud.append(f"{path.relative_to(ROOT)}:{node.lineno} print")
            if isinstance(node, ast.Attribute) and node.attr in {"getLogger", "get_logger", "basicConfig"}:
                loud.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.attr}")
    assert loud == []


def exposed_metrics() -> set[str]:
    """The names of all metrics, those of the process and those read from the store."""
    process = {
        sample.name
        for metric in Meters().registry.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }
    names = process | {f"{metric.name}_total" for metric in Meters().registry.collect() if metric.type == "counter"}
    names |= {metric.name for metric in Meters().registry.collect() if metric.type == "histogram"}
    source = (ROOT / "bridge" / "web" / "health.py").read_text(encoding="utf-8")
    return names | set(re.findall(r"\"(faxbridge_[a-z_]+)\"", source))


def test_metrics_are_listed() -> None:
    """docs/metrics.md has a row for every metric there is, and for nothing else."""
    listed = _FIRST_CELL.findall((DOCS / "metrics.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(exposed_metrics())


@pytest.mark.parametrize("name", METRICS)
def test_the_contracts_metrics_are_there(name: str) -> None:
    """Each metric that the contract names is exposed."""
    assert name in exposed_metrics()


def test_the_contracts_commands_are_there() -> None:
    """Every command without a tag is shown by --help; none with a tag exists yet."""
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    commands = getattr(typer.main.get_command(app), "commands")  # noqa: B009 - typer's group, whatever class it has
    assert [name for name in COMMANDS if name not in commands or f" {name} " not in shown.output] == []
    assert [name for name in LATER_COMMANDS if name in commands] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_a_configuration(command: str) -> None:
    """Every command takes --config."""
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    assert "--config" in shown.output


@pytest.mark.parametrize(("command", "option"), COMMAND_OPTIONS)
def test_a_command_has_the_contracts_options(command: str, option: str) -> None:
    """A command takes the options that the contract gives it."""
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert f"{option} " in shown.output


def test_commands_are_documented() -> None:
    """docs/commands.md has a row for every command there is, and for nothing else."""
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `faxbridge ([a-z]+)", text, re.MULTILINE))
    assert listed == set(getattr(typer.main.get_command(app), "commands"))  # noqa: B009 - as above


def test_options_are_documented() -> None:
    """docs/commands.md names every option that a command takes."""
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    missing = []
    for name, command in getattr(typer.main.get_command(app), "commands").items():  # noqa: B009 - as above
        rows = "\n".join(re.findall(rf"^\| `faxbridge {name}\b.*$", text, re.MULTILINE))
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        missing += [f"{name} {option}" for option in sorted(options - {"--config", "--help"}) if option not in rows]
    assert missing == []


def test_links_lead_somewhere() -> None:
    """Every relative link in the README and the pages of docs leads to a file of the project."""
    links = [
        (page, target)
        for page in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    ]
    assert links
    near = [(page, target) for page, target in links if "://" not in target and not target.startswith("mailto:")]
    assert [f"{page.name}: {target}" for page, target in near if not (page.parent / target).exists()] == []


def test_every_state_is_explained() -> None:
    """docs/commands.md names every state that list can show."""
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    tree = ast.parse((ROOT / "bridge" / "fax" / "states.py").read_text(encoding="utf-8"))
    states = {
        line.value.value
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name in {"FaxState", "ReceivedState"}
        for line in node.body
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
    }
    assert states
    assert [state for state in states if f"`{state}`" not in text] == []


@pytest.mark.parametrize(("listed", "first"), [("packages.txt", "python3-venv"), ("test-packages.txt", "swaks")])
def test_the_packages_are_named(listed: str, first: str) -> None:
    """The README names the Debian packages that a checkout, and its tests, install: all of them, and no others."""
    lines = (ROOT / "deploy" / listed).read_text(encoding="utf-8").splitlines()
    installed = {line for line in lines if line and not line.startswith("#")}
    named = re.search(rf"^`({first} [^`]*)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert named is not None
    assert set(named[1].split()) == installed
