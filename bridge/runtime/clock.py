"""Time, passed in wherever it is needed, so that tests need no sleeping."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The wall's, for what is written down; a monotonic one, for measuring; and one by which leases end."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never runs backwards."""
        ...

    def steady(self) -> datetime:
        """What the wall's clock would show had it not been set since this clock was made. By it leases end."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of monotonic time."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._began, self._began_monotonic = self.now(), self.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def steady(self) -> datetime:
        return self._began + timedelta(seconds=self.monotonic() - self._began_monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as in all our JSON: ``2026-11-23T08:15:30.250Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
