"""What is wrong with a configuration, in the operator's terms: the place, the key, the matter, a way out."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.settings import sections, sources
from bridge.settings.sources import Path_, Source

_ROWS: dict[str, type[sections.Section]] = {
    "listeners": sections.Listener,
    "routes": sections.Route,
    "identities": sections.Identity,
}
"""The lists of tables."""

_TABLES: dict[str, type[sections.Section]] = {"retry": sections.Redial}
"""What the tables within a section hold, by the section's name."""

_OUTERMOST = ("identities",)
"""Those that stand in no section."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where it stands, the key, what is the matter and what to do."""

    where: str
    key: str
    text: str

    def __str__(self) -> str:
        return ": ".join(piece for piece in (self.where, self.key, self.text) if piece)


class BadConfiguration(Exception):
    """The configuration cannot be used; ``problems`` says all that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def at(key: Path_, text: str, origins: Mapping[Path_, str]) -> Problem:
    """The problem of a key, laid where the key was written."""
    return Problem(sources.place(key, origins), dotted(key), text)


def told(
    details: Mapping[str, Any], origins: Mapping[Path_, str], known: Mapping[str, type[sections.Section]]
) -> Problem:
    """A validation error of pydantic's; ``known`` are the sections there are."""
    key: Path_ = tuple(details["loc"])
    text = str(details["msg"]).removeprefix("Value error, ")
    if details["type"] == "extra_forbidden":
        text = f"unknown {'section' if len(key) == 1 else 'key'}{_nearest(key, known)}"
    elif details["type"] == "missing":
        text = "must be set"
    elif details["type"] == "model_type":
        text = f"is a section; write [{key[0]}] and its keys below it" if len(key) == 1 else "must be a table of keys"
    elif details["type"] == "tuple_type":
        text = _not_a_list(key)
    return at(key, text, origins)


def _not_a_list(key: Path_) -> str:
    if key[0] in _OUTERMOST and len(key) == 1:
        return (
            f"is a list of tables; write [[{key[0]}]] for each and its keys below, or all of them as JSON in a variable"
        )
    if key[0] == "aliases" and len(key) == 2:  # noqa: PLR2004 - section and name
        return 'must be a list of numbers, name = ["+14155550123"]; a name that has dots stands in quotes'
    return "must be a list"


def is_of_shape(details: Mapping[str, Any]) -> bool:
    """Whether an error is one of names and tables, which is wrong even where a stronger source hides it."""
    if details["type"] in {"extra_forbidden", "model_type"}:
        return True
    return details["type"] != "missing" and isinstance(details["input"], dict)


def origins_of(given: Iterable[Source]) -> dict[Path_, str]:
    """Where each value that counts was written; ``given`` strongest first."""
    joined: dict[Path_, str] = {}
    for source in reversed(list(given)):
        # a list that is written anew takes the old one's items, and their lines, with it
        joined = {key: place for key, place in joined.items() if not _lies_below(key, source.origins)}
        joined |= source.origins
    return joined


def _lies_below(key: Path_, others: Mapping[Path_, str]) -> bool:
    return any(key[:length] in others for length in range(1, len(key)))


def dotted(key: Path_) -> str:
    """As the operator reads it: ``receiving.routes[1].number``; list positions count from one, as people do."""
    return "".join(f"[{piece + 1}]" if isinstance(piece, int) else f".{piece}" for piece in key).lstrip(".")


def _nearest(key: Path_, known: Mapping[str, type[sections.Section]]) -> str:
    """``; did you mean ...`` where a right name is near; the very same name in another section is nearest."""
    name = str(key[-1])
    if len(key) == 1:
        names = [*known, *_OUTERMOST]
    elif len(key) == 2:  # noqa: PLR2004 - section and key
        names = sources.key_names(known[str(key[0])])
    else:
        row = _ROWS.get(str(key[-3])) or _TABLES.get(str(key[0]))
        names = sources.key_names(row) if row else []
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    elsewhere = [f"{section}.{name}" for section, model in known.items() if name in sources.key_names(model)]
    within_a_row = len(key) > 2  # noqa: PLR2004 - as above
    for found in (close, elsewhere) if within_a_row else (elsewhere, close):
        if found:
            return f"; did you mean {found[0]}?"
    return f"; known are {', '.join(names)}"
