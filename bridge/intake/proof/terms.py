"""What all checks of a sender have in common: the verdict, who is asked, and the time a check may take."""

import time
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a check says of an envelope sender. Softfail and neutral are no pass, so they are a failure."""

    PASS = "pass"  # noqa: S105 - no word to log in with
    FAIL = "fail"
    NONE = "none"
    """The domain says nothing: no record, no signature of its own, or no sender that could be asked about."""

    TEMPORARY = "temporary"
    """The DNS did not answer, or not in time. The client must be told to come again (4xx)."""


@dataclass(frozen=True, slots=True)
class Nameserver:
    """Who is asked instead of the servers in the system's ``resolv.conf``."""

    host: str
    port: int = 53


class Budget:
    """The seconds a check has. It runs in a thread, which cannot be cancelled: it looks here before each next step."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._stopped = False

    def left(self) -> float:
        """Seconds left; 0 when they are used up or nobody waits any more."""
        return 0.0 if self._stopped else max(self._end - time.monotonic(), 0.0)

    def stop(self) -> None:
        """Nobody waits for the check any more; may be called from another thread."""
        self._stopped = True
