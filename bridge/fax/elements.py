"""The ``/NAME=value`` elements behind the number in an address ``FAX=+14155550123/ATTN=...``.

Names and meanings are those of the IANA registry "GSTN Address Element Extensions in Email Services" (RFC 2846, RFC
3191, RFC 3192). Elements that say for whom a fax is, or where that person sits, are understood. Those that would change
the call are refused with the reason, since the carrier takes a number and nothing else; so is every unknown one.
"""

import re
from dataclasses import dataclass

from bridge.errors import NotAFaxNumber

MAX_VALUE = 64
"""Characters; what a whole local part may have (RFC 5321, 4.5.3.1.1)."""

_PLACES = frozenset({"OFNO", "OFNA", "STR", "ADDR", "ADDU", "ADDL", "POB", "ZIP", "CO"})
"""RFC 2846, qual2-label: office, street, postal address. A fax needs none of them; they are for physical delivery."""

_NOT_CARRIED = {
    "T33S": "fax sub-addresses (T33S)",
    "ISUB": "ISDN sub-addresses (ISUB)",
    "POSTD": "tones dialled after the answer (POSTD)",
}

_ELEMENT = re.compile(r"([A-Za-z0-9-]{1,16})=([\x20-\x7e]*)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9 '()+,\-.:=?_]+", re.ASCII)
"""RFC 2846, printablestring, without the slash, which begins the next element; the underscore is a habit of mailers."""

_BETWEEN_NAMES = re.compile(r"\.(?=[^ .])|_")


@dataclass(frozen=True, slots=True)
class Elements:
    """For whom the fax is; both as they are to be read by people, empty where not said."""

    person: str = ""
    company: str = ""


def read(written: str) -> Elements:
    """The elements of ``NAME=value/NAME=value``; names count in either case, each may stand once.

    A slash always begins the next element: a value has none. Raises NotAFaxNumber.
    """
    values: dict[str, str] = {}
    for text in written.split("/"):
        match = _ELEMENT.fullmatch(text)
        if match is None:
            raise NotAFaxNumber("behind the number there may be elements /NAME=value only, as in /ATTN=John.Smith")
        name = match[1].upper()
        _check(name, match[2])
        if name in values:
            raise NotAFaxNumber(f"the element {name} stands there twice")
        values[name] = match[2]
    return Elements(person(values.get("ATTN", "")), _spaced(values.get("ORG", "").replace("_", " ")))


def _check(name: str, value: str) -> None:
    if what := _NOT_CARRIED.get(name):
        raise NotAFaxNumber(f"{what} cannot be carried by the fax service; send to the number alone")
    if name not in {"ATTN", "ORG", *_PLACES}:
        raise NotAFaxNumber(f"the element {name} is not known here; ATTN (person) and ORG (company) are")
    if not value.strip(" ._"):
        raise NotAFaxNumber(f"the element {name} has no value")
    if len(value) > MAX_VALUE:
        raise NotAFaxNumber(f"the value of {name} is longer than {MAX_VALUE} characters")
    if name == "ATTN" and not _NAME.fullmatch(value):
        raise NotAFaxNumber("the name in ATTN has characters that a name cannot have there (RFC 2846)")


def person(value: str) -> str:
    """A name as people read it (RFC 2846, pers-name: dots between its parts; a dot before a space is a dot)."""
    return _spaced(_BETWEEN_NAMES.sub(" ", value))


def _spaced(value: str) -> str:
    return " ".join(value.split())
