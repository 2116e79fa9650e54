"""A mail's parts in order, each with its role: a page to make, the body, or left out and why. Runs in the child.

Attachments are the document; the text of the mail becomes pages only when there is no attachment. Of
``multipart/alternative`` the plain text is taken, and what else hangs in its other branches (Apple Mail puts
attachments there) is not lost. Pictures that belong to an HTML text go with it.
"""

import email
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import Message
from email.policy import compat32
from enum import StrEnum
from typing import BinaryIO

from bridge.document import characters
from bridge.document.limits import Limits
from bridge.runtime import foreign


class Role(StrEnum):
    """What a part is to the fax."""

    ATTACHMENT = "attachment"
    BODY = "body"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Piece:
    """One leaf of the mail. ``reason`` tells why it is left out."""

    name: str
    type: str
    charset: str | None
    content: bytes
    role: Role
    reason: str = ""


class TooComplex(Exception):
    """More parts, or deeper ones, than a mail from a person has."""


BODY_NAME = "text of the mail"
OTHER_FORM = "the same text in another form"
BODY_NOT_FAXED = "only the attachments are faxed"
BELONGS_TO_HTML = "a picture inside the HTML form of the text"
EMPTY = "empty"


_NESTED = "the mail's parts are nested more than {} deep"


def read(file: BinaryIO, limits: Limits) -> list[Piece]:
    """The pieces of the mail in ``file``. Raises TooComplex."""
    try:
        return pieces(email.message_from_binary_file(file, policy=compat32), limits)
    except RecursionError as error:
        raise TooComplex(_NESTED.format(limits.depth)) from error


def pieces(mail: Message, limits: Limits) -> list[Piece]:
    """Every leaf of the mail, in order; none is missing. Raises TooComplex."""
    found: list[Piece] = []
    try:
        for piece in _walk(mail, limits, 0, inside_html=False):
            found.append(piece)
            if len(found) > limits.parts:
                raise TooComplex(f"the mail has more than {limits.parts} parts")
    except RecursionError as error:  # a message within a message within ...
        raise TooComplex(_NESTED.format(limits.depth)) from error
    if any(piece.role is Role.ATTACHMENT for piece in found):
        return [_without_body(piece) for piece in found]
    return found


def _without_body(piece: Piece) -> Piece:
    return replace(piece, role=Role.LEFT_OUT, reason=BODY_NOT_FAXED) if piece.role is Role.BODY else piece


def _walk(part: Message, limits: Limits, depth: int, *, inside_html: bool) -> Iterator[Piece]:
    if depth > limits.depth:
        raise TooComplex(_NESTED.format(limits.depth))
    if not part.is_multipart() or part.get_content_maintype() != "multipart":
        yield _leaf(part, inside_html=inside_html)
        return
    children = [child for child in part.get_payload() if isinstance(child, Message)]
    kind = part.get_content_subtype()
    if kind == "alternative":
        yield from _alternative(children, limits, depth)
        return
    related = kind == "related" and bool(children) and _is_html(children[0])
    for child in children:
        yield from _walk(child, limits, depth + 1, inside_html=inside_html or related)


def _alternative(children: list[Message], limits: Limits, depth: int) -> Iterator[Piece]:
    """Forms of one text: the first that says something in plain text is the body, the others' attachments stay."""
    forms: list[list[Piece]] = []
    for child in children:
        forms.append(list(_walk(child, limits, depth + 1, inside_html=True)))
        if sum(map(len, forms)) > limits.parts:
            break  # too many already: whoever counts them says so
    texts = [[piece for piece in form if piece.role is Role.BODY] for form in forms]
    plain = next((at for at, form in enumerate(texts) if any(piece.type == "text/plain" for piece in form)), None)
    for at, (child, form) in enumerate(zip(children, forms, strict=False)):
        another = any(texts) and _is_odd_text(child)
        for piece in form:
            if another or (piece.role is Role.BODY and plain is not None and plain != at):
                yield replace(piece, role=Role.LEFT_OUT, reason=OTHER_FORM)
            else:
                yield piece


def _is_odd_text(part: Message) -> bool:
    """A form of the text for programs that know it: for phones, for calendars."""
    odd = part.get_content_maintype() == "text" and part.get_content_subtype() not in {"plain", "html"}
    return odd and _disposition(part) != "attachment"


def _leaf(part: Message, *, inside_html: bool) -> Piece:
    kind = foreign.one_line(part.get_content_type(), 100)
    content = _content(part)
    name = _file_name(part)
    attached = _disposition(part) == "attachment" or bool(name)
    charset = _parameter(part, "charset")
    if kind in {"text/plain", "text/html"} and not attached:
        if characters.is_blank(content, charset):
            return Piece(BODY_NAME, kind, charset, content, Role.LEFT_OUT, EMPTY)
        return Piece(BODY_NAME, kind, charset, content, Role.BODY)
    if inside_html and kind.startswith("image/") and part["Content-ID"] and _disposition(part) != "attachment":
        return Piece(name or f"picture ({kind})", kind, None, content, Role.LEFT_OUT, BELONGS_TO_HTML)
    return Piece(name or f"unnamed part ({kind})", kind, charset, content, Role.ATTACHMENT)


def _is_html(part: Message) -> bool:
    return part.get_content_type() == "text/html" or (
        part.get_content_type() == "multipart/alternative"
        and any(_is_html(child) for child in part.get_payload() if isinstance(child, Message))
    )


def _content(part: Message) -> bytes:
    """The decoded bytes; of a part that holds a whole message, that message."""
    inner = part.get_payload()
    if isinstance(inner, list):
        return inner[0].as_bytes() if inner and isinstance(inner[0], Message) else b""
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
