"""A mail, or a part of one: its fields, and the bytes below them as they came (RFC 2045, 2.4). Runs in the child.

Fields that a program on the way cut apart are put together again where they can be read in one way only: a line that
lost the blank before it, and a header with an empty line in its midst.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.policy import compat32

from bridge.runtime import foreign

MIME_FIELD = re.compile(
    rb"(?:content-(?:type|transfer-encoding|disposition|id|description)|mime-version)[ \t]*:", re.IGNORECASE
)
"""What says how a part is to be read, and stands in no text for people."""

_FIELD = re.compile(rb"(?!--)([!-9;-~]+)[ \t]*:")
_MARK = b"\xef\xbb\xbf"
"""A byte order mark, which an editor put before all."""
_ENVELOPE = re.compile(rb">?From ")
_PARAMETER = re.compile(rb"[ \t]*[A-Za-z][A-Za-z0-9_-]*(?:\*[0-9]{0,3}\*?)?[ \t]*=")
_TYPE = re.compile(r'["\s]*([^\s;()<>@,"\[\]?=/]+/[^\s;()<>@,"\[\]?=/]+)')
_STRUCTURED = (b"content-type", b"content-disposition")
_ONCE = {b"content-type", b"content-transfer-encoding", b"content-disposition"}
_LONGEST_HEADER = 1 << 18
_MOST_REPAIRS = 50
_FIELDS_APART = {"message/rfc822", "message/global", "text/rfc822-headers"}


@dataclass(frozen=True, slots=True)
class Entity:
    """``head`` has the fields, ``body`` what is below them, its transfer encoding still on."""

    head: Message
    body: bytes

    @property
    def type(self) -> str:
        """The media type, in lower case; that of a text where none can be read."""
        given = self.head.get("Content-Type")
        if given is None:
            return self.head.get_default_type()
        found = _TYPE.match(str(given))
        return foreign.one_line(found[1].lower(), 100) if found else "text/plain"

    @property
    def disposition(self) -> str:
        """Its first word, in lower case; empty without one."""
        return self.text("Content-Disposition").partition(";")[0].strip().lower()

    @property
    def name(self) -> str:
        """The file name it was given, on one line; empty if none. Nothing a stranger writes there raises."""
        try:
            name = self.head.get_param("filename", None, "content-disposition")
            name = self.head.get_param("name") if name is None else name
            if isinstance(name, tuple):  # RFC 2231
                name = foreign.decode(name[2].encode("latin-1", "replace"), name[0])
        except (ValueError, LookupError, TypeError, AttributeError):
            return "unnamed"
        return foreign.header_text(name) if isinstance(name, str) else ""

    @property
    def content_id(self) -> str:
        """Without its brackets; empty if none."""
        return self.text("Content-ID").strip("<> ")

    def text(self, field: str, limit: int = foreign.HEADER_LENGTH) -> str:
        """The first field of that name as a person reads it; empty without one."""
        return foreign.header_text(str(self.head.get(field, "")), limit)

    def parameter(self, name: str) -> str | None:
        """One of the parameters of its type."""
        try:
            value = self.head.get_param(name)
            if isinstance(value, tuple):
                value = value[2]
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        return value if isinstance(value, str) else None


def read(raw: bytes, default: str = "text/plain") -> Entity:
    """The fields at the beginning of ``raw``, and the rest. ``default`` is its type if it names none."""
    raw = raw.removeprefix(_MARK)
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    fields, at = _Header(raw, default).read()
    head = Message(policy=compat32)
    head.set_default_type(default)
    for field in _of_one_type(fields):
        name, _, value = field.partition(b":")
        head.set_raw(name.strip().decode("ascii"), foreign.decode(value).strip().replace("\0", " "))
    return Entity(head, raw[at:])


def _of_one_type(fields: list[bytes]) -> list[bytes]:
    """The fields; where one of several types is that of a multipart, without the others: no text has parts."""
    types = [field for field in fields if _name(field) == b"content-type"]
    multiparts = [field for field in types if field.partition(b":")[2].lstrip(b' "').lower().startswith(b"multipart/")]
    if len(multiparts) != 1:
        return fields
    return [field for field in fields if field is multiparts[0] or _name(field) != b"content-type"]


def begins_with_fields(raw: bytes) -> bool:
    """Whether fields that say how to read it, or those of a mail, stand at its very beginning."""
    first = next((line for _, _, line in _lines(raw, _start(raw)) if not _ENVELOPE.match(line)), b"")
    return _FIELD.match(first) is not None and any(name in _FIELDS_OF_ENTITIES for name in _names(raw, _start(raw)))


_FIELDS_OF_ENTITIES = {b"from", b"to", b"date", b"subject", b"received", b"return-path", b"message-id", b"mime-version"}
_FIELDS_OF_ENTITIES |= _ONCE


class _Header:
    """The fields of an entity, as they are read line by line."""

    def __init__(self, raw: bytes, default: str) -> None:
        self._raw = raw
        self._default = default
        self._fields: list[bytes] = []
        self._repairs = 0

    def read(self) -> tuple[list[bytes], int]:
        """Each field on one line; and where the body begins."""
        at = 0
        while True:
            at, ended = self._block(at)
            if not ended or not self._goes_on(start := _start(self._raw, at)):
                return self._fields, at
            self._repairs += 1
            at = start

    def _block(self, at: int) -> tuple[int, bool]:
        """Take the fields from there; where what follows them begins, and whether an empty line parts the two."""
        for start, end, line in _lines(self._raw, at):
            at = end
            if not line.strip() and not (line and self._fields and self._is_amid_fields(end)):
                return end, True
            if start > _LONGEST_HEADER:
                return start, False
            if line[:1] in b" \t":
                if self._fields:
                    self._fields[-1] += line
            elif self._is_open() and _PARAMETER.match(line):
                self._fields[-1] += b" " + line
            elif _FIELD.match(line):
                self._fields.append(line)
            elif _ENVELOPE.match(line) and (start == 0 or self._is_amid_fields(end)):
                continue
            elif self._is_cut_off(line, end):
                self._fields[-1] += b" " + line
            else:
                return start, False
        return at, False

    def _is_amid_fields(self, at: int) -> bool:
        """Whether the header plainly goes on behind a line of blanks (RFC 5322, 4.2), or of an envelope put there."""
        self._repairs += 1
        if self._repairs > _MOST_REPAIRS:
            return False
        following = list(_until_blank(self._raw, at))
        fields = all(_FIELD.match(line) or line[:1] in b" \t" for line in following)
        return fields and bool(following) and bool(_names(self._raw, at) & _FIELDS_OF_ENTITIES)

    def _is_open(self) -> bool:
        """Whether the last field waits for a parameter."""
        last = self._fields[-1] if self._fields else b""
        return last.lower().startswith(_STRUCTURED) and last.rstrip().endswith(b";")

    def _is_cut_off(self, line: bytes, end: int) -> bool:
        """Whether a line that is no field belongs to the one before: else fields for programs would be a text."""
        self._repairs += 1
        if not self._fields or self._repairs > _MOST_REPAIRS:
            return False
        if self._fields[-1].lower().startswith(_STRUCTURED) and _PARAMETER.match(line):
            return True
        following = list(_until_blank(self._raw, end))
        if any(each.startswith(b"--") for each in (line, *following)):
            return False  # the parts begin already
        return any(map(MIME_FIELD.match, following)) and sum(map(bool, map(_FIELD.match, following))) * 2 > len(
            following
        )

    def _goes_on(self, at: int) -> bool:
        """Whether what follows an empty line is more of the header, and can be nothing else."""
        if self._repairs > _MOST_REPAIRS or self._type() in _FIELDS_APART:
            return False
        first = next(_until_blank(self._raw, at), b"")
        if self._is_open() and _PARAMETER.match(first):
            return True
        if not _FIELD.match(first):
            return False
        block = _until_blank(self._raw, at)
        if not all(_FIELD.match(line) or line[:1] in b" \t" or _PARAMETER.match(line) for line in block):
            return False
        here = {_name(field) for field in self._fields}
        there = _names(self._raw, at)
        news = there & _ONCE
        if not news or news & here:
            return False
        return bool(here & (_ONCE | {b"mime-version"})) or len(news | (there & {b"mime-version"})) > 1

    def _type(self) -> str:
        for field in self._fields:
            if _name(field) == b"content-type":
                found = _TYPE.match(foreign.decode(field.partition(b":")[2]))
                return found[1].lower() if found else "text/plain"
        return self._default


def _name(field: bytes) -> bytes:
    return field.partition(b":")[0].strip().lower()


def _names(raw: bytes, at: int) -> set[bytes]:
    """Names, in lower case, of the fields in the lines from there to the next empty one."""
    found = (_FIELD.match(line) for line in _until_blank(raw, at))
    return {match[1].lower() for match in found if match}


def _start(raw: bytes, at: int = 0) -> int:
    """The beginning of the first line from there that is not empty."""
    return next((start for start, _, line in _lines(raw, at) if line.strip()), len(raw))


def _until_blank(raw: bytes, at: int) -> Iterator[bytes]:
    for start, _, line in _lines(raw, at):
        if not line.strip() or start > at + _LONGEST_HEADER:
            return
        yield line


def _lines(raw: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    """Each line from there without its end: where it begins, where the next one does, and itself."""
    while at < len(raw):
        end = raw.find(b"\n", at)
        stop = len(raw) if end < 0 else end + 1
        yield at, stop, raw[at:stop].rstrip(b"\r\n")
        at = stop
