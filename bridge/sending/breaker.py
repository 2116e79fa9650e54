"""A carrier that is down is not called again and again: calls pause, one is let through as a probe, then all go on.

While calls pause faxes wait as they are: nothing is claimed, no attempt is written, no history grows. One breaker
serves all submitters of a process.
"""

from dataclasses import dataclass
from datetime import datetime

from bridge.ifax.client import Taken
from bridge.ifax.errors import CallRefused, NotTaken, OutcomeUnknown
from bridge.runtime.clock import Clock
from bridge.runtime.events import Events

Came = Taken | CallRefused | NotTaken | OutcomeUnknown
"""What may come of one call."""

FAILURES = 5
"""Calls in a row that were not answered, or with a 5xx, after which the carrier counts as down."""

FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 600.0
"""Each probe that fails doubles the pause, up to this."""

TOLD_AFTER = 2
"""The operator is told when so many pauses were begun: the first probe has failed too."""

SERVER_ERROR = 500
_MOST_DOUBLINGS = 5


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the carrier does not answer: since when, and how many calls in a row failed."""

    since: datetime
    failures: int


class Breaker:
    """Asked before each ``fax-send`` whether it may be made, and told what came of it.

    ``caller`` is a worker's name: after a pause only one of them may call, until it is known what came of that.
    """

    def __init__(self, clock: Clock, events: Events) -> None:
        self._clock = clock
        self._events = events
        self._failures = 0
        self._pauses = 0
        self._resume_at = 0.0
        self._probing: str | None = None
        self._since: datetime | None = None
        self._told: Outage | None = None

    @property
    def outage(self) -> Outage | None:
        """What the operator is to know: that the carrier does not answer, longer than for a moment."""
        if self._since is None or self._pauses < TOLD_AFTER:
            return None
        return Outage(self._since, self._failures)

    @property
    def told(self) -> Outage | None:
        """The outage of which the operator knows."""
        return self._told

    def operator_told(self, outage: Outage | None) -> None:
        """The operator knows of this outage; None: that there is none any more."""
        self._told = outage

    @property
    def reason(self) -> str:
        """What the operator is told while calls pause; empty while they are made."""
        if not self._pauses:
            return ""
        seconds = max(0.0, self._resume_at - self._clock.monotonic())
        return (
            f"iFax does not answer: {self._failures} calls in a row failed; faxes wait, "
            f"and the next call is made in {seconds:.0f} s"
        )

    def admits(self, caller: str) -> bool:
        """Whether this caller may make a call now; whoever may says in the end what came of it, or gives it back."""
        if not self._pauses:
            return True
        if self._clock.monotonic() < self._resume_at or self._probing not in {None, caller}:
            return False
        self._probing = caller
        return True

    def give_back(self, caller: str) -> None:
        """No call was made after all, or it is told what came of it: somebody else may be the probe."""
        if self._probing == caller:
            self._probing = None

    def tell(self, caller: str, came: Came) -> None:
        """What came of a call. Any answer but a 5xx says that the carrier is there; no call at all says nothing."""
        if came.answer is not None and came.answer.http_status < SERVER_ERROR:
            self._is_there()
        elif came.answer is not None or not isinstance(came, CallRefused):
            self._failures += 1
            if self._probing == caller or (not self._pauses and self._failures >= FAILURES):
                self._pause()

    def _is_there(self) -> None:
        if self._pauses:
            self._events.carrier_back(failures=self._failures)
        self._failures = self._pauses = 0
        self._probing = self._since = None

    def _pause(self) -> None:
        seconds = min(FIRST_PAUSE_SECONDS * 2**self._pauses, LONGEST_PAUSE_SECONDS)
        self._since = self._since or self._clock.now()
        self._pauses = min(self._pauses + 1, _MOST_DOUBLINGS)
        self._resume_at = self._clock.monotonic() + seconds
        self._probing = None
        self._events.carrier_paused(failures=self._failures, seconds=seconds)
