"""What follows on a call that failed: the fax is ready again for a later call, or it ends with its notice.

Which of the two is for ``bridge.fax.retries`` to say; here it is written, with the attempt's end in one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.fax import outcomes, retries
from bridge.fax.jobs import Attempt, AttemptResult, Fax, Outcome
from bridge.fax.options import MOST_TRANSMISSIONS, RetryOptions
from bridge.fax.retries import Again, Called, GiveUp, Why
from bridge.fax.states import FaxState
from bridge.mail.wording import in_words
from bridge.runtime.clock import rfc3339
from bridge.runtime.phrases import phrase
from bridge.sending.report import Change, Reporter, write_end
from bridge.store import attempts, faxes
from bridge.store.desk import Desk

PAGES_WENT = phrase("pages went over before it failed, so that the recipient may hold them")
CAP = phrase("{calls} calls are the most for one fax, whatever came of them")
NO_TIME = phrase("{time} there was no time left for another call")
NO_CALL = phrase("no call began {time}")
ONE_HOUR = phrase("within 1 hour")
HOURS = phrase("within {hours} hours")

NEVER_CALLED = "no-turn"
"""The cause of a fax whose time ran out before the first call for it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that failed: ``said`` is what the history tells of it, ``write`` ends its attempt."""

    fax: Fax
    attempt: str
    result: AttemptResult
    outcome: Outcome
    said: str
    write: Callable[[sa.Connection], None]
    pages_sent: int | None = None
    retry_after: timedelta | None = None
    owner: str | None = None


class Retrier:
    """Tries again or gives up."""

    def __init__(self, desk: Desk, reporter: Reporter, options: RetryOptions) -> None:
        self._desk = desk
        self._reporter = reporter
        self._options = options

    async def follow(self, failure: Failure, now: datetime) -> None:
        """The fax is ready again with its due time, or failed with its notice. Raises Stale where it has changed."""
        made = await self._desk.store.read(lambda connection: attempts.of_fax(connection, failure.fax.id))
        decided = self._decide(failure, made, now)
        if isinstance(decided, Again):
            await self._again(failure, decided, now)
        else:
            await self._give_up(failure, decided, now)

    def is_late(self, fax: Fax, now: datetime) -> bool:
        """Whether no call for the fax may begin any more."""
        return now >= retries.deadline(fax, self._options)

    def late_since(self, now: datetime) -> datetime:
        """Faxes whose time began then or before have none left at ``now``."""
        return now - self._options.give_up_after

    async def end_late(self, fax: Fax, now: datetime) -> None:
        """A ready fax has no time left: it fails as its last call did. Raises Stale where it changed meanwhile."""
        made = await self._desk.store.read(lambda connection: attempts.of_fax(connection, fax.id))
        why = NO_TIME.format(time=self._in_time()) if made else NO_CALL.format(time=self._in_time())
        change = Change(fax, FaxState.FAILED, last_outcome(made, NEVER_CALLED), pages_sent=0, why=why)
        untouched = all(attempt.result is AttemptResult.NOT_TAKEN for attempt in made)
        alarm = await self._reporter.alarms.late(change.outcome, now) if untouched else None
        await self._reporter.carry_out(
            change, now, lambda connection: write_end(connection, change, now, why), alarm=alarm
        )

    def _decide(self, failure: Failure, made: list[Attempt], now: datetime) -> Again | GiveUp:
        this = next(attempt for attempt in made if attempt.id == failure.attempt)
        of_class = None if failure.result is AttemptResult.NOT_TAKEN else failure.outcome.outcome_class
        before = retries.calls_of(attempt for attempt in made if attempt.id != failure.attempt)
        calls = (*before, Called(failure.result, of_class, this.started_at, failure.outcome.cause))
        if failure.result is AttemptResult.NOT_TAKEN:
            return retries.after_not_taken(failure.fax, calls, now, self._options, retry_after=failure.retry_after)
        return retries.after_outcome(
            failure.fax, failure.outcome, calls, now, self._options, pages_sent=failure.pages_sent
        )

    async def _again(self, failure: Failure, again: Again, now: datetime) -> None:
        tried = f"try {again.made}" if again.of is None else f"try {again.made} of {again.of}"
        detail = f"{failure.said}; {tried}, the next {in_words(again.at)}"

        def unit(connection: sa.Connection) -> None:
            failure.write(connection)
            faxes.change(
                connection,
                failure.fax,
                FaxState.READY,
                now=now,
                event="not_taken" if failure.result is AttemptResult.NOT_TAKEN else "call_failed",
                detail=detail,
                owner=failure.owner,
                due_at=again.at,
            )

        await self._desk.store.write(unit)
        self._desk.events.fax_retry(fax=failure.fax.id, outcome=failure.outcome.outcome_class, due=rfc3339(again.at))

    async def _give_up(self, failure: Failure, given_up: GiveUp, now: datetime) -> None:
        why = self._in_words(given_up)
        change = Change(failure.fax, FaxState.FAILED, failure.outcome, pages_sent=failure.pages_sent, why=why)
        detail = (
            f"{failure.said}; given up: {why or f'try {given_up.made}'}"
            if given_up.why is not Why.FINAL
            else failure.said
        )

        def unit(connection: sa.Connection) -> None:
            failure.write(connection)
            write_end(connection, change, now, detail, failure.owner)

        untouched = failure.result is AttemptResult.NOT_TAKEN
        alarm = await self._reporter.alarms.late(change.outcome, now) if untouched else None
        await self._reporter.carry_out(change, now, unit, alarm=alarm)

    def _in_words(self, given_up: GiveUp) -> str:
        return {
            Why.PAGES_WENT: PAGES_WENT,
            Why.CAP: CAP.format(calls=MOST_TRANSMISSIONS),
            Why.TIME: NO_TIME.format(time=self._in_time()),
        }.get(given_up.why, "")

    def _in_time(self) -> str:
        hours = self._options.give_up_after.total_seconds() / 3600
        return ONE_HOUR if hours == 1 else HOURS.format(hours=f"{hours:g}")


def last_outcome(made: list[Attempt], otherwise: str) -> Outcome:
    """As the last call of which it is known; the carrier's own text stands with a code alone."""
    last = next((attempt for attempt in reversed(made) if attempt.cause is not None), None)
    cause = outcomes.cause(otherwise if last is None or last.cause is None else last.cause)
    if last is None or last.code is None:
        return Outcome(cause.outcome_class, cause.slug)
    return Outcome(cause.outcome_class, cause.slug, last.code, last.message)
