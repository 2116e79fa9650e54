"""Troubles that the operator was told of and that are not over: one row each, so that each is told once.

Also what the store itself shows of trouble: work that stands still, webhooks that do not come, lists not read.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.fax.states import FaxState
from bridge.store.history import EvidenceKind
from bridge.store.schema import insert
from bridge.store.tables import attempt, cursor, evidence, fax, received

PREFIX = "trouble."

LOOKED_AT = 5
"""So many of the latest changes are looked at for whether a webhook told of them."""

HOOK_PATIENCE = timedelta(minutes=15)
"""A webhook may come so long after what it tells of."""

OPEN = [state for state in FaxState if not state.final]


@dataclass(frozen=True, slots=True)
class Oldest:
    """The fax that has waited longest, and since when."""

    fax_id: str
    state: FaxState
    since: datetime


def begin(connection: sa.Connection, name: str, now: datetime) -> bool:
    """This trouble is there; whether that is new, whoever else says so at the same time."""
    made = insert(connection.dialect.name, cursor).values(name=f"{PREFIX}{name}", value="", updated_at=now)
    return connection.execute(made.on_conflict_do_nothing()).rowcount > 0


def end(connection: sa.Connection, name: str) -> None:
    """It is over."""
    connection.execute(cursor.delete().where(cursor.c.name == f"{PREFIX}{name}"))


def end_all(connection: sa.Connection, family: str) -> None:
    """All troubles whose name begins so are over."""
    beginning = f"{PREFIX}{family}"
    mine = sa.and_(cursor.c.name >= beginning, cursor.c.name < f"{beginning}\x7f")
    connection.execute(cursor.delete().where(mine))


def standing(connection: sa.Connection) -> frozenset[str]:
    """The names of those that are there."""
    found = connection.execute(sa.select(cursor.c.name).where(cursor.c.name.startswith(PREFIX, autoescape=True)))
    return frozenset(name.removeprefix(PREFIX) for name in found.scalars())


def oldest_waiting(connection: sa.Connection, now: datetime) -> Oldest | None:
    """Of the faxes without a final word; what has to wait for its hour began when that came."""
    began = sa.func.coalesce(fax.c.counts_from, fax.c.not_before, fax.c.created_at)
    waiting = sa.select(fax.c.id, fax.c.state, began.label("since")).where(fax.c.state.in_(OPEN), began <= now)
    row = connection.execute(waiting.order_by(began, fax.c.id).limit(1)).first()
    return None if row is None else Oldest(row.id, FaxState(row.state), row.since)


def unhooked_calls(connection: sa.Connection, now: datetime, since: datetime) -> tuple[int, int]:
    """Of the latest calls that ended: how many there are, and of how many a webhook told."""
    ended = sa.and_(attempt.c.ended_at <= now - HOOK_PATIENCE, attempt.c.started_at >= since)
    latest = sa.select(attempt.c.carrier_job_id).where(attempt.c.carrier_job_id.is_not(None), ended)
    jobs = list(connection.execute(latest.order_by(attempt.c.id.desc()).limit(LOOKED_AT)).scalars())
    hooked = sa.select(sa.func.count(evidence.c.carrier_job_id.distinct())).where(
        evidence.c.carrier_job_id.in_(jobs), evidence.c.kind == EvidenceKind.HOOK
    )
    return len(jobs), connection.execute(hooked).scalar_one()


def unhooked_arrivals(connection: sa.Connection, now: datetime, since: datetime) -> tuple[int, int]:
    """Of the latest received faxes that the list shows: how many there are, and of how many a webhook told."""
    heard = sa.and_(received.c.listed, received.c.created_at <= now - HOOK_PATIENCE, received.c.created_at >= since)
    latest = sa.select(received.c.id).where(heard).order_by(received.c.id.desc()).limit(LOOKED_AT)
    ids = list(connection.execute(latest).scalars())
    hooked = sa.select(sa.func.count(evidence.c.received_id.distinct())).where(
        evidence.c.received_id.in_(ids), evidence.c.kind == EvidenceKind.HOOK
    )
    return len(ids), connection.execute(hooked).scalar_one()
