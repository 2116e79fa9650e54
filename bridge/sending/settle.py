"""Calls whose outcome is not known: the fax may be going out, so it is told at once and never sent again by itself."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from bridge.fax import outcomes
from bridge.fax.jobs import AttemptResult, Fax, Outcome
from bridge.fax.states import FaxState
from bridge.runtime.worker import Bell, Duty
from bridge.sending.report import Change, Reporter
from bridge.store import attempts, destinations, faxes
from bridge.store.desk import Desk

Also = Callable[[sa.Connection, datetime], None]
"""What is written in the same transaction."""

DIED = "the daemon stopped while the call was in hand"


async def become_unconfirmed(reporter: Reporter, fax: Fax, now: datetime, why: str, also: Also) -> None:
    """The fax is unconfirmed; its sender and the operator are told in the same transaction."""
    cause = outcomes.cause("unconfirmed")
    change = Change(fax, FaxState.UNCONFIRMED, Outcome(cause.outcome_class, cause.slug))

    def unit(connection: sa.Connection) -> None:
        also(connection, now)
        faxes.change(connection, fax, FaxState.UNCONFIRMED, now=now, event="unconfirmed", detail=why)

    await reporter.carry_out(change, now, unit, tell_admin=True)


class Settler:
    """The worker that finds calls whose worker is gone: at start those of the process that died."""

    def __init__(self, desk: Desk, reporter: Reporter) -> None:
        self._desk = desk
        self._reporter = reporter

    @property
    def duty(self) -> Duty[Fax]:
        """What the worker loop runs."""
        return Duty("settle", Bell.SETTLE, self._find, self.settle, self._no_lease)

    async def settle(self, fax: Fax) -> None:
        """The call was begun and nobody holds it any more: its outcome is unknown."""

        def end_attempt(connection: sa.Connection, now: datetime) -> None:
            for attempt in attempts.of_fax(connection, fax.id):
                if attempt.result is None:
                    attempts.finish(connection, attempt.id, AttemptResult.UNKNOWN, now, message=DIED)

        await become_unconfirmed(self._reporter, fax, self._desk.clock.now(), DIED, end_attempt)

    async def _find(self) -> Fax | None:
        row = await self._desk.store.read(lambda connection: destinations.abandoned(connection, self._desk.clock.now()))
        return None if row is None else faxes.from_row(row)

    async def _no_lease(self, _: Fax) -> bool:
        return True
