"""What an operator may ask of a fax in each state."""

from dataclasses import replace

import pytest

from bridge.fax.orders import FITTING, Order, reply_at_once
from bridge.fax.states import NEXT, FaxState
from tests.support.faxes import a_fax

FAX = a_fax(id="FAX000000001")
EVERY_PAIR = pytest.mark.parametrize(("order", "state"), [(order, state) for order in Order for state in FaxState])


@EVERY_PAIR
def test_each_order_fits_or_is_answered(order: Order, state: FaxState) -> None:
    """Where an order does not fit a fax's state the operator gets one sentence that names the fax."""
    reply = reply_at_once(order, replace(FAX, state=state))
    assert (reply is None) == (state in FITTING[order])
    if reply is not None:
        assert reply.text.startswith("FAX000000001: ")
        assert "\n" not in reply.text
        assert not reply.text.endswith((";", ".", " "))


@pytest.mark.parametrize(
    ("order", "target"),
    [(Order.HOLD, FaxState.HELD), (Order.CANCEL, FaxState.CANCELLED), (Order.RELEASE, FaxState.READY)],
)
def test_what_fits_is_allowed(order: Order, target: FaxState) -> None:
    """An order is carried out only where the state table lets the fax go there."""
    assert all(target in NEXT[state] for state in FITTING[order])


@pytest.mark.parametrize("order", [order for order in Order if order is not Order.SETTLE])
def test_an_unconfirmed_fax_is_settled_first(order: Order) -> None:
    """Nothing else can be done with a fax that may have been sent; the answer says what to do instead."""
    reply = reply_at_once(order, replace(FAX, state=FaxState.UNCONFIRMED))
    assert reply is not None
    assert reply.refused
    assert "faxbridge settle FAX000000001 --sent, or --not-sent" in reply.text


@pytest.mark.parametrize("state", [FaxState.SUBMITTING, FaxState.SENDING, FaxState.UNCONFIRMED])
@pytest.mark.parametrize("order", [Order.HOLD, Order.CANCEL])
def test_too_late_is_said(order: Order, state: FaxState) -> None:
    """A fax that the carrier may have is neither held nor cancelled, and nobody is told that it were."""
    reply = reply_at_once(order, replace(FAX, state=state))
    assert reply is not None
    assert reply.refused
    assert "too late" in reply.text


@pytest.mark.parametrize(
    ("order", "state"),
    [(Order.HOLD, FaxState.HELD), (Order.CANCEL, FaxState.CANCELLED), (Order.RELEASE, FaxState.READY)],
)
def test_what_is_so_already_is_no_failure(order: Order, state: FaxState) -> None:
    """Asking twice is as good as asking once."""
    reply = reply_at_once(order, replace(FAX, state=state))
    assert reply is not None
    assert not reply.refused
