"""A real SQLite store in a folder of its own, a clock that moves when told, and rows for the asking."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bridge.fax.arrivals import Announcement, Received
from bridge.fax.jobs import Attempt, Document, Fax, HistoryEntry, Message
from bridge.fax.states import FaxState, ReceivedState
from bridge.runtime.events import Events
from bridge.runtime.ids import Ids
from bridge.runtime.worker import Bells, Duty
from bridge.store import Store, StoredBlob, arrivals, attempts, blobs, faxes, history, tables
from bridge.store.desk import Desk
from bridge.store.options import StoreOptions
from tests.support.faxes import a_fax
from tests.support.unit_clock import START

NUMBER = "+14155550101"
OTHER = "+14155550102"
SENDER = "anna@example.org"
ADMIN = "ops@example.org"
MAIL = b"From: anna@example.org\r\nSubject: results\r\nMessage-ID: <1@example.org>\r\n\r\nsee attachment\r\n"
DIED = "the daemon died of it"
PAGES = b"%PDF-1.7 two pages %%EOF"


class FakeClock:
    """All clocks, moved by the test alone; sleeping moves them. The wall's may be set, as ``wrong`` says."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.wrong = timedelta()

    def now(self) -> datetime:
        return self.steady() + self.wrong

    def steady(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)

    def forward(self, span: timedelta) -> None:
        """Let time go by."""
        self.seconds += span.total_seconds()


def options(folder: Path) -> StoreOptions:
    """Where a test's store lies."""
    return StoreOptions(folder / "data" / "faxbridge.db", folder / "blobs")


@dataclass
class Bench:
    """A desk with everything on it, and short words for what tests ask of the store."""

    store: Store
    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.ids = Ids(self.clock)
        self.desk = Desk(self.store, self.clock, self.ids, Bells(), Events())

    async def blob(self, data: bytes, kind: str) -> StoredBlob:
        """Bytes on disk with their row."""
        stored = await self.store.blobs.put(self.ids.file_name(), data)
        await self.store.write(lambda connection: blobs.record(connection, stored, kind, self.clock.now()))
        return stored

    async def accepted(self, *numbers: str, sender: str = SENDER, mail: bytes = MAIL, **more: Any) -> list[Fax]:
        """One message with a fax for each number, as intake leaves them."""
        now = self.clock.now()
        stored = await self.blob(mail, "message")
        message = Message(self.ids.new(), stored.id, now, "127.0.0.1", sender, None, "<1@example.org>", stored.size)
        return await self.taken_on(message, numbers or (NUMBER,), **more)

    async def taken_on(self, message: Message, numbers: tuple[str, ...], **more: Any) -> list[Fax]:
        """A message of which the blob is there, with a fax for each number; ``more`` are fields of these faxes."""
        now = self.clock.now()
        new = [
            a_fax(
                id=self.ids.new(),
                message_id=message.id,
                number=number,
                sender=message.envelope_sender,
                due_at=now,
                created_at=now,
                **more,
            )
            for number in numbers
        ]
        await self.store.write(lambda connection: faxes.add_messages(connection, [(message, new)]))
        return new

    async def ready(self, number: str = NUMBER, *, pages: int = 2, sender: str = SENDER, **more: Any) -> Fax:
        """A fax with its pages, due now; ``more`` are fields it has from the beginning."""
        (fax,) = await self.accepted(number, sender=sender, **more)
        return await self.prepared(fax, pages=pages)

    async def prepared(self, fax: Fax, *, pages: int = 2) -> Fax:
        """The same fax with pages."""
        stored = await self.blob(PAGES, "document")
        document = Document(self.ids.new(), fax.message_id, stored.id, pages, stored.size, ())
        await self.store.write(lambda connection: faxes.add_document(connection, document, self.clock.now()))
        return await self.move(fax, FaxState.READY, due_at=self.clock.now(), document_id=document.id, pages=pages)

    async def sending(self, number: str = NUMBER, *, job: str = "4100217", pages: int = 2) -> Fax:
        """A fax the carrier has, to be asked after now."""
        fax = await self.submitting(number, pages=pages, job=job)
        return await self.move(fax, FaxState.SENDING, due_at=self.clock.now())

    async def submitting(self, number: str = NUMBER, *, pages: int = 2, job: str | None = None) -> Fax:
        """A fax whose call was begun, with nobody holding the line any more."""
        fax = await self.ready(number, pages=pages)
        await self.store.write(
            lambda connection: connection.execute(
                tables.attempt.insert().values(
                    id=self.ids.new(), fax_id=fax.id, ordinal=1, started_at=self.clock.now(), carrier_job_id=job
                )
            )
        )
        return await self.move(fax, FaxState.SUBMITTING)

    async def move(self, fax: Fax, target: FaxState, **values: Any) -> Fax:
        """The fax after a change the state table allows."""
        await self.store.write(
            lambda connection: faxes.change(
                connection, fax, target, now=self.clock.now(), event=target, detail="by the test", **values
            )
        )
        return await self.fax(fax.id)

    async def fax(self, fax_id: str) -> Fax:
        """As it stands now."""
        found = await self.store.read(lambda connection: faxes.get(connection, fax_id))
        assert found is not None
        return found

    async def attempts(self, fax: Fax) -> list[Attempt]:
        """Its calls."""
        return await self.store.read(lambda connection: attempts.of_fax(connection, fax.id))

    async def history(self, fax: Fax) -> list[HistoryEntry]:
        """Its lines."""
        return await self.store.read(lambda connection: history.of_fax(connection, fax.id))

    async def rows(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> list[sa.Row[Any]]:
        """Rows of a table, as they were made."""
        query = sa.select(table).where(*where)
        return await self.store.read(lambda connection: list(connection.execute(query)))

    async def events(self, **of: str) -> list[tuple[str, str]]:
        """Event and recipient of the mails owed or sent, in order; ``fax_id`` or ``received_id`` narrows them."""
        mails = await self.rows(tables.outbox, *(tables.outbox.c[name] == value for name, value in of.items()))
        return sorted((mail.event, mail.recipient) for mail in mails)

    async def mail_bytes(self, event: str) -> list[bytes]:
        """What the mails of that event say."""
        mails = await self.rows(tables.outbox, tables.outbox.c.event == event)
        return [await self.store.read_blob(mail.blob_id) for mail in mails]

    async def announced(
        self, job: str = "7001122", transaction: str = "8600991", *, listed: bool = True, **heard: Any
    ) -> Received:
        """A received fax as hook (not listed) or list tells of it."""
        what = Announcement(job, transaction, **({"caller": "+12125550177", "called": "+14155550100"} | heard))
        row, _ = await self.store.write(
            lambda connection: arrivals.announce(
                connection, what, self.ids.new(), self.clock.now(), listed=listed, by="list" if listed else "hook"
            )
        )
        return row

    async def moved(self, fax: Received, target: ReceivedState, **values: Any) -> Received:
        """The received fax after a change."""
        await self.store.write(
            lambda connection: arrivals.change(
                connection, fax, target, now=self.clock.now(), detail="by the test", **values
            )
        )
        return await self.received(fax.id)

    async def received(self, received_id: str) -> Received:
        """As it stands now."""
        found = await self.store.read(lambda connection: arrivals.get(connection, received_id))
        assert found is not None
        return found

    def blob_files(self) -> set[str]:
        """Names of all blobs that are on disk: in files, and, small ones, in their rows."""
        small = sa.select(tables.blob.c.id).where(tables.blob.c.content.is_not(None))
        in_rows = self.store.read_now(lambda connection: connection.execute(small).scalars().all())
        return set(self.store.blobs.names_older_than(float("inf"))) | set(in_rows)

    def blob_path(self, blob_id: str) -> Path:
        """Where a blob's file lies, if it has one."""
        return self.folder / blob_id[:2] / blob_id

    def damage(self, blob_id: str) -> None:
        """Change the last byte of a blob, behind the back of the store."""
        this = tables.blob.c.id == blob_id
        query = sa.select(tables.blob.c.content).where(this)
        content = self.store.read_now(lambda connection: connection.execute(query).scalar())
        if content is None:
            path = self.blob_path(blob_id)
            path.write_bytes(_flipped(path.read_bytes()))
            return
        change = tables.blob.update().where(this).values(content=_flipped(content))
        self.store.write_now(lambda connection: connection.execute(change))


def _flipped(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


async def work(duty: Duty[Any]) -> bool:
    """One piece of work, as the loop does it; whether there was one."""
    piece = await duty.claim()
    if piece is None:
        return False
    await duty.work(piece)
    return True


async def set_aside(duty: Duty[Any]) -> bool:
    """One piece of work that the daemon died of is set aside, as a trial does it; whether there was one."""
    piece = await duty.claim()
    if piece is None:
        return False
    assert duty.set_aside is not None
    await duty.set_aside(piece, DIED)
    return True


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Return once ``look`` says so."""
    async with asyncio.timeout(8):
        while not await look():  # noqa: ASYNC110 - what we wait for happens on another thread
            await asyncio.sleep(0.005)


@contextmanager
def open_bench(folder: Path) -> Iterator[Bench]:
    """A bench whose store is closed at the end."""
    store = Store.open_alone(options(folder))
    try:
        yield Bench(store, options(folder).blobs)
    finally:
        store.close()
