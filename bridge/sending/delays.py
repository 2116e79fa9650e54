"""Faxes that have waited long for a call: their senders are told once that it takes time, and that nothing is lost."""

from datetime import datetime

import sqlalchemy as sa

from bridge.fax import outcomes
from bridge.fax.jobs import Attempt, Fax, Outcome
from bridge.fax.states import FaxState
from bridge.mail.notices import NoticeEvent
from bridge.runtime.worker import Bell, Duty
from bridge.sending.options import SendingOptions
from bridge.sending.report import Change, Reporter
from bridge.store import attempts, faxes, pauses, waits
from bridge.store.desk import Desk
from bridge.store.faxes import Stale
from bridge.store.pauses import Work


class DelayTeller:
    """The worker that tells it. It holds no lease: who changes the fax first has changed it, and then it looks again.

    While sending is paused nobody is told: the operator knows, and time does not count.
    """

    def __init__(self, desk: Desk, reporter: Reporter, options: SendingOptions) -> None:
        self._desk = desk
        self._reporter = reporter
        self._options = options
        self._failed: set[str] = set()

    @property
    def duty(self) -> Duty[Fax]:
        """What the worker loop runs."""
        return Duty("delay", Bell.DELAY, self._find, self.tell, self._no_lease)

    async def tell(self, fax: Fax) -> None:
        """Owe the notice. Raises Stale where the fax waits no more."""
        self._failed.add(fax.id)
        made = await self._desk.store.read(lambda connection: attempts.of_fax(connection, fax.id))
        change = Change(fax, FaxState.READY, _last_outcome(made), event=NoticeEvent.DELAYED)
        await self._reporter.carry_out(change, self._desk.clock.now(), lambda connection: _check(connection, fax))
        self._failed.discard(fax.id)

    async def _find(self) -> Fax | None:
        """The one that has waited longest, but one that just failed only after all others."""
        since = self._since(self._desk.clock.now())

        def query(connection: sa.Connection) -> list[Fax]:
            if pauses.of(connection, Work.SENDING) is not None:
                return []
            return waits.long_untold(connection, since)

        waiting = await self._desk.store.read(query)
        fresh = next((fax for fax in waiting if fax.id not in self._failed), None)
        if fresh is None:
            self._failed.clear()
        return fresh

    def _since(self, now: datetime) -> datetime:
        return now - self._options.delayed_after

    async def _no_lease(self, _: Fax) -> bool:
        return True


def _check(connection: sa.Connection, fax: Fax) -> None:
    now = faxes.get(connection, fax.id)
    if now is None or now.state is not FaxState.READY or now.version != fax.version:
        raise Stale(f"fax {fax.id} waits no more")


def _last_outcome(made: list[Attempt]) -> Outcome:
    """What held it up last; that it waits, where no call was made or none told a reason."""
    slug = next((attempt.cause for attempt in reversed(made) if attempt.cause is not None), "waiting")
    cause = outcomes.cause(slug)
    return Outcome(cause.outcome_class, cause.slug)
