"""The loop every worker runs: claim one due thing under a lease, work on it, renew meanwhile, go on until stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from bridge.errors import LeaseLost
from bridge.runtime.events import Events
from bridge.runtime.floor import Floor

LEASE_SECONDS = 60.0
"""How long a claim holds without renewal; after that another worker may take the row over."""

IDLE_SECONDS = 1.0
"""How long a worker sleeps when nothing is due and no bell rings."""

FAILURE_PAUSE_SECONDS = 5.0
"""After an error of our own, so that a broken database is not hammered."""

T = TypeVar("T")


class Bell(StrEnum):
    """Who may be woken. A bell only makes work prompt; without it the worker finds the row a moment later."""

    PREPARE = "prepare"
    PREVIEW = "preview"
    SUBMIT = "submit"
    TRACK = "track"
    FETCH = "fetch"
    ROUTE = "route"
    POST = "post"
    BOUNCE = "bounce"
    REPLY = "reply"
    SUMMARY = "summary"
    ALARM = "alarm"
    SETTLE = "settle"
    DEADLINE = "deadline"
    DELAY = "delay"
    EVIDENCE = "evidence"
    COMMAND = "command"


class Bells:
    """In-process wake-ups, one event a kind of work; ``ring`` may be called from the loop's thread only."""

    def __init__(self) -> None:
        self._events = {bell: asyncio.Event() for bell in Bell}

    def ring(self, *bells: Bell) -> None:
        """Wake whoever waits for these."""
        for bell in bells:
            self._events[bell].set()

    async def wait(self, bell: Bell, seconds: float) -> None:
        """Return when ``bell`` rings, or after ``seconds``."""
        event = self._events[bell]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
        event.clear()


@dataclass(frozen=True, slots=True)
class Duty(Generic[T]):
    """One kind of work: how to claim a piece of it, do it, and keep the claim while it is being done.

    ``renew`` answers False when the claim is lost. ``work`` must end with the row changed or its lease given up,
    else the row comes back when its lease ends. ``set_aside`` ends what the daemon died of again and again, told why;
    where there is none, nothing is claimed under a lease.
    """

    name: str
    bell: Bell
    claim: Callable[[], Awaitable[T | None]]
    work: Callable[[T], Awaitable[None]]
    renew: Callable[[T], Awaitable[bool]]
    set_aside: Callable[[T, str], Awaitable[None]] | None = None


async def run_duty(duty: Duty[T], bells: Bells, floor: Floor, stop: asyncio.Event, events: Events) -> None:
    """Work until ``stop`` is set; the piece in hand is finished first.

    An error in claiming or working is logged and paused after: the row is found again when its lease ends.
    """
    while not stop.is_set():
        try:
            async with floor.among_others():
                piece = None if stop.is_set() else await duty.claim()
                if piece is not None:
                    await under_lease(duty, piece, duty.work, events)
            if piece is None:
                await _idle(bells, duty.bell, stop)
        except LeaseLost:
            events.lease_lost(worker=duty.name)
        except Exception as error:  # noqa: BLE001 - the loop outlives any single failure; it is logged whole
            events.worker_failed(worker=duty.name, error=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(FAILURE_PAUSE_SECONDS):
                    await stop.wait()


async def _idle(bells: Bells, bell: Bell, stop: asyncio.Event) -> None:
    """Wait for the bell, the idle time or the stop, whichever comes first."""
    waiting = asyncio.create_task(bells.wait(bell, IDLE_SECONDS))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (waiting, stopping):
            task.cancel()
        await asyncio.gather(waiting, stopping, return_exceptions=True)


async def under_lease(duty: Duty[T], piece: T, deed: Callable[[T], Awaitable[None]], events: Events) -> None:
    """Do something with a piece that was claimed, and keep the claim meanwhile."""
    renewing = asyncio.create_task(_keep_renewing(duty, piece, events))
    try:
        await deed(piece)
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)


async def _keep_renewing(duty: Duty[T], piece: T, events: Events) -> None:
    """Renew at a third of the lease; a renewal that fails for want of a database is tried again at the next third."""
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        try:
            if not await duty.renew(piece):
                events.lease_lost(worker=duty.name)
                return
        except Exception as error:  # noqa: BLE001 - the work goes on; what it writes at its end is fenced
            events.worker_failed(worker=duty.name, error=error)
