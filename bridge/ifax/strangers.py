"""Ids that only a hook has spoken of cost a call each to be confirmed: an invented flood costs no more than this."""

from collections import deque

from bridge.runtime.clock import Clock

STRANGERS_PER_MINUTE = 10
"""Confirming calls for such ids, of both directions together."""


class StrangerBudget:
    """Ten calls in any minute, shared by all who confirm what hooks say."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._taken: deque[float] = deque(maxlen=STRANGERS_PER_MINUTE)

    def take(self) -> bool:
        """Whether one more call may be made now."""
        now = self._clock.monotonic()
        if len(self._taken) == STRANGERS_PER_MINUTE and now - self._taken[0] < 60:  # noqa: PLR2004 - a minute
            return False
        self._taken.append(now)
        return True
