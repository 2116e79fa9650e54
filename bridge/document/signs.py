"""Signs in HTML however they are written: as they are, as entities, in two halves, in a style. Runs in the child."""

import html
import re
import unicodedata
from collections.abc import Collection

_HALF = r"&#(?:x0*(d[89a-f][0-9a-f]{2})|0*(5[5-7][0-9]{3}));?"
_HALVES = re.compile(_HALF * 2, re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,8}|#x[0-9a-f]{1,7}|[a-z][a-z0-9]{1,31});?", re.IGNORECASE)
_CONTENT = re.compile(r"content\s*:[^;}]*", re.IGNORECASE)
_ESCAPE = re.compile(r"\\([0-9a-f]{1,6})[ \t\n]?", re.IGNORECASE)
_SHAPES = "\u200d\ufe0e\ufe0f" + "".join(map(chr, range(0x1F3FB, 0x1F400)))
_ONLY_SHAPES = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]|(?<=[\u2600-\u27bf\U0001f000-\U0001faff])\u200d")
"""What only changes how the sign before it is drawn."""
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_FIRST_LETTER = 0x1F1E6
_EMOJI = range(0x1F000, 0x1FB00)
"""Where signs are added year by year."""
_MOST = 0x10FFFF
_HIGH_HALVES, _LOW_HALVES, _NO_HALVES = 0xD800, 0xDC00, 0xE000


def joined(page: str) -> str:
    """With the halves of a character that Outlook writes as two entities (UTF-16's) as the one that is meant."""
    return _HALVES.sub(_whole, page)


def named(page: str, missing: Collection[str]) -> str:
    """With the name of each sign that is missing in its place, in brackets."""
    page = _CONTENT.sub(lambda found: _ESCAPE.sub(lambda escape: _escaped(escape, missing), found[0]), page)
    page = _ENTITY.sub(lambda entity: _plain(entity, missing), page)
    return in_words(page, missing)


def in_words(text: str, missing: Collection[str]) -> str:
    """Plain text with the name of each sign that is missing in its place, and flags by their countries."""
    text = _ONLY_SHAPES.sub("", text)
    text = _FLAG.sub(lambda flag: _country(flag[0]) if set(flag[0]) <= set(missing) else flag[0], text)
    for char in missing:
        text = text.replace(char, f"[{name_of(char)}]")
    return text


def name_of(char: str) -> str:
    """A sign's name; an emoji that is too new to have one here is told by its number. Empty for all else."""
    if unicodedata.category(char)[0] in "SM":
        return unicodedata.name(char, "").lower()
    return f"emoji U+{ord(char):04X}" if ord(char) in _EMOJI and not unicodedata.name(char, "") else ""


def _country(flag: str) -> str:
    return f"[flag {''.join(chr(ord(half) - _FIRST_LETTER + ord('A')) for half in flag)}]"


def _whole(found: re.Match[str]) -> str:
    high, low = (int(found[at], 16) if found[at] else int(found[at + 1]) for at in (1, 3))
    if not _HIGH_HALVES <= high < _LOW_HALVES or not _LOW_HALVES <= low < _NO_HALVES:
        return found[0]
    return f"&#{0x10000 + (high - _HIGH_HALVES) * 0x400 + low - _LOW_HALVES};"


def _plain(entity: re.Match[str], missing: Collection[str]) -> str:
    """The sign itself, where it is a missing one or shapes one; any other entity as it was."""
    meant = html.unescape(entity[0])
    return meant if all(char in missing or char in _SHAPES for char in meant) else entity[0]


def _escaped(escape: re.Match[str], missing: Collection[str]) -> str:
    code = int(escape[1], 16)
    return chr(code) if code <= _MOST and (chr(code) in missing or chr(code) in _SHAPES) else escape[0]
