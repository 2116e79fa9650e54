"""What we ourselves do about an outcome, in the catalogue's languages: its class's way, and what a cause adds to it."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from bridge.fax.options import Language
from bridge.fax.outcomes.catalogue import Cause


def what_we_do(cause: Cause, language: Language = "en") -> str:
    """Whether and how we go on by ourselves: whole sentences, for people."""
    words = _words()[language]
    said = [str(words[cause.outcome_class])]
    if cause.calls is not None:
        said.append(words["stricter"]["calls"].format(calls=cause.calls))
    if cause.wait:
        said.append(words["stricter"]["wait"].format(minutes=int(cause.wait.total_seconds()) // 60))
    return " ".join(said)


@cache
def _words() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files(__package__).joinpath("doing.toml").read_text(encoding="utf-8"))
