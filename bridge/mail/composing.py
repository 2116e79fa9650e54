"""What all our mail has in common: header fields that are ours alone, text in quoted-printable, bytes that never vary.

The mail is put together here, byte by byte; ``fields`` sees to it that nothing foreign adds a field.
"""

import base64
import quopri
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from importlib import resources
from typing import Any

import jinja2

from bridge.mail import fields, hypertext
from bridge.mail.hypertext import Tone
from bridge.mail.options import MailOptions
from bridge.mail.tongues import Tongue

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_BOUNDARY = "=_faxbridge_"
_WORDS, _HTML, _FILES = "=_faxbridge-words_", "=_faxbridge-html_", "=_faxbridge-files_"
"""Of the parts within, of which none begins with another, nor with that of the whole."""
_BOUNDARY_OF = re.compile(rf'boundary="{_BOUNDARY}([0-9A-Za-z]+)"'.encode("ascii"))
EIGHT_BIT = b"8bit"
EIGHT_BIT_FIELD = b"Content-Transfer-Encoding: " + EIGHT_BIT + b"\r\n"
_FROM_AT_LINE_START = re.compile(rb"^From ", re.MULTILINE)


def message_id(row_id: str, options: MailOptions) -> str:
    """The Message-ID of the mail in the outbox row ``row_id``: the same whenever it is asked for."""
    return f"<{row_id.lower()}.faxbridge@{host(options)}>"


def host(options: MailOptions) -> str:
    """Our own name in the mail world: the host's, where that is a name such as mail may hold."""
    return options.hostname if _HOST.fullmatch(options.hostname) else options.domain


def begin(options: MailOptions, *, row_id: str, recipient: str, subject: str, now: datetime, automatic: str) -> bytes:
    """The fields every mail of ours has; ``automatic`` is the word of RFC 3834."""
    return b"".join(
        [
            fields.sender("From", options.sender, f"fax@{options.domain}"),
            fields.address("To", recipient),
            fields.unstructured("Subject", subject),
            fields.unstructured("Date", format_datetime(now)),
            fields.ids("Message-ID", [message_id(row_id, options)]),
            fields.unstructured("Auto-Submitted", automatic),
            fields.unstructured("MIME-Version", "1.0"),
        ]
    )


def multipart(head: bytes, subtype: str, row_id: str, *parts: bytes) -> bytes:
    """A whole mail of several parts, ``head`` on top, CR LF line ends throughout.

    The boundary follows from the row, so that rendering is repeatable. It holds ``=_``, which neither
    quoted-printable nor base64 can hold, and no line of a delivery status begins with a hyphen. Where a part has octets
    beyond ASCII the whole says so (RFC 2045, 6.4).
    """
    kind = f'Content-Type: multipart/{subtype};\r\n boundary="{_BOUNDARY}{row_id}"\r\n'.encode("ascii")
    coding = b"" if all(part.isascii() for part in parts) else EIGHT_BIT_FIELD
    return b"".join([head, kind, coding, b"\r\n", _joined(mark(row_id), *parts)])


def _joined(begun: bytes, *parts: bytes) -> bytes:
    """Parts with the boundary's line before each, and the end."""
    return b"".join([*(begun + b"\r\n" + part + b"\r\n" for part in parts), begun, b"--\r\n"])


def mark(row_id: str) -> bytes:
    """What begins the line before each part of the mail of that row."""
    return f"--{_BOUNDARY}{row_id}".encode("ascii")


def row_of(mail: bytes) -> str | None:
    """The row whose boundary a mail has; None for mail that was not put together here."""
    found = _BOUNDARY_OF.search(mail.partition(b"\r\n\r\n")[0])
    return None if found is None else found[1].decode("ascii")


def text_part(text: str) -> bytes:
    """A part for people, in UTF-8; under ``head`` it is a whole mail as well."""
    return _text("plain", text)


def _text(subtype: str, text: str) -> bytes:
    lines = _with_line_feeds(text).encode("utf-8", errors="replace")
    kind = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return kind.encode("ascii") + quoted_printable(lines)


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def words_part(text: str, tone: Tone, tongue: Tongue, row_id: str, picture: bytes = b"") -> bytes:
    """A part for people, as plain text and as HTML that says the same: their program shows the one it prefers.

    ``picture`` (PNG) of page 1 stands in the HTML form, where it is not empty.
    """
    shown = f"page-1.{row_id}@faxbridge" if picture else ""
    html = _text("html", hypertext.page(_with_line_feeds(text), tone, tongue, shown))
    if picture:
        html = _nested("related", _HTML, row_id, html, _picture_part(picture, shown))
    return _nested("alternative", _WORDS, row_id, text_part(text), html)


def with_files(words: bytes, row_id: str, *files: bytes) -> bytes:
    """One part of words and what is attached to them; the words alone where that is nothing."""
    return _nested("mixed", _FILES, row_id, words, *files) if files else words


def _nested(subtype: str, boundary: str, row_id: str, *parts: bytes) -> bytes:
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}{row_id}"\r\n\r\n'
    return head.encode("ascii") + _joined(f"--{boundary}{row_id}".encode("ascii"), *parts)


def _picture_part(content: bytes, content_id: str) -> bytes:
    head = (
        f"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <{content_id}>\r\n"
        'Content-Disposition: inline; filename="page-1.png"\r\n\r\n'
    )
    return head.encode("ascii") + base64.encodebytes(content).replace(b"\n", b"\r\n")


def quoted_printable(lines: bytes) -> bytes:
    """``lines`` (ended by LF) in quoted-printable, with CR LF; no line begins with ``From``, which some change."""
    return _FROM_AT_LINE_START.sub(b"=46rom ", quopri.encodestring(lines)).replace(b"\n", b"\r\n")


def file_part(content: bytes, kind: str, name: str) -> bytes:
    """An attachment; ``kind`` and ``name`` are words of ours."""
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    )
    return head.encode("ascii") + base64.encodebytes(content).replace(b"\n", b"\r\n")


def status_part(*blocks: Mapping[str, str]) -> bytes:
    """A ``message/delivery-status`` (RFC 3464): blocks of fields, printable ASCII only."""
    written = (b"".join(fields.verbatim(name, value) for name, value in block.items()) for block in blocks)
    return b"Content-Type: message/delivery-status\r\n\r\n" + b"\r\n".join(written)


def letter(
    text: str, options: MailOptions, *, row_id: str, recipient: str, now: datetime, subject: str, event: str
) -> bytes:
    """A whole mail of nothing but text, sent by ourselves."""
    head = begin(
        options, row_id=row_id, recipient=recipient, subject=subject, now=now, automatic="auto-generated"
    ) + fields.unstructured("X-Fax-Event", event)
    return head + text_part(text)


def render(template: str, tongue: Tongue, **facts: Any) -> tuple[str, str]:
    """A template's subject and text; a fact it asks for and does not get is an error of ours."""
    found = _templates(tongue).get_template(f"{template}.txt")
    subject, _, text = found.render(what_to_do=hypertext.what_to_do(tongue), **facts).partition("\n")
    return subject.strip(), text.lstrip("\n")


@cache
def _templates(tongue: Tongue) -> jinja2.Environment:
    """All of them; in sentences they ``say`` and ``count`` stand the template's own facts."""
    texts = resources.files("bridge.mail").joinpath("templates")
    sources = {each.name: each.read_text(encoding="utf-8") for each in texts.iterdir() if each.name.endswith(".txt")}
    environment = jinja2.Environment(  # noqa: S701 - plain text, nothing to escape
        loader=jinja2.DictLoader(sources),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    @jinja2.pass_context
    def say(context: jinja2.runtime.Context, sentence: str, **more: object) -> str:
        return tongue.say(sentence, **{**context.get_all(), **more})

    @jinja2.pass_context
    def count(context: jinja2.runtime.Context, one: str, many: str, number: int) -> str:
        return tongue.count(one, many, number, **context.get_all())

    environment.globals.update(say=say, count=count)
    return environment
