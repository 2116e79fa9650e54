"""A mail's parts in order, each with its role: a page to make, the body, or left out and why. Runs in the child.

Attachments are the document; the text of the mail becomes pages only when there is no attachment. Of
``multipart/alternative`` the form that shows most is taken, and what else hangs in its other branches (Apple Mail puts
attachments there) is not lost. A mail within the mail is a document with a text of its own.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from bridge.document import (
    entity,
    leaves,
    multiparts,
    roles,
    sources,
    transfer,
    unpack,
    uuencode,
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

_NO_BOUNDARY = phrase("where its parts begin and end cannot be told; send the mail again, best with the files as PDF")
_MAILS = {"message/rfc822", "message/global"}


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
    elif leaves.is_own_text(part) and (boundaries := multiparts.undeclared(part.body)):
        yield from _parts(part, part.body, boundaries, limits, depth)
    else:
        yield from _leaves(part, limits, depth)


def _multipart(part: Entity, limits: Limits, depth: int) -> Iterator[Piece]:
    announced = part.parameter("boundary")
    body = transfer.opened(part, lambda body: bool(multiparts.boundaries_in(body, announced)))
    if body is not None:
        yield from _parts(part, body, multiparts.boundaries_in(body, announced), limits, depth)
    elif not part.body.strip():
        yield Piece(leaves.unnamed(part), part.type, Kind.EMPTY, None, b"", Role.LEFT_OUT, reason=EMPTY)
    elif b"\n--" in b"\n" + part.body:
        yield Piece(leaves.unnamed(part), part.type, Kind.UNKNOWN, None, part.body, Role.UNUSABLE, reason=_NO_BOUNDARY)
    else:  # a text that was called one by mistake
        yield from _opened(leaves.text(leaves.body(part, "text/plain", part.body)), limits, depth)


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
        kind = leaves.TEXTS.get(part.type, Kind.UNKNOWN)
        yield Piece(leaves.named(part), part.type, kind, None, part.body, Role.UNUSABLE, reason=transfer.IN_PIECES)
        return
    content, files = decoded.content, list[uuencode.File]()
    if part.type == "text/plain":
        content, files = uuencode.taken_out(content)
    yield from _opened(leaves.leaf(part, content), limits, depth)
    for file in files:
        kind = kind_of(file.content)
        piece = Piece(file.name, "application/octet-stream", kind, None, file.content, Role.ATTACHMENT, attached=True)
        yield from _opened(leaves.for_people(piece), limits, depth)
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
                yield from _opened(leaves.member(unpack.apple(piece.content), piece), limits, depth)
            case Kind.TNEF | Kind.ARCHIVE:
                yield from _unpacked(piece, limits, depth)
            case _:
                yield piece
    except unpack.Unopenable as error:
        if str(error) == unpack.SIGNED_ELSEWHERE and piece.name.lower().endswith(".p7s"):
            yield replace(piece, role=Role.LEFT_OUT, reason=leaves.FOR_MACHINES[Kind.SIGNATURE])
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
        yield from _opened(leaves.member(member, holder), limits, depth + 1)


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
    return part.type.startswith("text/") and part.type not in leaves.TEXTS and part.disposition != "attachment"
