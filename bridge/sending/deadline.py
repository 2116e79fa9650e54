"""Faxes that wait for a call until there is no time left: the line was busy with others, or the carrier away."""

import sqlalchemy as sa

from bridge.fax.jobs import Fax
from bridge.runtime.worker import Bell, Duty
from bridge.sending.retry import Retrier
from bridge.store import pauses, waits
from bridge.store.clockwatch import ClockWatch
from bridge.store.desk import Desk
from bridge.store.pauses import Work


class DeadlineKeeper:
    """The worker that ends them. It holds no lease: who changes the fax first has changed it.

    While sending is paused, or a clock that was set is still to be reckoned with, nothing is ended.
    """

    def __init__(self, desk: Desk, retrier: Retrier, watch: ClockWatch) -> None:
        self._desk = desk
        self._watch = watch
        self._retrier = retrier
        self._failed: set[str] = set()

    @property
    def duty(self) -> Duty[Fax]:
        """What the worker loop runs."""
        return Duty("deadline", Bell.DEADLINE, self._find, self.end, self._no_lease)

    async def end(self, fax: Fax) -> None:
        """No time is left. Raises Stale where a call for it began after all."""
        self._failed.add(fax.id)
        await self._retrier.end_late(fax, self._desk.clock.now())

    async def _find(self) -> Fax | None:
        """The next one, but one that just failed to be ended only after all others were tried."""
        if self._watch.is_due:
            return None
        since, at = self._retrier.late_since(self._desk.clock.now()), self._desk.clock.steady()

        def query(connection: sa.Connection) -> list[Fax]:
            if pauses.of(connection, Work.SENDING) is not None:
                return []
            return waits.past_deadline(connection, since, at)

        late = await self._desk.store.read(query)
        fresh = next((fax for fax in late if fax.id not in self._failed), None)
        if fresh is None:
            self._failed.clear()
        return fresh

    async def _no_lease(self, _: Fax) -> bool:
        return True
