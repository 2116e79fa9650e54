"""The catalogue's words in other languages than English: a table for each, with the same causes in the same order."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import resources

from bridge.fax.options import Language
from bridge.fax.outcomes.catalogue import Cause, causes

_KEYS = ("title", "explanation", "advice")


def in_language(cause: Cause, language: Language) -> Cause:
    """The same cause, in the words of that language."""
    if language == "en":
        return cause
    words = _words(language)[cause.slug]
    return replace(cause, title=words["title"], explanation=words["explanation"], advice=words["advice"])


@cache
def _words(language: Language) -> Mapping[str, Mapping[str, str]]:
    table = resources.files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return read_words(table, f"{language}.toml")


def read_words(table: str, name: str) -> Mapping[str, Mapping[str, str]]:
    """Title, explanation and advice by the cause's name. Raises ValueError that names what lacks or is too much."""
    found: dict[str, dict[str, str]] = tomllib.loads(table)
    if strange := set(found) ^ {each.slug for each in causes()}:
        raise ValueError(f"{name}: missing or strange: {', '.join(sorted(strange))}")
    for slug, words in found.items():
        if wrong := set(words) ^ set(_KEYS):
            raise ValueError(f"{name}, {slug}: missing or strange: {', '.join(sorted(wrong))}")
        if empty := [key for key in _KEYS if not words[key] or words[key] != words[key].strip()]:
            raise ValueError(f"{name}, {slug}: empty, or with spaces around it: {', '.join(empty)}")
    return found
