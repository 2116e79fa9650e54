"""Fields behind a number with ``^`` between, as other fax servers have them in addresses.

NET SatisFAXtion's are flags, ``5035550123^COMPANY=Acme^NOCOVER`` (its manual, "Additional Email Flags"); others have
names, ``John Smith^Acme^5035550123``. What names something that is here as well is done. All else is refused in words:
a fax that went out otherwise than its address says would be a wrong one.
"""

import difflib
import re
from dataclasses import dataclass

from bridge.errors import NotAFaxNumber
from bridge.fax import elements
from bridge.fax.elements import MAX_VALUE

_NUMBER = re.compile(r"\+?[0-9(][0-9 ().-]*", re.ASCII)
_FLAG = re.compile(r"([A-Za-z]{1,20})=(.*)", re.DOTALL | re.ASCII)
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &'(),\-._]+", re.ASCII)
_MOST_NAMES = 2

_WISHES = {
    "NOCOVER": ("cover", "no"),
    "A4": ("paper", "a4"),
    "COARSE": ("quality", "low"),
    "STANDARD": ("quality", "standard"),
}
"""Flags that are options here."""

_NOTHING = {"NOPREFIX"}
"""Flags that ask for what is so anyway: no prefix is ever dialled."""

_NOT_HERE = {
    "LEGAL": "pages are on Letter or A4, or on the paper they have",
    "RETRIES": "how often a number is called is the operator's to say",
    "PORT": "there are no ports",
    "TEMPLATE": "which cover page a fax has is the operator's to say",
    "BILLING": "there are no billing codes; [fax: reference=...] in the subject is told in notices",
}


_LONG = tuple(flag for flag in (*_WISHES, *_NOTHING) if len(flag) > len("A4"))
_ALIKE = 0.85
"""How much a field has to be like a flag of several letters to be that flag, misspelt."""

_TOO_MANY = "fields between ^ may name one person and one company, as in 4155550123^John Smith^Acme"


@dataclass(frozen=True, slots=True)
class Flagged:
    """The number as it was written, whom the fax is for, and what is asked for as options."""

    number: str
    person: str = ""
    company: str = ""
    wishes: tuple[tuple[str, str], ...] = ()


def read(written: str) -> Flagged:
    """The number and its fields; without a ``^`` all of it is the number. Raises NotAFaxNumber."""
    fields = [field.strip() for field in written.split("^")]
    if len(fields) == 1:
        return Flagged(written)
    numbers = [at for at, field in enumerate(fields) if _NUMBER.fullmatch(field)]
    if len(numbers) != 1 or numbers[0] not in {0, len(fields) - 1}:
        raise NotAFaxNumber("of the fields between ^ the first or the last is the number, and no other is one")
    number = fields.pop(numbers[0])
    names: list[str] = []
    company, wishes = "", []
    for field in filter(None, fields):
        if (flag := _FLAG.fullmatch(field)) is not None and flag[1].upper() == "COMPANY":
            if company:
                raise NotAFaxNumber(_TOO_MANY)
            company = _name(flag[2])
        elif field.upper() in _WISHES:
            wishes.append(_WISHES[field.upper()])
        elif field.upper() not in _NOTHING:
            _check(flag[1] if flag else field)
            names.append(_name(field))
    if len(names) > _MOST_NAMES or (company and len(names) == _MOST_NAMES):
        raise NotAFaxNumber(_TOO_MANY)
    person, named, *_ = (*names, "", "")
    return Flagged(number, elements.person(person), company or named, tuple(wishes))


def _check(name: str) -> None:
    """Raise NotAFaxNumber for a flag that has no counterpart, or is misspelt: that is nobody's name."""
    if why := _NOT_HERE.get(name.upper()):
        raise NotAFaxNumber(f"^{name.upper()} is not done here: {why}")
    if meant := difflib.get_close_matches(name.upper(), _LONG, n=1, cutoff=_ALIKE):
        raise NotAFaxNumber(f"^{name} is not known here; did you mean ^{meant[0]}?")


def _name(text: str) -> str:
    if len(text) > MAX_VALUE or not _NAME.fullmatch(text):
        raise NotAFaxNumber(
            f"a field between ^ is neither a name nor known here; known are COMPANY=..., {', '.join(_WISHES)}"
        )
    return " ".join(text.replace("_", " ").split())
