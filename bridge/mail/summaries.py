"""One notice for all faxes of a mail when all have ended: a ``multipart/report`` with a block for each (RFC 3464)."""

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.fax import numbers
from bridge.fax.jobs import Fax, Message, Outcome, Part
from bridge.fax.options import Privacy
from bridge.fax.outcomes import Cause
from bridge.mail import composing, discretion, fields, notices, reports, returned, tongues
from bridge.mail.headers import Headers
from bridge.mail.hypertext import Tone
from bridge.mail.notices import ACTIONS, NoticeEvent
from bridge.mail.options import MailOptions
from bridge.mail.reports import Status
from bridge.mail.returned import Returned
from bridge.mail.tongues import Tongue
from bridge.mail.wording import NOBODY, parts_in_words, reference_of
from bridge.runtime import foreign

EVENT = "digest"
"""The word in ``X-Fax-Event``."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One fax at its end, and when it was last called."""

    fax: Fax
    outcome: Outcome
    called_at: datetime | None

    @property
    def event(self) -> NoticeEvent:
        """The notice it would have had by itself."""
        return notices.event_of(self.fax.state, self.outcome)


@dataclass(frozen=True, slots=True)
class SummaryFacts:
    """All that a summary tells; ``headers`` are of the sender's mail."""

    message: Message
    faxes: tuple[Ended, ...]
    parts: tuple[Part, ...]
    headers: Headers
    returned: Returned | None = None


def render(facts: SummaryFacts, options: MailOptions, *, row_id: str, recipient: str, now: datetime) -> bytes:
    """The mail's bytes; the same for the same facts, row and time."""
    if any(each.fax.privacy is Privacy.MINIMAL for each in facts.faxes):
        facts = _discreet(facts)
    delivered = sum(each.event is NoticeEvent.DELIVERED for each in facts.faxes)
    reference, tongue = reference_of(facts.message), tongues.of(facts.message.language)
    subject, text = composing.render(
        "summary",
        tongue,
        verdict=_verdict(delivered, len(facts.faxes), tongue),
        for_sender=recipient == facts.message.envelope_sender,
        faxes=[(numbers.as_people_write(each.fax.number), _ended(each, tongue)) for each in facts.faxes],
        troubles=_troubles(facts, tongue),
        accepted_at=tongue.moment(facts.message.received_at),
        sender=foreign.one_line(facts.message.envelope_sender, 320) or tongue.say(NOBODY),
        reference=reference,
        message=facts.message.id,
        ids=[(numbers.as_people_write(each.fax.number), each.fax.id) for each in facts.faxes],
        **parts_in_words(facts.parts, tongue),
    )
    shown = f"{subject} [{reference}]" if reference else subject
    head = reports.begin_answer(facts.headers, shown, options, row_id=row_id, recipient=recipient, now=now)
    head += fields.unstructured("X-Fax-Event", EVENT)
    if reference:
        head += fields.unstructured("X-Fax-Reference", reference)
    statuses = [_status(each, facts.message) for each in facts.faxes]
    blocks = [reports.of_the_message(statuses[0], options)]
    blocks += [reports.of_the_recipient(status, each.fax) for status, each in zip(statuses, facts.faxes, strict=True)]
    tone = Tone.GOOD if delivered == len(facts.faxes) else Tone.BAD
    parts = [composing.words_part(text, tone, tongue, row_id), composing.status_part(*blocks)]
    if facts.returned is not None:
        parts.append(returned.part(facts.returned, row_id))
    return composing.multipart(head, 'report; report-type="delivery-status"', row_id, *parts)


def _verdict(delivered: int, total: int, tongue: Tongue) -> str:
    if delivered == total:
        return tongue.say("All %(total)s faxes were delivered", total=total)
    if not delivered:
        return tongue.say("None of %(total)s faxes was delivered", total=total)
    return tongue.count(
        "%(count)s of %(total)s faxes was delivered",
        "%(count)s of %(total)s faxes were delivered",
        delivered,
        total=total,
    )


def _ended(ended: Ended, tongue: Tongue) -> str:
    fax, sent = ended.fax, ended.fax.pages_sent
    match ended.event:
        case NoticeEvent.DELIVERED if ended.outcome.cause == notices.ON_A_PERSONS_WORD:
            return tongue.say("counted as delivered")
        case NoticeEvent.DELIVERED if sent is None:
            return tongue.say("delivered")
        case NoticeEvent.DELIVERED:
            return tongue.count("delivered, %(count)s page", "delivered, %(count)s pages", sent or 0)
        case NoticeEvent.PARTIAL if sent is None or fax.pages is None:
            return tongue.say("arrived only in part")
        case NoticeEvent.PARTIAL:
            return tongue.say("arrived only in part, %(sent)s of %(pages)s pages", sent=sent, pages=fax.pages)
        case NoticeEvent.CANCELLED:
            return tongue.say("cancelled")
    title = tongue.cause(ended.outcome.cause).title
    return tongue.say("not delivered: %(title)s", title=tongue.within(title))


def _troubles(facts: SummaryFacts, tongue: Tongue) -> list[tuple[list[str], Cause]]:
    """Each cause of a failure once, with the numbers it was met at."""
    met: dict[str, list[str]] = {}
    for each in facts.faxes:
        if each.event is not NoticeEvent.DELIVERED:
            met.setdefault(each.outcome.cause, []).append(numbers.as_people_write(each.fax.number))
    return [(found, tongue.cause(slug)) for slug, found in met.items()]


def _status(ended: Ended, message: Message) -> Status:
    fax, outcome = ended.fax, ended.outcome
    code = "-" if outcome.code is None else str(outcome.code)
    text = foreign.one_line(outcome.text or "", 300)
    return Status(
        original=fax.original_recipient,
        recipient=fax.recipient,
        action=ACTIONS[ended.event],
        code=notices.status_of(ended.event, outcome),
        arrived=message.received_at,
        envelope_id=message.envelope_id,
        diagnosis=f"{code} {text}".strip() if outcome.code is not None or text else "",
        called_at=ended.called_at,
    )


def _discreet(facts: SummaryFacts) -> SummaryFacts:
    return replace(
        facts,
        faxes=tuple(
            replace(each, fax=discretion.of_fax(each.fax), outcome=discretion.of_outcome(each.outcome))
            for each in facts.faxes
        ),
        parts=discretion.of_parts(facts.parts),
        headers=discretion.of_headers(facts.headers),
        message=discretion.of_message(facts.message),
        returned=None if facts.returned is None else discretion.of_returned(facts.headers),
    )
