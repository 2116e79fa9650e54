"""From the parts of one mail to its fax: the text or the attachments, and which pictures are neither. In the child."""

from collections import Counter
from dataclasses import replace

from bridge.document import seen
from bridge.document.decoration import Shown, decorations, is_dot, is_modest
from bridge.document.kinds import Kind
from bridge.document.pieces import (
    BLANK,
    BODY_NOT_FAXED,
    DECORATION,
    DRAWING,
    HIDDEN,
    IN_THE_TEXT,
    ON_THE_COVER,
    OTHER_FORM,
    Piece,
    Role,
)
from bridge.document.seen import Reference
from bridge.fax.options import BodyUse

_PICTURES = {Kind.PICTURE, Kind.SVG}


def settle(found: list[Piece], *, whole: bool = False, body: BodyUse = "ignore") -> list[Piece]:
    """Each piece with its last role. The text is faxed if there is no document beside it, or the mail ``whole``.

    Beside documents it becomes what ``body`` says.

    Pictures that a faxed text shows stand within it; else they are documents, but for decorations. Where all documents
    may be decorations that the text does not speak of, it is faxed as well.
    """
    found = [_without_use(piece, found) for piece in _with_one_text(found)]
    found = _without_hidden(found)
    names = _names(found)
    named, letters = _shown(found, names)
    shown = [tuple(each for each in where if not each.hidden) for where in named]
    pictures = [at for at, piece in enumerate(found) if piece.kind in _PICTURES and piece.role is Role.ATTACHMENT]
    asked = [
        Shown(found[at].content, shown[at], letters, found[at].attached, embedded=bool(found[at].content_id))
        for at in pictures
    ]
    decorates = {at for at, decoration in zip(pictures, decorations(asked), strict=True) if decoration}
    documents = [
        at
        for at, piece in enumerate(found)
        if piece.role in {Role.ATTACHMENT, Role.UNUSABLE} and not shown[at] and at not in decorates
    ]
    has_text = any(piece.role is Role.BODY for piece in found)
    if not has_text and not documents:
        return found  # whatever decorates here, there is nothing else
    modest = all(at in pictures and is_modest(found[at].content) for at in documents)
    text_is_faxed = has_text and (whole or modest or body == "page")
    embedded = {name: found[at].content for at, where in enumerate(shown) if where for name in names[at]}

    def settled(at: int) -> Piece:
        piece = found[at]
        if piece.role is Role.BODY:
            piece = replace(piece, pictures=embedded)
            if not text_is_faxed and body == "cover":
                return replace(piece, role=Role.COVER, reason=ON_THE_COVER)
            if not text_is_faxed:
                return replace(piece, role=Role.LEFT_OUT, reason=BODY_NOT_FAXED)
            return replace(piece, role=Role.ATTACHMENT if whole else Role.BODY)
        if at not in pictures:
            return piece
        if shown[at] and text_is_faxed:
            return replace(piece, role=Role.LEFT_OUT, reason=IN_THE_TEXT)
        return replace(piece, role=Role.LEFT_OUT, reason=DECORATION) if at in decorates else piece

    return [settled(at) for at in range(len(found))]


def _without_use(piece: Piece, found: list[Piece]) -> Piece:
    """The piece, left out if it is a picture of nothing, or a drawing for Office alone that belongs to the text."""
    if piece.role is not Role.ATTACHMENT:
        return piece
    if piece.kind is Kind.PICTURE and is_dot(piece.content):
        return replace(piece, role=Role.LEFT_OUT, reason=BLANK)
    if piece.kind is Kind.METAFILE and piece.content_id:
        named = f"cid:{piece.content_id}".encode()
        if not piece.attached or any(named in each.content for each in found if each.kind is Kind.HTML):
            return replace(piece, role=Role.LEFT_OUT, reason=DRAWING)
    return piece


def _without_hidden(found: list[Piece]) -> list[Piece]:
    """Without the pictures that are there for the text alone, which hides them wherever it names them."""
    shown, _ = _shown(found, _names(found))
    return [
        replace(piece, role=Role.LEFT_OUT, reason=HIDDEN)
        if where and not piece.attached and all(each.hidden for each in where)
        else piece
        for piece, where in zip(found, shown, strict=True)
    ]


def _with_one_text(found: list[Piece]) -> list[Piece]:
    """The text inside a winmail.dat is that of the mail once more, where the mail has one of its own."""
    if not any(piece.role is Role.BODY and not piece.packed for piece in found):
        return found
    return [
        replace(piece, role=Role.LEFT_OUT, reason=OTHER_FORM) if piece.role is Role.BODY and piece.packed else piece
        for piece in found
    ]


def _names(found: list[Piece]) -> list[frozenset[str]]:
    """By what a text may name each piece that is a picture: its Content-ID, its place, its name if no other has it."""
    names = Counter(piece.name for piece in found)
    return [
        frozenset(filter(None, (piece.content_id, piece.location, piece.name if names[piece.name] == 1 else "")))
        if piece.kind in _PICTURES and piece.role is Role.ATTACHMENT
        else frozenset()
        for piece in found
    ]


def _shown(found: list[Piece], names: list[frozenset[str]]) -> tuple[list[tuple[Reference, ...]], int]:
    """Where the text shows each piece that is a picture, and how many letters the text has."""
    texts = [
        seen.look(piece.content, piece.charset)
        for piece in found
        if piece.role is Role.BODY and piece.kind is Kind.HTML
    ]
    shown = [tuple(each for text in texts for each in text.of(known)) if known else () for known in names]
    return shown, sum(text.letters for text in texts)
