"""The word that a mail came in again: when the first was taken on, what became of it, how to fax it once more."""

import pytest

from bridge.fax import outcomes
from bridge.fax.jobs import Outcome
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.mail import notices
from bridge.mail.notices import DuplicateFacts
from tests.support.unit_clock import START
from tests.support.unit_mail import (
    OPTIONS,
    ROW,
    SENDER,
    a_duplicate,
    a_fax,
    field,
    parts_of,
    status_of,
    text_of,
    well_formed,
)

MAIL = b"Message-ID: <again@example.org>\r\nSubject: Letter\r\n\r\n"

SO_FAR = {
    FaxState.ACCEPTED: "It is waiting for its pages to be made.",
    FaxState.READY: "Its pages are made, and it is waiting for the line.",
    FaxState.SUBMITTING: "It is being handed to the fax service right now.",
    FaxState.SENDING: "The fax service has it, and has not said yet how it ends.",
    FaxState.UNCONFIRMED: "It may have been sent or not: that is not known yet, and it is not sent again by itself.",
    FaxState.HELD: "It is on hold: none of it has been sent, and your administrator decides when it goes out.",
    FaxState.DELIVERED: "It was delivered on 23 November 2026, 08:40 UTC.",
    FaxState.FAILED: "It failed on 23 November 2026, 08:40 UTC.",
    FaxState.CANCELLED: "It was cancelled on 23 November 2026, 08:40 UTC.",
}


def render(told: DuplicateFacts, recipient: str = SENDER) -> bytes:
    """The notice's bytes."""
    return notices.render_duplicate(told, OPTIONS, row_id=ROW, recipient=recipient, now=START)


def body(told: DuplicateFacts, recipient: str = SENDER) -> list[str]:
    """The lines of the part for people."""
    return text_of(parts_of(render(told, recipient))[0]).splitlines()


@pytest.mark.parametrize("state", FaxState)
def test_it_says_what_became_of_the_first(state: FaxState) -> None:
    """Meaning first, then when the first was taken on and how it stands, then what to do."""
    lines = body(a_duplicate(state, MAIL))
    assert lines[:5] == [
        "The mail with your fax to +1 415-555-0123 came in again. No second fax was made of it.",
        "",
        "The first was taken on 23 November 2026, 08:15 UTC.",
        SO_FAR[state],
        "",
    ]
    assert lines[5].startswith("What to do: ")
    assert lines[-1] == "Fax 06D1ZN8K7Q1X"
    assert "Handed in:  23 November 2026, 08:15 UTC" in lines
    assert "None" not in "\n".join(lines)
    assert "\n\n\n" not in "\n".join(lines)


@pytest.mark.parametrize("state", FaxState)
def test_it_says_how_to_fax_once_more(state: FaxState) -> None:
    """It says how the same pages are faxed once more on purpose, but for a fax on hold, where that helps nobody."""
    text = " ".join(body(a_duplicate(state, MAIL)))
    if state is FaxState.HELD:
        assert "Ask your administrator if it is urgent." in text
        assert "send it again" not in text
    elif state in {FaxState.FAILED, FaxState.CANCELLED}:
        assert "Send it again if it is still wanted." in text
    else:
        assert "change something in the mail, its subject for instance, and send it again" in text
        assert "the same mail counts as a new one from 24 November 2026, 08:15 UTC on." in text
        assert "or wait for a day." in " ".join(body(a_duplicate(state, MAIL, again_from=None)))
    assert ("Ask the recipient whether they have it" in text) is (state is FaxState.UNCONFIRMED)


def test_it_answers_the_second_mail_and_names_the_first_fax() -> None:
    """It stands in the second mail's thread, with its envelope id and recipient; X-Fax-Id is the first fax's."""
    told = a_duplicate(
        FaxState.SENDING,
        MAIL,
        fax=a_fax(state=FaxState.SENDING, recipient="14155550123@fax.local", original_recipient="rfc822;old@x.example"),
        recipient="+14155550123@fax.local",
        original_recipient="rfc822;front@clinic.example",
        envelope_id="QQ2",
    )
    notice = render(told)
    assert field(notice, "Subject") == "Fax to +1 415-555-0123: the same mail again, not faxed twice: Letter"
    assert field(notice, "In-Reply-To") == "<again@example.org>"
    assert (field(notice, "X-Fax-Event"), field(notice, "X-Fax-Id")) == ("duplicate", "06D1ZN8K7Q1X")
    message, fax = status_of(notice)
    assert message == {
        "Original-Envelope-Id": "QQ2",
        "Reporting-MTA": "dns; mx.example.org",
        "Arrival-Date": "Mon, 23 Nov 2026 08:15:00 +0000",
    }
    assert fax["Original-Recipient"] == "rfc822; front@clinic.example"
    assert status_of(render(a_duplicate(FaxState.SENDING)))[1]["Original-Recipient"] == "rfc822; +14155550123@fax.local"
    assert well_formed(notice)


BUSY = Outcome(OutcomeClass.BUSY, "busy", 263, "USER_BUSY")


@pytest.mark.parametrize(
    ("state", "outcome", "action", "status"),
    [
        *((state, None, "relayed", "2.0.0") for state in (FaxState.ACCEPTED, FaxState.READY)),
        *((state, None, "relayed", "2.0.0") for state in (FaxState.SUBMITTING, FaxState.SENDING)),
        (FaxState.HELD, None, "delayed", "4.7.1"),
        (FaxState.UNCONFIRMED, None, "delayed", "4" + outcomes.cause("unconfirmed").status[1:]),
        (FaxState.DELIVERED, Outcome(OutcomeClass.OK, "delivered"), "delivered", "2.0.0"),
        (FaxState.FAILED, BUSY, "failed", "5.4.1"),
        (FaxState.FAILED, Outcome(OutcomeClass.PARTIAL, "partial"), "failed", "5.6.0"),
        (FaxState.FAILED, None, "failed", "5.0.0"),
        (FaxState.CANCELLED, Outcome(OutcomeClass.CANCELLED, "cancelled"), "failed", "5.7.0"),
    ],
)
def test_programs_read_how_the_first_stands(state: FaxState, outcome: Outcome | None, action: str, status: str) -> None:
    """Action and Status are what the first fax's own notice says, or would say, as it stands."""
    told = a_duplicate(state, fax=a_fax(state=state, outcome=outcome))
    fax = status_of(render(told))[1]
    assert (fax["Action"], fax["Status"]) == (action, status)
    assert notices.duplicate_action(told.fax) == action


def test_others_are_told_whose_fax_it_is() -> None:
    """Who gets it in the sender's stead reads whose mail it was, and how it was addressed."""
    told = a_duplicate(FaxState.READY, fax=a_fax(state=FaxState.READY, recipient="pharmacy@fax.local", person="Dr Lee"))
    lines = body(told, OPTIONS.admin)
    assert (
        lines[0]
        == f"The mail with the fax from {SENDER} to +1 415-555-0123 came in again. No second fax was made of it."
    )
    assert lines[-2:] == [f"Fax 06D1ZN8K7Q1X, for {SENDER}", "Addressed to pharmacy@fax.local"]
    assert "For:  Dr Lee" in lines
