"""The form of every notice: a ``multipart/report`` of words for people and fields for programs (RFC 6522, RFC 3464).

What stands in it comes from ``notices``; that nothing foreign adds a field is seen to here and in ``fields``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from bridge.fax.jobs import Fax
from bridge.mail import composing, fields, returned
from bridge.mail.headers import Headers
from bridge.mail.hypertext import Tone
from bridge.mail.options import MailOptions
from bridge.mail.returned import Returned
from bridge.mail.tongues import Tongue
from bridge.mail.wishes import Action
from bridge.runtime import foreign

_TYPED = re.compile(r"([A-Za-z0-9-]{1,40});\s*(\S.*)", re.DOTALL)
_NOT_XTEXT = re.compile(r"[^!-*,-<>-\[\]-~]")


@dataclass(frozen=True, slots=True)
class Status:
    """What a notice says to programs of one recipient: ``original`` is ORCPT, or empty; ``diagnosis`` the carrier's."""

    original: str
    recipient: str
    action: Action
    code: str
    arrived: datetime
    envelope_id: str = ""
    diagnosis: str = ""
    called_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What goes with the words: ``picture`` of page 1 (PNG; may be empty), and PDFs by their names."""

    picture: bytes = b""
    files: tuple[tuple[str, bytes], ...] = ()


NOTHING = Enclosed()


@dataclass(frozen=True, slots=True)
class Report:
    """One notice in all its parts: ``headers`` are of the mail it answers."""

    event: str
    fax: Fax
    headers: Headers
    subject: str
    text: str
    status: Status
    tone: Tone
    tongue: Tongue
    returned: Returned | None = None
    enclosed: Enclosed = NOTHING
    reply_to: str = ""
    reference: str = ""


def compose(report: Report, options: MailOptions, *, row_id: str, recipient: str, now: datetime) -> bytes:
    """The notice's bytes; the same for the same report, row and time."""
    head = [
        begin_answer(report.headers, _subject(report), options, row_id=row_id, recipient=recipient, now=now),
        fields.unstructured("X-Fax-Event", report.event),
        fields.unstructured("X-Fax-Id", report.fax.id),
        fields.unstructured("X-Fax-Number", report.fax.number),
    ]
    enclosed = report.enclosed
    words = composing.words_part(report.text, report.tone, report.tongue, row_id, enclosed.picture)
    files = [composing.file_part(content, "application/pdf", name) for name, content in enclosed.files]
    if report.reference:
        head.append(fields.unstructured("X-Fax-Reference", report.reference))
    if report.reply_to:
        head.insert(1, fields.address("Reply-To", report.reply_to))
    parts = [
        composing.with_files(words, row_id, *files),
        composing.status_part(of_the_message(report.status, options), of_the_recipient(report.status, report.fax)),
    ]
    if report.returned is not None:
        parts.append(returned.part(report.returned, row_id))
    return composing.multipart(b"".join(head), 'report; report-type="delivery-status"', row_id, *parts)


def _subject(report: Report) -> str:
    """With the sender's reference, by which other programs sort."""
    return f"{report.subject} [{report.reference}]" if report.reference else report.subject


def begin_answer(
    headers: Headers, subject: str, options: MailOptions, *, row_id: str, recipient: str, now: datetime
) -> bytes:
    """The first fields of an answer to the mail with those ``headers``: its subject stands behind ours."""
    original = headers.subject
    begun = composing.begin(
        options,
        row_id=row_id,
        recipient=recipient,
        subject=foreign.one_line(f"{subject}: {original}" if original else subject),
        now=now,
        automatic="auto-replied",
    )
    answered = fields.ids("In-Reply-To", [headers.message_id]) if headers.message_id else b""
    return begun + answered + (fields.ids("References", headers.references) if headers.references else b"")


def original_recipient(orcpt: str, recipient: str) -> str:
    """The address the sender used, with its type: ORCPT as it was given, else the recipient as given.

    What is not ASCII is written as RFC 6533, 3, has it for mail that must be.
    """
    typed = _TYPED.fullmatch(orcpt)
    kind, address = typed.groups() if typed else ("rfc822", recipient)
    if address.isascii():
        return f"{kind}; {address}"
    return "utf-8; " + _NOT_XTEXT.sub(lambda char: f"\\x{{{ord(char[0]):02X}}}", address)


def of_the_message(status: Status, options: MailOptions) -> Mapping[str, str]:
    """RFC 3464, 2.2."""
    envelope = {"Original-Envelope-Id": status.envelope_id} if status.envelope_id else {}
    return envelope | {
        "Reporting-MTA": f"dns; {composing.host(options)}",
        "Arrival-Date": format_datetime(status.arrived),
    }


def of_the_recipient(status: Status, fax: Fax) -> Mapping[str, str]:
    """RFC 3464, 2.3."""
    block = {
        "Original-Recipient": original_recipient(status.original, status.recipient),
        "Final-Recipient": f"fax; {fax.number}",
        "Action": status.action,
        "Status": status.code,
    }
    if status.diagnosis:
        block["Diagnostic-Code"] = f"x-ifax; {status.diagnosis}"
    if status.called_at is not None:
        block["Last-Attempt-Date"] = format_datetime(status.called_at)
    return block
