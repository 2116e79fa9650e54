"""Whether a fax is tried again, and when: separate counts for each class of outcome, a deadline, and a cap over all.

Pure: what has been is handed in, and so is the time. Where anything speaks against another call there is none, and the
reason is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bridge.fax import outcomes
from bridge.fax.jobs import Attempt, AttemptResult, Fax, Outcome
from bridge.fax.options import MOST_TRANSMISSIONS, RetryOptions
from bridge.fax.outcomes import OutcomeClass

NOT_TAKEN_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 60, 120, 300, 600, 900))
"""After the first, second ... call in a row that surely did not reach the carrier; the last holds for all that follow.

Such a call is no transmission: only the deadline ends these.
"""


class Why(StrEnum):
    """Why a fax is not tried again."""

    FINAL = "final"
    PAGES_WENT = "pages went"
    TRIES = "tries"
    CAP = "cap"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Again:
    """Try again ``at``. ``made`` of ``of`` calls ended in this class; ``of`` is None where they are not counted."""

    at: datetime
    made: int
    of: int | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Not again. ``made`` calls have ended in this class."""

    why: Why
    made: int = 0


@dataclass(frozen=True, slots=True)
class Called:
    """One call that is over: ``outcome_class`` is None where there is none, as of calls that were not taken."""

    result: AttemptResult
    outcome_class: OutcomeClass | None
    started_at: datetime
    cause: str | None = None


def calls_of(attempts: Iterable[Attempt]) -> tuple[Called, ...]:
    """The calls of a fax that are over, first to last."""
    return tuple(
        Called(
            attempt.result,
            None if attempt.cause is None else outcomes.cause(attempt.cause).outcome_class,
            attempt.started_at,
            attempt.cause,
        )
        for attempt in attempts
        if attempt.result is not None
    )


def deadline(fax: Fax, options: RetryOptions) -> datetime:
    """No call for a fax begins from then on: so long after it was taken on, or last let go on by a person or proof."""
    return (fax.counts_from or fax.created_at) + options.give_up_after


def after_outcome(
    fax: Fax, outcome: Outcome, calls: Sequence[Called], now: datetime, options: RetryOptions, *, pages_sent: int | None
) -> Again | GiveUp:
    """After a call that ended with ``outcome``; ``calls`` are all there were, that one the last of them.

    A fax of which any page went over is never called again: not even where all went and only the confirmation is
    missing, for then the recipient may hold it. What the catalogue says of the one cause goes before what holds for its
    class, where it is stricter.
    """
    plan = options.classes.get(outcome.outcome_class)
    made = sum(call.outcome_class is outcome.outcome_class for call in calls)
    if plan is None:
        return GiveUp(Why.FINAL, made)
    if pages_sent:
        return GiveUp(Why.PAGES_WENT, made)
    if made >= plan.attempts:
        return GiveUp(Why.TRIES, made)
    cause = outcomes.cause(outcome.cause)
    if cause.calls is not None and sum(call.cause == cause.slug for call in calls) >= cause.calls:
        return GiveUp(Why.TRIES, made)
    if transmissions(calls) >= MOST_TRANSMISSIONS:
        return GiveUp(Why.CAP, made)
    at = now + max(cause.wait, plan.delays[min(max(made, 1), len(plan.delays)) - 1])
    return GiveUp(Why.TIME, made) if at >= deadline(fax, options) else Again(at, made, plan.attempts)


def after_not_taken(
    fax: Fax, calls: Sequence[Called], now: datetime, options: RetryOptions, *, retry_after: timedelta | None = None
) -> Again | GiveUp:
    """After a call that surely did not reach the carrier, the last of ``calls``; the carrier's own wish is kept."""
    in_row = 0
    for call in reversed(calls):
        if call.result is not AttemptResult.NOT_TAKEN:
            break
        in_row += 1
    pause = NOT_TAKEN_PAUSES[min(max(in_row, 1), len(NOT_TAKEN_PAUSES)) - 1]
    at = now + max(pause, retry_after or timedelta())
    return GiveUp(Why.TIME, in_row) if at >= deadline(fax, options) else Again(at, in_row)


def transmissions(calls: Iterable[Called]) -> int:
    """How many calls the carrier may have acted on."""
    return sum(call.result is not AttemptResult.NOT_TAKEN for call in calls)
