"""Work that was in hand when a daemon died is tried alone: one row at a time, with nothing else at work.

If the daemon dies of it again, only that row can be to blame. After the third such death it is set aside, and the
operator is told; whatever else was in hand goes on. Since a daemon is killed from outside, too, the second trial comes
only after some seconds of uptime and the third after a quarter of a minute: a row is blamed only if the daemon lived
well each time until it was tried.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from bridge.errors import LeaseLost
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.phrases import phrase
from bridge.runtime.worker import Duty, under_lease
from bridge.store import suspects
from bridge.store.desk import Desk
from bridge.store.suspects import Suspect

DEATHS = 3
"""While it was worked on alone; then it is set aside."""

WAITS = ((0.0, 0.0), (2.0, 6.0), (15.0, 30.0), (0.0, 0.0))
"""Seconds before a trial after so many deaths, from and to, since this process first saw what is tried."""

ALONE_SECONDS = (10.0, 60.0, 60.0, 60.0)
"""How long the others are kept out at most after so many deaths. What takes longer goes on, and is no longer alone."""

QUIET_SECONDS = 30.0
"""How long is waited for what is in hand to be finished before a trial."""

LOOK_EVERY_SECONDS = 2.0

WHY = phrase("the daemon died {times} times while it worked on this and nothing else").format(times=DEATHS)

Work = Callable[[Any], Awaitable[None]]


class Trials:
    """Tries what the dead left. One of them to a process, started before the workers."""

    def __init__(self, desk: Desk, duties: Sequence[Duty[Any]], rng: random.Random) -> None:
        """Of several duties of one name the first does the work."""
        self._desk = desk
        self._duties = {duty.name: duty for duty in reversed(duties) if duty.set_aside is not None}
        self._rng = rng
        self._name = f"trial/{desk.process}"
        self._due: dict[tuple[str, str, int], float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Try what was left at start, before anything else is done; then look now and then until ``stop``."""
        async with asyncio.TaskGroup() as longer:
            async with self._desk.floor.alone(QUIET_SECONDS):
                with self._outlived():
                    await self._try_all(await self._due_now(), longer, stop)
            while not stop.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_SECONDS):
                        await stop.wait()
                with self._outlived():
                    await self._look(longer, stop)

    @contextmanager
    def _outlived(self) -> Iterator[None]:
        """A failure of one look is logged; there is another."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - as in the workers' loops: it is logged whole
            self._desk.events.worker_failed(worker="trial", error=error)

    async def _look(self, longer: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        waiting = await self._due_now()
        if not waiting or stop.is_set():
            return
        async with self._desk.floor.alone(QUIET_SECONDS) as quiet:
            if quiet:
                await self._try_all(waiting, longer, stop)
                return
        for each in waiting:  # what is known to kill waits on, the rest is anybody's
            self._wait_on(each)
            if not each.deaths:
                await self._desk.store.write(partial(suspects.let_go, left=each, lease=self._desk.lease(self._name)))

    async def _due_now(self) -> list[Suspect]:
        """What is to be tried now, least suspected first."""
        lease, now = self._desk.lease(self._name), self._desk.clock.monotonic()
        if not await self._desk.store.read(partial(suspects.is_any, lease=lease)):
            self._due.clear()
            return []
        stock = await self._desk.store.write(partial(suspects.take_stock, lease=lease))
        due = {}
        for each in stock:
            key = (each.table, each.about, each.deaths)
            first = WAITS[min(each.deaths, DEATHS)]
            due[key] = self._due[key] if key in self._due else now + self._rng.uniform(*first)
            if key not in self._due:
                self._desk.events.work_left(what=each.table, key=each.about, deaths=each.deaths)
        self._due = due
        fit = [each for each in stock if each.deaths < 2 * DEATHS]  # else setting it aside is what kills: it stays
        ready = [each for each in fit if due[(each.table, each.about, each.deaths)] <= now]
        return sorted(ready, key=lambda each: each.deaths)

    async def _try_all(self, waiting: Sequence[Suspect], longer: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        for each in waiting:
            if stop.is_set():
                return
            await self._try(each, longer, stop)

    async def _try(self, tried: Suspect, longer: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Claimed from the dead, worked on, or, after the third death, set aside."""
        lease = self._desk.lease(self._name)
        if not await self._desk.store.write(partial(suspects.begin, tried=tried, lease=lease)):
            return
        crash_point(Point.TRIAL_BEGUN)
        self._desk.floor.heir_of = self._name
        try:
            found = await self._claim()
        finally:
            self._desk.floor.heir_of = None
        if found is None:
            self._wait_on(tried)
            await self._desk.store.write(partial(suspects.give_back, tried=tried, lease=lease))
            return
        duty, piece = found
        working = longer.create_task(self._work(tried, duty, piece))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait(
                {working, stopping},
                timeout=ALONE_SECONDS[min(tried.deaths, DEATHS)],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            stopping.cancel()
        if not working.done():
            await self._desk.store.write(partial(suspects.let_others_in, tried=tried))

    async def _claim(self) -> tuple[Duty[Any], Any] | None:
        for duty in self._duties.values():
            piece = await duty.claim()
            if piece is not None:
                return duty, piece
        return None

    async def _work(self, tried: Suspect, duty: Duty[Any], piece: Any) -> None:
        """Whatever comes of it, the daemon did not die of it."""
        deed = duty.work
        if tried.deaths >= DEATHS:
            assert duty.set_aside is not None
            deed = partial(_set_aside, duty.set_aside)
            self._desk.events.work_set_aside(what=tried.table, key=tried.about)
        try:
            await under_lease(duty, piece, deed, self._desk.events)
            crash_point(Point.TRIAL_WORKED)
            await self._desk.store.write(lambda connection: suspects.clear(connection, tried.table, tried.about))
        except LeaseLost:
            self._desk.events.lease_lost(worker=duty.name)
        except Exception as error:  # noqa: BLE001 - as in the worker's own loop: it is logged whole, and tried again
            self._desk.events.worker_failed(worker=duty.name, error=error)

    def _wait_on(self, tried: Suspect) -> None:
        """It cannot be tried just now."""
        self._due[(tried.table, tried.about, tried.deaths)] = self._desk.clock.monotonic() + WAITS[2][0]


async def _set_aside(deed: Callable[[Any, str], Awaitable[None]], piece: Any) -> None:
    await deed(piece, WHY)
