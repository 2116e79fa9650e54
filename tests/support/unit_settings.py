"""Configurations for tests: the least that is good, and pieces laid over it."""

from pathlib import Path

from bridge.settings import BadConfiguration, Loaded, load

GOOD = """\
[ifax]
access_token = "key"
[relay]
admin = "operator@example.org"
[receiving]
recipients = ["fallback@example.org"]
"""
"""The three things that must be set, one section each."""

NEEDED = {
    "FAXBRIDGE_IFAX__ACCESS_TOKEN": "key",
    "FAXBRIDGE_RELAY__ADMIN": "operator@example.org",
    "FAXBRIDGE_RECEIVING__RECIPIENTS": "fallback@example.org",
}
"""The same from the environment, for tests whose file is about something else."""


def given(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "faxbridge.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str, **environment: str) -> Loaded:
    """The configuration of a file with this text and these variables, what must be set being set."""
    return load(given(folder, text), {**NEEDED, **environment})


def problems(folder: Path, text: str, **environment: str) -> list[str]:
    """What is wrong with it, as the operator reads it, the file's folder cut off; empty if it is good."""
    try:
        read(folder, text, **environment)
    except BadConfiguration as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []
