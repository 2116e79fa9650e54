"""Faxes that have waited long for a call: their senders are told once that it takes time, and that nothing is lost."""

from functools import partial

import sqlalchemy as sa

from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState
from bridge.mail.notices import NoticeEvent
from bridge.runtime.worker import Bell, Duty
from bridge.sending.lookout import Lookout
from bridge.sending.options import SendingOptions
from bridge.sending.report import Change, Reporter
from bridge.sending.retry import last_outcome
from bridge.store import attempts, faxes, waits
from bridge.store.clockwatch import ClockWatch
from bridge.store.desk import Desk
from bridge.store.faxes import Stale

WAITING = "waiting"
"""What holds up a fax of whose calls none told a reason."""


class DelayTeller:
    """The worker that tells it. It holds no lease: who changes the fax first has changed it, and then it looks again.

    While sending is paused nobody is told: the operator knows, and time does not count.
    """

    def __init__(self, desk: Desk, reporter: Reporter, options: SendingOptions, watch: ClockWatch) -> None:
        self._desk = desk
        self._reporter = reporter
        self._options = options
        self._lookout = Lookout(desk, watch)

    @property
    def duty(self) -> Duty[Fax]:
        """What the worker loop runs."""
        return Duty("delay", Bell.DELAY, self._find, self.tell, self._lookout.no_lease)

    async def tell(self, fax: Fax) -> None:
        """Owe the notice. Raises Stale where the fax waits no more."""
        self._lookout.tried(fax)
        made = await self._desk.store.read(lambda connection: attempts.of_fax(connection, fax.id))
        change = Change(fax, FaxState.READY, last_outcome(made, WAITING), event=NoticeEvent.DELAYED)
        await self._reporter.carry_out(change, self._desk.clock.now(), partial(_check, fax=fax))

    async def _find(self) -> Fax | None:
        since = self._desk.clock.now() - self._options.delayed_after
        return await self._lookout.next(partial(waits.long_untold, counts_from=since))


def _check(connection: sa.Connection, fax: Fax) -> None:
    now = faxes.get(connection, fax.id)
    if now is None or now.state is not FaxState.READY or now.version != fax.version:
        raise Stale(f"fax {fax.id} waits no more")
