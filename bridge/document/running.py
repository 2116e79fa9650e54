"""Texts of one mail that follow one another run on, on one page, as mail programs show them. Runs in the child."""

import html
import re
from dataclasses import replace

from bridge.document import characters, seen
from bridge.document.kinds import Kind
from bridge.document.pieces import RUNS_ON, Piece, Role

_AS_WRITTEN = "all: initial; display: block; font: 10.5pt monospace; white-space: pre-wrap; overflow-wrap: anywhere"

_SWALLOWS = re.compile(
    r"<(?:textarea|select|title|xmp|plaintext|svg|math|iframe|noscript|noembed|noframes|template|option|details|dialog|"
    r"frameset|listing)\b",
    re.IGNORECASE,
)
"""What may take in whatever follows it, if it is left open."""


def joined(found: list[Piece]) -> list[Piece]:
    """The pieces, with each text that follows another put under that one, and left where it was with a line."""
    pieces: list[Piece] = []
    first = -1
    for piece in found:
        if piece.role in {Role.LEFT_OUT, Role.COVER}:
            pieces.append(piece)
            continue
        both = _both(pieces[first], piece) if first >= 0 else None
        if both is None:
            first = len(pieces) if _runs(piece) else -1
            pieces.append(piece)
        else:
            pieces[first] = both
            pieces.append(replace(piece, role=Role.LEFT_OUT, reason=RUNS_ON))
    return pieces


def _runs(piece: Piece) -> bool:
    return piece.of_mail and piece.kind in {Kind.TEXT, Kind.HTML} and piece.role in {Role.BODY, Role.ATTACHMENT}


def _both(above: Piece, below: Piece) -> Piece | None:
    """One text of two; None where they are not of one mail, or one could swallow, hide or dress the other."""
    if not _runs(below) or below.heading or above.name != below.name:
        return None
    texts = [characters.read(each.content, each.charset) for each in (above, below)]
    if above.kind is below.kind is Kind.TEXT:
        content = "\n\n".join(text.strip("\n") for text in texts)
        return replace(above, content=content.encode(), charset="utf-8")
    if all("<style" in text.lower() for text in texts) or any(map(_SWALLOWS.search, texts)):
        return None
    pairs = list(zip((above, below), texts, strict=True))
    letters = sum(_letters(piece, text) for piece, text in pairs)
    content = "".join(_markup(piece, text) for piece, text in pairs)
    if seen.look(content.encode(), "utf-8").letters != letters:
        return None
    pictures = {**above.pictures, **below.pictures}
    return replace(above, kind=Kind.HTML, content=content.encode(), charset="utf-8", pictures=pictures)


def _letters(piece: Piece, text: str) -> int:
    if piece.kind is Kind.HTML:
        return seen.look(piece.content, piece.charset).letters
    return sum(map(characters.shows, text))


def _markup(piece: Piece, text: str) -> str:
    if piece.kind is Kind.HTML:
        return text
    return f'<div style="{_AS_WRITTEN}">{html.escape(text.strip(chr(10)))}</div>'
