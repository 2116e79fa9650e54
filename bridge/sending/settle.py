"""Calls whose outcome is not known: the fax may be going out. It waits for evidence and is never sent again by itself.

Nobody is told while evidence may still come (``sending/evidence.py``); when the window for it is over, the sender and
the operator are asked, and a person decides (``sending/decisions.py``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.fax import outcomes
from bridge.fax.adoption import Call
from bridge.fax.jobs import AttemptResult, Fax, Outcome
from bridge.fax.states import FaxState
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.phrases import phrase
from bridge.runtime.worker import Bell, Duty
from bridge.sending.report import Change, Reporter
from bridge.store import attempts, destinations, faxes, history, inquiries
from bridge.store.desk import Desk

Also = Callable[[sa.Connection, datetime], None]
"""What is written in the same transaction."""

DIED = phrase("the daemon stopped while the call was in hand")


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


async def wait_for_evidence(
    desk: Desk, fax: Fax, why: str, also: Also, *, window: timedelta, ask_at: datetime | None = None
) -> None:
    """The fax is unconfirmed, and nobody is told: for ``window`` evidence may settle it.

    Where a job id is known, the carrier is asked after it from ``ask_at`` on.
    """
    now = desk.clock.now()

    def unit(connection: sa.Connection) -> None:
        also(connection, now)
        begun = attempts.of_fax(connection, fax.id)[-1].started_at
        inquiries.wake(connection, fax.number, begun, now)  # a hook that came before this was known counts too
        faxes.change(
            connection,
            fax,
            FaxState.UNCONFIRMED,
            now=now,
            event="unconfirmed",
            detail=f"{why}; it may have been sent: evidence is waited for",
            due_at=ask_at,
            settle_at=now + window,
        )

    await desk.store.write(unit)
    desk.events.fax_unconfirmed(fax=fax.id, why=why)
    desk.bells.ring(Bell.TRACK, Bell.EVIDENCE)


def take_up(
    connection: sa.Connection, call: Call, job_id: str, now: datetime, detail: str, *, due_at: datetime
) -> None:
    """Evidence shows that the carrier has an unconfirmed fax: it is sending, and asked after at ``due_at``.

    While another fax to the number is on the line it stays unconfirmed, but is asked after all the same.
    """
    if faxes.is_line_busy(connection, call.fax.number):
        attempts.name_job(connection, call.attempt.id, job_id)
        faxes.ask_now(connection, call.fax.id, due_at)
        history.add(connection, at=now, event="evidence", actor=history.CARRIER, detail=detail, fax_id=call.fax.id)
        return
    attempts.finish(connection, call.attempt.id, AttemptResult.TAKEN, now, job_id=job_id)
    faxes.change(
        connection,
        call.fax,
        FaxState.SENDING,
        now=now,
        event="taken",
        actor=history.CARRIER,
        detail=detail,
        due_at=due_at,
        polls=0,
    )


async def become_unconfirmed(reporter: Reporter, fax: Fax, now: datetime, why: str, also: Also) -> None:
    """The fax is unconfirmed, and its sender and the operator are asked in the same transaction.

    For one that the carrier had and never said the final word about: its window is over.
    """

    def unit(connection: sa.Connection) -> None:
        also(connection, now)
        seen = faxes.get(connection, fax.id)
        hooked = seen is not None and seen.due_at != fax.due_at  # a hook came while we asked: its question stays
        due_at = seen.due_at if hooked and seen is not None else None
        faxes.change(connection, fax, FaxState.UNCONFIRMED, now=now, event="unconfirmed", detail=why, due_at=due_at)

    await reporter.carry_out(_question(fax, why), now, unit, tell_admin=True)


def _question(fax: Fax, why: str) -> Change:
    """What sender and operator are asked."""
    cause = outcomes.cause("unconfirmed")
    return Change(fax, FaxState.UNCONFIRMED, Outcome(cause.outcome_class, cause.slug), why=why)


class Settler:
    """The worker for what nobody holds: calls whose worker is gone, and faxes for which no evidence came in time."""

    def __init__(self, desk: Desk, reporter: Reporter, calls: Calls, window: timedelta) -> None:
        self._desk = desk
        self._calls = calls
        self._failed: set[str] = set()
        self._reporter = reporter
        self._window = window

    @property
    def duty(self) -> Duty[Fax]:
        """What the worker loop runs."""
        return Duty("settle", Bell.SETTLE, self._find, self.settle, self._no_lease)

    async def settle(self, fax: Fax) -> None:
        """A call that nobody holds any more has an unknown outcome; where no evidence came, people are asked."""
        crash_point(Point.SETTLE_FOUND)
        self._failed.add(fax.id)
        if fax.state is FaxState.UNCONFIRMED:
            await self._ask_people(fax)
            return

        def end_attempt(connection: sa.Connection, now: datetime) -> None:
            for attempt in attempts.of_fax(connection, fax.id):
                if attempt.result is None:
                    attempts.finish(connection, attempt.id, AttemptResult.UNKNOWN, now, message=DIED)

        await wait_for_evidence(self._desk, fax, DIED, end_attempt, window=self._window)
        crash_point(Point.SETTLE_COMMITTED)

    async def _ask_people(self, fax: Fax) -> None:
        now = self._desk.clock.now()
        made = await self._desk.store.read(lambda connection: attempts.of_fax(connection, fax.id))
        why = (made[-1].message if made else None) or ""
        detail = "no evidence came whether it was sent: sender and operator are asked"
        await self._reporter.carry_out(
            _question(fax, why),
            now,
            lambda connection: faxes.person_asked(connection, fax, now, detail),
            tell_admin=True,
        )

    async def _find(self) -> Fax | None:
        """The next one, but one that just failed to be settled only after all others were tried."""
        clock, in_hand = self._desk.clock, self._calls.now()
        now, at = clock.now(), clock.steady()

        def query(connection: sa.Connection) -> list[Fax]:
            lost = [faxes.from_row(row) for row in destinations.abandoned(connection, at)]
            return [fax for fax in lost if fax.id not in in_hand] + faxes.unsettled(connection, now)

        waiting = await self._desk.store.read(query)
        fresh = [fax for fax in waiting if fax.id not in self._failed]
        if not fresh:
            self._failed.clear()
        return next(iter(fresh), None)

    async def _no_lease(self, _: Fax) -> bool:
        return True
