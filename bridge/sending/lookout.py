"""Faxes that have waited for too long, found one after the other by a worker that holds no lease."""

from collections.abc import Callable

import sqlalchemy as sa

from bridge.fax.jobs import Fax
from bridge.store import pauses
from bridge.store.clockwatch import ClockWatch
from bridge.store.desk import Desk
from bridge.store.pauses import Work


class Lookout:
    """Finds them. While sending is paused, or a clock that was set is still to be reckoned with, there are none."""

    def __init__(self, desk: Desk, watch: ClockWatch) -> None:
        self._desk = desk
        self._watch = watch
        self._tried: set[str] = set()

    def tried(self, fax: Fax) -> None:
        """It is being worked on: should that fail, it comes only after all others."""
        self._tried.add(fax.id)

    async def next(self, waiting: Callable[[sa.Connection], list[Fax]]) -> Fax | None:
        """The first of those that wait and was not tried; None, and all may be tried again, if there is none."""
        if self._watch.is_due:
            return None

        def query(connection: sa.Connection) -> list[Fax]:
            return [] if pauses.of(connection, Work.SENDING) is not None else waiting(connection)

        found = await self._desk.store.read(query)
        fresh = next((fax for fax in found if fax.id not in self._tried), None)
        if fresh is None:
            self._tried.clear()
        return fresh

    async def no_lease(self, _: Fax) -> bool:
        """In a lease's stead: who changes the fax first has changed it."""
        return True
