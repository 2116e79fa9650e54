"""Texts that are none for people: a file in letters, or the source of a mail. Runs in the child.

What could not be decoded, for whatever reason, ends here: it fails by name and is never pages. Told by the lines that a
reader would see. Keys and signatures that somebody put into a text between their BEGIN and END lines are no sign.
"""

import re
from dataclasses import replace

from bridge.document import covertext
from bridge.document.kinds import Kind
from bridge.document.pieces import Piece, Role
from bridge.runtime.phrases import phrase

CODE = phrase("holds a file as letters and signs that nobody can read; attach the file itself, best as PDF")
SOURCE = phrase("holds the source of a mail, not what it says; forward the mail as an attachment, or print it to a PDF")

_QUOTED = re.compile(r"^(?:[ \t]*>)+[ \t]?", re.MULTILINE)
_ARMOUR = re.compile(r"^-----BEGIN ([A-Z0-9 ]{1,60})-----$.*?^-----END \1-----$", re.MULTILINE | re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_BASE64_END = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_ALL_SORTS = (re.compile("[A-Z]"), re.compile("[G-Z]"), re.compile("[g-z]"), re.compile("[0-9+/]"))
"""Of letters: hexadecimal numbers, sequences of genes and words in one case have not all."""
_UUENCODE = re.compile(r"M[ -`]{59,62}")
_XXENCODE = re.compile(r"h[A-Za-z0-9+-]{60,62}")
_MARKS = re.compile(
    r"^=ybegin (?=.*\bline=)(?=.*\bname=)|^\(This file must be converted with BinHex|"
    r"^begin(?:-base64)? [0-7]{3,4} .+\n(?:M[ -`]{60}|[A-Za-z0-9+/]{60})|^<~[!-u\s]{60}",
    re.MULTILINE,
)
_PART = re.compile(
    r"^--[^\s\"].{0,199}\n(?:[ \t\r]*\n)?"
    r"(?:content-(?:type|transfer-encoding|disposition|id|description|location)|mime-version)[ \t]*:",
    re.MULTILINE | re.IGNORECASE,
)
_ENOUGH = 8
"""Lines of code one after another that no text for people has."""
_FEW = 2
_HALF = 0.5
_SIGNS = 0.2
"""Of uuencode two in five are neither letters nor digits; of words in capitals hardly any."""


def guarded(piece: Piece) -> Piece:
    """The piece; unusable if it is a text that nobody could read."""
    if piece.kind not in {Kind.TEXT, Kind.HTML} or piece.role not in {Role.BODY, Role.ATTACHMENT}:
        return piece
    why = why_unreadable(covertext.as_written(piece))
    return replace(piece, role=Role.UNUSABLE, reason=why) if why else piece


def why_unreadable(text: str) -> str:
    """Why a text is none for people; empty if it is one."""
    if _PART.search(text):
        return SOURCE
    text = _ARMOUR.sub("", _QUOTED.sub("", text))
    if _MARKS.search(text):
        return CODE
    lines = [line.strip() for line in text.split("\n")]
    coded = sum(sum(map(len, run)) for run in _runs([line for line in lines if line]))
    seen = sum(map(len, lines))
    return CODE if coded and (coded > seen * _HALF or coded >= _ENOUGH * 60) else ""


def _runs(lines: list[str]) -> list[list[str]]:
    """Lines one after another that are a file in letters."""
    runs: list[list[str]] = []
    for way in (_BASE64, _UUENCODE, _XXENCODE):
        run: list[str] = []
        for line in [*lines, ""]:
            if way.fullmatch(line):
                run.append(line)
                continue
            if run and way is _BASE64 and line and len(line) < len(run[0]) and _BASE64_END.fullmatch(line):
                run.append(line)
            if _is_code(run, way):
                runs.append(run)
            run = []
    return runs


def _is_code(run: list[str], way: re.Pattern[str]) -> bool:
    letters = "".join(run)
    if way is _UUENCODE:
        return len(run) > _FEW and sum(not char.isalnum() and char != " " for char in letters) > len(letters) * _SIGNS
    if way is _XXENCODE:
        return len(run) > _FEW
    regular = len({len(line) for line in run[:-1]}) <= 1
    return regular and (len(run) > 1 or len(letters) >= 200) and all(sort.search(letters) for sort in _ALL_SORTS)  # noqa: PLR2004
