"""What all our mail has in common: header fields that are ours alone, text in quoted-printable, bytes that never vary.

Whatever goes into a header field or a line of text has passed ``foreign.one_line`` first: no foreign byte adds a field.
"""

from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from importlib import resources
from typing import Any

import jinja2

from bridge.mail.options import MailOptions
from bridge.runtime import foreign

LINE_WIDTH = 76


def message_id(row_id: str, options: MailOptions) -> str:
    """The Message-ID of the mail in the outbox row ``row_id``: the same whenever it is asked for."""
    return f"<{row_id.lower()}.faxbridge@{options.hostname}>"


def begin(
    options: MailOptions, *, row_id: str, recipient: str, subject: str, now: datetime, automatic: str
) -> EmailMessage:
    """A message with the fields every mail of ours has; ``automatic`` is the word of RFC 3834."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = foreign.one_line(options.sender)
    mail["To"] = foreign.one_line(recipient)
    mail["Subject"] = foreign.one_line(subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(row_id, options)
    mail["Auto-Submitted"] = automatic
    return mail


def multipart(mail: EmailMessage, subtype: str, boundary: str, **parameters: str) -> None:
    """Make ``mail`` a multipart with a boundary that follows from its row, so that rendering is repeatable."""
    words = "".join(f"; {name.replace('_', '-')}={value}" for name, value in parameters.items())
    mail["MIME-Version"] = "1.0"
    mail["Content-Type"] = f'multipart/{subtype}{words}; boundary="=_faxbridge_{boundary}"'


def text_part(text: str) -> EmailMessage:
    """A part for people, in UTF-8."""
    part = EmailMessage(policy=SMTP)
    part.set_content(text, charset="utf-8", cte="quoted-printable")
    del part["MIME-Version"]
    return part


def file_part(content: bytes, maintype: str, subtype: str, name: str) -> EmailMessage:
    """An attachment."""
    part = EmailMessage(policy=SMTP)
    part.set_content(content, maintype, subtype, disposition="attachment", filename=name, cte="base64")
    del part["MIME-Version"]
    return part


def status_part(*blocks: Mapping[str, str]) -> EmailMessage:
    """A ``message/delivery-status`` (RFC 3464): blocks of fields, printable ASCII only."""
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = "message/delivery-status"
    inner: list[Message | str] = []
    for fields in blocks:
        block = Message(policy=SMTP)
        for name, value in fields.items():
            block[name] = ascii_line(value)
        inner.append(block)
    part.set_payload(inner)
    return part


def ascii_line(text: str, limit: int = 300) -> str:
    """One line of printable ASCII; what is not becomes a question mark."""
    return foreign.one_line(text, limit).encode("ascii", errors="replace").decode("ascii")


def to_bytes(mail: EmailMessage) -> bytes:
    """The mail as it goes over the wire, CR LF line ends."""
    return mail.as_bytes(policy=SMTP.clone(max_line_length=LINE_WIDTH + 2))


@cache
def _templates() -> jinja2.Environment:
    texts = resources.files("bridge.mail").joinpath("templates")
    sources = {each.name: each.read_text(encoding="utf-8") for each in texts.iterdir() if each.name.endswith(".txt")}
    return jinja2.Environment(  # noqa: S701 - plain text, nothing to escape
        loader=jinja2.DictLoader(sources),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, **facts: Any) -> str:
    """A template's text; a fact it asks for and does not get is an error of ours."""
    return _templates().get_template(f"{template}.txt").render(**facts)
