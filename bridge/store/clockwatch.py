"""The machine's clock may be set while we run: leases do not mind, and what waits for a later time is moved with it.

Set forward, what waits comes early, which harms nothing. Set back by an hour, everything that is to be tried again
would wait an hour longer; after a year that was wrong, a year. So due times that lie ahead are moved back with it.
The time a fax has, and the time that a call of unknown outcome waits for evidence, are moved with it either way: a fax
must not fail, and nobody be asked, because a clock was set.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bridge.errors import BridgeError
from bridge.fax.states import FaxState
from bridge.store import tables
from bridge.store.desk import Desk

LOOK_EVERY_SECONDS = 10.0

JUMP = timedelta(seconds=30)
"""What is less is slewing, or a clock that is set by a little; it delays nothing that matters."""


_OPEN = [state for state in FaxState if not state.final]


class ClockWatch:
    """Compares the wall's clock with the one that does not jump."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ahead = self._measure()

    def _measure(self) -> timedelta:
        return self._desk.clock.now() - self._desk.clock.steady()

    @property
    def is_due(self) -> bool:
        """Whether the clock was set since the last look: until then no fax may be ended for want of time."""
        return abs(self._measure() - self._ahead) >= JUMP

    async def run(self, stop: asyncio.Event) -> None:
        """Look now and then until ``stop``."""
        while not stop.is_set():
            try:
                await self.look()
            except BridgeError as error:
                self._desk.events.worker_failed(worker="clock", error=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_SECONDS):
                    await stop.wait()

    async def look(self) -> None:
        """If the clock was set since the last look, say so, and move what waits. What fails is done next time."""
        ahead = self._measure()
        jump = ahead - self._ahead
        if abs(jump) < JUMP:
            return
        moved = await self._desk.store.write(lambda connection: move(connection, jump))
        self._ahead = ahead
        self._desk.events.clock_jumped(seconds=jump.total_seconds(), moved=moved)


def move(connection: sa.Connection, jump: timedelta) -> int:
    """What waits, moved by as much as the clock was set: due times only back; how many of them there were."""
    for column in (tables.fax.c.counts_from, tables.fax.c.settle_at):
        _move(connection, column, jump)
    if jump > timedelta():
        return 0
    return sum(_move(connection, table.c.due_at, jump) for table in tables.LEASED)


def _move(connection: sa.Connection, column: sa.Column[Any], jump: timedelta) -> int:
    """Every moment in a column that is no fax's past; how many there were."""
    table = column.table
    (key,) = table.primary_key.columns
    waits = [column.is_not(None), *([table.c.state.in_(_OPEN)] if table is tables.fax else [])]
    waiting = connection.execute(sa.select(key, column.label("at")).where(*waits)).all()
    if waiting:
        change = sa.update(table).where(key == sa.bindparam("of")).values({column: sa.bindparam("to")})
        connection.execute(change, [{"of": of, "to": at + jump} for of, at in waiting])
    return len(waiting)
