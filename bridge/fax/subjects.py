"""Wishes in a mail's subject, for people who can set no header: ``[fax: name=value, name=value]``. Pure, and total.

The form stands at either end of the subject, behind what mail programs and gateways put there too: ``Re:``, ``WG:``,
``[EXTERN]``, ``(fwd)``. Brackets with anything else in them are words of the subject and mean nothing here.
"""

import re
from dataclasses import dataclass

from bridge.fax.asked import looks_like_one, plain
from bridge.fax.options import OPTION_NAMES

_FORM = re.compile(r"\[\s*fax\s*:\s*([^\[\]]*)\]", re.IGNORECASE)
_UNCLOSED = re.compile(rf"\[\s*fax\s*:\s*(?:{'|'.join(OPTION_NAMES)})\s*=[^\]]*(?:\[|\Z)", re.IGNORECASE)
_PAIR = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,39})\s*=\s*(.*)", re.DOTALL)
_BETWEEN = re.compile(r"[,;]")
_MARK = r"\[[^\[\]]*+\]|\([^()]*+\)|\{[^{}]*+\}|\*++[^*]++\*++"
_BEFORE = re.compile(rf"(?:\s|{_MARK}|[^\W\d_]{{1,16}}(?:\s?\[[0-9]+\])?\s?:)*+")
"""Marks of gateways (``[EXT]``, ``***SPAM***``), and of programs that answer or forward in whatever language."""
_BEHIND = re.compile(rf"(?:\s|{_MARK})*+")

_EXAMPLE = "[fax: cover=no, after=08:00]"
_MISPLACED = "{form} stands in the middle of the subject; write it at its beginning or its end"
_NOT_CLOSED = f"{{form}} lacks its closing bracket; write it as {_EXAMPLE}"
_NO_PAIR = f"[fax: {{piece}}] is not understood; write a name and a value, as in {_EXAMPLE}"


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
    forms = [form for form in _FORM.finditer(subject) if _is_wish(form[1])]
    words, kept, start = "", [], 0
    for form in forms:
        words += subject[start : form.start()]
        kept.append((form, len(words)))
        start = form.end()
    words += subject[start:]
    wishes: list[tuple[str, str]] = []
    troubles = [_MISPLACED.format(form=plain(form[0], 80)) for form, at in kept if not _is_at_an_end(words, at)]
    troubles += [_NOT_CLOSED.format(form=plain(found[0], 60).rstrip("[ ")) for found in _UNCLOSED.finditer(words)]
    for piece in (piece for form in forms for piece in _pieces(form[1])):
        if pair := _PAIR.fullmatch(piece):
            wishes.append((pair[1].lower(), pair[2].strip()))
        else:
            troubles.append(_NO_PAIR.format(piece=plain(piece, 60)))
    return Subject(" ".join(words.split()), tuple(wishes), troubles[0] if troubles else "")


def _pieces(inside: str) -> list[str]:
    return [text for piece in _BETWEEN.split(inside) if (text := piece.strip())]


def _is_wish(inside: str) -> bool:
    """Whether a bracket means us: it has ``name=value`` in it, or an option and its value without the sign."""
    pieces = _pieces(inside)
    return any(_PAIR.fullmatch(piece) for piece in pieces) or (bool(pieces) and all(map(_lacks_a_sign, pieces)))


def _lacks_a_sign(piece: str) -> bool:
    name, *values = re.split(r"[\s:]+", piece, maxsplit=1)
    return bool(values) and looks_like_one(name.lower(), values[0])


def _is_at_an_end(words: str, at: int) -> bool:
    return _BEFORE.fullmatch(words[:at]) is not None or _BEHIND.fullmatch(words[at:]) is not None
