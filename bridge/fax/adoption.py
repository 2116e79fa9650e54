"""Whether a job that no call of ours is known to have made is one of ours after all.

iFax has no idempotency key, so a call whose answer never came can only be told by its facts (docs/decisions/0015).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.fax.jobs import Attempt, AttemptResult, Fax
from bridge.fax.numbers import same_line
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState

EARLIER = timedelta(minutes=2)
"""The carrier's clock and ours may differ so much."""

LATER = timedelta(hours=4)
"""A job that begins so long after our call was made by somebody else."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the carrier, asked with our key, says of a job. ``caller`` is empty where it does not say."""

    outbound: bool
    number: str
    caller: str
    started_at: datetime | None
    pages: int | None


@dataclass(frozen=True, slots=True)
class Call:
    """One of our calls with its fax as it stands; ``latest``: no later call was made for this fax."""

    attempt: Attempt
    fax: Fax
    latest: bool

    @property
    def in_hand(self) -> bool:
        """Its own answer may still come, and decides."""
        return self.attempt.result is None

    @property
    def waits(self) -> bool:
        """Evidence settles it: nobody has decided it yet."""
        return self.latest and self.fax.state is FaxState.UNCONFIRMED and self.attempt.result is AttemptResult.UNKNOWN


def fits(seen: Sighting, call: Call) -> bool:
    """Whether the job may be what came of the call: all that is known of both agrees, and enough is known."""
    begun, ours = call.attempt.started_at, call.fax.caller_id
    return (
        seen.outbound
        and seen.number == call.fax.number
        and (not seen.caller or not ours or same_line(seen.caller, ours))
        and seen.started_at is not None
        and begun - EARLIER <= seen.started_at <= begun + LATER
        and seen.pages is not None
        and seen.pages in _pages_of(call.fax)
    )


def _pages_of(fax: Fax) -> set[int | None]:
    """How many pages the carrier may count: a cover page of its own may be one of them."""
    return {fax.pages, fax.pages + 1} if fax.carrier_cover and fax.pages is not None else {fax.pages}


def fitting(seen: Sighting, calls: Iterable[Call]) -> tuple[Call, ...]:
    """The calls it may have come of; only where it is one alone does that say anything."""
    return tuple(call for call in calls if fits(seen, call))


def contradicts(call: Call, *, arrived: bool) -> bool:
    """Whether it goes against what was decided that the call's fax ``arrived`` at the other end, or surely did not.

    A fax that was sent on, or is about to be, may arrive twice; one that ended may have been told wrongly.
    """
    fax = call.fax
    if call.latest and fax.state is FaxState.DELIVERED:
        return not arrived
    if call.latest and fax.outcome is not None and fax.outcome.outcome_class is OutcomeClass.PARTIAL:
        return False
    return arrived
