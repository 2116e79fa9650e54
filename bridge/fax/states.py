"""The state tables: what an outgoing and a received fax may become, and nothing beside it.

The store changes a state only through ``sources``: ``UPDATE ... WHERE state IN (...)``.
"""

from enum import StrEnum


class FaxState(StrEnum):
    """Where an outgoing fax stands."""

    ACCEPTED = "accepted"
    READY = "ready"
    SUBMITTING = "submitting"
    UNCONFIRMED = "unconfirmed"
    SENDING = "sending"
    HELD = "held"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing ever follows."""
        return not NEXT[self]


class ReceivedState(StrEnum):
    """Where a received fax stands."""

    ANNOUNCED = "announced"
    FETCHED = "fetched"
    ROUTED = "routed"
    DELIVERED = "delivered"
    LOST = "lost"
    QUARANTINED = "quarantined"


class HoldReason(StrEnum):
    """Why a fax is held."""

    LIMIT = "limit"
    APPROVAL = "approval"
    OPERATOR = "operator"
    POISON = "poison"
    RESTORED = "restored"


NEXT: dict[FaxState, frozenset[FaxState]] = {
    FaxState.ACCEPTED: frozenset({FaxState.READY, FaxState.HELD, FaxState.FAILED, FaxState.CANCELLED}),
    FaxState.READY: frozenset({FaxState.SUBMITTING, FaxState.HELD, FaxState.FAILED, FaxState.CANCELLED}),
    FaxState.SUBMITTING: frozenset({FaxState.SENDING, FaxState.READY, FaxState.FAILED, FaxState.UNCONFIRMED}),
    FaxState.UNCONFIRMED: frozenset(
        {FaxState.SENDING, FaxState.DELIVERED, FaxState.FAILED, FaxState.READY, FaxState.CANCELLED}
    ),
    FaxState.SENDING: frozenset(
        {FaxState.DELIVERED, FaxState.FAILED, FaxState.READY, FaxState.UNCONFIRMED, FaxState.CANCELLED}
    ),
    FaxState.HELD: frozenset({FaxState.ACCEPTED, FaxState.READY, FaxState.CANCELLED}),
    FaxState.DELIVERED: frozenset(),
    FaxState.FAILED: frozenset(),
    FaxState.CANCELLED: frozenset(),
}

RECEIVED_NEXT: dict[ReceivedState, frozenset[ReceivedState]] = {
    ReceivedState.ANNOUNCED: frozenset({ReceivedState.FETCHED, ReceivedState.LOST, ReceivedState.QUARANTINED}),
    ReceivedState.FETCHED: frozenset({ReceivedState.ROUTED}),
    ReceivedState.ROUTED: frozenset({ReceivedState.DELIVERED}),
    ReceivedState.QUARANTINED: frozenset({ReceivedState.ANNOUNCED}),
    ReceivedState.DELIVERED: frozenset(),
    ReceivedState.LOST: frozenset(),
}

ON_THE_LINE = frozenset({FaxState.SUBMITTING, FaxState.SENDING})
"""States in which the carrier may be calling the number: one fax at a time to each number."""


def sources(target: FaxState) -> frozenset[FaxState]:
    """The states from which ``target`` may be reached."""
    return frozenset(state for state, targets in NEXT.items() if target in targets)


def received_sources(target: ReceivedState) -> frozenset[ReceivedState]:
    """The states from which a received fax may reach ``target``."""
    return frozenset(state for state, targets in RECEIVED_NEXT.items() if target in targets)
