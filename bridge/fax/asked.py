"""What a sender asks for in the mail itself: ``X-Fax-Option: name=value; name=value``, or in the subject. Pure.

What cannot be read is refused before the mail is taken on. What is no option here, or not this sender's to choose, is
let be and told: the notice has a line for it. In the subject, which people write, what is no option is refused as well:
it is a slip of the pen, and a fax cannot be taken back.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

from bridge.errors import Permanent
from bridge.fax.options import OPTION_NAMES, BodyUse, PagesUse, PaperUse, Quality
from bridge.runtime.phrases import phrase

FIELD = "X-Fax-Option"
SUBJECT = "the subject"
ADDRESS = "the address"

Pairs = Sequence[tuple[str, str]]
"""Names and values of options, in the order in which they were given."""

LONGEST_REFERENCE = 60

_CHOICES: Mapping[str, Mapping[str, Any]] = {
    "cover": {"yes": True, "no": False, "none": False},
    "body": {use: use for use in get_args(BodyUse)},
    "pages": {use: use for use in get_args(PagesUse)},
    "paper": {use: use for use in get_args(PaperUse)},
    "quality": {**{use: use for use in get_args(Quality)}, "hd": "fine"},
}
"""The values of the options that have few, and what they mean."""

AN_OPTION = re.compile(rf"\b(?:{'|'.join(OPTION_NAMES)})\W?\s*=", re.IGNORECASE)
"""An option's name and the sign behind it. No value has them: there, something to part two wishes was left out."""

_LIKE_A_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2}t.*", re.ASCII | re.IGNORECASE)

_UNKNOWN = phrase("is no option here; there are {options}")
_NEAREST = phrase("is no option here; did you mean {nearest}?")
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
    paper: PaperUse | None = None
    quality: Quality | None = None
    unheeded: tuple[Unheeded, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wish:
    """One option as it was given, and where."""

    name: str
    value: str
    place: str

    @property
    def written(self) -> str:
        text = f"{self.name}={self.value}" if self.value or self.place == SUBJECT else self.name
        return f"[fax: {text}]" if self.place == SUBJECT else f"{self.place}: {text}"


def read(pairs: Pairs, allowed: Iterable[str], *, subject: Pairs = (), address: Pairs = ()) -> Asked:
    """What the options of a mail say: those of its header, of its subject and of addresses; raises BadOption.

    Names are in lower case. All count alike, and must not contradict one another.
    """
    given = ((FIELD, pairs), (SUBJECT, subject), (ADDRESS, address))
    wishes = [_Wish(*pair, place) for place, some in given for pair in some]
    for wish in wishes:
        if wish.place == SUBJECT and wish.name not in OPTION_NAMES:
            raise BadOption(plain(f"{wish.written} {_unknown(wish.name)}", 200))
    for wish in wishes:
        if wish.place != SUBJECT and wish.name in OPTION_NAMES and AN_OPTION.search(wish.value):
            raise BadOption(plain(f"{wish.written} is not understood; write a semicolon between two wishes", 200))
    allowed = set(allowed)
    heeded = [wish for wish in wishes if wish.name in allowed]
    chosen = {name: _chosen(name, heeded) for name in _CHOICES}
    return Asked(
        after=_one("after", heeded),
        reference=_reference(heeded),
        **chosen,
        unheeded=tuple(Unheeded(wish.written, _why(wish.name)) for wish in wishes if wish.name not in allowed),
    )


def looks_like_one(name: str, value: str) -> bool:
    """Whether a value is one of that option, or for a time looks like one; a reference may be anything, and says no."""
    return value.lower() in _CHOICES.get(name, ()) or (name == "after" and _LIKE_A_TIME.fullmatch(value) is not None)


def _one(name: str, wishes: list[_Wish]) -> str | None:
    """The one value given to that name; said twice in the same way it is one."""
    found = [wish for wish in wishes if wish.name == name]
    if len({wish.value for wish in found}) > 1:
        raise BadOption(f"{_place(found)}: {name} stands there twice, with two values; write one")
    return found[0].value if found else None


def _place(wishes: list[_Wish]) -> str:
    return " and ".join(dict.fromkeys(wish.place for wish in wishes))


def _reference(wishes: list[_Wish]) -> str | None:
    value = _one("reference", wishes)
    if value is not None and not 1 <= len(value) <= LONGEST_REFERENCE:
        place = _place([wish for wish in wishes if wish.name == "reference"])
        raise BadOption(f"{place}: a reference has 1 to {LONGEST_REFERENCE} characters")
    return value


def _chosen(name: str, wishes: list[_Wish]) -> Any:
    """One of few values, in any case."""
    found = [replace(wish, value=wish.value.lower()) for wish in wishes if wish.name == name]
    value, choices = _one(name, found), _CHOICES[name]
    if value is not None and value not in choices:
        raise BadOption(
            f"{_place(found)}: {name}={plain(value)} is not understood; {name} is one of {', '.join(choices)}"
        )
    return None if value is None else choices[value]


def _why(name: str) -> str:
    return _unknown(name) if name not in OPTION_NAMES else _NOT_ALLOWED


def _unknown(name: str) -> str:
    """With the nearest name that is an option, else with all of them."""
    near = difflib.get_close_matches(name, OPTION_NAMES, n=1, cutoff=0.6)
    return _NEAREST.format(nearest=near[0]) if near else _UNKNOWN.format(options=", ".join(OPTION_NAMES))


def plain(text: str, limit: int = 40) -> str:
    """For a reply of the SMTP server: ASCII, and not too long."""
    return "".join(char if " " <= char < "\x7f" else "?" for char in text[:limit])


def write(asked: Asked) -> dict[str, Any] | None:
    """As it is kept with the mail; None if nothing is asked for."""
    return None if asked == Asked() else asdict(asked)


def kept(written: dict[str, Any] | None) -> Asked:
    """What ``write`` made."""
    if written is None:
        return Asked()
    unheeded = tuple(Unheeded(**each) for each in written["unheeded"])
    return Asked(**{**written, "unheeded": unheeded})
