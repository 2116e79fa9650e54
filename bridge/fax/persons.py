"""Whom a name names that stands with a fax address: programs put there what they have, and much of it is nobody."""

import re

from bridge.runtime import foreign

_QUOTES: dict[str, str] = {
    pair[0]: pair[1]
    for pair in (
        *('""', "''", "`'", "\xab\xbb", "\xbb\xab", "\u2039\u203a", "\u2018\u2019", "\u2019\u2019", "\u201a\u2018"),
        *("\u201c\u201d", "\u201d\u201d", "\u201e\u201c"),
    )
}
"""As English, German, French and Swedish have them."""

ADDRESS = re.compile(r"[^\s<>\"(),;:]+@[^\s<>\"(),;:]+", re.ASCII)
"""What reads like a mail address."""

_KIND = r"(?:mailto|fax|tel|phone|smtp)"
_BEFORE = re.compile(rf"^\W*{_KIND}\b\s*[:=@#]?\s*", re.IGNORECASE)
_BEHIND = re.compile(rf"\s*\(\s*(?:business |home |other )?{_KIND}\s*\)$", re.IGNORECASE)
_NUMBER = re.compile(r"[\d\s()+./\[\]-]*\d[\d\s()+./\[\]-]*(?:[\^;].*)?")


def person(display_name: str) -> str:
    """The name as a person reads it, without the quotes around it; empty where it is an address or a number.

    That is no person to be put on a cover page.
    """
    name = foreign.header_text(display_name)
    while len(name) > 1 and _QUOTES.get(name[0]) == name[-1]:
        name = name[1:-1].strip()
    bare = _BEHIND.sub("", _BEFORE.sub("", name))
    return "" if ADDRESS.fullmatch(bare.strip("<>[]() ")) or _NUMBER.fullmatch(bare) else name
