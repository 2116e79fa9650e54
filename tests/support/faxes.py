"""An outgoing fax without a store: one builder for all tests, so that a field that is added is added once."""

from typing import Any

from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState
from tests.support.unit_clock import START


def a_fax(**changed: Any) -> Fax:
    """A fax that was just taken on, but for what is given; its times are all ``created_at`` where that is."""
    now = changed.get("created_at", START)
    number = changed.get("number", "+14155550123")
    fields: dict[str, Any] = {
        "id": "06D1ZN8K7Q1X",
        "message_id": "06D1ZN8K7Q1M",
        "document_id": None,
        "recipient": f"{number}@fax.local",
        "number": number,
        "sender": "anna@example.org",
        "identity": None,
        "caller_id": None,
        "state": FaxState.ACCEPTED,
        "state_since": now,
        "version": 1,
        "due_at": None,
        "polls": 0,
        "hold_reason": None,
        "pages": None,
        "pages_sent": None,
        "outcome": None,
        "created_at": now,
        "updated_at": now,
    }
    return Fax(**{**fields, **changed})
