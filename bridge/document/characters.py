"""Bytes of a text as the characters its writer saw, fit to be set on a page. Runs in the child."""

import re
import unicodedata
from encodings import normalize_encoding
from encodings.aliases import aliases

from bridge.runtime import foreign

_LAYOUT = {"\n", "\t", "\f"}
_LINE_ENDS = re.compile("\r\n?|[\x0b\x1c-\x1e\x85\u2028\u2029]")
_STRANGE = re.compile("[\x00-\x08\x0e-\x19\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
"""Control characters that mean nothing on paper and stand in no text, and halves of characters."""
_STRETCH = 4096
_BYTE_ORDER_MARK = "\ufeff"
_STRONG = {"L": "ltr", "R": "rtl", "AL": "rtl"}


def read(content: bytes, charset: str | None) -> str:
    """The text, its line ends as one newline each, form feeds kept, and no other control character.

    A control character becomes a space or a new line, never nothing: what stood apart stays apart.
    """
    return "".join(map(_printable, _LINE_ENDS.sub("\n", _decode(content, charset))))


def looks_like_text(content: bytes, charset: str | None) -> bool:
    """Whether the bytes can be shown as text: no NUL, and hardly any control character, from the first to the last.

    (Measurements often begin with some pages of words.)
    """
    text = _decode(content, charset)
    most = min(_STRETCH, len(text)) // 100
    stretches = range(0, len(text), _STRETCH)
    return "\0" not in text and all(len(_STRANGE.findall(text, at, at + _STRETCH)) <= most for at in stretches)


def is_unicode(content: bytes) -> bool:
    """Whether the bytes are UTF-8, or plain letters, which hardly come about by chance."""
    try:
        content.decode("utf-8")
    except ValueError:
        return False
    return True


def is_blank(content: bytes, charset: str | None) -> bool:
    """Whether nothing of the text would be seen on paper."""
    return not any(map(shows, _decode(content, charset)))


def shows(char: str) -> bool:
    """Whether a character leaves ink."""
    return unicodedata.category(char)[0] not in "CZ"


def prints(char: str) -> bool:
    """Whether a character belongs into a text at all, if only as a space."""
    return unicodedata.category(char) not in {"Cc", "Cs", "Cn", "Co"}


def direction(line: str) -> str:
    """Which way a line runs: as its first letter does."""
    return next((_STRONG[kind] for kind in map(unicodedata.bidirectional, line) if kind in _STRONG), "ltr")


def _decode(content: bytes, charset: str | None) -> str:
    return foreign.decode(content, _meant(charset)).removeprefix(_BYTE_ORDER_MARK)


def _meant(charset: str | None) -> str | None:
    """Who says Latin-1 writes Windows-1252: the 32 characters they differ in are no characters in Latin-1."""
    name = normalize_encoding(charset or "").lower()
    return "cp1252" if aliases.get(name, name) == "latin_1" else charset


def _printable(char: str) -> str:
    if char in _LAYOUT:
        return char
    kind = unicodedata.category(char)
    return " " if kind == "Cc" else "\ufffd" if kind == "Cs" else char
