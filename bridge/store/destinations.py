"""One row a fax number: a fax machine has one line, so what is leased for a call is the destination.

``due_at`` tells when a call to the number may be considered next; nothing waiting, or the line in use, is no due time.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bridge.fax.states import ON_THE_LINE, FaxState
from bridge.store import leases
from bridge.store.leases import Lease
from bridge.store.tables import destination, fax

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
    values: dict[str, Any] = {"due_at": None if on_line else _next_due(connection, number, now), "current_fax": on_line}
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
        change = destination.update().where(destination.c.number == number)
        connection.execute(change.values(due_at=_next_due(connection, number, now)))


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
    """Lease the destination that has been due longest and choose its next fax: the ready one that is due first.

    Returns the fax's row, or None when nothing is due.
    """
    while (row := leases.claim(connection, destination, lease)) is not None:
        ready = sa.select(fax).where(fax.c.number == row.number, fax.c.state == FaxState.READY)
        due = ready.where(fax.c.due_at <= lease.now).order_by(fax.c.due_at, fax.c.id)
        chosen = connection.execute(due.limit(1)).first()
        if chosen is not None:
            update = destination.update().where(destination.c.number == row.number)
            connection.execute(update.values(current_fax=chosen.id))
            return chosen
        _give_back(connection, row.number, lease.now)
    return None


def _give_back(connection: sa.Connection, number: str, now: datetime) -> None:
    """Nothing was due after all: no lease, and the due time as the faxes have it."""
    values = {"due_at": _next_due(connection, number, now), "lease_owner": None, "lease_until": None}
    connection.execute(destination.update().where(destination.c.number == number).values(current_fax=None, **values))


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
