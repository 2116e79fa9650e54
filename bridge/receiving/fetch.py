"""Announced faxes are fetched with both ids until there is a PDF or TIFF; only that confirms a hook.

Empty, broken or strange answers are "not yet" and asked again for a day. A file that will not open is passed on as it
is. The carrier saying that the file is gone is told to the fallback; a pair of ids it has never heard of is an invented
hook, and quarantined without a word by mail.
"""

import io
import tempfile
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bridge.document.renderer import DocumentUnusable, Renderer
from bridge.fax.arrivals import Delivery, DeliveryState, Received
from bridge.fax.states import ReceivedState
from bridge.ifax import verdicts
from bridge.ifax.answers import Answer
from bridge.ifax.client import IfaxClient
from bridge.ifax.errors import CarrierError
from bridge.ifax.strangers import StrangerBudget
from bridge.ifax.verdicts import Fate
from bridge.mail import discretion
from bridge.receiving.mails import Mailer
from bridge.receiving.options import ReceivingOptions
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.phrases import phrase
from bridge.runtime.worker import Bell, Duty
from bridge.store import StoredBlob, arrivals, blobs, history, pauses
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk
from bridge.store.history import EvidenceKind
from bridge.store.pauses import Work

NO_FILE = phrase("no file within a day; the last answer said: {why}")

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
GIVEN_UP_AFTER = timedelta(days=1)

TRIES_FOR_A_WHOLE_FILE = 2
"""A file that does not open is asked for again so often before it is passed on as it is."""


class Fetcher:
    """The worker that calls ``fax-download``."""

    def __init__(
        self,
        desk: Desk,
        *,
        carrier: IfaxClient,
        renderer: Renderer,
        mailer: Mailer,
        options: ReceivingOptions,
        budget: StrangerBudget,
        name: str,
    ) -> None:
        self._desk = desk
        self._carrier = carrier
        self._renderer = renderer
        self._mailer = mailer
        self._options = options
        self._budget = budget
        self._owner = name

    @property
    def duty(self) -> Duty[Received]:
        """What the worker loop runs."""
        return Duty("fetch", Bell.FETCH, self._claim, self.fetch, self._renew, self._set_aside)

    async def fetch(self, fax: Received) -> None:
        """One try for one fax."""
        crash_point(Point.FETCH_CLAIMED)
        if not fax.listed and not self._budget.take():
            await self._later(fax, "too many unknown hooks this minute", None, counts=False)
            return
        try:
            file, answer = await self._carrier.fax_download(fax.carrier_job_id, fax.transaction_id)
        except CarrierError as error:
            await self._later(fax, error.public, error.answer)
            return
        if file is not None:
            crash_point(Point.FETCH_DOWNLOADED)
            await self._keep(fax, file, answer)
            return
        fate = verdicts.download_fate(answer, listed=fax.listed)
        if fate is Fate.GONE:
            await self._lost(fax, "the fax service no longer has the file", answer)
        elif fate is Fate.NEVER_WAS and not fax.listed:
            await self._quarantine(fax, answer, "a hook spoke of it, but the fax service knows no such fax")
        else:
            await self._later(fax, f"no file yet (HTTP {answer.http_status}) {answer.message}".rstrip(), answer)

    async def _keep(self, fax: Received, file: bytes, answer: Answer) -> None:
        """A file came: kept as PDF once it opens and its pages can be counted."""
        with tempfile.TemporaryFile(dir=self._desk.store.blobs.workspace) as source:
            source.write(file)
            source.seek(0)
            try:
                async with self._renderer.from_received(io.FileIO(source.fileno(), closefd=False)) as made:
                    blob = await self._desk.store.blobs.copy(self._desk.ids.file_name(), made.path)
                    pages = made.pages
            except DocumentUnusable as error:
                await self._keep_damaged(fax, file, answer, error.public)
                return
        detail = f"{pages} {'page' if pages == 1 else 'pages'}, {blob.size} bytes"
        await self._fetched(fax, blob, answer, detail, file_pages=pages, damaged=False)
        self._desk.events.received_fetched(received=fax.id, pages=pages, size=blob.size)

    async def _keep_damaged(self, fax: Received, file: bytes, answer: Answer, why: str) -> None:
        """A file came that does not open: asked for again, in case it was half written; then passed on as it is."""
        if not fax.damaged or fax.tries < TRIES_FOR_A_WHOLE_FILE:
            await self._ask_again_for_a_whole_file(fax, answer)
            return
        blob = await self._desk.store.blobs.put(self._desk.ids.file_name(), file)
        await self._fetched(fax, blob, answer, f"{blob.size} bytes that do not open: {why}", damaged=True)
        self._desk.events.received_fetched(received=fax.id, pages=fax.pages or 0, size=blob.size)

    async def _ask_again_for_a_whole_file(self, fax: Received, answer: Answer) -> None:
        """Counted from the first file that did not open, whatever was tried before there was one."""
        now = self._desk.clock.now()
        tries = fax.tries + 1 if fax.damaged else 1

        def unit(connection: sa.Connection) -> None:
            self._evidence(connection, fax, answer, now, "a file that does not open")
            pause = FIRST_PAUSE * 2 ** (tries - 1)
            arrivals.later(connection, fax.id, self._owner, now + pause, tries=tries, damaged=True)

        await self._desk.store.write(unit)
        self._desk.events.received_not_yet(received=fax.id, why="the file does not open")

    async def _fetched(self, fax: Received, blob: StoredBlob, answer: Answer, detail: str, **values: Any) -> None:
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> None:
            blobs.record(connection, blob, "received", now)
            self._evidence(connection, fax, answer, now, f"{blob.size} bytes")
            told = arrivals.get(connection, fax.id)  # a hook or the list may have told the pages while we fetched
            if told is not None and told.pages is None:
                values["pages"] = values.get("file_pages")
            arrivals.change(
                connection,
                fax,
                ReceivedState.FETCHED,
                now=now,
                owner=self._owner,
                due_at=now,
                detail=detail,
                blob_id=blob.id,
                **values,
            )

        crash_point(Point.FETCH_STORED)
        await self._desk.store.write_files(unit, blob)
        crash_point(Point.FETCH_COMMITTED)
        self._desk.bells.ring(Bell.ROUTE)

    async def _later(self, fax: Received, why: str, answer: Answer | None, *, counts: bool = True) -> None:
        now = self._desk.clock.now()
        if answer is not None and answer.is_2xx and await self._answered_for_a_day(fax, now):
            await self._give_up(fax, why, answer)
            return
        tries = fax.tries + counts
        pause = min(FIRST_PAUSE * 2 ** min(tries - 1, 20), LONGEST_PAUSE) if counts else timedelta(minutes=1)

        def unit(connection: sa.Connection) -> None:
            if answer is not None:
                self._evidence(connection, fax, answer, now, answer.evidence)
            arrivals.later(connection, fax.id, self._owner, now + pause, tries=tries)

        await self._desk.store.write(unit)
        self._desk.events.received_not_yet(received=fax.id, why=why if answer is None else f"HTTP {answer.http_status}")

    async def _answered_for_a_day(self, fax: Received, now: datetime) -> bool:
        """A day of answers, not of outage: counted from the first proper one since the fax was announced."""
        first = await self._desk.store.read(
            lambda connection: history.first_download_answer(connection, fax.id, fax.state_since)
        )
        return first is not None and now - first > GIVEN_UP_AFTER

    async def _give_up(self, fax: Received, why: str, answer: Answer) -> None:
        """A day of answers without a file: told to the fallback if the carrier's list shows the fax, else set aside."""
        if fax.listed:
            await self._lost(fax, NO_FILE.format(why=why), answer)
        else:
            await self._quarantine(fax, answer, f"a hook spoke of it, but a day of asking gave nothing: {why}")

    async def _lost(self, fax: Received, why: str, answer: Answer) -> None:
        """The fallback is told all that is known, with the file a hook brought where there is one."""
        now = self._desk.clock.now()
        brought = await self._file_of_hook(fax)
        deliveries = [
            Delivery(self._desk.ids.new(), fax.id, target, self._desk.ids.token(), DeliveryState.WAITING, now)
            for target in dict.fromkeys(self._options.fallback)
        ]
        told = discretion.of_received(fax, self._options.privacy)
        drafts = [await self._mailer.lost(told, delivery, why, brought, now) for delivery in deliveries]

        def unit(connection: sa.Connection) -> None:
            self._evidence(connection, fax, answer, now, answer.evidence)
            arrivals.change(connection, fax, ReceivedState.LOST, now=now, owner=self._owner, detail=why)
            arrivals.add_deliveries(connection, deliveries)
            for draft in drafts:
                draft.write(connection, now)

        await self._desk.store.write_files(unit, *(draft.blob for draft in drafts))
        self._desk.events.received_lost(received=fax.id, why=f"HTTP {answer.http_status}")
        self._desk.bells.ring(Bell.POST)

    async def _file_of_hook(self, fax: Received) -> bytes | None:
        try:
            return None if fax.hook_blob_id is None else await self._desk.store.read_blob(fax.hook_blob_id)
        except BlobDamaged:
            return None

    async def _quarantine(self, fax: Received, answer: Answer, detail: str) -> None:
        """Set aside, unless the carrier's list has shown it while we asked: then it is asked for again."""
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> bool:
            self._evidence(connection, fax, answer, now, answer.evidence)
            current = arrivals.get(connection, fax.id)
            if current is not None and current.listed:
                arrivals.later(connection, fax.id, self._owner, now + FIRST_PAUSE, tries=fax.tries + 1)
                return False
            arrivals.change(connection, fax, ReceivedState.QUARANTINED, now=now, owner=self._owner, detail=detail)
            return True

        if await self._desk.store.write(unit):
            self._desk.events.received_quarantined(received=fax.id, why="unknown to the carrier")

    def _evidence(self, connection: sa.Connection, fax: Received, answer: Answer, now: datetime, body: str) -> None:
        history.add_evidence(
            connection,
            at=now,
            kind=EvidenceKind.DOWNLOAD,
            direction="in",
            body=body,
            http_status=answer.http_status,
            received_id=fax.id,
            carrier_job_id=fax.carrier_job_id,
            transaction_id=fax.transaction_id,
        )

    async def _set_aside(self, fax: Received, why: str) -> None:
        """Not fetched any more; ``faxbridge backlog --release`` lets it go."""
        now = self._desk.clock.now()
        then = "Nobody has got it yet. To let all that is set aside try again: faxbridge backlog --release"
        draft = await self._mailer.poison(fax, why, then, now)

        def unit(connection: sa.Connection) -> None:
            arrivals.change(connection, fax, ReceivedState.QUARANTINED, now=now, owner=self._owner, detail=why)
            draft.write(connection, now)

        await self._desk.store.write_files(unit, draft.blob)
        self._desk.events.received_quarantined(received=fax.id, why=why)
        self._desk.bells.ring(Bell.POST)

    async def _claim(self) -> Received | None:
        def unit(connection: sa.Connection) -> Received | None:
            if pauses.of(connection, Work.RECEIVING) is not None:
                return None
            return arrivals.claim(connection, self._desk.lease(self._owner), ReceivedState.ANNOUNCED)

        return await self._desk.store.write(unit)

    async def _renew(self, fax: Received) -> bool:
        return await self._desk.store.write(
            lambda connection: arrivals.renew(connection, fax.id, self._desk.lease(self._owner))
        )
