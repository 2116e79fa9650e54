"""How a fax is shown: the next step's time, and why it stands where it does."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.cli import views
from bridge.fax.jobs import Message
from bridge.fax.states import FaxState, HoldReason
from bridge.store.overview import Sent
from tests.support.faxes import a_fax
from tests.support.unit_clock import START

LATER = START + timedelta(hours=30)


def _shown(**changed: Any) -> Sent:
    message = Message("M", "B", START, "127.0.0.1", "anna@example.org", None, "<1@example.org>", 100)
    return Sent(a_fax(**changed), message, (), (), ())


@pytest.mark.parametrize(
    ("due", "settle", "shown"),
    [
        (None, None, None),
        (START, None, "2026-11-23T08:15:00.000Z"),
        (None, LATER, "2026-11-24T14:15:00.000Z"),
        (LATER, START, "2026-11-23T08:15:00.000Z"),
    ],
)
def test_the_next_step_is_shown(due: Any, settle: Any, shown: str | None) -> None:
    """``due_at`` is when something is done about a fax next, be it work on it or asking a person about it."""
    assert views.as_json(_shown(due_at=due, settle_at=settle))["due_at"] == shown


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"state": FaxState.SENDING}, ""),
        ({"state": FaxState.HELD, "hold_reason": HoldReason.LIMIT}, "A daily limit was reached"),
        ({"state": FaxState.UNCONFIRMED, "settle_at": LATER}, "It may have been sent: evidence is waited for"),
        ({"state": FaxState.UNCONFIRMED}, "It may have been sent: you decide"),
    ],
)
def test_a_fax_that_waits_says_for_what(changed: dict[str, Any], words: str) -> None:
    """The last column of ``list`` says for whom or what a fax waits."""
    assert views.summary(_shown(**changed))[-1] == words
