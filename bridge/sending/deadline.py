"""Faxes that wait for a call until there is no time left: the line was busy with others, or the carrier away."""

from functools import partial

from bridge.fax.jobs import Fax
from bridge.runtime.worker import Bell, Duty
from bridge.sending.lookout import Lookout
from bridge.sending.retry import Retrier
from bridge.store import waits
from bridge.store.clockwatch import ClockWatch
from bridge.store.desk import Desk


class DeadlineKeeper:
    """The worker that ends them. It holds no lease: who changes the fax first has changed it.

    While sending is paused, or a clock that was set is still to be reckoned with, nothing is ended.
    """

    def __init__(self, desk: Desk, retrier: Retrier, watch: ClockWatch) -> None:
        self._desk = desk
        self._retrier = retrier
        self._lookout = Lookout(desk, watch)

    @property
    def duty(self) -> Duty[Fax]:
        """What the worker loop runs."""
        return Duty("deadline", Bell.DEADLINE, self._find, self.end, self._lookout.no_lease)

    async def end(self, fax: Fax) -> None:
        """No time is left. Raises Stale where a call for it began after all."""
        self._lookout.tried(fax)
        await self._retrier.end_late(fax, self._desk.clock.now())

    async def _find(self) -> Fax | None:
        since, at = self._retrier.late_since(self._desk.clock.now()), self._desk.clock.steady()
        return await self._lookout.next(partial(waits.past_deadline, counts_from=since, at=at))
