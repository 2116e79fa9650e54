"""Files that stand within a text as uuencode, as old mail programs send them (POSIX, uuencode). Runs in the child."""

import binascii
import re
from dataclasses import dataclass

from bridge.runtime import foreign

_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)
_END = re.compile(rb"^end[ \t]*(?:\r?\n|\Z)", re.MULTILINE)

_FULL = 45
"""Bytes on every line but the last."""


@dataclass(frozen=True, slots=True)
class File:
    """One file, by the name it was given."""

    name: str
    content: bytes


def taken_out(text: bytes) -> tuple[bytes, list[File]]:
    """The text without the files in it, and the files. What is not whole stays where it is."""
    around, files, at = [], [], 0
    while (begin := _BEGIN.search(text, at)) is not None:
        end = _END.search(text, begin.end())
        if end is None:
            break
        content = _decoded(text[begin.end() : end.start()])
        if content is None:
            around.append(text[at : begin.end()])
            at = begin.end()
            continue
        around.append(text[at : begin.start()])
        files.append(File(foreign.one_line(foreign.decode(begin[1])), content))
        at = end.end()
    return b"".join([*around, text[at:]]), files


def _decoded(lines: bytes) -> bytes | None:
    """The bytes of these lines; None if one of them is no uuencode."""
    content: list[bytes] = []
    ended = False
    for line in lines.split(b"\n"):
        bare = line.rstrip(b"\r\n")
        if not bare.strip():
            continue
        if ended or (piece := _line(bare)) is None:
            return None
        ended = not piece
        content.append(piece)
    return b"".join(content) or None


def _line(line: bytes) -> bytes | None:
    """What one line holds; None if it is no uuencode.

    Blanks at its end may have been lost, some programs add a letter or two, and what fills the last group is anything.
    """
    length = (line[0] - 32) & 63
    letters = 1 + (length + 2) // 3 * 4
    needed = 1 + (length * 4 + 2) // 3
    if len(line) > letters + 2 or (len(line) < needed and length != _FULL):
        return None
    try:
        return binascii.a2b_uu(line[:needed])
    except binascii.Error:
        return None
