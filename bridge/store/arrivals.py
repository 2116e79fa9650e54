"""Received faxes: one row for each pair of ids, whoever spoke of it first, and one row for each delivery."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bridge.errors import LeaseLost
from bridge.fax.arrivals import Announcement, Delivery, DeliveryState, Received
from bridge.fax.options import DeliveryKind, Target
from bridge.fax.states import ReceivedState, received_sources
from bridge.store import history, leases
from bridge.store.leases import Lease
from bridge.store.tables import delivery, received

INBOUND = "in"


JUST_NOW = timedelta(hours=1)
"""A call that began so long before the first look may still have been going on then."""


class Stale(LeaseLost):
    """The received fax changed since it was read."""


def find(connection: sa.Connection, job_id: str, transaction_id: str) -> Received | None:
    """The received fax with these ids."""
    query = sa.select(received).where(
        received.c.direction == INBOUND,
        received.c.carrier_job_id == job_id,
        received.c.transaction_id == transaction_id,
    )
    row = connection.execute(query).first()
    return None if row is None else from_row(row)


def announce(
    connection: sa.Connection,
    heard: Announcement,
    new_id: str,
    now: datetime,
    *,
    listed: bool,
    by: str,
    state: ReceivedState = ReceivedState.ANNOUNCED,
) -> tuple[Received, bool]:
    """The row for these ids, made if need be; the flag says whether it is new.

    A row that exists learns what it did not know, and that the carrier's list has shown it; its state stays.
    """
    known = find(connection, heard.job_id, heard.transaction_id)
    if known is None:
        connection.execute(received.insert().values(_as_row(heard, new_id, now, listed=listed, state=state)))
        history.add(connection, at=now, event=state, detail=f"by the carrier's {by}", received_id=new_id)
    else:
        connection.execute(received.update().where(received.c.id == known.id).values(_learned(known, heard, listed)))
        if listed and not known.listed:
            _confirm(connection, known, now)
        elif not listed and _came_after_the_first_look(known, heard):
            detail = "set aside with the backlog, but a hook says that it came just now"
            change(connection, known, ReceivedState.ANNOUNCED, now=now, due_at=now, detail=detail, tries=0)
    row = find(connection, heard.job_id, heard.transaction_id)
    assert row is not None
    return row, known is None


def _came_after_the_first_look(known: Received, heard: Announcement) -> bool:
    """Whether a fax in the backlog was in fact just coming in when the first look listed it."""
    return (
        known.state is ReceivedState.QUARANTINED
        and known.listed
        and heard.started_at is not None
        and heard.started_at > known.created_at - JUST_NOW
    )


def _confirm(connection: sa.Connection, known: Received, now: datetime) -> None:
    """The carrier's list shows what only a hook had spoken of: it is real, so it is fetched now."""
    if known.state is ReceivedState.QUARANTINED:
        detail = "the carrier's list shows it after all"
        change(connection, known, ReceivedState.ANNOUNCED, now=now, due_at=now, detail=detail, tries=0)
    elif known.state is ReceivedState.ANNOUNCED:
        connection.execute(received.update().where(received.c.id == known.id).values(due_at=now))


def claim(connection: sa.Connection, lease: Lease, state: ReceivedState) -> Received | None:
    """The most overdue received fax in that state."""
    row = leases.claim(connection, received, lease, received.c.state == state)
    return None if row is None else from_row(row)


def renew(connection: sa.Connection, received_id: str, lease: Lease) -> bool:
    """Keep the claim."""
    return leases.renew(connection, received, [received_id], lease)


def later(
    connection: sa.Connection,
    received_id: str,
    owner: str,
    due_at: datetime,
    *,
    tries: int,
    damaged: bool | None = None,
) -> None:
    """Not yet: come back at ``due_at``; ``damaged`` where that came to be known."""
    learned = {} if damaged is None else {"damaged": damaged}
    leases.release(connection, received, received_id, owner, due_at=due_at, tries=tries, **learned)


def change(
    connection: sa.Connection,
    before: Received,
    target: ReceivedState,
    *,
    now: datetime,
    detail: str,
    owner: str | None = None,
    due_at: datetime | None = None,
    actor: str = history.DAEMON,
    **values: Any,
) -> None:
    """Move a received fax to ``target`` with its history line; raises Stale when it changed meanwhile."""
    if not leases.change_state(
        connection, received, before, target, received_sources(target), now=now, owner=owner, due_at=due_at, **values
    ):
        raise Stale(f"received fax {before.id} is no longer {before.state} (version {before.version})")
    history.add(connection, at=now, event=target, detail=detail, actor=actor, received_id=before.id)


def add_deliveries(connection: sa.Connection, rows: Iterable[Delivery]) -> None:
    """One row for each delivery."""
    for row in rows:
        connection.execute(
            delivery.insert().values(
                id=row.id,
                received_id=row.received_id,
                kind=row.target.kind,
                target=row.target.address,
                token=row.token,
                state=row.state,
                state_since=row.state_since,
            )
        )


def end_delivery(connection: sa.Connection, delivery_id: str, state: DeliveryState, now: datetime, why: str) -> None:
    """A delivery came to its end; when all have arrived, or were passed on to one that did, the fax is delivered."""
    row = connection.execute(sa.select(delivery).where(delivery.c.id == delivery_id)).one()
    connection.execute(delivery.update().where(delivery.c.id == delivery_id).values(state=state, state_since=now))
    history.add(
        connection, at=now, event=f"mail_{state}", detail=f"{row.kind}:{row.target}{why}", received_id=row.received_id
    )
    states = connection.execute(sa.select(delivery.c.state).where(delivery.c.received_id == row.received_id)).scalars()
    reached = set(states)
    if reached <= {DeliveryState.DELIVERED, DeliveryState.PASSED_ON} and DeliveryState.DELIVERED in reached:
        fax_row = connection.execute(sa.select(received).where(received.c.id == row.received_id)).one()
        if fax_row.state == ReceivedState.ROUTED:
            change(connection, from_row(fax_row), ReceivedState.DELIVERED, now=now, detail="every delivery arrived")


def deliveries_of(connection: sa.Connection, received_id: str) -> list[Delivery]:
    """A received fax's deliveries, in the order they were made."""
    query = sa.select(delivery).where(delivery.c.received_id == received_id).order_by(delivery.c.id)
    return [_delivery(row) for row in connection.execute(query)]


def delivery_by_token(connection: sa.Connection, token: str) -> Delivery | None:
    """The delivery whose mails carry this token in their envelope sender."""
    row = connection.execute(sa.select(delivery).where(delivery.c.token == token)).first()
    return None if row is None else _delivery(row)


def delivery_of(connection: sa.Connection, delivery_id: str) -> Delivery:
    """One delivery."""
    return _delivery(connection.execute(sa.select(delivery).where(delivery.c.id == delivery_id)).one())


def quarantined(connection: sa.Connection) -> list[Received]:
    """What waits for a person, oldest first."""
    query = sa.select(received).where(received.c.state == ReceivedState.QUARANTINED).order_by(received.c.id)
    return [from_row(row) for row in connection.execute(query)]


def get(connection: sa.Connection, received_id: str) -> Received | None:
    """One received fax."""
    row = connection.execute(sa.select(received).where(received.c.id == received_id)).first()
    return None if row is None else from_row(row)


def from_row(row: sa.Row[Any]) -> Received:
    """A row as the rooms know it."""
    return Received(
        id=row.id,
        carrier_job_id=row.carrier_job_id,
        transaction_id=row.transaction_id,
        state=ReceivedState(row.state),
        state_since=row.state_since,
        version=row.version,
        due_at=row.due_at,
        listed=row.listed,
        tries=row.tries,
        caller=row.caller,
        called=row.called,
        pages=row.pages,
        pages_total=row.pages_total,
        file_pages=row.file_pages,
        started_at=row.started_at,
        blob_id=row.blob_id,
        damaged=row.damaged,
        hook_blob_id=row.hook_blob_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        received_id=row.received_id,
        target=Target(DeliveryKind(row.kind), row.target),
        token=row.token,
        state=DeliveryState(row.state),
        state_since=row.state_since,
    )


def _as_row(heard: Announcement, new_id: str, now: datetime, *, listed: bool, state: ReceivedState) -> dict[str, Any]:
    return {
        "id": new_id,
        "direction": INBOUND,
        "carrier_job_id": heard.job_id,
        "transaction_id": heard.transaction_id,
        "state": state,
        "state_since": now,
        "version": 1,
        "due_at": now if state is ReceivedState.ANNOUNCED else None,
        "listed": listed,
        "caller": heard.caller,
        "called": heard.called,
        "pages": heard.pages,
        "pages_total": heard.pages_total,
        "started_at": heard.started_at,
        "created_at": now,
        "updated_at": now,
    }


def _learned(known: Received, heard: Announcement, listed: bool) -> dict[str, Any]:  # noqa: FBT001 - one of a pair
    return {
        "listed": known.listed or listed,
        "caller": known.caller or heard.caller,
        "called": known.called or heard.called,
        "pages": heard.pages if known.pages is None else known.pages,
        "pages_total": heard.pages_total if known.pages_total is None else known.pages_total,
        "started_at": known.started_at or heard.started_at,
    }
