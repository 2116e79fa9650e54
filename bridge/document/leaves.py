"""Parts of a mail without parts of their own: what each is and is called, and whether people read it. In the child."""

from dataclasses import replace

from bridge.document import characters, flowed, helpers, seen, unpack, vectors
from bridge.document.entity import Entity
from bridge.document.kinds import Kind, kind_of
from bridge.document.pieces import BODY_NAME, EMPTY, Piece, Role
from bridge.runtime import foreign
from bridge.runtime.phrases import phrase

TEXTS = {"text/plain": Kind.TEXT, "text/html": Kind.HTML}
_NOT_WHOLE = {
    "message/external-body": phrase("is only a pointer to a file that is kept elsewhere; attach the file itself"),
    "message/partial": phrase(
        "is one piece of a divided mail; switch off the dividing of mail at the machine that sent it (“split”, "
        "“divide” or “page division”), and send it again"
    ),
}
_FILES = {Kind.PDF, Kind.TIFF, Kind.PICTURE, Kind.OFFICE, Kind.LOCKED, Kind.OUTLOOK, Kind.TNEF, Kind.ARCHIVE}
FOR_MACHINES = {
    Kind.CARD: phrase("an address card is not faxed"),
    Kind.CALENDAR: phrase("a calendar entry is not faxed"),
    Kind.SIGNATURE: phrase("a signature is not faxed"),
}
"""What belongs to a mail and is not for reading."""


def is_own_text(part: Entity) -> bool:
    """Whether a part is a text of the mail itself, not a file that hangs on it."""
    return part.type in TEXTS and part.disposition != "attachment" and not part.name


def named(part: Entity) -> str:
    """What the notice calls a part."""
    return BODY_NAME if is_own_text(part) else part.name or unnamed(part)


def unnamed(part: Entity) -> str:
    """The same of one whose name nobody knows."""
    return f"unnamed part ({part.type})"


def leaf(part: Entity, content: bytes) -> Piece:
    """A part as a piece: a text of the mail, a document, or left out and why."""
    declared, charset = part.type, part.parameter("charset")
    if is_own_text(part) and not _is_file(content, declared, charset):
        is_markup = declared == "text/plain" and kind_of(content, "", charset) is Kind.HTML
        return text(body(part, "text/html" if is_markup else declared, content))
    kind = kind_of(content, "" if part.name.lower().endswith(".eml") else declared, charset)
    piece = Piece(
        unnamed(part) if is_own_text(part) else named(part),
        declared,
        kind,
        charset,
        content,
        Role.ATTACHMENT,
        content_id=part.content_id,
        location=part.text("Content-Location"),
        attached=part.disposition == "attachment",
    )
    if kind in {Kind.TEXT, Kind.HTML, Kind.SVG} and _is_blank(content, charset, kind):
        return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)  # and the mail's text is not kept off for its sake
    if declared in _NOT_WHOLE and kind not in FOR_MACHINES:
        return replace(piece, role=Role.UNUSABLE, reason=_NOT_WHOLE[declared])
    return for_people(piece)


def _is_file(content: bytes, declared: str, charset: str | None) -> bool:
    """Whether what is called a text is none, but a file of which a reader would see the source."""
    kind = kind_of(content, declared, charset)
    return kind in _FILES and (kind is not Kind.PDF or b"endobj" in content)


def body(part: Entity, declared: str, content: bytes) -> Piece:
    """A text of the mail, as its writer saw it."""
    charset = part.parameter("charset")
    if declared == "text/plain" and (part.parameter("format") or "").strip().lower() == "flowed":
        delete = (part.parameter("delsp") or "").strip().lower() == "yes"
        content, charset = flowed.joined(characters.read(content, charset), delete_space=delete).encode(), "utf-8"
    return Piece(BODY_NAME, declared, TEXTS[declared], charset, content, Role.BODY, of_mail=True)


def text(piece: Piece) -> Piece:
    """A text of the mail, left out where nothing of it would be seen, or only what a program adds unasked."""
    if _is_blank(piece.content, piece.charset, piece.kind):
        return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)
    if helpers.is_mailer_line(piece) and (
        piece.kind is Kind.TEXT or not seen.look(piece.content, piece.charset).references
    ):
        return replace(piece, role=Role.LEFT_OUT, reason=helpers.MAILER_LINE)
    return piece


def for_people(piece: Piece) -> Piece:
    """The piece, left out if only programs read it, or nothing is in it."""
    if piece.kind is Kind.EMPTY:
        return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)
    if why := helpers.reason(piece):
        return replace(piece, role=Role.LEFT_OUT, reason=why)
    if helpers.is_drawing_of_office(piece):
        return replace(piece, kind=Kind.METAFILE)
    if piece.kind not in FOR_MACHINES:
        return piece
    return replace(piece, role=Role.LEFT_OUT, reason=FOR_MACHINES[piece.kind])


def _is_blank(content: bytes, charset: str | None, kind: Kind) -> bool:
    if kind is Kind.SVG:
        return vectors.is_blank(content)
    return seen.look(content, charset).is_blank if kind is Kind.HTML else characters.is_blank(content, charset)


def member(found: unpack.Member, holder: Piece) -> Piece:
    """A file that another held, as a piece of the mail."""
    kind = kind_of(found.content, found.type, found.charset)
    piece = Piece(
        foreign.one_line(f"{holder.name}: {found.name or 'its text'}"),
        found.type,
        kind,
        found.charset,
        found.content,
        Role.ATTACHMENT,
        content_id=found.content_id,
        attached=not found.content_id,
        packed=True,
    )
    if found.is_text:
        return _text_inside(piece, is_own=not holder.packed)
    return replace(piece, role=Role.LEFT_OUT, reason=helpers.LITTER) if found.litter else for_people(piece)


def _text_inside(piece: Piece, *, is_own: bool) -> Piece:
    """The text in a winmail.dat: the mail's ``own``, or that of a mail that hangs on it."""
    if piece.type == "text/rtf":
        piece = replace(piece, kind=Kind.OFFICE)
    elif _is_blank(piece.content, piece.charset, piece.kind):
        return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)
    return replace(piece, name=BODY_NAME, role=Role.BODY) if is_own else piece
