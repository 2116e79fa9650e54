"""The answer to a mail that asked for a preview: its pages as a PDF, or why there are none. Nothing was faxed."""

from dataclasses import dataclass
from datetime import datetime

from bridge.fax import numbers
from bridge.fax.jobs import Message, Part, Preview
from bridge.fax.options import Language
from bridge.mail import composing, fields, reports, tongues
from bridge.mail.headers import Headers
from bridge.mail.hypertext import Tone
from bridge.mail.options import MailOptions
from bridge.mail.wording import parts_in_words
from bridge.runtime import foreign

EVENT = "preview"
"""The word in ``X-Fax-Event``."""


@dataclass(frozen=True, slots=True)
class PreviewFacts:
    """All the answer tells of: ``pages`` is 0 where there are none, and ``why`` says then what stands in the way.

    ``names_nobody``: what would name the recipient on them is empty, since no number was given.
    """

    preview: Preview
    message: Message
    headers: Headers
    parts: tuple[Part, ...]
    pages: int = 0
    why: str = ""
    names_nobody: bool = False


def render(
    facts: PreviewFacts, options: MailOptions, *, row_id: str, recipient: str, now: datetime, pdf: bytes = b""
) -> bytes:
    """The answer's bytes, with ``pdf`` attached unless it is empty; the same for the same facts, row and time."""
    preview, tongue = facts.preview, tongues.of(_language(facts, recipient, options))
    subject, text = composing.render(
        "preview" if facts.pages else "preview-failed",
        tongue,
        preview=preview.id,
        pages=facts.pages,
        why=tongue.retold(foreign.one_line(facts.why, 500).rstrip(".")),
        names_nobody=facts.names_nobody,
        number=numbers.as_people_write(preview.number) if preview.number else "",
        address=f"{preview.number}@{_domain(preview)}",
        domain=_domain(preview),
        asked_at=tongue.moment(facts.message.received_at),
        sender=foreign.one_line(preview.sender, 320),
        for_sender=recipient == preview.sender,
        **parts_in_words(facts.parts, tongue),
    )
    head = [
        reports.begin_answer(facts.headers, subject, options, row_id=row_id, recipient=recipient, now=now),
        fields.unstructured("X-Fax-Event", EVENT),
        fields.unstructured("X-Fax-Id", preview.id),
        fields.unstructured("X-Fax-Number", preview.number) if preview.number else b"",
    ]
    parts = [composing.words_part(text, Tone.GOOD if facts.pages else Tone.BAD, tongue, row_id)]
    if pdf:
        parts.append(composing.file_part(pdf, "application/pdf", "preview.pdf"))
    return composing.multipart(b"".join(head), "mixed", row_id, *parts)


def _language(facts: PreviewFacts, recipient: str, options: MailOptions) -> Language:
    """The operator's copy is in the site's."""
    return facts.message.language if recipient == facts.preview.pages_to else options.language


def _domain(preview: Preview) -> str:
    """Ours, as the sender wrote it."""
    return foreign.one_line(preview.recipient.rpartition("@")[2], 255)
