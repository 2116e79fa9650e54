"""Calls whose outcome is not known: the fax may be going out, so it is told at once and never sent again by itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from bridge.fax import outcomes
from bridge.fax.jobs import AttemptResult, Fax, Outcome
from bridge.fax.states import FaxState
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell, Duty
from bridge.sending.report import Change, Reporter
from bridge.store import attempts, destinations, faxes
from bridge.store.desk import Desk

Also = Callable[[sa.Connection, datetime], None]
"""What is written in the same transaction."""

DIED = "the daemon stopped while the call was in hand"


class Calls:
    """The faxes whose call this process has in hand: whatever the clock says, their workers are alive."""

    def __init__(self) -> None:
        self._faxes: set[str] = set()

    @contextmanager
    def in_hand(self, fax_id: str) -> Iterator[None]:
        """The fax counts as in hand within."""
        self._faxes.add(fax_id)
        try:
            yield
        finally:
            self._faxes.discard(fax_id)

    def now(self) -> frozenset[str]:
        """Those in hand at this moment."""
        return frozenset(self._faxes)


async def become_unconfirmed(
    reporter: Reporter, fax: Fax, now: datetime, why: str, also: Also, *, ask_at: datetime | None = None
) -> None:
    """The fax is unconfirmed; its sender and the operator are told in the same transaction.

    Where a job id is known, the carrier is asked after it from ``ask_at`` on; else only when a hook speaks of it.
    """
    cause = outcomes.cause("unconfirmed")
    change = Change(fax, FaxState.UNCONFIRMED, Outcome(cause.outcome_class, cause.slug), why=why)

    def unit(connection: sa.Connection) -> None:
        also(connection, now)
        seen = faxes.get(connection, fax.id)
        hooked = seen is not None and seen.due_at != fax.due_at  # a hook came while we asked: its question stays
        due_at = seen.due_at if hooked and seen is not None else ask_at
        faxes.change(connection, fax, FaxState.UNCONFIRMED, now=now, event="unconfirmed", detail=why, due_at=due_at)

    await reporter.carry_out(change, now, unit, tell_admin=True)


class Settler:
    """The worker that finds calls whose worker is gone: at start those of the process that died."""

    def __init__(self, desk: Desk, reporter: Reporter, calls: Calls) -> None:
        self._desk = desk
        self._calls = calls
        self._failed: set[str] = set()
        self._reporter = reporter

    @property
    def duty(self) -> Duty[Fax]:
        """What the worker loop runs."""
        return Duty("settle", Bell.SETTLE, self._find, self.settle, self._no_lease)

    async def settle(self, fax: Fax) -> None:
        """The call was begun and nobody holds it any more: its outcome is unknown."""
        crash_point(Point.SETTLE_FOUND)
        self._failed.add(fax.id)

        def end_attempt(connection: sa.Connection, now: datetime) -> None:
            for attempt in attempts.of_fax(connection, fax.id):
                if attempt.result is None:
                    attempts.finish(connection, attempt.id, AttemptResult.UNKNOWN, now, message=DIED)

        await become_unconfirmed(self._reporter, fax, self._desk.clock.now(), DIED, end_attempt)

    async def _find(self) -> Fax | None:
        """The next one, but one that just failed to be settled only after all others were tried."""
        now, in_hand = self._desk.clock.now(), self._calls.now()
        rows = await self._desk.store.read(lambda connection: destinations.abandoned(connection, now))
        waiting = [faxes.from_row(row) for row in rows if row.id not in in_hand]
        fresh = [fax for fax in waiting if fax.id not in self._failed]
        if not fresh:
            self._failed.clear()
        return next(iter(fresh), None)

    async def _no_lease(self, _: Fax) -> bool:
        return True
