"""The catalogue: two tables of data, loaded and checked once, and the one question asked of them.

``causes.toml`` says what may become of a fax, in words; ``codes.tsv`` points every row of the carrier's page at one of
these causes. A table that is broken is a ``ValueError`` naming the line; a code or text that is strange never is.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib import resources


class OutcomeClass(StrEnum):
    """What kind of end a fax came to. It decides what happens next; ``PENDING`` is no end at all."""

    OK = "ok"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    VOICE = "voice"
    LINE = "line"
    CARRIER = "carrier"
    NUMBER = "number"
    BLOCKED = "blocked"
    DOCUMENT = "document"
    MONEY = "money"
    ACCOUNT = "account"
    TEST = "test"
    CANCELLED = "cancelled"
    PARTIAL = "partial"
    UNKNOWN = "unknown"
    PENDING = "pending"


class Actor(StrEnum):
    """Who can do something about it."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    ADMINISTRATOR = "administrator"
    CARRIER = "carrier"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Cause:
    """One meaning: a title, what it means, what to do, who can do it, and the status of RFC 3463 for programs.

    Where its class is tried again, ``calls`` is how many at the most may end so (None: as the class has it), and
    ``wait`` how long it is at the least until the next.
    """

    slug: str
    outcome_class: OutcomeClass
    title: str
    explanation: str
    advice: str
    who: Actor
    status: str
    calls: int | None = None
    wait: timedelta = timedelta()

    @property
    def final(self) -> bool:
        """Whether the fax has ended with this."""
        return self.outcome_class is not OutcomeClass.PENDING


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of the carrier's page and its meaning. Codes repeat, texts repeat: only the row is one of its kind."""

    code: int
    text: str
    cause: Cause


def cause(slug: str) -> Cause:
    """The cause of this name; a name the catalogue doesn't have is a mistake of ours, a ``KeyError``."""
    return _causes()[slug]


def causes() -> tuple[Cause, ...]:
    """All causes, in the table's order."""
    return tuple(_causes().values())


@cache
def rows() -> tuple[CodeRow, ...]:
    """All rows, in the page's order."""
    return _read_rows(_package_data("codes.tsv"), _causes())


def look_up(code: int | None, text: str | None) -> Cause:
    """The cause that a carrier's code and text stand for; code and text decide together, and there always is an answer.

    A code with one text decides alone, whatever text came with it. Of a code with several texts the text decides, and
    where it fits none of them, the code's first row. Without a code the text decides if all rows with it mean the same.
    Code 0 says ``delivered`` as a code only: the caller weighs it against the status word.
    """
    words = _normalise(text or "")
    if code is not None:
        candidates = _by_code().get(code, ())
        fitting = [row for row in candidates if _normalise(row.text) == words]
        chosen = fitting or candidates
        return chosen[0].cause if chosen else cause("unknown-code")
    if not words:
        return cause("failed-no-reason")
    return _by_words().get(words) or cause("unknown-code")


_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_STATUS = re.compile(r"[245]\.[0-9]\.[0-9]{1,2}")
_SEPARATORS = re.compile(r"[\W_]+")
_CAUSE_HEADER = re.compile(r"\s*\[\[\s*cause\s*\]\]")
_KEYS = frozenset({"slug", "class", "title", "explanation", "advice", "who", "status"})
_CODES_HEADER = "code\ttext\tcause"
_NEEDED_BY_LOOK_UP = ("unknown-code", "failed-no-reason")


def _normalise(text: str) -> str:
    """Case, punctuation, underscores and runs of spaces don't tell texts apart."""
    return _SEPARATORS.sub(" ", text.casefold()).strip()


@cache
def _causes() -> Mapping[str, Cause]:
    return _read_causes(_package_data("causes.toml"))


@cache
def _by_code() -> Mapping[int, tuple[CodeRow, ...]]:
    found: defaultdict[int, list[CodeRow]] = defaultdict(list)
    for row in rows():
        found[row.code].append(row)
    return {code: tuple(of_code) for code, of_code in found.items()}


@cache
def _by_words() -> Mapping[str, Cause]:
    """The texts that mean one thing only, wherever they stand."""
    found: defaultdict[str, set[Cause]] = defaultdict(set)
    for row in rows():
        found[_normalise(row.text)].add(row.cause)
    return {words: meanings.pop() for words, meanings in found.items() if len(meanings) == 1}


@cache
def _package_data(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _read_causes(table: str) -> dict[str, Cause]:
    """The causes by name, in the table's order; every class has at least one."""
    entries = tomllib.loads(table).get("cause", [])
    # TOML's reader keeps no positions: the n-th entry begins at the n-th header
    lines = [number for number, line in enumerate(table.splitlines(), start=1) if _CAUSE_HEADER.match(line)]
    if len(entries) != len(lines):
        raise ValueError("causes.toml: every cause begins with a line [[cause]]")
    found: dict[str, Cause] = {}
    for line, entry in zip(lines, entries, strict=True):
        try:
            one = _read_cause(entry)
        except ValueError as error:
            raise ValueError(f"causes.toml, the cause at line {line}: {error}") from error
        if one.slug in found:
            raise ValueError(f"causes.toml, the cause at line {line}: a second {one.slug}")
        found[one.slug] = one
    last = len(table.splitlines())
    if lacking := set(OutcomeClass) - {one.outcome_class for one in found.values()}:
        raise ValueError(f"causes.toml, up to line {last}: no cause of class {', '.join(sorted(lacking))}")
    if lost := [slug for slug in _NEEDED_BY_LOOK_UP if slug not in found]:
        raise ValueError(f"causes.toml, up to line {last}: no cause {', '.join(lost)}")
    return found


def _read_cause(entry: Mapping[str, object]) -> Cause:
    given = dict(entry)
    calls, minutes = given.pop("calls", None), given.pop("wait_minutes", 0)
    if wrong := _KEYS ^ given.keys():
        raise ValueError(f"missing or strange: {', '.join(sorted(wrong))}")
    values = {key: value for key, value in given.items() if isinstance(value, str) and value and value == value.strip()}
    if empty := _KEYS - values.keys():
        raise ValueError(f"not a text, empty, or with spaces around it: {', '.join(sorted(empty))}")
    if not _SLUG.fullmatch(values["slug"]):
        raise ValueError(f"not kebab-case: {values['slug']}")
    outcome_class = OutcomeClass(values["class"])
    if not _STATUS.fullmatch(values["status"]):
        raise ValueError(f"not a status of RFC 3463: {values['status']}")
    if (outcome_class is OutcomeClass.OK) != values["status"].startswith("2."):
        raise ValueError(f"status {values['status']} doesn't fit class {outcome_class}")
    return Cause(
        slug=values["slug"],
        outcome_class=outcome_class,
        title=values["title"],
        explanation=values["explanation"],
        advice=values["advice"],
        who=Actor(values["who"]),
        status=values["status"],
        calls=None if calls is None else _whole(calls),
        wait=timedelta(minutes=_whole(minutes) if minutes else 0),
    )


def _whole(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"calls and wait_minutes are whole numbers above 0, not {value!r}")
    return value


def _read_rows(table: str, known: Mapping[str, Cause]) -> tuple[CodeRow, ...]:
    """The rows in the table's order; no code has the same text twice."""
    header, *lines = table.removesuffix("\n").split("\n")
    if header != _CODES_HEADER:
        raise ValueError("codes.tsv, line 1: the header is not code, text, cause")
    found: dict[tuple[int, str], CodeRow] = {}
    for number, line in enumerate(lines, start=2):
        try:
            row = _read_row(line, known)
        except ValueError as error:
            raise ValueError(f"codes.tsv, line {number}: {error}") from error
        key = row.code, _normalise(row.text)
        if key in found:
            raise ValueError(f"codes.tsv, line {number}: a second {row.code} with this text")
        found[key] = row
    return tuple(found.values())


def _read_row(line: str, known: Mapping[str, Cause]) -> CodeRow:
    code, text, slug = line.split("\t")
    if slug not in known:
        raise ValueError(f"no cause {slug}")
    if not _normalise(text):
        raise ValueError("no text")
    return CodeRow(int(code), text, known[slug])
