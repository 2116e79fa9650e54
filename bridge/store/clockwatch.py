"""The machine's clock may be set while we run: leases do not mind, and what waits for a later time is moved with it.

Set forward, what waits comes early, which harms nothing. Set back by an hour, everything that is to be tried again
would wait an hour longer; after a year that was wrong, a year. So due times that lie ahead are moved back with it.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import sqlalchemy as sa

from bridge.errors import BridgeError
from bridge.store import tables
from bridge.store.desk import Desk

LOOK_EVERY_SECONDS = 10.0

JUMP = timedelta(seconds=30)
"""What is less is slewing, or a clock that is set by a little; it delays nothing that matters."""


class ClockWatch:
    """Compares the wall's clock with the one that does not jump."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ahead = self._measure()

    def _measure(self) -> timedelta:
        return self._desk.clock.now() - self._desk.clock.steady()

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
        """If the clock was set since the last look, say so; if back, move what waits. What fails is done next time."""
        ahead = self._measure()
        jump = ahead - self._ahead
        if abs(jump) < JUMP:
            return
        moved = await self._desk.store.write(lambda connection: move(connection, jump)) if jump < timedelta() else 0
        self._ahead = ahead
        self._desk.events.clock_jumped(seconds=jump.total_seconds(), moved=moved)


def move(connection: sa.Connection, jump: timedelta) -> int:
    """Every due time, moved by as much as the clock was set; how many there were."""
    moved = 0
    for table in tables.LEASED:
        (key,) = table.primary_key.columns
        waiting = connection.execute(sa.select(key, table.c.due_at).where(table.c.due_at.is_not(None))).all()
        if waiting:
            change = table.update().where(key == sa.bindparam("of")).values(due_at=sa.bindparam("at"))
            connection.execute(change, [{"of": of, "at": due_at + jump} for of, due_at in waiting])
        moved += len(waiting)
    return moved
