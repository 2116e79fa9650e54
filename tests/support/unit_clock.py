"""A clock that goes only when it is told to."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)


class StillClock:
    """All clocks stand still; the wall's may be set to any time, as a wall clock may."""

    def __init__(self, now: datetime = START) -> None:
        self.wall = self._began = now
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def steady(self) -> datetime:
        return self._began + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds)
