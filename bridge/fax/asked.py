"""What a sender asks for in the mail itself: ``X-Fax-Option: name=value; name=value``. Pure.

What cannot be read is refused before the mail is taken on. What is no option here, or not this sender's to choose, is
let be and told: the notice has a line for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar, get_args

from bridge.errors import Permanent
from bridge.fax.options import OPTION_NAMES, BodyUse, PagesUse
from bridge.runtime.phrases import phrase

T = TypeVar("T")

FIELD = "X-Fax-Option"

LONGEST_REFERENCE = 60

_YES_OR_NO = {"yes": True, "no": False, "none": False}
_UNKNOWN = phrase("is no option here; there are {options}")
_NOT_ALLOWED = phrase("is not this sender's to choose; the operator can add it to the options of the identity")


class BadOption(Permanent):
    """What the mail asks for cannot be done; the text says what can."""

    reply = "550 5.6.0"


@dataclass(frozen=True, slots=True)
class Unheeded:
    """Something that was asked for and is not done, as it was written, and why."""

    written: str
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """None where nothing is asked for. What ``after`` means depends on where the number is (``hours``).

    ``reference`` is a word of the sender's own by which notices tell which fax they are about.
    """

    after: str | None = None
    cover: bool | None = None
    body: BodyUse | None = None
    pages: PagesUse | None = None
    reference: str | None = None
    unheeded: tuple[Unheeded, ...] = ()


def read(pairs: Sequence[tuple[str, str]], allowed: Iterable[str]) -> Asked:
    """What the options of a mail (names in lower case, in the mail's order) say; raises BadOption."""
    heeded = [pair for pair in pairs if pair[0] in set(allowed)]
    return Asked(
        after=_one("after", heeded),
        cover=_chosen("cover", heeded, _YES_OR_NO),
        body=_chosen("body", heeded, {use: use for use in get_args(BodyUse)}),
        pages=_chosen("pages", heeded, {use: use for use in get_args(PagesUse)}),
        reference=_reference(heeded),
        unheeded=tuple(Unheeded(_written(pair), _why(pair)) for pair in pairs if pair not in heeded),
    )


def _one(name: str, pairs: list[tuple[str, str]]) -> str | None:
    """The one value given to that name; said twice in the same way it is one."""
    values = {value for given, value in pairs if given == name}
    if len(values) > 1:
        raise BadOption(f"{FIELD}: {name} stands there twice, with two values; write one")
    return values.pop() if values else None


def _reference(pairs: list[tuple[str, str]]) -> str | None:
    value = _one("reference", pairs)
    if value is not None and not 1 <= len(value) <= LONGEST_REFERENCE:
        raise BadOption(f"{FIELD}: a reference has 1 to {LONGEST_REFERENCE} characters")
    return value


def _chosen(name: str, pairs: list[tuple[str, str]], choices: Mapping[str, T]) -> T | None:
    value = _one(name, pairs)
    if value is None:
        return None
    if value.lower() not in choices:
        raise BadOption(f"{FIELD}: {name}={_plain(value)} is not understood; {name} is one of {', '.join(choices)}")
    return choices[value.lower()]


def _why(pair: tuple[str, str]) -> str:
    if pair[0] not in OPTION_NAMES:
        return _UNKNOWN.format(options=", ".join(OPTION_NAMES))
    return _NOT_ALLOWED


def _written(pair: tuple[str, str]) -> str:
    return f"{FIELD}: {pair[0]}={pair[1]}" if pair[1] else f"{FIELD}: {pair[0]}"


def _plain(value: str) -> str:
    """For a reply of the SMTP server: ASCII, and not too long."""
    return "".join(char if " " <= char < "\x7f" else "?" for char in value[:40])


def write(asked: Asked) -> dict[str, Any] | None:
    """As it is kept with the mail; None if nothing is asked for."""
    return None if asked == Asked() else asdict(asked)


def kept(written: dict[str, Any] | None) -> Asked:
    """What ``write`` made."""
    if written is None:
        return Asked()
    unheeded = tuple(Unheeded(**each) for each in written["unheeded"])
    return Asked(**{**written, "unheeded": unheeded})
