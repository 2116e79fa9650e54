"""Proof of transmission: one sheet that says what was sent, to whom, when, in which calls, and how that is known.

It is for courts and files, so it claims no more than was recorded: the carrier's word, or a person's.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

import jinja2

from bridge.fax import numbers, outcomes
from bridge.fax.jobs import Attempt, Fax, Message, Outcome, Part
from bridge.fax.states import FaxState
from bridge.mail import tongues
from bridge.mail.notices import ON_A_PERSONS_WORD
from bridge.mail.wording import parts_in_words
from bridge.runtime import foreign

FILE_NAME = "fax.pdf"
"""What the very file that was handed over is called within the proof."""

_NO_CALL = "Faxbridge ended it itself, before any call of the fax service was told of."


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The file that went to the carrier."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ProofFacts:
    """All a proof tells of a fax that has ended: ``state`` and ``outcome`` are how, ``ended_at`` when.

    ``subject`` is that of the sender's mail; ``handed_over`` None: no pages could be made.
    """

    fax: Fax
    state: FaxState
    outcome: Outcome
    ended_at: datetime
    pages: int | None
    pages_sent: int | None
    parts: tuple[Part, ...]
    attempts: tuple[Attempt, ...]
    message: Message
    subject: str
    handed_over: HandedOver | None


def render(facts: ProofFacts, now: datetime) -> str:
    """The sheet as HTML, which fetches nothing."""
    cause = outcomes.cause(facts.outcome.cause)
    handed = facts.handed_over
    return _template().render(
        fax=facts.fax.id,
        verdict=_verdict(facts),
        meaning=cause.explanation if facts.state is not FaxState.DELIVERED else "",
        facts=_facts(facts),
        confirmed=_confirmed(facts),
        calls=[_call(each) for each in facts.attempts],
        size="" if handed is None else f"{handed.size:,}".replace(",", " "),
        sha256="" if handed is None else handed.sha256,
        pages=facts.pages,
        file=FILE_NAME,
        carrier_cover=facts.fax.carrier_cover,
        now=_exactly(now),
        **parts_in_words(facts.parts, tongues.of("en")),
    )


def _verdict(facts: ProofFacts) -> str:
    title = outcomes.cause(facts.outcome.cause).title
    if facts.state is not FaxState.DELIVERED:
        return f"Not delivered: {title[0].lower()}{title[1:]}"
    return "Counted as delivered on a person's word" if _on_word(facts) else "Delivered"


def _on_word(facts: ProofFacts) -> bool:
    return facts.outcome.cause == ON_A_PERSONS_WORD


def _facts(facts: ProofFacts) -> list[tuple[str, str]]:
    fax, message = facts.fax, facts.message
    number = f"{numbers.as_people_write(fax.number)} ({fax.number})"
    rows = [
        ("To", ", ".join(filter(None, (number, tongues.of("en").country(fax.number))))),
        ("For", ", ".join(filter(None, (foreign.one_line(fax.person), foreign.one_line(fax.company))))),
        ("From", foreign.one_line(fax.sender, 320)),
        ("Number of the sender", numbers.as_people_write(fax.caller_id or "")),
        ("Subject of the mail", facts.subject),
        ("Handed in", f"{_exactly(fax.created_at)}, from {foreign.one_line(message.client)}"),
        ("Ended", _exactly(facts.ended_at)),
        ("Pages", "" if facts.pages is None else str(facts.pages)),
        ("Pages confirmed", "" if facts.pages_sent is None else str(facts.pages_sent)),
        ("Message-ID of the mail", foreign.one_line(message.header_message_id or "", 250)),
        ("Ids here", f"fax {fax.id}, mail {message.id}"),
        ("Sent once more", f"this fax sends fax {fax.resend_of} again" if fax.resend_of else ""),
    ]
    return [(label, value) for label, value in rows if value]


def _confirmed(facts: ProofFacts) -> str:
    said = " ".join(str(word) for word in (facts.outcome.code, facts.outcome.text) if word is not None)
    called = next((each for each in reversed(facts.attempts) if each.carrier_job_id), None)
    if _on_word(facts):
        return (
            "The fax service never said for certain that it was delivered. A person who looks after this system "
            f"declared on {_exactly(facts.ended_at)} that it was."
        )
    if called is None:
        return _NO_CALL + (f" It had said: {foreign.one_line(said, 300)}." if said else "")
    job = foreign.one_line(called.carrier_job_id or "")
    answer = f": {foreign.one_line(said, 300)}" if said else ""
    if facts.state is FaxState.DELIVERED:
        count = "" if facts.pages_sent is None else f", with {facts.pages_sent} of {facts.pages} pages"
        return (
            f"Asked after job {job} by its interface, the fax service answered on {_exactly(facts.ended_at)} that it "
            f"was delivered{count}{answer}."
        )
    ended = _exactly(facts.ended_at)
    return f"The last call was the fax service's job {job}. How it ended was settled on {ended}{answer}."


def _call(attempt: Attempt) -> tuple[str, ...]:
    if attempt.cause is not None:
        ended = outcomes.cause(attempt.cause).title
    else:
        ended = "delivered" if str(attempt.result) == "delivered" else "as told above"
    said = " ".join(str(word) for word in (attempt.code, attempt.message) if word not in {None, ""})
    return (
        str(attempt.ordinal),
        _exactly(attempt.started_at),
        "" if attempt.ended_at is None else _exactly(attempt.ended_at),
        foreign.one_line(attempt.carrier_job_id or ""),
        foreign.one_line(attempt.transaction_id or ""),
        f"{ended} ({foreign.one_line(said, 200)})" if said else ended,
    )


def _exactly(moment: datetime) -> str:
    """``23 November 2026, 08:15:07 EST``: as notices have it, and the second."""
    local = moment.astimezone()
    return f"{local.day} {local:%B %Y, %H:%M:%S %Z}"


@cache
def _template() -> jinja2.Template:
    source = resources.files("bridge.mail").joinpath("templates", "proof.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)
