"""Numbers to which fax after fax failed for good: one row each, counted in the very change that ends a fax."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from bridge.errors import BridgeError
from bridge.fax.failing import ANSWERED, COUNTED, FORGOTTEN_AFTER, WARNED_AFTER, Failing
from bridge.fax.jobs import Outcome
from bridge.runtime.clock import Clock
from bridge.store import Store
from bridge.store.schema import insert
from bridge.store.tables import failing

FRESH_SECONDS = 1.0
"""So long what was seen counts."""


def note(connection: sa.Connection, number: str, outcome: Outcome, now: datetime) -> None:
    """A fax to this number has ended so."""
    if outcome.outcome_class in ANSWERED:
        forget(connection, number)
    elif outcome.outcome_class in COUNTED:
        old = sa.and_(failing.c.number == number, failing.c.last_at <= now - FORGOTTEN_AFTER)
        connection.execute(failing.delete().where(old))
        values = {"number": number, "times": 1, "cause": outcome.cause, "since": now, "last_at": now}
        connection.execute(_statement(connection.dialect.name), values)


def forget(connection: sa.Connection, number: str) -> bool:
    """Begin anew with this number; whether there was anything to forget."""
    return connection.execute(failing.delete().where(failing.c.number == number)).rowcount > 0


def of(connection: sa.Connection, number: str) -> Failing | None:
    """What is remembered of it."""
    row = connection.execute(sa.select(failing).where(failing.c.number == number)).first()
    return None if row is None else _read(row)


def all_of(connection: sa.Connection, now: datetime, times: int = 1) -> list[Failing]:
    """Numbers with so many failures or more that are not forgotten, the latest first."""
    kept = sa.and_(failing.c.times >= times, failing.c.last_at > now - FORGOTTEN_AFTER)
    rows = connection.execute(sa.select(failing).where(kept).order_by(failing.c.last_at.desc(), failing.c.number))
    return [_read(row) for row in rows]


class FailingWatch:
    """The numbers to warn of, for those who ask often and take a moment's delay."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seen: Mapping[str, Failing] = {}
        self._seen_at: float | None = None

    async def numbers(self) -> Mapping[str, Failing]:
        """As they were within the last second; while the store does not answer, as they were last seen."""
        moment = self._clock.monotonic()
        if self._seen_at is None or moment - self._seen_at >= FRESH_SECONDS:
            self._seen_at = moment
            now = self._clock.now()
            try:
                rows = await self._store.read(lambda connection: all_of(connection, now, WARNED_AFTER))
            except BridgeError:
                return self._seen  # what needs the store will say that it is gone
            self._seen = {row.number: row for row in rows}
        return self._seen


def _read(row: Any) -> Failing:
    return Failing(row.number, row.times, row.cause, row.since, row.last_at)


@cache
def _statement(dialect: str) -> sa.Executable:
    made = insert(dialect, failing)
    again = {"times": failing.c.times + 1, "cause": made.excluded.cause, "last_at": made.excluded.last_at}
    return made.on_conflict_do_update(index_elements=["number"], set_=again)
