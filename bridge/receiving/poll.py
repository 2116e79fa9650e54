"""The poller: reads the carrier's list of received faxes and finds what no hook announced.

The list is asked for from two days back to tomorrow, since its zone is not told, page by page until a page holds
nothing new. On a fresh database the first look is backlog: recorded, quarantined, told to the operator once; mails
start with what comes after.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.fax.arrivals import Announcement
from bridge.fax.states import ReceivedState
from bridge.ifax.client import IfaxClient
from bridge.ifax.errors import CarrierError
from bridge.receiving.mails import Mailer
from bridge.receiving.options import ReceivingOptions
from bridge.runtime.clock import rfc3339
from bridge.runtime.worker import Bell
from bridge.store import arrivals, cursors, outbox
from bridge.store.desk import Desk

LOOK_BACK = timedelta(days=2)
LOOK_AHEAD = timedelta(days=1)
BACKLOG_LOOK_BACK = timedelta(days=30)
"""How far the very first look goes, so that what is old is known as old."""

MAX_PAGES = 200
RETRY_AFTER_FAILURE = timedelta(seconds=30)
FIRST_LOOK = "received.first_look"


class Poller:
    """Asks for the list every ``poll_interval``, and at start."""

    def __init__(
        self,
        desk: Desk,
        carrier: IfaxClient,
        mailer: Mailer,
        options: ReceivingOptions,
    ) -> None:
        self._desk = desk
        self._carrier = carrier
        self._mailer = mailer
        self._options = options

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until ``stop`` is set; a failed poll is tried again soon."""
        while not stop.is_set():
            pause = self._options.poll_interval
            try:
                await self.poll()
            except CarrierError as error:
                self._desk.events.poll_failed(error=error)
                pause = min(pause, RETRY_AFTER_FAILURE)
            except Exception as error:  # noqa: BLE001 - the poller outlives any single failure; it is logged whole
                self._desk.events.worker_failed(worker="poll", error=error)
                pause = min(pause, RETRY_AFTER_FAILURE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await stop.wait()

    async def poll(self) -> None:
        """One look at the whole list. Raises CarrierError when a page cannot be had; what came before it is kept."""
        first = await self._desk.store.read(lambda connection: cursors.get(connection, FIRST_LOOK)) is None
        pages = new = 0
        backlog: list[Announcement] = []
        async for rows in self._pages(BACKLOG_LOOK_BACK if first else LOOK_BACK):
            pages += 1
            if first:
                backlog += rows
                continue
            added = await self._record(rows)
            new += added
            if not added:
                break
        if first:
            new = await self._set_aside(backlog)
        self._desk.events.poll_done(pages=pages, new=0 if first else new, backlog=new if first else 0)
        if new and not first:
            self._desk.bells.ring(Bell.FETCH)

    async def _pages(self, look_back: timedelta) -> AsyncIterator[tuple[Announcement, ...]]:
        """The list's pages, newest first; ends on an empty page, a page seen before, or the cap."""
        today = self._desk.clock.now().date()
        last_id: str | None = None
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            page = await self._carrier.list_received(today - look_back, today + LOOK_AHEAD, last_id)
            if page.rows:
                yield page.rows
            if page.last_id is None or page.last_id in seen:
                return
            seen.add(page.last_id)
            last_id = page.last_id

    async def _record(self, rows: tuple[Announcement, ...]) -> int:
        """Write down a page; returns how many of its faxes the list shows for the first time."""
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> list[str]:
            added = []
            for heard in rows:
                known = arrivals.find(connection, heard.job_id, heard.transaction_id)
                if known is not None and known.listed:
                    continue
                row, _ = self._announce(connection, heard, now)
                added.append(row)
            return added

        added = await self._desk.store.write(unit)
        for received in added:
            self._desk.events.received_announced(received=received, by="list")
        return len(added)

    async def _set_aside(self, backlog: list[Announcement]) -> int:
        """The first look: what no hook has announced is quarantined, and the operator told once how much that is."""
        now = self._desk.clock.now()
        strangers = await self._desk.store.read(
            lambda connection: [
                heard for heard in backlog if arrivals.find(connection, heard.job_id, heard.transaction_id) is None
            ]
        )
        draft: outbox.Draft | None = await self._mailer.backlog(len(strangers), now) if strangers else None

        def unit(connection: sa.Connection) -> int:
            count = 0
            for heard in backlog:
                _, new = self._announce(connection, heard, now, ReceivedState.QUARANTINED)
                count += new
            cursors.put(connection, FIRST_LOOK, rfc3339(now), now)
            if draft is not None:
                draft.write(connection, now)
            return count

        count = await self._desk.store.write(unit)
        self._desk.bells.ring(Bell.POST, Bell.FETCH)
        return count

    def _announce(
        self,
        connection: sa.Connection,
        heard: Announcement,
        now: datetime,
        state: ReceivedState = ReceivedState.ANNOUNCED,
    ) -> tuple[str, bool]:
        row, new = arrivals.announce(connection, heard, self._desk.ids.new(), now, listed=True, by="list", state=state)
        return row.id, new
