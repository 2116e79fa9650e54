"""The poller: reads the carrier's list of received faxes and finds what no hook announced.

The list is asked for from two days before the last whole look to tomorrow, since its zone is not told, page by page to
its end: a look that broke off half-way is made up for by the next one, whatever the order of the rows. On a fresh
database the first look is backlog: recorded, quarantined, told to the operator once; mails start with what comes after.
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
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell
from bridge.store import arrivals, cursors, outbox
from bridge.store.desk import Desk
from bridge.store.pauses import Watch, Work

LOOK_BACK = timedelta(days=2)
LOOK_AHEAD = timedelta(days=1)
BACKLOG_LOOK_BACK = timedelta(days=30)
"""How far the very first look goes, so that what is old is known as old."""

MAX_PAGES = 200
RETRY_AFTER_FAILURE = timedelta(seconds=30)
WHILE_PAUSED = timedelta(seconds=1)
"""Between looks whether receiving goes on."""


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
        self._watch = Watch(desk.store, desk.clock)

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until ``stop`` is set; a failed poll is tried again soon."""
        while not stop.is_set():
            pause = self._options.poll_interval
            try:
                if await self._watch.paused(Work.RECEIVING):
                    pause = WHILE_PAUSED
                else:
                    await self.poll()
            except CarrierError as error:
                self._desk.events.poll_failed(
                    error=error, http=None if error.answer is None else error.answer.http_status
                )
                pause = min(pause, RETRY_AFTER_FAILURE)
            except Exception as error:  # noqa: BLE001 - the poller outlives any single failure; it is logged whole
                self._desk.events.worker_failed(worker="poll", error=error)
                pause = min(pause, RETRY_AFTER_FAILURE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await stop.wait()

    async def poll(self) -> None:
        """One look at the whole list. Raises CarrierError when a page cannot be had; what came before it is kept."""
        started = self._desk.clock.now()
        last = await self._desk.store.read(lambda connection: cursors.get(connection, cursors.LAST_WALK))
        first = last is None
        since = started - BACKLOG_LOOK_BACK if last is None else min(started, datetime.fromisoformat(last)) - LOOK_BACK
        pages = new = 0
        backlog: list[Announcement] = []
        async for rows in self._pages(since):
            pages += 1
            if first:
                backlog += rows
                continue
            crash_point(Point.POLL_READ)
            new += await self._record(rows)
            crash_point(Point.POLL_RECORDED)
        if first:
            new = await self._set_aside(backlog, started)
        else:
            await self._remember_walk(started)
        self._desk.events.poll_done(pages=pages, new=0 if first else new, backlog=new if first else 0)
        if new and not first:
            self._desk.bells.ring(Bell.FETCH)

    async def _pages(self, since: datetime) -> AsyncIterator[tuple[Announcement, ...]]:
        """The list's pages from that day on; ends on an empty page, a cursor seen before, or the cap."""
        until = (self._desk.clock.now() + LOOK_AHEAD).date()
        last_id: str | None = None
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            page = await self._carrier.list_received(since.date(), until, last_id)
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

    async def _set_aside(self, backlog: list[Announcement], started: datetime) -> int:
        """The first look: what no hook has announced is quarantined, and the operator told once how much that is."""
        now = self._desk.clock.now()
        strangers = await self._desk.store.read(
            lambda connection: {
                (heard.job_id, heard.transaction_id)
                for heard in backlog
                if arrivals.find(connection, heard.job_id, heard.transaction_id) is None
            }
        )
        draft: outbox.Draft | None = await self._mailer.backlog(len(strangers), now) if strangers else None

        def unit(connection: sa.Connection) -> int:
            count = 0
            for heard in backlog:
                _, new = self._announce(connection, heard, now, ReceivedState.QUARANTINED)
                count += new
            cursors.put(connection, cursors.LAST_WALK, rfc3339(started), now)
            if draft is not None:
                draft.write(connection, now)
            return count

        count = await self._desk.store.write_files(unit, None if draft is None else draft.blob)
        self._desk.bells.ring(Bell.POST, Bell.FETCH)
        return count

    async def _remember_walk(self, started: datetime) -> None:
        """The list was read to its end; the next look need not go back further than a margin before this one."""
        await self._desk.store.write(
            lambda connection: cursors.put(connection, cursors.LAST_WALK, rfc3339(started), self._desk.clock.now())
        )

    def _announce(
        self,
        connection: sa.Connection,
        heard: Announcement,
        now: datetime,
        state: ReceivedState = ReceivedState.ANNOUNCED,
    ) -> tuple[str, bool]:
        row, new = arrivals.announce(connection, heard, self._desk.ids.new(), now, listed=True, by="list", state=state)
        return row.id, new
