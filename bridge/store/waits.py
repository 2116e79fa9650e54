"""The time of faxes that wait for a call: put off, due at once, past their deadline, or not running in a pause."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState
from bridge.store import destinations, faxes, history
from bridge.store.faxes import Stale
from bridge.store.leases import Lease
from bridge.store.tables import READY_ROWS, destination, fax, outbox

DEADLINE_LIMIT = 50
"""Faxes past their deadline that are looked at together."""

DELAYED = "delayed"
"""The event of the notice that a fax waits."""

_ON_ITS_WAY = (FaxState.READY, FaxState.SUBMITTING, FaxState.SENDING)


def due_now(connection: sa.Connection, waiting: Fax, now: datetime, actor: str) -> None:
    """A ready fax need not wait for its time, nor for an hour at which its number may be called.

    Whoever has it in hand keeps it; raises Stale if it is ready no more.
    """
    _update(connection, waiting, due_at=now, updated_at=now, not_before=None, quiet_hours=None)
    history.add(connection, at=now, event="retry", detail="due now", actor=actor, fax_id=waiting.id)
    destinations.look_again(connection, waiting.number, now)


def put_off(connection: sa.Connection, claimed: Fax, lease: Lease, until: datetime, why: str) -> None:
    """A ready fax whose line ``lease`` holds must not be called before ``until``: it waits, and the line is free.

    The time in which it may not be called is no part of the time for trying. Raises Stale where the fax is no longer
    as it was claimed, or the line no longer held.
    """
    now = lease.now
    if not destinations.held_by(connection, claimed.number, lease):
        raise Stale(f"the line to {claimed.number} is no longer ours")
    began = faxes.counts_from(claimed, now) + (until - now)
    _update(connection, claimed, due_at=until, updated_at=now, counts_from=began)
    history.add(connection, at=now, event="put_off", detail=why, fax_id=claimed.id)
    destinations.refresh(connection, claimed.number, now, changed=claimed.id, state=FaxState.READY)


def past_deadline(connection: sa.Connection, counts_from: datetime, at: datetime) -> list[Fax]:
    """Ready faxes whose time began at ``counts_from`` or before, longest first; none that is just being claimed.

    ``at`` is by the clock that leases end by.
    """
    claimed = sa.exists().where(
        destination.c.number == fax.c.number, destination.c.current_fax == fax.c.id, destination.c.lease_until >= at
    )
    ready = sa.select(fax).where(READY_ROWS, fax.c.counts_from <= counts_from, sa.not_(claimed))
    rows = connection.execute(ready.order_by(fax.c.counts_from).limit(DEADLINE_LIMIT))
    return [faxes.from_row(row) for row in rows]


def long_untold(connection: sa.Connection, counts_from: datetime) -> list[Fax]:
    """Ready faxes whose time began at ``counts_from`` or before, longest first, of which no delay was told yet."""
    told = sa.exists().where(outbox.c.fax_id == fax.c.id, outbox.c.event == DELAYED)
    ready = sa.select(fax).where(READY_ROWS, fax.c.counts_from <= counts_from, sa.not_(told))
    rows = connection.execute(ready.order_by(fax.c.counts_from).limit(DEADLINE_LIMIT))
    return [faxes.from_row(row) for row in rows]


def give_back_time(connection: sa.Connection, since: datetime, now: datetime) -> None:
    """Since then no fax was called for, by a person's wish: so much later counts the time of each that is on its way.

    Of one whose time began meanwhile, only what it waited itself.
    """
    going = sa.and_(fax.c.state.in_(_ON_ITS_WAY), fax.c.counts_from.is_not(None), fax.c.counts_from < now)
    rows = connection.execute(sa.select(fax.c.id, fax.c.counts_from).where(going)).all()
    moved = [{"of": row.id, "to": row.counts_from + (now - max(since, row.counts_from))} for row in rows]
    if moved and since < now:
        change = fax.update().where(fax.c.id == sa.bindparam("of")).values(counts_from=sa.bindparam("to"))
        connection.execute(change, moved)


def _update(connection: sa.Connection, before: Fax, **values: Any) -> None:
    same = sa.and_(fax.c.id == before.id, fax.c.version == before.version, fax.c.state == FaxState.READY)
    if connection.execute(fax.update().where(same).values(**values)).rowcount != 1:
        raise Stale(f"fax {before.id} is no longer {before.state} (version {before.version})")
