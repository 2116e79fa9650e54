"""A mail's parts in order, each with its role: a page to make, the body, or left out and why. Runs in the child.

Attachments are the document; the text of the mail becomes pages only when there is no attachment. Of
``multipart/alternative`` the form that shows most is taken, and what else hangs in its other branches (Apple Mail puts
attachments there) is not lost. A mail within the mail is a document with a text of its own.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from bridge.document import (
    characters,
    entity,
    flowed,
    helpers,
    multiparts,
    roles,
    seen,
    sources,
    transfer,
    unpack,
    uuencode,
    vectors,
)
from bridge.document.entity import Entity
from bridge.document.kinds import Kind, kind_of
from bridge.document.limits import Limits
from bridge.document.pieces import BODY_NAME, EMPTY, OTHER_FORM, Piece, Role, TooComplex
from bridge.fax.options import BodyUse
from bridge.runtime import foreign
from bridge.runtime.phrases import phrase

_NESTED = phrase("the mail's parts are nested more than {levels} deep")
_TOO_MANY = phrase("the mail has more than {parts} parts")
_HEADING = ("From", "To", "Cc", "Date", "Subject")

_NOT_WHOLE = {
    "message/external-body": phrase("is only a pointer to a file that is kept elsewhere; attach the file itself"),
    "message/partial": phrase(
        "is one piece of a divided mail; switch off the dividing of mail at the machine that sent it (“split”, "
        "“divide” or “page division”), and send it again"
    ),
}
_NO_BOUNDARY = phrase("where its parts begin and end cannot be told; send the mail again, best with the files as PDF")
_TEXTS = {"text/plain": Kind.TEXT, "text/html": Kind.HTML}
_MAILS = {"message/rfc822", "message/global"}
_FILES = {Kind.PDF, Kind.TIFF, Kind.PICTURE, Kind.OFFICE, Kind.LOCKED, Kind.OUTLOOK, Kind.TNEF, Kind.ARCHIVE}
_FOR_MACHINES = {
    Kind.CARD: phrase("an address card is not faxed"),
    Kind.CALENDAR: phrase("a calendar entry is not faxed"),
    Kind.SIGNATURE: phrase("a signature is not faxed"),
}
"""What belongs to a mail and is not for reading."""


def read(file: BinaryIO, limits: Limits, body: BodyUse = "ignore") -> list[Piece]:
    """The pieces of the mail in ``file``; ``body`` is what its text becomes beside documents. Raises TooComplex."""
    return pieces(file.read(), limits, body)


def pieces(mail: bytes, limits: Limits, body: BodyUse = "ignore") -> list[Piece]:
    """Every leaf of the mail, in order; none is missing. Raises TooComplex."""
    return roles.settle(_counted(_walk(entity.read(mail), limits, 0), limits), body=body)


def _counted(found: Iterator[Piece], limits: Limits) -> list[Piece]:
    counted: list[Piece] = []
    for piece in found:
        counted.append(piece)
        if len(counted) > limits.parts:
            raise TooComplex(_TOO_MANY.format(parts=limits.parts))
    return counted


def _walk(part: Entity, limits: Limits, depth: int) -> Iterator[Piece]:
    if depth > limits.depth:
        raise TooComplex(_NESTED.format(levels=limits.depth))
    if part.type.startswith("multipart/"):
        yield from _multipart(part, limits, depth)
    elif part.type in _MAILS:
        yield from _attached_mail(part, limits, depth)
    elif _is_own_text(part) and (boundaries := multiparts.undeclared(part.body)):
        yield from _parts(part, part.body, boundaries, limits, depth)
    else:
        yield from _leaves(part, limits, depth)


def _multipart(part: Entity, limits: Limits, depth: int) -> Iterator[Piece]:
    announced = part.parameter("boundary")
    body = transfer.opened(part, lambda body: bool(multiparts.boundaries_in(body, announced)))
    if body is not None:
        yield from _parts(part, body, multiparts.boundaries_in(body, announced), limits, depth)
    elif not part.body.strip():
        yield Piece(_unnamed(part), part.type, Kind.EMPTY, None, b"", Role.LEFT_OUT, reason=EMPTY)
    elif b"\n--" in b"\n" + part.body:
        yield Piece(_unnamed(part), part.type, Kind.UNKNOWN, None, part.body, Role.UNUSABLE, reason=_NO_BOUNDARY)
    else:  # a text that was called one by mistake
        yield from _opened(_text(_body(part, "text/plain", part.body)), limits, depth)


def _parts(part: Entity, body: bytes, boundaries: tuple[bytes, ...], limits: Limits, depth: int) -> Iterator[Piece]:
    """The parts of a multipart in order, and what stands outside them."""
    default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
    found = (
        (_outside(chunk.content) if chunk.outside else entity.read(chunk.content, default), chunk.outside)
        for chunk in multiparts.split(body, boundaries)
        if chunk.content
    )
    children = ((child, outside) for child, outside in found if child is not None)
    if part.type == "multipart/alternative":
        yield from _alternative(children, limits, depth)
        return
    for child, _ in children:
        yield from _walk(child, limits, depth + 1)


def _outside(content: bytes) -> Entity | None:
    """What stands before, between or behind the parts, as a part like any other; None if that is nothing."""
    if multiparts.is_nothing(foreign.decode(content)):
        return None
    if entity.begins_with_fields(content):
        return entity.read(content)
    return Entity(entity.read(b"\n").head, content)


def _attached_mail(part: Entity, limits: Limits, depth: int) -> Iterator[Piece]:
    inner = transfer.opened(part, entity.begins_with_fields)
    yield from _message(entity.read(part.body if inner is None else inner), limits, depth)


def _leaves(part: Entity, limits: Limits, depth: int) -> Iterator[Piece]:
    """A part without parts of its own; the files that stand within its text, and what stands behind its end."""
    try:
        decoded = transfer.decoded(part)
    except transfer.Undecodable:
        kind = _TEXTS.get(part.type, Kind.UNKNOWN)
        yield Piece(_named(part), part.type, kind, None, part.body, Role.UNUSABLE, reason=transfer.IN_PIECES)
        return
    content, files = decoded.content, list[uuencode.File]()
    if part.type == "text/plain":
        content, files = uuencode.taken_out(content)
    yield from _opened(_leaf(part, content), limits, depth)
    for file in files:
        kind = kind_of(file.content)
        piece = Piece(file.name, "application/octet-stream", kind, None, file.content, Role.ATTACHMENT, attached=True)
        yield from _opened(_for_people(piece), limits, depth)
    if (behind := _outside(decoded.behind)) is not None:
        yield from _walk(behind, limits, depth + 1)


def _opened(piece: Piece, limits: Limits, depth: int) -> Iterator[Piece]:
    """A leaf, or what is inside it."""
    piece = sources.guarded(piece)
    if piece.role is not Role.ATTACHMENT:
        yield piece
        return
    try:
        match piece.kind:
            case Kind.MESSAGE:
                yield from _message(entity.read(piece.content), limits, depth)
            case Kind.SIGNED:
                yield from _walk(entity.read(unpack.signed(piece.content)), limits, depth + 1)
            case Kind.APPLE:
                yield from _opened(_member(unpack.apple(piece.content), piece), limits, depth)
            case Kind.TNEF | Kind.ARCHIVE:
                yield from _unpacked(piece, limits, depth)
            case _:
                yield piece
    except unpack.Unopenable as error:
        if str(error) == unpack.SIGNED_ELSEWHERE and piece.name.lower().endswith(".p7s"):
            yield replace(piece, role=Role.LEFT_OUT, reason=_FOR_MACHINES[Kind.SIGNATURE])
        else:
            yield replace(piece, role=Role.UNUSABLE, reason=str(error))


def _unpacked(holder: Piece, limits: Limits, depth: int) -> Iterator[Piece]:
    """What a winmail.dat or an archive holds; itself, where that is nothing. Raises Unopenable, TooComplex."""
    if depth > limits.depth:
        raise TooComplex(_NESTED.format(levels=limits.depth))
    if holder.kind is Kind.TNEF:
        members = unpack.winmail(holder.content)
    elif holder.packed:
        raise unpack.Unopenable(unpack.ARCHIVE_IN_ARCHIVE)
    else:
        members = list(unpack.archive(holder.content, limits))
    if not members:
        yield replace(holder, role=Role.LEFT_OUT, reason=EMPTY)
    for member in members:
        yield from _opened(_member(member, holder), limits, depth + 1)


def _member(member: unpack.Member, holder: Piece) -> Piece:
    """A file that another held, as a piece of the mail."""
    kind = kind_of(member.content, member.type, member.charset)
    piece = Piece(
        foreign.one_line(f"{holder.name}: {member.name or 'its text'}"),
        member.type,
        kind,
        member.charset,
        member.content,
        Role.ATTACHMENT,
        content_id=member.content_id,
        attached=not member.content_id,
        packed=True,
    )
    if member.is_text:
        return _text_inside(piece, is_own=not holder.packed)
    return replace(piece, role=Role.LEFT_OUT, reason=helpers.LITTER) if member.litter else _for_people(piece)


def _text_inside(piece: Piece, *, is_own: bool) -> Piece:
    """The text in a winmail.dat: the mail's ``own``, or that of a mail that hangs on it."""
    if piece.type == "text/rtf":
        piece = replace(piece, kind=Kind.OFFICE)
    elif _is_blank(piece.content, piece.charset, piece.kind):
        return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)
    return replace(piece, name=BODY_NAME, role=Role.BODY) if is_own else piece


def _message(inner: Entity, limits: Limits, depth: int) -> Iterator[Piece]:
    """A mail that is attached: its heading, its text and what hangs on it, all to be faxed."""
    subject = inner.text("Subject")
    name = f"attached mail “{subject}”" if subject else "attached mail"
    heading = tuple((field, inner.text(field, 500)) for field in _HEADING if inner.head[field])
    own = roles.settle(_counted(_walk(inner, limits, depth + 1), limits), whole=True)
    if not any(piece.name == BODY_NAME and piece.role is Role.ATTACHMENT for piece in own) and heading:
        yield Piece(name, "text/plain", Kind.TEXT, None, b"", Role.ATTACHMENT, heading=heading)
        heading = ()
    for piece in own:
        if piece.name != BODY_NAME:
            yield piece
            continue
        yield replace(piece, name=name, heading=heading if piece.role is Role.ATTACHMENT else ())
        heading = () if piece.role is Role.ATTACHMENT else heading


def _alternative(children: Iterator[tuple[Entity, bool]], limits: Limits, depth: int) -> Iterator[Piece]:
    """Forms of one text: the one that shows most is the body, the others' attachments stay; so does what is no form."""
    forms: list[tuple[Entity, bool, list[Piece]]] = []
    for child, outside in children:
        forms.append((child, outside, list(_walk(child, limits, depth + 1))))
        if sum(len(form) for *_, form in forms) > limits.parts:
            raise TooComplex(_TOO_MANY.format(parts=limits.parts))
    within = [at for at, (_, outside, _) in enumerate(forms) if not outside]
    best = max(within, key=lambda at: (_worth(forms[at][2]), at), default=-1)
    for at, (child, outside, form) in enumerate(forms):
        given = best >= 0 and _worth(forms[best][2]) > 0 and not outside
        for piece in form:
            text = piece.role is Role.BODY or (given and piece.role is Role.UNUSABLE and piece.name == BODY_NAME)
            odd = piece.role is Role.ATTACHMENT and given and _is_odd_text(child)
            same = (text and at != best and not outside) or odd
            yield replace(piece, role=Role.LEFT_OUT, reason=OTHER_FORM) if same else piece


def _worth(form: list[Piece]) -> int:
    """HTML shows more than plain text, and either more than nothing."""
    return max((1 + (piece.kind is Kind.HTML) for piece in form if piece.role is Role.BODY), default=0)


def _is_odd_text(part: Entity) -> bool:
    """A form of the text for programs that know it: for phones, for calendars."""
    return part.type.startswith("text/") and part.type not in _TEXTS and part.disposition != "attachment"


def _is_own_text(part: Entity) -> bool:
    """Whether a part is a text of the mail itself, not a file that hangs on it."""
    return part.type in _TEXTS and part.disposition != "attachment" and not part.name


def _named(part: Entity) -> str:
    return BODY_NAME if _is_own_text(part) else part.name or _unnamed(part)


def _unnamed(part: Entity) -> str:
    return f"unnamed part ({part.type})"


def _leaf(part: Entity, content: bytes) -> Piece:
    declared, charset = part.type, part.parameter("charset")
    if _is_own_text(part) and not _is_file(content, declared, charset):
        is_markup = declared == "text/plain" and kind_of(content, "", charset) is Kind.HTML
        return _text(_body(part, "text/html" if is_markup else declared, content))
    kind = kind_of(content, "" if part.name.lower().endswith(".eml") else declared, charset)
    piece = Piece(
        _unnamed(part) if _is_own_text(part) else _named(part),
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
    if declared in _NOT_WHOLE and kind not in _FOR_MACHINES:
        return replace(piece, role=Role.UNUSABLE, reason=_NOT_WHOLE[declared])
    return _for_people(piece)


def _is_file(content: bytes, declared: str, charset: str | None) -> bool:
    """Whether what is called a text is none, but a file of which a reader would see the source."""
    kind = kind_of(content, declared, charset)
    return kind in _FILES and (kind is not Kind.PDF or b"endobj" in content)


def _body(part: Entity, declared: str, content: bytes) -> Piece:
    """A text of the mail, as its writer saw it."""
    charset = part.parameter("charset")
    if declared == "text/plain" and (part.parameter("format") or "").strip().lower() == "flowed":
        delete = (part.parameter("delsp") or "").strip().lower() == "yes"
        content, charset = flowed.joined(characters.read(content, charset), delete_space=delete).encode(), "utf-8"
    return Piece(BODY_NAME, declared, _TEXTS[declared], charset, content, Role.BODY, of_mail=True)


def _text(piece: Piece) -> Piece:
    """A text of the mail, left out where nothing of it would be seen, or only what a program adds unasked."""
    if _is_blank(piece.content, piece.charset, piece.kind):
        return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)
    if helpers.is_mailer_line(piece) and (
        piece.kind is Kind.TEXT or not seen.look(piece.content, piece.charset).references
    ):
        return replace(piece, role=Role.LEFT_OUT, reason=helpers.MAILER_LINE)
    return piece


def _for_people(piece: Piece) -> Piece:
    """The piece, left out if only programs read it, or nothing is in it."""
    if piece.kind is Kind.EMPTY:
        return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)
    if why := helpers.reason(piece):
        return replace(piece, role=Role.LEFT_OUT, reason=why)
    if helpers.is_drawing_of_office(piece):
        return replace(piece, kind=Kind.METAFILE)
    if piece.kind not in _FOR_MACHINES:
        return piece
    return replace(piece, role=Role.LEFT_OUT, reason=_FOR_MACHINES[piece.kind])


def _is_blank(content: bytes, charset: str | None, kind: Kind) -> bool:
    if kind is Kind.SVG:
        return vectors.is_blank(content)
    return seen.look(content, charset).is_blank if kind is Kind.HTML else characters.is_blank(content, charset)
