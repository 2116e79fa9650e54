"""Notices about outgoing faxes: a ``multipart/report`` whose first part is for people (RFC 3462, RFC 3464, RFC 3834).

Meaning first, then what to do, and the carrier's code and text last.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum

from bridge.fax import numbers, outcomes
from bridge.fax.jobs import Attempt, Fax, Message, Outcome, Part
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.mail import composing, fields
from bridge.mail.headers import Headers
from bridge.mail.options import MailOptions
from bridge.runtime import foreign


class NoticeEvent(StrEnum):
    """The word in ``X-Fax-Event``."""

    UNCONFIRMED = "unconfirmed"
    DELIVERED = "delivered"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIONS = {
    NoticeEvent.UNCONFIRMED: "delayed",
    NoticeEvent.DELIVERED: "delivered",
    NoticeEvent.PARTIAL: "failed",
    NoticeEvent.FAILED: "failed",
    NoticeEvent.CANCELLED: "failed",
}
"""RFC 3464 Action for each event."""


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """All a notice tells of. ``outcome`` is how the fax ends; ``pages_sent`` as the carrier counted."""

    event: NoticeEvent
    fax: Fax
    outcome: Outcome
    pages: int | None
    pages_sent: int | None
    parts: tuple[Part, ...]
    attempts: tuple[Attempt, ...]
    message: Message
    headers: Headers
    why: str = ""


def event_of(state: FaxState, outcome: Outcome) -> NoticeEvent:
    """Which notice belongs to a final state."""
    if outcome.outcome_class is OutcomeClass.PARTIAL:
        return NoticeEvent.PARTIAL
    return {
        FaxState.DELIVERED: NoticeEvent.DELIVERED,
        FaxState.CANCELLED: NoticeEvent.CANCELLED,
        FaxState.UNCONFIRMED: NoticeEvent.UNCONFIRMED,
    }.get(state, NoticeEvent.FAILED)


def render(facts: NoticeFacts, options: MailOptions, *, row_id: str, recipient: str, now: datetime) -> bytes:
    """The notice's bytes; the same for the same facts, row and time."""
    fax, headers = facts.fax, facts.headers
    subject, text = composing.render(facts.event, **_words(facts, now, for_sender=recipient == fax.sender))
    original = headers.text("subject")
    head = [
        composing.begin(
            options,
            row_id=row_id,
            recipient=recipient,
            subject=foreign.one_line(f"{subject}: {original}" if original else subject),
            now=now,
            automatic="auto-replied",
        ),
        fields.ids("In-Reply-To", [headers.message_id]) if headers.message_id else b"",
        fields.ids("References", headers.references) if headers.references else b"",
        fields.unstructured("X-Fax-Event", facts.event),
        fields.unstructured("X-Fax-Id", fax.id),
        fields.unstructured("X-Fax-Number", fax.number),
    ]
    return composing.multipart(
        b"".join(head),
        'report; report-type="delivery-status"',
        row_id,
        composing.text_part(text),
        composing.status_part(*_status_blocks(facts, options)),
    )


def _words(facts: NoticeFacts, now: datetime, *, for_sender: bool) -> dict[str, object]:
    """What the templates may say; whatever is foreign in it is one line."""
    fax, outcome = facts.fax, facts.outcome
    number, sender = numbers.as_people_write(fax.number), foreign.one_line(fax.sender, 320)
    whose = f"fax to {number}" if for_sender else f"fax from {sender or 'an unknown sender'} to {number}"
    said = [str(outcome.code) if outcome.code is not None else "", foreign.one_line(outcome.text or "", 300)]
    job = next((each.carrier_job_id for each in reversed(facts.attempts) if each.carrier_job_id), None)
    return {
        "number": number,
        "sender": sender,
        "for_sender": for_sender,
        "whose": whose,
        "cause": outcomes.cause(outcome.cause),
        "why": foreign.one_line(facts.why, 500).rstrip("."),
        "pages": facts.pages,
        "pages_sent": facts.pages_sent,
        "parts": [(pages, foreign.one_line(name)) for pages, name in page_ranges(facts.parts)],
        "left_out": [
            (foreign.one_line(part.name), foreign.one_line(part.left_out, 500))
            for part in facts.parts
            if part.left_out is not None
        ],
        "accepted_at": in_words(fax.created_at),
        "now": in_words(now),
        "fax": fax.id,
        "job": None if job is None else foreign.one_line(job),
        "said": " ".join(said).strip(),
    }


def page_ranges(parts: tuple[Part, ...]) -> list[tuple[str, str]]:
    """For each part that was faxed, its pages and its name: ``("page 1", "a.pdf")``, ``("pages 2-4", "b.tif")``."""
    ranges, page = [], 1
    for part in parts:
        if part.pages:
            last = page + part.pages - 1
            ranges.append((f"page {page}" if part.pages == 1 else f"pages {page}-{last}", part.name))
            page = last + 1
    return ranges


def _status_blocks(facts: NoticeFacts, options: MailOptions) -> tuple[dict[str, str], dict[str, str]]:
    fax, outcome = facts.fax, facts.outcome
    per_message = {
        "Reporting-MTA": f"dns; {composing.host(options)}",
        "Arrival-Date": format_datetime(facts.message.received_at),
    }
    per_recipient = {
        "Original-Recipient": f"rfc822; {fax.recipient}",
        "Final-Recipient": f"fax; {fax.number}",
        "Action": ACTIONS[facts.event],
        "Status": _status(facts.event, outcome),
    }
    if outcome.code is not None or outcome.text:
        words = [str(outcome.code) if outcome.code is not None else "-", foreign.one_line(outcome.text or "", 300)]
        per_recipient["Diagnostic-Code"] = f"x-ifax; {' '.join(words).strip()}"
    if facts.attempts:
        per_recipient["Last-Attempt-Date"] = format_datetime(facts.attempts[-1].started_at)
    return per_message, per_recipient


def _status(event: NoticeEvent, outcome: Outcome) -> str:
    """RFC 3463: the cause's own code, in the class that the event asks for (contract, "Mail that we write")."""
    fixed = {NoticeEvent.DELIVERED: "2.0.0", NoticeEvent.PARTIAL: "5.6.0", NoticeEvent.CANCELLED: "5.7.0"}
    if event in fixed:
        return fixed[event]
    leading = "4" if event is NoticeEvent.UNCONFIRMED else "5"
    return leading + outcomes.cause(outcome.cause).status[1:]


def in_words(moment: datetime) -> str:
    """``23 November 2026, 08:15 UTC``."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
