"""A multipart taken apart at its boundary lines (RFC 2046, 5.1): every byte is in a part, or outside. In the child.

A boundary that is not the one announced is found in the lines themselves, where they show one and no other.
"""

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.document.entity import MIME_FIELD

_LINE = re.compile(rb"--([^\r\n]{1,200}?)[ \t]*\r?$", re.MULTILINE)
_REST_OF_LINE = re.compile(rb"(--)?[ \t]*(?:\r?\n|\r?\Z)")
_LONGEST_BOUNDARY = 200
_MOST_LINES = 2_000
"""That begin as a boundary would and are looked at."""

_SENTENCE = re.compile(r"(?<=[.!?:])\s+|\n\s*\n")
_OF_MIME = re.compile(r"\bmime\b|\bmulti-?part|mehrteilig", re.IGNORECASE)
_OF_READERS = re.compile(
    r"\b(?:reader|client|mailer|software|program\w*|format\w*|leg[ií]ble|lisible|ilegible|unlesbar|signed|encrypted|"
    r"base64|embedded within this message)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What stands between two boundary lines: a part, or something ``outside`` all parts."""

    content: bytes
    outside: bool


def boundaries_in(body: bytes, announced: str | None) -> tuple[bytes, ...]:
    """The boundary that parts the body, as it is spelled there: the one announced, or the one it plainly has."""
    said = (announced or "").encode("utf-8", "replace").rstrip()
    shown = _shown(body)
    alike = {each for each in shown if each != said and _bare(each) == _bare(said)} if said else set()
    alike = {each for each in alike if not _is_announced_within(body, each)}
    if said and next(_delimiters(body, (said,)), None) is not None:
        return (said, *sorted(alike))
    if alike:
        return tuple(sorted(alike))
    if folded := _folded(body, said):
        return folded
    with_fields = [each for each, has_fields in shown.items() if has_fields]
    if with_fields:
        first, *others = with_fields
        return (first,) if all(_is_announced_within(body, each) for each in others) else ()
    only = next(iter(shown), b"")
    return (only,) if len(shown) == 1 and b"--%b--" % only in body else ()


def undeclared(body: bytes) -> tuple[bytes, ...]:
    """The boundary of a text that is a multipart from its first line to its last, though nothing says so."""
    lines = body.strip().splitlines()
    if len(lines) < 3 or not lines[0].startswith(b"--"):  # noqa: PLR2004 - a boundary, something, a boundary
        return ()
    boundary = lines[0][2:].rstrip()
    ends = lines[-1].rstrip() in {b"--%b--" % boundary, b"--%b" % boundary}
    return (boundary,) if boundary and ends and MIME_FIELD.match(lines[1]) else ()


def split(body: bytes, boundaries: tuple[bytes, ...]) -> Iterator[Chunk]:
    """The parts in order, with what stands before, between and behind them. A closing boundary may stand too early."""
    start, outside = 0, True
    for begin, end, closes in _delimiters(body, boundaries):
        yield Chunk(_without_line_end(body[start:begin]), outside)
        start, outside = end, closes
    yield Chunk(body[start:], outside)


def is_nothing(outside: str) -> bool:
    """Whether it says no more than what programs write before the parts, for readers that know of none."""
    sentences = (each.strip(" \t\r\n-=*_#") for each in _SENTENCE.split(outside))
    found = [each for each in sentences if each]
    of_mime = [bool(_OF_MIME.search(each)) for each in found]
    return not found or (
        any(of_mime)
        and all(map(_OF_READERS.search, (each for each, is_so in zip(found, of_mime, strict=True) if not is_so)))
    )


def _delimiters(body: bytes, boundaries: tuple[bytes, ...]) -> Iterator[tuple[int, int, bool]]:
    """Each boundary line: where it begins, where the next line does, and whether it is a closing one."""
    yield from heapq.merge(*(_of_one(body, b"--" + each) for each in boundaries))


def _of_one(body: bytes, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    at = body.find(mark)
    while at >= 0:
        rest = _REST_OF_LINE.match(body, at + len(mark))
        if rest is not None and (at == 0 or body[at - 1] in b"\r\n"):
            yield at, rest.end(), rest[1] is not None
        at = body.find(mark, at + len(mark))


def _shown(body: bytes) -> dict[bytes, bool]:
    """What lines show as a boundary, in order, and whether fields of a part ever follow it."""
    shown: dict[bytes, bool] = {}
    for count, line in enumerate(_lines(body)):
        if count > _MOST_LINES:
            return {}
        name = line[1]
        if name.endswith(b"--") and name[:-2] in shown:
            continue
        following = body[line.end() : line.end() + 200].lstrip(b"\r").removeprefix(b"\n")
        if MIME_FIELD.match(following):
            shown[name] = True
        elif following[:2].strip() == b"" and b" " not in name:
            shown.setdefault(name, False)
    return shown


def _folded(body: bytes, said: bytes) -> tuple[bytes, ...]:
    """How the lines spell the boundary announced, if a program folded them as it folds fields."""
    if not 1 < len(said) <= _LONGEST_BOUNDARY:
        return ()
    letters = rb"(?:\r?\n[ \t]+)?".join(re.escape(said[at : at + 1]) for at in range(len(said)))
    line = re.compile(rb"--(" + letters + rb")(?:--)?[ \t]*\r?$", re.MULTILINE)
    spelled = set[bytes]()
    at = 0 if body.startswith(b"--") else body.find(b"\n--") + 1
    for _ in range(_MOST_LINES):
        if (found := line.match(body, at)) is not None:
            spelled.add(found[1])
        at = body.find(b"\n--", at) + 1
        if not at:
            break
    return tuple(sorted(spelled))


def _lines(body: bytes) -> Iterator[re.Match[bytes]]:
    """The lines that begin as a boundary does."""
    at = 0
    while at >= 0:
        if (line := _LINE.match(body, at)) is not None:
            yield line
        at = body.find(b"\n--", at) + 1 or -1


def _bare(boundary: bytes) -> bytes:
    return re.sub(rb"[\s\"']", b"", boundary).lower()


def _is_announced_within(body: bytes, boundary: bytes) -> bool:
    return re.search(rb"boundary\s*=\s*\"?" + re.escape(boundary), body, re.IGNORECASE) is not None


def _without_line_end(content: bytes) -> bytes:
    """The line end before a boundary belongs to it."""
    return content.removesuffix(b"\n").removesuffix(b"\r")
