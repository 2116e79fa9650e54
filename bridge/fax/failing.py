"""Numbers to which fax after fax fails for good: what counts, what senders are told, and when it is forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.errors import Permanent
from bridge.fax import outcomes
from bridge.fax.jobs import Outcome
from bridge.fax.outcomes import OutcomeClass
from bridge.runtime.phrases import phrase

COUNTED = frozenset({OutcomeClass.NUMBER, OutcomeClass.BLOCKED, OutcomeClass.VOICE})
"""Failures that the next fax will meet too: nobody has that number, it takes no faxes from us, or people answer."""

ANSWERED = frozenset({OutcomeClass.OK, OutcomeClass.PARTIAL})
"""A fax machine answered: what was before no longer counts."""

FORGOTTEN_AFTER = timedelta(days=30)
"""Since the last failure: numbers are given to others, and machines are repaired."""

WARNED_AFTER = 2


class NumberFails(Permanent):
    """The last faxes to this number have all failed for good."""

    reply = "550 5.1.1"


FAILED = phrase("the last {times} faxes to this number failed: {title}")
REFUSED = phrase("{failed}; check the number. The operator can have it tried again (faxbridge forget)")


@dataclass(frozen=True, slots=True)
class Failing:
    """``times`` faxes to ``number`` (E.164) have failed for good, one after another; ``cause`` is the last one's."""

    number: str
    times: int
    cause: str
    since: datetime
    last_at: datetime

    def counts(self, now: datetime) -> bool:
        """Whether it is not forgotten yet."""
        return now - self.last_at < FORGOTTEN_AFTER

    @property
    def title(self) -> str:
        """Why the last one failed, as the catalogue says it."""
        return outcomes.cause(self.cause).title


def check(number: str, known: Mapping[str, Failing], refuse_after: int, now: datetime) -> str:
    """What the client is told beside the 250, empty as a rule; raises NumberFails from ``refuse_after`` failures on.

    0 is: no number is ever refused, nor warned of.
    """
    failing = known.get(number)
    if not refuse_after or failing is None or not failing.counts(now) or failing.times < WARNED_AFTER:
        return ""
    told = FAILED.format(times=failing.times, title=failing.title)
    if failing.times >= refuse_after:
        raise NumberFails(REFUSED.format(failed=told))
    return f"; {told}"


def failures_in_a_row(known: Failing | None, outcome: Outcome, now: datetime) -> int:
    """How many faxes to that number will have failed for good when the next one ends so; 0 if it ends otherwise."""
    if outcome.outcome_class not in COUNTED:
        return 0
    return 1 + (known.times if known is not None and known.counts(now) else 0)
