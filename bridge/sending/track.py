"""Faxes the carrier has are asked after: when a hook spoke of them, else at growing intervals, until the final word.

Only ``fax-status``, asked with our key, ends anything; a hook merely makes the question prompt.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.fax.adoption import Call
from bridge.fax.jobs import Attempt, AttemptResult, Fax
from bridge.fax.states import FaxState
from bridge.ifax import verdicts
from bridge.ifax.answers import Answer
from bridge.ifax.client import IfaxClient
from bridge.ifax.errors import CarrierError
from bridge.ifax.models import FaxObject
from bridge.ifax.verdicts import Ended
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.phrases import phrase
from bridge.runtime.worker import Bell, Duty
from bridge.sending import settle
from bridge.sending.options import SendingOptions
from bridge.sending.report import Change, Reporter, write_end
from bridge.sending.retry import Failure, Retrier
from bridge.store import attempts, faxes, history
from bridge.store.desk import Desk
from bridge.store.history import EvidenceKind

NO_WORD = phrase("no final word from iFax within {hours} hours")

GROWTH = 1.5
LONGEST_INTERVAL = timedelta(minutes=15)

EXPECTED = timedelta(minutes=10)
EXPECTED_PER_PAGE = timedelta(minutes=2)
"""Longer than that, in all, no call takes with waiting and redialling at the carrier's side: it is asked after anew."""

ASKED_LONG_ENOUGH = timedelta(hours=24)
"""After that without a final word the fax is unconfirmed, and said so, rather than failed."""

OVERDUE = "overdue"
"""The line of the history that says so, once for each call."""

RESULTS = {
    FaxState.DELIVERED: AttemptResult.DELIVERED,
    FaxState.FAILED: AttemptResult.FAILED,
    FaxState.CANCELLED: AttemptResult.CANCELLED,
}


class Tracker:
    """The worker that calls ``fax-status``."""

    def __init__(
        self,
        desk: Desk,
        carrier: IfaxClient,
        reporter: Reporter,
        options: SendingOptions,
        name: str,
    ) -> None:
        self._desk = desk
        self._carrier = carrier
        self._reporter = reporter
        self._options = options
        self._retrier = Retrier(desk, reporter, options.retry)
        self._owner = name

    @property
    def duty(self) -> Duty[Fax]:
        """What the worker loop runs."""
        return Duty("track", Bell.TRACK, self._claim, self.track, self._renew, self._set_aside)

    async def track(self, fax: Fax) -> None:
        """Ask once; end the fax on a final word, else ask again later."""
        crash_point(Point.TRACK_CLAIMED)
        attempt = await self._attempt(fax)
        assert attempt.carrier_job_id is not None
        try:
            seen, answer = await self._carrier.fax_status(attempt.carrier_job_id)
        except CarrierError as error:
            self._desk.events.fax_poll_failed(fax=fax.id, error=error)
            await self._ask_later(fax, attempt, error.answer)
            return
        crash_point(Point.TRACK_ANSWERED)
        self._desk.events.fax_polled(fax=fax.id, word=seen.word, code=seen.code)
        ended = verdicts.verdict(seen, fax.pages or 0, covered=fax.carrier_cover)
        if ended is None and fax.state is FaxState.UNCONFIRMED and attempt.result is AttemptResult.UNKNOWN:
            await self._take_up(fax, attempt, seen, answer)
        elif ended is None:
            await self._ask_later(fax, attempt, answer)
        else:
            await self._end(fax, attempt, seen, ended, answer)

    async def _set_aside(self, fax: Fax, why: str) -> None:
        """The carrier has it, and its word is not heard any more: people are asked what became of it."""
        if fax.state is FaxState.SENDING:
            await settle.become_unconfirmed(self._reporter, fax, self._desk.clock.now(), why, lambda *_: None)
            return
        await self._desk.store.write(lambda connection: faxes.ask_later(connection, fax, self._owner, None, fax.polls))

    async def _end(self, fax: Fax, attempt: Attempt, seen: FaxObject, ended: Ended, answer: Answer) -> None:
        """The carrier's final word on this call: the fax ends, or, where it failed, is tried again."""
        now = self._desk.clock.now()
        said = f"iFax says {seen.word}, code {seen.code}: {seen.text}"

        def write(connection: sa.Connection) -> None:
            self._keep(connection, attempt, answer, now)
            attempts.finish(
                connection,
                attempt.id,
                RESULTS[ended.state],
                now,
                code=seen.code,
                message=seen.text or None,
                cause=ended.outcome.cause,
                transaction_id=seen.transaction_id,
            )

        try:
            if ended.state is FaxState.FAILED:
                failure = Failure(
                    fax,
                    attempt.id,
                    AttemptResult.FAILED,
                    ended.outcome,
                    said,
                    write,
                    pages_sent=ended.pages_sent,
                    owner=self._owner,
                )
                await self._retrier.follow(failure, now)
            else:
                await self._finish(
                    Change(fax, ended.state, ended.outcome, pages_sent=ended.pages_sent), now, said, write
                )
        except faxes.Stale:
            await self._desk.store.write(lambda connection: self._keep(connection, attempt, answer, now))
            raise
        crash_point(Point.TRACK_COMMITTED)
        self._desk.bells.ring(Bell.SUBMIT)  # the line is free for the next fax to this number

    async def _finish(self, change: Change, now: datetime, said: str, write: Callable[[sa.Connection], None]) -> None:
        def unit(connection: sa.Connection) -> None:
            write(connection)
            write_end(connection, change, now, said, self._owner)

        await self._reporter.carry_out(change, now, unit)

    async def _take_up(self, fax: Fax, attempt: Attempt, seen: FaxObject, answer: Answer) -> None:
        """An unclear answer named this job, and the carrier has it: the call was taken after all."""
        now, job_id = self._desk.clock.now(), attempt.carrier_job_id or ""
        detail = f"iFax has it as job {job_id}: {seen.word or 'no word'}, code {seen.code}"

        def unit(connection: sa.Connection) -> None:
            self._keep(connection, attempt, answer, now)
            call = Call(attempt, fax, latest=True)
            settle.take_up(connection, call, job_id, now, detail, due_at=now + self._interval(fax.polls))

        await self._desk.store.write(unit)
        self._desk.events.fax_settled(fax=fax.id, job=job_id)

    async def _ask_later(self, fax: Fax, attempt: Attempt, answer: Answer | None) -> None:
        now = self._desk.clock.now()
        if fax.state is FaxState.SENDING and now - attempt.started_at > ASKED_LONG_ENOUGH:
            await settle.become_unconfirmed(
                self._reporter,
                fax,
                now,
                NO_WORD.format(hours=ASKED_LONG_ENOUGH // timedelta(hours=1)),
                lambda connection, at: self._keep(connection, attempt, answer, at),
            )
            return
        # An unconfirmed fax is asked after for a day from then on; later only when a hook speaks of it.
        is_open = fax.state is FaxState.SENDING or now - fax.state_since <= ASKED_LONG_ENOUGH
        expected = EXPECTED + EXPECTED_PER_PAGE * (fax.pages or 0)
        is_overdue = fax.state is FaxState.SENDING and now - attempt.started_at > expected

        def unit(connection: sa.Connection) -> None:
            self._keep(connection, attempt, answer, now)
            found_overdue = is_overdue and not history.has(connection, fax.id, OVERDUE, since=attempt.started_at)
            polls = 0 if found_overdue else fax.polls
            due_at = now + self._interval(polls) if is_open else None
            if found_overdue:
                detail = f"no final word from iFax after {_minutes(now - attempt.started_at)}; asked after more often"
                history.add(connection, at=now, event=OVERDUE, detail=detail, fax_id=fax.id)
            faxes.ask_later(connection, fax, self._owner, due_at, polls + 1)

        await self._desk.store.write(unit)

    def _interval(self, polls: int) -> timedelta:
        return min(self._options.first_poll * GROWTH ** min(polls, 40), LONGEST_INTERVAL)

    def _keep(self, connection: sa.Connection, attempt: Attempt, answer: Answer | None, now: datetime) -> None:
        if answer is not None:
            history.add_evidence(
                connection,
                at=now,
                kind=EvidenceKind.STATUS,
                direction="out",
                body=answer.evidence,
                http_status=answer.http_status,
                attempt_id=attempt.id,
                carrier_job_id=attempt.carrier_job_id,
            )

    async def _attempt(self, fax: Fax) -> Attempt:
        """The last attempt; the claim made sure that it has a job id."""
        made = await self._desk.store.read(lambda connection: attempts.of_fax(connection, fax.id))
        return made[-1]

    async def _claim(self) -> Fax | None:
        return await self._desk.store.write(
            lambda connection: faxes.claim_to_ask_after(connection, self._desk.lease(self._owner))
        )

    async def _renew(self, fax: Fax) -> bool:
        return await self._desk.store.write(
            lambda connection: faxes.renew(connection, [fax.id], self._desk.lease(self._owner))
        )


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} minutes"
