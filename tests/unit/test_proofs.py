"""A proof claims what was recorded and no more: the carrier's word, a person's, or that nobody gave one."""

from dataclasses import replace
from datetime import timedelta
from html import unescape
from re import sub

import pytest

from bridge.fax import outcomes
from bridge.fax.jobs import AttemptResult, Outcome
from bridge.fax.states import FaxState
from bridge.mail import proofs
from bridge.mail.notices import ON_A_PERSONS_WORD, NoticeEvent
from bridge.mail.proofs import HandedOver, ProofFacts
from tests.support.unit_clock import START
from tests.support.unit_mail import a_fax, a_message, an_attempt, facts

ENDED = START + timedelta(minutes=4, seconds=7)
KNOWN = ProofFacts(
    fax=a_fax(person="Records <Office>", caller_id="+14155550100"),
    state=FaxState.DELIVERED,
    outcome=facts(NoticeEvent.DELIVERED).outcome,
    ended_at=ENDED,
    pages=3,
    pages_sent=3,
    parts=facts().parts,
    attempts=(an_attempt(result=AttemptResult.DELIVERED, carrier_job_id="4100217", transaction_id="8600991"),),
    message=a_message(),
    subject="Results & <script>alert(1)</script>",
    handed_over=HandedOver(1_234_567, "ab" * 32),
)


def text(told: ProofFacts) -> str:
    """What a person reads on the sheet."""
    return " ".join(unescape(sub(r"<[^>]*>", " ", proofs.render(told, ENDED).split("<body>")[1])).split())


def test_a_delivered_fax() -> None:
    """Numbers, names, times to the second, ids, the file's digest; whatever is foreign stays text."""
    said = text(KNOWN)
    for fact in (
        *("+1 415-555-0123 (+14155550123), United States", "Records <Office>", "+1 415-555-0100", "ward@example.org"),
        *("Results & <script>alert(1)</script>", "23 November 2026, 08:19:07 UTC", "4100217", "8600991"),
        *("1 234 567 bytes", "ab" * 32, KNOWN.fax.id, KNOWN.message.id, "with 3 of 3 pages"),
    ):
        assert fact in said, fact
    assert "<script>" not in proofs.render(KNOWN, ENDED)
    assert "None" not in said
    assert proofs.render(KNOWN, ENDED) == proofs.render(KNOWN, ENDED)


def test_a_persons_word_is_called_one() -> None:
    """Nobody reads it as the carrier's."""
    word = Outcome(outcomes.cause(ON_A_PERSONS_WORD).outcome_class, ON_A_PERSONS_WORD)
    said = text(replace(KNOWN, outcome=word, pages_sent=None))
    assert "Counted as delivered on a person's word" in said
    assert "never said for certain that it was delivered" in said
    assert "answered on" not in said


@pytest.mark.parametrize("event", [NoticeEvent.FAILED, NoticeEvent.PARTIAL, NoticeEvent.CANCELLED])
def test_what_was_not_delivered(event: NoticeEvent) -> None:
    """The verdict is its cause, and what that means."""
    outcome = facts(event).outcome
    said = text(replace(KNOWN, state=FaxState.FAILED, outcome=outcome, pages_sent=None))
    assert said.startswith("Proof of transmission Not delivered: ")
    assert outcomes.cause(outcome.cause).explanation in said
    assert "it was delivered" not in said


def test_a_fax_that_never_left() -> None:
    """No call, no file: it says so."""
    outcome = facts(NoticeEvent.FAILED).outcome
    said = text(
        replace(
            KNOWN, state=FaxState.FAILED, outcome=outcome, attempts=(), handed_over=None, pages=None, pages_sent=None
        )
    )
    assert "None was made." in said
    assert "nothing was handed over" in said
    assert "Faxbridge ended it itself" in said
