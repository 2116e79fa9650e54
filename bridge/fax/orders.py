"""What an operator may ask of a fax, and what is said where there is nothing to do or it cannot be done. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState


class Order(StrEnum):
    """One thing asked of one fax."""

    RETRY = "retry"
    HOLD = "hold"
    RELEASE = "release"
    SETTLE = "settle"
    RESEND = "resend"
    CANCEL = "cancel"


FITTING = {
    Order.RETRY: frozenset({FaxState.READY}),
    Order.HOLD: frozenset({FaxState.ACCEPTED, FaxState.READY}),
    Order.RELEASE: frozenset({FaxState.HELD}),
    Order.SETTLE: frozenset({FaxState.UNCONFIRMED}),
    Order.RESEND: frozenset({FaxState.DELIVERED, FaxState.FAILED, FaxState.CANCELLED}),
    Order.CANCEL: frozenset({FaxState.ACCEPTED, FaxState.READY, FaxState.HELD}),
}
"""The states of a fax in which each order is carried out."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the operator is told; ``refused``: what was asked is not so, and was not made so."""

    text: str
    refused: bool = False


_ALREADY = {
    (Order.RETRY, FaxState.ACCEPTED): "its pages are being made; it is due as soon as they are",
    (Order.HOLD, FaxState.HELD): "it is held already",
    (Order.RELEASE, FaxState.ACCEPTED): "it is not held; its pages are being made",
    (Order.RELEASE, FaxState.READY): "it is not held; it waits to be sent",
    (Order.CANCEL, FaxState.CANCELLED): "it is cancelled already",
}

_DONE = {
    Order.RETRY: "retried",
    Order.HOLD: "held",
    Order.RELEASE: "released",
    Order.SETTLE: "settled",
    Order.RESEND: "sent again",
    Order.CANCEL: "cancelled",
}

_STANDING = {
    FaxState.ACCEPTED: "its pages are not made yet",
    FaxState.READY: "it waits to be sent",
    FaxState.SUBMITTING: "it is being handed to iFax right now",
    FaxState.SENDING: "iFax has it",
    FaxState.UNCONFIRMED: "it may have been sent, and nobody knows yet",
    FaxState.HELD: "it is held",
    FaxState.DELIVERED: "it was delivered",
    FaxState.FAILED: "it has failed",
    FaxState.CANCELLED: "it was cancelled",
}

_TOO_LATE = frozenset({FaxState.SUBMITTING, FaxState.SENDING, FaxState.UNCONFIRMED})
"""Too late to stop it."""


def reply_at_once(order: Order, fax: Fax) -> Reply | None:
    """The reply where nothing is to be done: it is so already, or it cannot be. None: the order is to be carried out.

    An order that comes twice does no more than once.
    """
    if fax.state in FITTING[order]:
        return None
    if (already := _ALREADY.get((order, fax.state))) is not None:
        return Reply(f"{fax.id}: {already}")
    late = order in {Order.HOLD, Order.CANCEL} and fax.state in _TOO_LATE
    cannot = "it is too late to stop it" if late else f"it cannot be {_DONE[order]}"
    said = f"{fax.id}: {cannot}: {_STANDING[fax.state]}"
    hint = _hint(order, fax)
    return Reply(f"{said}; {hint}" if hint else said, refused=True)


def _hint(order: Order, fax: Fax) -> str:
    """What to do instead, where there is something."""
    if fax.state is FaxState.UNCONFIRMED:
        return f"ask the recipient, then decide: faxbridge settle {fax.id} --sent, or --not-sent"
    if fax.state.final:
        return "" if order is Order.CANCEL else f"to send it once more: faxbridge resend {fax.id}"
    if fax.state is FaxState.HELD:
        return f"to let it go: faxbridge release {fax.id}"
    if order is Order.SETTLE:
        return "only an unconfirmed fax needs a person's word"
    return "wait until it has ended" if order is Order.RESEND else ""
