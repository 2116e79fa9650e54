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
from bridge.mail import composing
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
    fax = facts.fax
    text = composing.render(facts.event, **_words(facts, now, for_sender=recipient == fax.sender))
    subject, _, body = text.partition("\n")
    original = facts.headers.text("subject")
    mail = composing.begin(
        options,
        row_id=row_id,
        recipient=recipient,
        subject=f"{subject.strip()}: {original}" if original else subject.strip(),
        now=now,
        automatic="auto-replied",
    )
    if facts.headers.message_id:
        mail["In-Reply-To"] = facts.headers.message_id
    if facts.headers.references:
        mail["References"] = " ".join(facts.headers.references)
    mail["X-Fax-Event"] = facts.event
    mail["X-Fax-Id"] = fax.id
    mail["X-Fax-Number"] = fax.number
    composing.multipart(mail, "report", row_id, report_type="delivery-status")
    mail.attach(composing.text_part(body.lstrip("\n")))
    mail.attach(composing.status_part(*_status_blocks(facts, options)))
    return composing.to_bytes(mail)


def _words(facts: NoticeFacts, now: datetime, *, for_sender: bool) -> dict[str, object]:
    """What the templates may say."""
    fax, cause = facts.fax, outcomes.cause(facts.outcome.cause)
    return {
        "number": numbers.as_people_write(fax.number),
        "recipient": foreign.one_line(fax.recipient, 320),
        "sender": foreign.one_line(fax.sender, 320),
        "for_sender": for_sender,
        "subject": facts.headers.text("subject"),
        "cause": cause,
        "why": foreign.one_line(facts.why, 500),
        "pages": facts.pages,
        "pages_sent": facts.pages_sent,
        "parts": page_ranges(facts.parts),
        "left_out": [part for part in facts.parts if part.left_out is not None],
        "calls": len(facts.attempts),
        "accepted_at": in_words(fax.created_at),
        "now": in_words(now),
        "fax": fax.id,
        "message": facts.message.id,
        "job": next((each.carrier_job_id for each in reversed(facts.attempts) if each.carrier_job_id), None),
        "code": facts.outcome.code,
        "text": facts.outcome.text,
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
        "Reporting-MTA": f"dns; {options.hostname}",
        "Arrival-Date": format_datetime(facts.message.received_at),
    }
    per_recipient = {
        "Original-Recipient": f"rfc822; {fax.recipient}",
        "Final-Recipient": f"fax; {fax.number}",
        "Action": ACTIONS[facts.event],
        "Status": _status(facts.event, outcome),
    }
    if outcome.code is not None or outcome.text:
        words = [str(outcome.code) if outcome.code is not None else "-", outcome.text or ""]
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
