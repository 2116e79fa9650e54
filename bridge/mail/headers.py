"""Header fields of foreign mail, read by one function: raw, bounded, total. Whatever bytes came in, this returns."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.fax import persons, subjects
from bridge.fax.subjects import Subject
from bridge.runtime import foreign

HEADER_LIMIT = 256 * 1024
"""Bytes of a message that are looked at for header fields."""

FIELD_LIMIT = 1000
VALUE_LIMIT = 20_000
MESSAGE_ID_LIMIT = 250
REFERENCES_KEPT = 20
OPTIONS_LIMIT = 50
SUBJECT_LIMIT = 2000
"""Characters of a subject in which wishes are looked for; people see fewer of it."""

OUR_FIELDS = {"x-fax-option", "x-fax-event", "x-fax-id", "x-fax-number", "x-fax-to"}
"""Beginning as HylaFAX's do."""

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:(.*)", re.DOTALL)
_MESSAGE_ID = re.compile(
    r"<(?![^>]*=\?)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+"
    r"@(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[A-Za-z0-9.:_-]+\])>",
    re.ASCII,
)
"""RFC 5322, but dots may stand anywhere on the left, as they do; nothing that readers take for an encoded word."""

_ESCAPED = re.compile(r"\\(.)")
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Headers:
    """Field values by lower-case name, in order of appearance, unfolded but otherwise as they came."""

    fields: tuple[tuple[str, bytes], ...]

    def raw(self, name: str) -> bytes | None:
        """The first field of that name."""
        return next((value for field, value in self.fields if field == name.lower()), None)

    def text(self, name: str) -> str:
        """The first field of that name as a person reads it: decoded, one line, 200 characters; empty if absent."""
        value = self.raw(name)
        return "" if value is None else foreign.header_text(value)

    @property
    def wished(self) -> Subject:
        """The subject, and what its sender wishes in it: ``[fax: name=value]`` at either end."""
        value = self.raw("subject")
        return subjects.read("" if value is None else foreign.header_text(value, SUBJECT_LIMIT))

    @property
    def subject(self) -> str:
        """The subject as people are to read it: without wishes, one line, 200 characters; empty if absent."""
        return foreign.one_line(self.wished.words)

    @property
    def message_id(self) -> str | None:
        """The Message-ID, if it matches the grammar and is no longer than 250 octets."""
        found = self._ids("message-id")
        return found[0] if found else None

    @property
    def references(self) -> tuple[str, ...]:
        """The ids of the thread so far, the message's own last; only well-formed ones, the latest twenty."""
        thread = [*(self._ids("references") or self._ids("in-reply-to")), *self._ids("message-id")[:1]]
        return tuple(dict.fromkeys(thread))[-REFERENCES_KEPT:]

    def addresses(self, name: str) -> frozenset[str]:
        """What reads like a mail address in the fields of that name, not within names or comments; in lower case."""
        values = (_bare(foreign.decode(value)) for field, value in self.fields if field == name.lower())
        return frozenset(found.lower() for value in values for found in persons.ADDRESS.findall(value))

    def name_of(self, address: str) -> str:
        """The display name that stands with this very address in To or Cc, as a person reads it; empty without one."""
        wanted = f"<{address.lower()}>"
        for value in (foreign.decode(value) for field, value in self.fields if field in {"to", "cc"}):
            place = value.lower().find(wanted)
            if place >= 0 and (name := persons.person(_display_name(value[:place].rstrip()))):
                return name
        return ""

    @property
    def writer(self) -> str:
        """The display name in From, as a person reads it; empty without one."""
        value = foreign.decode(self.raw("from") or b"")
        place = value.find("<")
        return persons.person(_display_name(value[:place].rstrip())) if place > 0 else ""

    @property
    def auto_submitted(self) -> frozenset[str]:
        """What the mail says of who sent it, in lower case: ``no``, ``auto-generated``, ``auto-replied`` (RFC 3834)."""
        values = (foreign.decode(value) for field, value in self.fields if field == "auto-submitted")
        return frozenset(_bare(value.replace('"', " ")).partition(";")[0].strip().lower() for value in values)

    @property
    def is_automatic(self) -> bool:
        """Whether the mail says of itself that a program sent it (RFC 3834)."""
        return bool(self.auto_submitted - {"no"})

    def first_word(self, name: str) -> str:
        """The first word of a field, comments aside, in lower case; empty without one."""
        words = _bare(foreign.decode(self.raw(name) or b"")).split(None, 1)
        return words[0].lower() if words else ""

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """Names, in lower case, and values of what the sender asks for: ``X-Fax-Option: name=value; name=value``."""
        fields = (foreign.decode(value) for field, value in self.fields if field == "x-fax-option")
        pairs = (piece.partition("=") for value in fields for piece in value.split(";") if piece.strip())
        read = (
            (foreign.one_line(name, 40).strip().lower(), foreign.one_line(value, 100).strip())
            for name, _, value in pairs
        )
        return tuple(read)[:OPTIONS_LIMIT]

    @property
    def hylafax(self) -> tuple[tuple[str, str], ...]:
        """Names, in lower case and without ``X-FAX-``, and values of HylaFAX's parameters; none of our own fields."""
        found = (
            (field.removeprefix("x-fax-"), foreign.header_text(value, 100))
            for field, value in self.fields
            if field.startswith("x-fax-") and field not in OUR_FIELDS
        )
        return tuple(found)[:OPTIONS_LIMIT]

    def count(self, name: str) -> int:
        """How many fields of that name there are."""
        return sum(1 for field, _ in self.fields if field == name.lower())

    def _ids(self, name: str) -> list[str]:
        value = self.raw(name)
        if value is None:
            return []
        found = _MESSAGE_ID.findall(foreign.decode(value))
        return [identity for identity in found if len(identity) <= MESSAGE_ID_LIMIT]


def _bare(value: str) -> str:
    """A structured field without its quoted strings and comments (RFC 5322, 3.2.2 and 3.2.4), each a space."""
    kept, depth, quoted, escaped = [], 0, False, False
    for char in value:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif quoted:
            quoted = char != '"'
        elif char == '"' and not depth:
            quoted = True
            kept.append(" ")
        elif char in "()":
            depth = max(depth + (1 if char == "(" else -1), 0)
            kept.append(" ")
        elif not depth:
            kept.append(char)
    return "".join(kept)


def _display_name(before: str) -> str:
    """What stands last in ``before``: a quoted string, or what follows the last comma, semicolon or colon."""
    if not before.endswith('"'):
        return before[max(before.rfind(mark) for mark in ",;:>") + 1 :].strip()
    start = len(before) - 1
    while (start := before.rfind('"', 0, start)) > 0 and before[start - 1] == "\\":
        pass
    return _ESCAPED.sub(r"\1", before[start + 1 : -1]) if start >= 0 else ""


def _lines(text: bytes) -> Iterator[bytes]:
    """Line after line, so that nobody cuts up what comes after the header."""
    start = 0
    for end in _LINE_END.finditer(text):
        yield text[start : end.start()]
        start = end.end()
    yield text[start:]


def read_headers(message: bytes) -> Headers:
    """The header fields at the start of ``message``; lines that are no field are passed over, folded ones joined."""
    fields: list[tuple[str, bytes]] = []
    name: str | None = None
    pieces: list[bytes] = []

    def close() -> None:
        if name is not None:
            fields.append((name, b"".join(pieces).strip()[:VALUE_LIMIT]))

    for line in _lines(message[:HEADER_LIMIT]):
        if not line:
            break
        if line[:1] in b" \t":
            pieces.append(b" " + line.strip())
            continue
        close()
        name, pieces = None, []
        if len(fields) >= FIELD_LIMIT:
            break
        if match := _FIELD.fullmatch(line):
            name, pieces = match[1].decode("ascii").lower(), [match[2]]
    close()
    return Headers(tuple(fields))
