"""One row a fax number: a fax machine has one line, so what is leased for a call is the destination.

``due_at`` tells when a call to the number may be considered next; nothing waiting, or the line in use, is no due time.
Senders take turns, in the order of their addresses and round again: at each number (``served`` is who had the last call
there), and over all numbers (``sender`` is whose fax is next there). Whoever has one fax waits for one call of each
other sender, however many faxes those have.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bridge.fax.states import ON_THE_LINE, FaxState
from bridge.store import cursors, leases, turns
from bridge.store.leases import Lease
from bridge.store.tables import READY_ROWS, destination, fax

SERVED = "line.served"
"""The cursor that holds the sender who had the last call of all."""

ABANDONED_LIMIT = 100
UNCONFIRMED_KEEPS_LINE = timedelta(minutes=15)
"""A fax that may be going out keeps its number's line so long."""


def refresh(connection: sa.Connection, number: str, now: datetime, *, changed: str, state: FaxState) -> None:
    """Bring a destination in step after its fax ``changed`` went to ``state``; to be called at every such change.

    The lease lasts from the claim until its fax is no longer being submitted; other faxes to the same number leave it
    alone.
    """
    row = connection.execute(sa.select(destination).where(destination.c.number == number)).first()
    on_line = _first(connection, fax.c.id, number, fax.c.state.in_(ON_THE_LINE))
    keep = row is not None and (row.current_fax != changed or state is FaxState.SUBMITTING)
    values: dict[str, Any] = {"due_at": None, "current_fax": on_line}
    if not on_line:
        values |= _next(connection, number, "" if row is None else row.served, now)
    if row is None:
        connection.execute(destination.insert().values(number=number, **values))
        return
    if keep and on_line is None:
        values["current_fax"] = row.current_fax
    if not keep:
        values |= {"lease_owner": None, "lease_until": None}
    connection.execute(destination.update().where(destination.c.number == number).values(**values))


def look_again(connection: sa.Connection, number: str, now: datetime) -> None:
    """A ready fax to this number is due at another time. Who holds the line keeps it."""
    if _first(connection, fax.c.id, number, fax.c.state.in_(ON_THE_LINE)) is None:
        this = destination.c.number == number
        served = connection.execute(sa.select(destination.c.served).where(this)).scalar() or ""
        connection.execute(destination.update().where(this).values(**_next(connection, number, served, now)))


def _next(connection: sa.Connection, number: str, served: str, now: datetime) -> dict[str, Any]:
    """When the number is due next, and whose fax it is then."""
    due_at = _next_due(connection, number, now)
    if due_at is None:
        return {"due_at": None}
    turn = _turn(connection, number, served, max(due_at, now), fax.c.sender)
    return {"due_at": due_at, "sender": "" if turn is None else turn.sender}


def _next_due(connection: sa.Connection, number: str, now: datetime) -> datetime | None:
    """When a call may be considered: the first ready fax's time, but not while an unconfirmed one keeps the line."""
    due_at: datetime | None = _first(connection, sa.func.min(fax.c.due_at), number, fax.c.state == FaxState.READY)
    kept: datetime | None = _first(
        connection, sa.func.max(fax.c.state_since), number, fax.c.state == FaxState.UNCONFIRMED
    )
    if due_at is not None and kept is not None and kept + UNCONFIRMED_KEEPS_LINE > now:
        return max(due_at, kept + UNCONFIRMED_KEEPS_LINE)
    return due_at


def claim(connection: sa.Connection, lease: Lease) -> sa.Row[Any] | None:
    """Lease a due destination and choose its next fax, fair over senders, first due first of each.

    Returns the fax's row, or None when nothing is due.
    """
    served = cursors.get(connection, SERVED) or ""
    while (row := _next_line(connection, lease, served)) is not None:
        chosen = _inherited(connection, row, lease) or _turn(connection, row.number, row.served, lease.now, fax)
        if chosen is None:
            _give_back(connection, row.number, lease.now)
            continue
        update = destination.update().where(destination.c.number == row.number)
        mine = {"lease_owner": lease.owner, "lease_until": lease.until}
        connection.execute(update.values(current_fax=chosen.id, served=chosen.sender, **mine))
        cursors.put(connection, SERVED, chosen.sender, lease.now)
        return chosen
    return None


def _inherited(connection: sa.Connection, row: sa.Row[Any], lease: Lease) -> sa.Row[Any] | None:
    """The fax that the dead owner had chosen, where the claim is its heir's and the fax still waits."""
    if lease.heir_of is None:
        return None
    waits = sa.select(fax).where(fax.c.id == row.current_fax, READY_ROWS, fax.c.due_at <= lease.now)
    return connection.execute(waits).first()


def _next_line(connection: sa.Connection, lease: Lease, served: str) -> sa.Row[Any] | None:
    """The free destination that has been due longest, of the sender whose turn it is after ``served``."""
    line = sa.select(destination).where(leases.free(destination, lease))
    line = line.order_by(destination.c.sender, destination.c.due_at, destination.c.number).limit(1)
    line = line.with_for_update(skip_locked=True)
    return turns.after(connection, line, destination.c.sender, served)


def _turn(connection: sa.Connection, number: str, served: str, due: datetime, *columns: Any) -> sa.Row[Any] | None:
    """The ready fax to this number whose turn it is after ``served``, of those that are due by then."""
    is_due = sa.func.coalesce(fax.c.due_at, fax.c.due_at) <= due  # not as a range of an index: the order is what counts
    ready = sa.select(*columns).where(fax.c.number == number, READY_ROWS, is_due)
    return turns.after(connection, ready.order_by(fax.c.sender, fax.c.due_at, fax.c.id).limit(1), fax.c.sender, served)


def _give_back(connection: sa.Connection, number: str, now: datetime) -> None:
    """Nothing was due after all: the due time is as the faxes have it."""
    at = _next_due(connection, number, now)
    connection.execute(destination.update().where(destination.c.number == number).values(current_fax=None, due_at=at))


def abandoned(connection: sa.Connection, at: datetime) -> list[sa.Row[Any]]:
    """Faxes whose call began and whose worker holds the line no more: it died, or lost its lease. Oldest first.

    ``at`` is by the clock that leases end by.
    """
    held = sa.and_(destination.c.lease_owner.is_not(None), destination.c.lease_until >= at)
    query = sa.select(fax).join(destination, destination.c.number == fax.c.number)
    lost = query.where(fax.c.state == FaxState.SUBMITTING, sa.not_(held))
    return list(connection.execute(lost.order_by(fax.c.id).limit(ABANDONED_LIMIT)))


def held_by(connection: sa.Connection, number: str, lease: Lease) -> bool:
    """Whether this worker holds the destination, and its lease has not run out."""
    unended = sa.and_(destination.c.number == number, destination.c.lease_until >= lease.at)
    return connection.execute(sa.select(destination.c.lease_owner).where(unended)).scalar() == lease.owner


def renew(connection: sa.Connection, number: str, lease: Lease) -> bool:
    """Keep the destination."""
    return leases.renew(connection, destination, [number], lease)


def _first(connection: sa.Connection, column: Any, number: str, *where: sa.ColumnElement[bool]) -> Any:
    return connection.execute(sa.select(column).where(fax.c.number == number, *where).limit(1)).scalar()
