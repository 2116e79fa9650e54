"""Work that an operator paused: one row each, which outlives the daemon and is found by all that share the store."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from bridge.errors import BridgeError
from bridge.runtime.clock import Clock, rfc3339
from bridge.store import Store, cursors, waits

FRESH_SECONDS = 0.5
"""So long what was seen counts."""


class Work(StrEnum):
    """What can be paused."""

    SENDING = "sending"
    INTAKE = "intake"
    RECEIVING = "receiving"


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused what, and since when."""

    work: Work
    by: str
    since: datetime

    def in_words(self) -> str:
        """``sending is paused since 2026-11-23T08:15:00.000Z by operator maria``."""
        return f"{self.work} is paused since {rfc3339(self.since)} by {self.by}"


def begin(connection: sa.Connection, work: Work, by: str, now: datetime) -> Pause | None:
    """Pause it; the pause that is there already, which is then left as it is."""
    before = of(connection, work)
    if before is None:
        cursors.put(connection, _name(work), by, now)
    return before


def end(connection: sa.Connection, work: Work, now: datetime) -> Pause | None:
    """Go on with it; the pause there was. Where sending was paused, that was no part of any fax's time for trying."""
    before = of(connection, work)
    if before is not None and work is Work.SENDING:
        waits.give_back_time(connection, before.since, now)
    cursors.drop(connection, _name(work))
    return before


def of(connection: sa.Connection, work: Work) -> Pause | None:
    """Its pause, if it is paused."""
    row = cursors.row(connection, _name(work))
    return None if row is None else Pause(work, *row)


def current(connection: sa.Connection) -> list[Pause]:
    """Everything that is paused."""
    return [pause for work in Work if (pause := of(connection, work)) is not None]


class Watch:
    """Whether work is paused, for those who ask often and take a moment's delay."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[Work, Pause] = {}
        self._seen_at: float | None = None

    async def paused(self, work: Work) -> bool:
        """As it was within the last half second; while the store does not answer, as it was last seen."""
        now = self._clock.monotonic()
        if self._seen_at is None or now - self._seen_at >= FRESH_SECONDS:
            self._seen_at = now
            try:
                self._seen = {pause.work: pause for pause in await self._store.read(current)}
            except BridgeError:
                return work in self._seen  # what needs the store will say that it is gone
        return work in self._seen


def _name(work: Work) -> str:
    return f"paused.{work}"
