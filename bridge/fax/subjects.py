"""Wishes in a mail's subject, for people who can set no header: ``[fax: name=value, name=value]``. Pure, and total.

The form stands at either end of the subject, behind what mail programs and gateways put there too: ``Re:``, ``WG:``,
``[EXTERN]``, ``(fwd)``. Brackets with anything else in them are words of the subject and mean nothing here.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from bridge.fax.asked import AN_OPTION, looks_like_one, plain

_KEYS = str.maketrans(
    {
        **{chr(0xFF01 + place): chr(0x21 + place) for place in range(94)},  # full-width forms of ASCII
        **dict.fromkeys("\u3010\u3014\u300c\u300e", "["),
        **dict.fromkeys("\u3011\u3015\u300d\u300f", "]"),
        **dict.fromkeys("\u3001\u060c", ","),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u2039\u203a", '"'),
    }
)
"""What keyboards, input methods and phones write in place of the signs of the form: one character for one."""

_FORM = re.compile(r"\[\s*fax\s*:\s*([^\[\]]*)\]", re.IGNORECASE)
_NEARLY = re.compile(
    rf"[\[({{<]\W{{0,3}}fax[^\w\])}}>]{{1,5}}{AN_OPTION.pattern}[^\[\])}}>]*[\])}}>]?"
    rf"|\bfax\s*:\s*{AN_OPTION.pattern}[^\[\](){{}}<>]*\]",
    re.IGNORECASE,
)
"""Other brackets, no colon, one bracket missing: with an option and its sign in it, it is no word of anybody's."""

_NOT_CLOSED_YET = re.compile(r"\[\s*fax\s*:[^\])}>]*", re.IGNORECASE)
_PAIR = re.compile(r"([^\W\d_][\w-]{0,39})\s*=\s*(.*)", re.DOTALL)
_PIECE = re.compile(r"[^,;]+")
_QUOTED = re.compile(r"""(["']).+\1""")
_SIGNS = re.compile(r"\W+")

_FRAMED = "|".join(rf"{sign}++[^{sign}]{{1,40}}+{sign}++" for sign in map(re.escape, "*#!=_~|-"))
_SIGN = r"[^\w\s\[\](){}<>]++"
_LOUD = r"[A-Z]{2,20}\b(?:\s[A-Z]{2,20}\b){0,2}"
_MARK = (
    rf"\[[^\[\]]*+\]|\([^()]*+\)|\{{[^{{}}]*+\}}|<++[^<>]*+>++|{_FRAMED}"
    rf"|{_SIGN}\s?{_LOUD}\s?{_SIGN}|[-|]\s?(?:{_LOUD}|(?i:extern\w*))|#\w++|{_SIGN}"
)
"""What gateways and ticket systems set: ``[EXT]``, ``***SPAM***``, ``- EXTERN``, ``#4711``, a sign by itself."""

_NAME = r"[^\s\d:\[\](){}<>^]{1,20}"
_ANSWERED = (
    rf"{_NAME}(?:\s{_NAME})?(?:\s?\[[0-9]+\]|\s?\([0-9]+\)|[\^-]?[0-9]{{1,2}})?\s?:"
    rf"|{_NAME}>|{_LOUD}\s?[-|]"
)
"""What programs that answer or forward set, in whatever language (``Re:``, ``WG:``, ``Trả lời:``), and ``EXT -``."""

_BEFORE = re.compile(rf"(?:\s|{_ANSWERED}|{_MARK}|[\[({{<])*+")
_BEHIND = re.compile(rf"(?:\s|{_MARK}|[\])}}>])*+")

_AROUND = {"(": ")", "[": "]", "{": "}", "<": ">", '"': '"', "'": "'", "\u201c": "\u201d", "\xab": "\xbb"}
_CLOSING = tuple(".,;:!?…)]}>")
_SEPARATORS = " -\u2013\u2014|,;:"

_EXAMPLE = "[fax: cover=no, after=08:00]"
_MISPLACED = "{form} stands in the middle of the subject; write it at its beginning or its end"
_NOT_CLOSED = f"{{form}} lacks its closing bracket; write it as {_EXAMPLE}"
_OTHERWISE = f"{{form}} is not understood; write it in square brackets and with a colon, as {_EXAMPLE}"
_NO_PAIR = f"[fax: {{piece}}] is not understood; write a name and a value, as in {_EXAMPLE}"
_NO_COMMA = f"[fax: {{piece}}] is not understood; write a comma between two wishes, as in {_EXAMPLE}"


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject's ``words``, without what it wishes; names of ``wishes`` are in lower case.

    ``trouble`` says what looks like a wish and cannot be read as one, and what to write; empty without any.
    """

    words: str
    wishes: tuple[tuple[str, str], ...] = ()
    trouble: str = ""


def read(subject: str) -> Subject:
    """What a subject (decoded, on one line) says and wishes."""
    subject = unicodedata.normalize("NFC", subject)
    typed = subject.translate(_KEYS)
    forms = [form for form in _FORM.finditer(typed) if _is_wish(form[1])]
    around = _without(typed, forms)
    troubles = [
        _MISPLACED.format(form=plain(form[0], 80))
        for place, form in enumerate(forms, 1)
        if not _is_at_an_end("".join(around[:place]), "".join(around[place:]))
    ]
    troubles += [_nearly(found[0]) for found in _NEARLY.finditer(" ".join(around))]
    read = [
        _pair(subject, piece)
        for form in forms
        for piece in _PIECE.finditer(typed, form.start(1), form.end(1))
        if piece[0].strip()
    ]
    troubles += [pair for pair in read if isinstance(pair, str)]
    wishes = tuple(pair for pair in read if not isinstance(pair, str))
    return Subject(_words(_without(subject, forms)), wishes, troubles[0] if troubles else "")


def _is_wish(inside: str) -> bool:
    """Whether a bracket means us: it has ``name=value`` in it, or an option and its value without the sign."""
    pieces = [piece for found in _PIECE.finditer(inside) if (piece := found[0].strip())]
    if AN_OPTION.search(inside) or any(_PAIR.fullmatch(piece) for piece in pieces):
        return True
    return bool(pieces) and all(map(_lacks_a_sign, pieces))


def _lacks_a_sign(piece: str) -> bool:
    """``quality fine`` and ``cover: no`` do, and ``no cover``."""
    name, *values = _SIGNS.split(piece.lower(), maxsplit=1)
    return bool(values) and (looks_like_one(name, values[0]) or looks_like_one(values[0], name))


def _without(text: str, forms: Sequence[re.Match[str]]) -> list[str]:
    """What stands before, between and behind the forms."""
    starts, ends = [0, *(form.end() for form in forms)], [*(form.start() for form in forms), len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def _is_at_an_end(before: str, behind: str) -> bool:
    return _BEFORE.fullmatch(before) is not None or _BEHIND.fullmatch(behind) is not None


def _words(around: list[str]) -> str:
    """What is left of a subject, without what parted a wish at its end from it."""
    words = reduce(_joined, around)
    if len(around) > 1 and not around[0].strip():
        words = words.lstrip(_SEPARATORS)
    if len(around) > 1 and not around[-1].strip():
        words = words.rstrip(_SEPARATORS.removesuffix(":"))
    return " ".join(words.split())


def _joined(before: str, behind: str) -> str:
    """Both, without the brackets and quotes that stood around the wish between them alone."""
    before, behind = before.rstrip(), behind.lstrip()
    while before and behind and _AROUND.get(before[-1]) == behind[0]:
        before, behind = before[:-1].rstrip(), behind[1:].lstrip()
    return before + behind if behind.startswith(_CLOSING) else f"{before} {behind}"


def _pair(subject: str, piece: re.Match[str]) -> tuple[str, str] | str:
    """The name and the value of a piece; else what is wrong with it.

    A value is as it was written where that says more than its ASCII: a name, mostly. Quotes around it are none of it.
    """
    text = piece[0].strip()
    pair = _PAIR.fullmatch(text)
    if pair is None:
        return _NO_PAIR.format(piece=plain(text, 60))
    if AN_OPTION.search(pair[2]):
        return _NO_COMMA.format(piece=plain(text, 60))
    value = pair[2]
    start = piece.start() + piece[0].index(text) + pair.start(2)
    end = start + len(value)
    if _QUOTED.fullmatch(value):
        value, start, end = value[1:-1], start + 1, end - 1
    return pair[1].lower(), (value if value.isascii() else subject[start:end]).strip()


def _nearly(found: str) -> str:
    """What to write in place of what is nearly the form."""
    trouble = _NOT_CLOSED if _NOT_CLOSED_YET.fullmatch(found) else _OTHERWISE
    return trouble.format(form=plain(found, 60).rstrip("[ "))
