"""A mail's parts in order, each with its role: a page to make, the body, or left out and why. Runs in the child.

Attachments are the document; the text of the mail becomes pages only when there is no attachment. Of
``multipart/alternative`` the form that shows most is taken, and what else hangs in its other branches (Apple Mail puts
attachments there) is not lost. A mail within the mail is a document with a text of its own.
"""

import email
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from email.policy import compat32
from typing import BinaryIO

from bridge.document import bulk, characters, roles, seen, unpack
from bridge.document.kinds import Kind, kind_of
from bridge.document.limits import Limits
from bridge.document.pieces import BODY_NAME, EMPTY, OTHER_FORM, Piece, Role, TooComplex
from bridge.fax.options import BodyUse
from bridge.runtime import foreign
from bridge.runtime.phrases import phrase

_NESTED = phrase("the mail's parts are nested more than {levels} deep")
_TOO_MANY = phrase("the mail has more than {parts} parts")
_HEADING = ("From", "To", "Cc", "Date", "Subject")

_ONLY_A_POINTER = phrase("is only a pointer to a file that is kept elsewhere; attach the file itself")
_TEXTS = {"text/plain": Kind.TEXT, "text/html": Kind.HTML}
_LITTER = phrase("is nothing but a note of the system that made the archive")
_FOR_MACHINES = {
    Kind.CARD: phrase("an address card is not faxed"),
    Kind.CALENDAR: phrase("a calendar entry is not faxed"),
    Kind.SIGNATURE: phrase("a signature is not faxed"),
}
"""What belongs to a mail and is not for reading."""


def read(file: BinaryIO, limits: Limits, body: BodyUse = "ignore") -> list[Piece]:
    """The pieces of the mail in ``file``; ``body`` is what its text becomes beside documents. Raises TooComplex."""
    try:
        return pieces(bulk.parse(file.read()), limits, body)
    except RecursionError as error:
        raise TooComplex(_NESTED.format(levels=limits.depth)) from error


def pieces(mail: Message, limits: Limits, body: BodyUse = "ignore") -> list[Piece]:
    """Every leaf of the mail, in order; none is missing. Raises TooComplex."""
    try:
        return roles.settle(_counted(_walk(mail, limits, 0), limits), body=body)
    except RecursionError as error:  # a message within a message within ...
        raise TooComplex(_NESTED.format(levels=limits.depth)) from error


def _counted(found: Iterator[Piece], limits: Limits) -> list[Piece]:
    counted: list[Piece] = []
    for piece in found:
        counted.append(piece)
        if len(counted) > limits.parts:
            raise TooComplex(_TOO_MANY.format(parts=limits.parts))
    return counted


def _walk(part: Message, limits: Limits, depth: int) -> Iterator[Piece]:
    if depth > limits.depth:
        raise TooComplex(_NESTED.format(levels=limits.depth))
    children = [child for child in _payload(part) if isinstance(child, Message)]
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        if part.get_content_subtype() == "alternative":
            yield from _alternative(children, limits, depth)
            return
        for child in children:
            yield from _walk(child, limits, depth + 1)
    elif part.get_content_type() in {"message/rfc822", "message/global"} and children:
        yield from _message(children[0], limits, depth)
    else:
        yield from _opened(_leaf(part), limits, depth)


def _opened(piece: Piece, limits: Limits, depth: int) -> Iterator[Piece]:
    """A leaf, or what is inside it."""
    if piece.role is not Role.ATTACHMENT:
        yield piece
        return
    try:
        match piece.kind:
            case Kind.MESSAGE:
                yield from _message(email.message_from_bytes(piece.content, policy=compat32), limits, depth)
            case Kind.SIGNED:
                inner = email.message_from_bytes(unpack.signed(piece.content), policy=compat32)
                yield from _walk(inner, limits, depth + 1)
            case Kind.TNEF | Kind.ARCHIVE:
                yield from _unpacked(piece, limits, depth)
            case _:
                yield piece
    except unpack.Unopenable as error:
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
    return replace(piece, role=Role.LEFT_OUT, reason=_LITTER) if member.litter else _for_people(piece)


def _text_inside(piece: Piece, *, is_own: bool) -> Piece:
    """The text in a winmail.dat: the mail's ``own``, or that of a mail that hangs on it."""
    if piece.type == "text/rtf":
        piece = replace(piece, kind=Kind.OFFICE)
    elif _is_blank(piece.content, piece.charset, piece.kind):
        return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)
    return replace(piece, name=BODY_NAME, role=Role.BODY) if is_own else piece


def _message(inner: Message, limits: Limits, depth: int) -> Iterator[Piece]:
    """A mail that is attached: its heading, its text and what hangs on it, all to be faxed."""
    subject = foreign.header_text(str(inner.get("Subject", "")))
    name = f"attached mail “{subject}”" if subject else "attached mail"
    heading = tuple((field, foreign.header_text(str(inner[field]), 500)) for field in _HEADING if inner[field])
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


def _alternative(children: list[Message], limits: Limits, depth: int) -> Iterator[Piece]:
    """Forms of one text: the one that shows most is the body, the others' attachments stay."""
    forms: list[list[Piece]] = []
    for child in children:
        forms.append(list(_walk(child, limits, depth + 1)))
        if sum(map(len, forms)) > limits.parts:
            raise TooComplex(_TOO_MANY.format(parts=limits.parts))
    best = max(range(len(forms)), key=lambda at: (_worth(forms[at]), at), default=-1)
    for at, (child, form) in enumerate(zip(children, forms, strict=True)):
        another = _worth(forms[best]) > 0 and _is_odd_text(child)
        for piece in form:
            same = (piece.role is Role.BODY and at != best) or (piece.role is Role.ATTACHMENT and another)
            yield replace(piece, role=Role.LEFT_OUT, reason=OTHER_FORM) if same else piece


def _worth(form: list[Piece]) -> int:
    """HTML shows more than plain text, and either more than nothing."""
    return max((1 + (piece.kind is Kind.HTML) for piece in form if piece.role is Role.BODY), default=0)


def _is_odd_text(part: Message) -> bool:
    """A form of the text for programs that know it: for phones, for calendars."""
    odd = part.get_content_maintype() == "text" and part.get_content_subtype() not in {"plain", "html"}
    return odd and _disposition(part) != "attachment"


def _leaf(part: Message) -> Piece:
    declared = foreign.one_line(part.get_content_type(), 100)
    content = _content(part)
    name = _file_name(part)
    attached = _disposition(part) == "attachment"
    charset = _parameter(part, "charset")
    if declared in _TEXTS and not attached and not name:
        return _text(Piece(BODY_NAME, declared, _TEXTS[declared], charset, content, Role.BODY))
    kind = kind_of(content, declared, charset)
    piece = Piece(
        name or f"unnamed part ({declared})",
        declared,
        kind,
        charset,
        content,
        Role.ATTACHMENT,
        content_id=foreign.header_text(str(part.get("Content-ID", ""))).strip("<> "),
        attached=attached,
    )
    if (kind is Kind.EMPTY and declared.startswith("multipart/")) or (
        kind is Kind.TEXT and characters.is_blank(content, charset)
    ):
        return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)  # and the mail's text is not kept off for its sake
    if declared in {"message/external-body", "message/partial"} and kind not in _FOR_MACHINES:
        return replace(piece, role=Role.UNUSABLE, reason=_ONLY_A_POINTER)
    return _for_people(piece)


def _text(piece: Piece) -> Piece:
    """A text of the mail, left out where nothing of it would be seen."""
    if not _is_blank(piece.content, piece.charset, piece.kind):
        return piece
    return replace(piece, role=Role.LEFT_OUT, reason=EMPTY)


def _for_people(piece: Piece) -> Piece:
    """The piece, left out if only programs read it."""
    if piece.kind not in _FOR_MACHINES:
        return piece
    return replace(piece, role=Role.LEFT_OUT, reason=_FOR_MACHINES[piece.kind])


def _is_blank(content: bytes, charset: str | None, kind: Kind) -> bool:
    return seen.look(content, charset).is_blank if kind is Kind.HTML else characters.is_blank(content, charset)


def _payload(part: Message) -> list[object]:
    inner = part.get_payload()
    return list(inner) if isinstance(inner, list) else []


def _content(part: Message) -> bytes:
    """The decoded bytes; of a part that holds fields of its own (a delivery report), these."""
    if inner := _payload(part):
        return b"\n".join(each.as_bytes() for each in inner if isinstance(each, Message))
    raw = part.get_payload(decode=True)
    return raw if isinstance(raw, bytes) else b""


def _file_name(part: Message) -> str:
    """The name a part was given, decoded, one line; empty if none. Nothing a stranger writes there raises."""
    try:
        name = part.get_filename()
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        return "unnamed"
    return foreign.header_text(name) if isinstance(name, str) else ""


def _disposition(part: Message) -> str:
    return foreign.header_text(str(part.get("Content-Disposition", ""))).partition(";")[0].strip().lower()


def _parameter(part: Message, name: str) -> str | None:
    try:
        value = part.get_param(name)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return value if isinstance(value, str) else None
