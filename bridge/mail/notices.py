"""Notices about outgoing faxes: a ``multipart/report`` whose first part is for people (RFC 3462, RFC 3464, RFC 3834).

Meaning first, then what to do, and the carrier's code and text last.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bridge.fax import outcomes, replies
from bridge.fax.jobs import Attempt, Fax, Message, Outcome, Part
from bridge.fax.options import Privacy
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.mail import composing, discretion, reports
from bridge.mail.headers import Headers
from bridge.mail.hypertext import Tone
from bridge.mail.options import MailOptions
from bridge.mail.replies import standing, words as words_to_answer
from bridge.mail.reports import NOTHING, Enclosed, Report, Status
from bridge.mail.returned import Returned
from bridge.mail.tongues import Tongue
from bridge.mail.wishes import Action, not_wanted
from bridge.mail.wording import is_senders, parts_in_words, reference_of, tongue_for, words_of_fax
from bridge.runtime import foreign


class NoticeEvent(StrEnum):
    """The word in ``X-Fax-Event``."""

    ACCEPTED = "accepted"
    DELAYED = "delayed"
    DUPLICATE = "duplicate"
    HELD = "held"
    UNCONFIRMED = "unconfirmed"
    DELIVERED = "delivered"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIONS = {
    NoticeEvent.ACCEPTED: Action.RELAYED,
    NoticeEvent.DELAYED: Action.DELAYED,
    NoticeEvent.HELD: Action.DELAYED,
    NoticeEvent.UNCONFIRMED: Action.DELAYED,
    NoticeEvent.DELIVERED: Action.DELIVERED,
    NoticeEvent.PARTIAL: Action.FAILED,
    NoticeEvent.FAILED: Action.FAILED,
    NoticeEvent.CANCELLED: Action.FAILED,
}
"""What each event says to programs; a duplicate says what became of the first (``duplicate_action``)."""


TONES = {
    NoticeEvent.ACCEPTED: Tone.OPEN,
    NoticeEvent.DELAYED: Tone.OPEN,
    NoticeEvent.DELIVERED: Tone.GOOD,
    NoticeEvent.DUPLICATE: Tone.OPEN,
    NoticeEvent.HELD: Tone.OPEN,
    NoticeEvent.UNCONFIRMED: Tone.OPEN,
}
"""Of the others it is bad news."""

ENDS = {NoticeEvent.DELIVERED, NoticeEvent.PARTIAL, NoticeEvent.FAILED}
"""Events that end a fax by what came of its calls."""

MOST_CALLS_SHOWN, LAST_CALLS_SHOWN = 8, 5

ON_A_PERSONS_WORD = "delivered-on-a-persons-word"
"""The cause of a fax that the carrier never confirmed and a person closed as delivered."""


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """All a notice tells of. ``outcome`` is how the fax ends; ``pages_sent`` as the carrier counted.

    For a held fax it is the cause it is held for. ``returned`` is what the sender asked to be given back (RET).
    ``in_a_row`` so many faxes to that number have failed for good, with this one; ``refused_now``: no more are taken.
    ``reply_to`` is where an answer goes that has ``may_ask`` done; empty: this notice cannot be answered.
    """

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
    returned: Returned | None = None
    enclosed: Enclosed = NOTHING
    in_a_row: int = 0
    reply_to: str = ""
    may_ask: frozenset[replies.Action] = frozenset()
    refused_now: bool = False


@dataclass(frozen=True, slots=True)
class DuplicateFacts:
    """A mail that came in again: ``fax`` and ``message`` are what the first became, ``headers`` those of the second.

    ``recipient`` (empty: as the first time), ``original_recipient`` and ``envelope_id`` are the second's too; so is
    ``again_from``, when the same mail will count as a new one (None: it is not told). ``reply_to`` and ``may_ask`` are
    as in NoticeFacts, about the first.
    """

    fax: Fax
    message: Message
    headers: Headers
    recipient: str = ""
    original_recipient: str = ""
    envelope_id: str = ""
    again_from: datetime | None = None
    reply_to: str = ""
    may_ask: frozenset[replies.Action] = frozenset()


def event_of(state: FaxState, outcome: Outcome) -> NoticeEvent:
    """Which notice belongs to a state that a sender is told of."""
    if outcome.outcome_class is OutcomeClass.PARTIAL:
        return NoticeEvent.PARTIAL
    return {
        FaxState.READY: NoticeEvent.ACCEPTED,
        FaxState.DELIVERED: NoticeEvent.DELIVERED,
        FaxState.CANCELLED: NoticeEvent.CANCELLED,
        FaxState.UNCONFIRMED: NoticeEvent.UNCONFIRMED,
        FaxState.HELD: NoticeEvent.HELD,
    }.get(state, NoticeEvent.FAILED)


def render(facts: NoticeFacts, options: MailOptions, *, row_id: str, recipient: str, now: datetime) -> bytes:
    """The notice's bytes; the same for the same facts, row and time."""
    facts = _discreet(facts) if facts.fax.privacy is Privacy.MINIMAL else facts
    fax, outcome = facts.fax, facts.outcome
    tongue = tongue_for(fax, facts.message, recipient, options)
    subject, text = composing.render(
        facts.event, tongue, **_words(facts, recipient, now, tongue), for_operator=recipient == options.admin
    )
    code = str(outcome.code) if outcome.code is not None else "-"
    status = Status(
        original=fax.original_recipient,
        recipient=fax.recipient,
        action=ACTIONS[facts.event],
        code=status_of(facts.event, outcome),
        arrived=facts.message.received_at,
        envelope_id=facts.message.envelope_id,
        diagnosis=f"{code} {_said(outcome)}".strip() if outcome.code is not None or outcome.text else "",
        called_at=facts.attempts[-1].started_at if facts.attempts else None,
    )
    tone = TONES.get(facts.event, Tone.BAD)
    report = Report(
        event=facts.event,
        fax=fax,
        headers=facts.headers,
        subject=subject,
        text=text,
        status=status,
        tone=tone,
        returned=facts.returned,
        enclosed=facts.enclosed,
        tongue=tongue,
        reply_to=facts.reply_to,
        reference=reference_of(facts.message),
    )
    return reports.compose(report, options, row_id=row_id, recipient=recipient, now=now)


def render_duplicate(
    facts: DuplicateFacts, options: MailOptions, *, row_id: str, recipient: str, now: datetime
) -> bytes:
    """The notice that a mail came in again and was not faxed again; the same bytes for the same facts, row and time."""
    facts = _discreet_again(facts) if facts.fax.privacy is Privacy.MINIMAL else facts
    fax = facts.fax
    tongue = tongue_for(fax, facts.message, recipient, options)
    subject, text = composing.render(
        NoticeEvent.DUPLICATE,
        tongue,
        **words_of_fax(fax, recipient, tongue, reference_of(facts.message)),
        state=fax.state,
        standing=standing(fax, tongue),
        again_from=None if facts.again_from is None else tongue.moment(facts.again_from),
        answers=words_to_answer(facts.may_ask, tongue) if facts.reply_to else [],
    )
    status = Status(
        original=facts.original_recipient,
        recipient=facts.recipient or fax.recipient,
        action=duplicate_action(fax),
        code=_duplicate_status(fax),
        arrived=now,
        envelope_id=facts.envelope_id,
    )
    report = Report(
        event=NoticeEvent.DUPLICATE,
        fax=fax,
        headers=facts.headers,
        subject=subject,
        text=text,
        status=status,
        tone=TONES[NoticeEvent.DUPLICATE],
        tongue=tongue,
        reply_to=facts.reply_to,
        reference=reference_of(facts.message),
    )
    return reports.compose(report, options, row_id=row_id, recipient=recipient, now=now)


def _discreet(facts: NoticeFacts) -> NoticeFacts:
    """Under minimal privacy; ``why`` goes too, since it may name a file."""
    return replace(
        facts,
        fax=discretion.of_fax(facts.fax),
        outcome=discretion.of_outcome(facts.outcome),
        parts=discretion.of_parts(facts.parts),
        headers=discretion.of_headers(facts.headers),
        why="",
        message=discretion.of_message(facts.message),
        returned=None if facts.returned is None else discretion.of_returned(facts.headers),
        enclosed=NOTHING,
    )


def _discreet_again(facts: DuplicateFacts) -> DuplicateFacts:
    """Under minimal privacy."""
    return replace(
        facts,
        fax=discretion.of_fax(facts.fax),
        message=discretion.of_message(facts.message),
        headers=discretion.of_headers(facts.headers),
        recipient=discretion.of_recipient(facts.recipient or facts.fax.recipient, facts.fax.number),
        original_recipient="",
    )


def duplicate_action(first: Fax) -> Action:
    """What a duplicate's notice says to programs: how the first fax stands (docs/decisions/0011)."""
    return {
        FaxState.DELIVERED: Action.DELIVERED,
        FaxState.HELD: Action.DELAYED,
        FaxState.UNCONFIRMED: Action.DELAYED,
        FaxState.FAILED: Action.FAILED,
        FaxState.CANCELLED: Action.FAILED,
    }.get(first.state, Action.RELAYED)


def _duplicate_status(first: Fax) -> str:
    """The code that the first fax's own notice has, or would have."""
    if first.outcome is not None and first.state.final:
        return status_of(event_of(first.state, first.outcome), first.outcome)
    slug = {FaxState.HELD: "held-limit", FaxState.UNCONFIRMED: "unconfirmed"}.get(first.state)
    if slug is not None:
        return f"4{outcomes.cause(slug).status[1:]}"
    return {Action.FAILED: "5.0.0"}.get(duplicate_action(first), "2.0.0")


def _words(facts: NoticeFacts, recipient: str, now: datetime, tongue: Tongue) -> dict[str, object]:
    """What the templates may say of a fax at this point."""
    outcome = facts.outcome
    code = str(outcome.code) if outcome.code is not None else ""
    job = next((each.carrier_job_id for each in reversed(facts.attempts) if each.carrier_job_id), None)
    cause = tongue.cause(outcome.cause)
    return (
        words_of_fax(facts.fax, recipient, tongue, reference_of(facts.message))
        | parts_in_words(facts.parts, tongue)
        | {
            "told": _told(facts, recipient, tongue),
            "cause": cause,
            "title": tongue.within(cause.title),
            "on_word": outcome.cause == ON_A_PERSONS_WORD,
            "why": tongue.retold(foreign.one_line(facts.why, 500).rstrip(".")),
            "pages": facts.pages,
            "pages_sent": facts.pages_sent,
            "answers": words_to_answer(facts.may_ask, tongue) if facts.reply_to else [],
            "in_a_row": facts.in_a_row,
            "refused_now": facts.refused_now,
            "now": tongue.moment(now),
            "took": _took(facts, now, tongue),
            "next_call": _next_call(facts, now, tongue),
            "tried": len(facts.attempts),
            "calls": [(tongue.moment(each.started_at), _ended(each, facts, tongue)) for each in _shown(facts.attempts)],
            "job": None if job is None else foreign.one_line(job),
            "said": f"{code} {_said(outcome)}".strip(),
        }
    )


def _took(facts: NoticeFacts, now: datetime, tongue: Tongue) -> str:
    """How long it was from the first call to the end; empty before that, and where no call was made."""
    if not facts.attempts or facts.event not in ENDS:
        return ""
    return tongue.duration((now - facts.attempts[0].started_at).total_seconds())


def _next_call(facts: NoticeFacts, now: datetime, tongue: Tongue) -> str:
    """When a fax that has to wait is called again; empty where that is not settled, or at any moment."""
    due_at = facts.fax.due_at
    if facts.event is not NoticeEvent.DELAYED or due_at is None or due_at - now < timedelta(minutes=1):
        return ""
    return tongue.moment(due_at)


def _told(facts: NoticeFacts, recipient: str, tongue: Tongue) -> str:
    """What stands above the sender's part in the operator's copy; nothing where this is the sender's own notice."""
    fax = facts.fax
    if is_senders(fax, recipient):
        return ""
    if not_wanted(ACTIONS[facts.event], fax.notify):
        return tongue.say("The sender asked for no such notice. It would have said:")
    if fax.notice_to not in {None, fax.sender}:
        return tongue.say("%(address)s is told:", address=foreign.one_line(fax.notice_to or "", 320))
    return tongue.say("The sender is told:")


def _shown(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """All calls, or, where they are many, the last ones."""
    return attempts if len(attempts) <= MOST_CALLS_SHOWN else attempts[-LAST_CALLS_SHOWN:]


def _ended(attempt: Attempt, facts: NoticeFacts, tongue: Tongue) -> str:
    """How one of several calls ended, as far as we know; the last one is what the notice is about."""
    slug = facts.outcome.cause if attempt is facts.attempts[-1] and attempt.cause is None else attempt.cause
    if slug is None:
        return tongue.say("no result is known")
    return tongue.within(tongue.cause(slug).title)


def _said(outcome: Outcome) -> str:
    """The carrier's own text."""
    return foreign.one_line(outcome.text or "", 300)


def status_of(event: NoticeEvent, outcome: Outcome) -> str:
    """RFC 3463: the cause's own code, in the class that the event asks for (contract, "Mail that we write")."""
    fixed = {
        NoticeEvent.ACCEPTED: "2.0.0",
        NoticeEvent.DELIVERED: "2.0.0",
        NoticeEvent.PARTIAL: "5.6.0",
        NoticeEvent.CANCELLED: "5.7.0",
    }
    if event in fixed:
        return fixed[event]
    leading = "4" if ACTIONS[event] is Action.DELAYED else "5"
    return leading + outcomes.cause(outcome.cause).status[1:]
