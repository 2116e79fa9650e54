"""Polling: what no hook announced is found, however the list misbehaves and however long we were away."""

import asyncio
from datetime import timedelta

import pytest

from bridge.fax.states import ReceivedState
from bridge.ifax.errors import CarrierError
from bridge.receiving import poll
from bridge.receiving.mails import Mailer
from bridge.receiving.poll import Poller
from bridge.runtime.clock import rfc3339
from bridge.store import cursors, tables
from tests.receiving.test_fetch import OPTIONS
from tests.support.store_bench import ADMIN, Bench, until
from tests.support.store_carrier import MAIL, FakeCarrier, rows


class Polling:
    """The poller, with a list in the same process."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.carrier = FakeCarrier()
        self.poller = Poller(bench.desk, self.carrier.client, Mailer(bench.desk, MAIL), OPTIONS)

    async def poll(self, *pages: object) -> None:
        """One look at a list of these pages; each of them is asked for, and none beyond them."""
        self.carrier.pages = list(pages)  # type: ignore[arg-type]  # pages and errors as a test has them
        await self.poller.poll()
        assert self.carrier.pages == []

    async def last_walk(self) -> str | None:
        """The cursor."""
        return await self.bench.store.read(lambda connection: cursors.get(connection, cursors.LAST_WALK))

    async def states(self) -> dict[str, ReceivedState]:
        """By job id."""
        return {row.carrier_job_id: ReceivedState(row.state) for row in await self.bench.rows(tables.received)}

    @property
    def cursors(self) -> list[str | None]:
        """The row each page was asked for after."""
        return [call[3] for call in self.carrier.asked]


@pytest.fixture
async def polling(bench: Bench) -> Polling:
    """A poller whose first look, at an empty list, is over."""
    made = Polling(bench)
    await made.poll([])
    made.carrier.asked.clear()
    return made


async def test_new_rows_are_announced(bench: Bench, polling: Polling) -> None:
    """What the list shows for the first time is announced and due; what was seen before is left alone."""
    await polling.poll(rows(2, 1), [])
    assert await polling.states() == {"1": ReceivedState.ANNOUNCED, "2": ReceivedState.ANNOUNCED}
    assert {(row.listed, row.due_at) for row in await bench.rows(tables.received)} == {(True, bench.clock.now())}
    bench.clock.forward(timedelta(minutes=5))
    before = await bench.rows(tables.received)
    await polling.poll(rows(2, 1), [])
    assert await bench.rows(tables.received) == before
    assert await bench.rows(tables.outbox) == []


async def test_several_pages(polling: Polling) -> None:
    """The list is walked page by page after the last row's id to its end, also over pages that hold nothing new."""
    await polling.poll(rows(6, 5), rows(4, 3), rows(2, 1), [])
    assert polling.cursors == [None, "80005", "80003", "80001"]
    assert len(await polling.states()) == 6
    polling.carrier.asked.clear()
    await polling.poll(rows(8, 7), rows(6, 5), rows(4, 3), rows(2, 1), [])
    assert polling.cursors == [None, "80007", "80005", "80003", "80001"], "it goes on to the end"
    assert len(await polling.states()) == 8


async def test_whatever_the_order(polling: Polling) -> None:
    """New rows behind pages without any are found, for the carrier need not sort as asked."""
    await polling.poll(rows(3, 4), rows(1, 2), [])
    await polling.poll(rows(1, 2), rows(3, 4), rows(5, 6), [])
    assert await polling.states() == dict.fromkeys("123456", ReceivedState.ANNOUNCED)


async def test_rows_that_cannot_be_read(polling: Polling) -> None:
    """A page whose rows lack an id is no end of the list."""
    unreadable: list[dict[str, object]] = [{"faxId": 80_009, "jobId": 9}]
    await polling.poll(rows(4), unreadable, rows(2), [])
    assert polling.cursors == [None, "80004", "80009", "80002"]
    assert set(await polling.states()) == {"4", "2"}


async def test_a_hook_was_first(bench: Bench, polling: Polling) -> None:
    """A fax a hook announced, or that was quarantined, is confirmed by the list, and its page counts as new."""
    await bench.announced("5", "900005", listed=False)
    stranger = await bench.announced("6", "900006", listed=False)
    await bench.moved(stranger, ReceivedState.QUARANTINED)
    await polling.poll(rows(6, 5), rows(4), [])
    assert set((await polling.states()).values()) == {ReceivedState.ANNOUNCED}
    assert all(row.listed for row in await bench.rows(tables.received))


async def test_a_repeated_cursor(polling: Polling) -> None:
    """A list that leads back to where it was is left, also where its rows are ever new."""
    again = [{"faxId": 1, "jobId": 10 + n, "transactionId": 20 + n} for n in range(9)]
    await polling.poll(*[[row] for row in again[:2]])
    assert set(await polling.states()) == {"10", "11"}
    circle = [{"faxId": 1 + n % 3, "jobId": 30 + n, "transactionId": 40 + n} for n in range(9)]
    await polling.poll(*[[row] for row in circle[:4]])
    assert set(await polling.states()) == {"10", "11", "30", "31", "32", "33"}


async def test_page_cap(polling: Polling, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list without an end is left after so many pages."""
    monkeypatch.setattr(poll, "MAX_PAGES", 5)
    await polling.poll(*[rows(100 - n) for n in range(5)])
    assert len(polling.carrier.asked) == 5
    assert len(await polling.states()) == 5


async def test_first_look_is_backlog(bench: Bench) -> None:
    """On a fresh database what the list holds is quarantined, and the admin told once how many; later ones are mail."""
    polling = Polling(bench)
    await bench.announced("5", "900005", listed=False)
    await polling.poll(rows(5, 4), rows(3, 2), [])
    assert await polling.states() == {
        "5": ReceivedState.ANNOUNCED,
        "4": ReceivedState.QUARANTINED,
        "3": ReceivedState.QUARANTINED,
        "2": ReceivedState.QUARANTINED,
    }
    assert await bench.events() == [("backlog", ADMIN)]
    (mail,) = await bench.mail_bytes("backlog")
    assert b"3" in mail
    await polling.poll(rows(6, 5), rows(4, 3), rows(2), [])
    assert (await polling.states())["6"] is ReceivedState.ANNOUNCED
    assert (await polling.states())["4"] is ReceivedState.QUARANTINED
    assert len(await bench.events()) == 1


async def test_first_look_at_nothing(bench: Bench) -> None:
    """An empty first look is told to nobody, and what comes after it is no backlog."""
    polling = Polling(bench)
    await polling.poll([])
    await polling.poll(rows(1), [])
    assert await polling.states() == {"1": ReceivedState.ANNOUNCED}
    assert await bench.events() == []


async def test_first_look_counts_each_fax_once(bench: Bench) -> None:
    """A row that stands on two pages (one came in while we looked) is one fax in what the admin is told."""
    polling = Polling(bench)
    await polling.poll(rows(14, 13, 12), rows(12, 11), [])
    (mail,) = await bench.mail_bytes("backlog")
    assert b"Subject: 4 older received faxes" in mail


async def test_first_look_that_fails(bench: Bench) -> None:
    """A first look that breaks off is no first look: nothing is announced, and the next one is backlog still."""
    polling = Polling(bench)
    with pytest.raises(CarrierError):
        await polling.poll(rows(4, 3), CarrierError("no answer"))
    assert await polling.last_walk() is None
    assert set((await polling.states()).values()) <= {ReceivedState.QUARANTINED}
    await polling.poll(rows(4, 3), rows(2, 1), [])
    assert await polling.states() == dict.fromkeys("1234", ReceivedState.QUARANTINED)
    assert await bench.events() == [("backlog", ADMIN)]


async def test_a_poll_that_breaks_off(bench: Bench, polling: Polling) -> None:
    """What lies behind the page where a poll broke off is found by the next, though the first page has nothing new."""
    walked = await polling.last_walk()
    bench.clock.forward(timedelta(minutes=5))
    with pytest.raises(CarrierError):
        await polling.poll(rows(4, 3), CarrierError("no answer"))
    assert await polling.states() == dict.fromkeys("34", ReceivedState.ANNOUNCED), "what came before it is kept"
    assert await polling.last_walk() == walked
    await polling.poll(rows(4, 3), rows(2, 1), [])
    assert await polling.states() == dict.fromkeys("1234", ReceivedState.ANNOUNCED)
    assert await polling.last_walk() == rfc3339(bench.clock.now())


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
async def test_the_walk_counts_from_its_start(bench: Bench, first: bool) -> None:
    """What is remembered of a whole walk is when it began: what came in while it went on is looked for by the next."""
    polling = Polling(bench)
    if not first:
        await polling.poll([])
        bench.clock.forward(timedelta(hours=1))
    began = bench.clock.now()

    async def slow() -> None:
        bench.clock.forward(timedelta(minutes=9))

    polling.carrier.meanwhile = slow
    await polling.poll(rows(1), [])
    assert await polling.last_walk() == rfc3339(began)


async def test_after_a_long_time_away(bench: Bench, polling: Polling) -> None:
    """The list is asked for from two days before the last whole walk, however long ago that is."""
    last = bench.clock.now().date()
    bench.clock.forward(timedelta(days=9))
    with pytest.raises(CarrierError):
        await polling.poll(CarrierError("no answer"))
    bench.clock.forward(timedelta(days=1))
    await polling.poll([])
    today = bench.clock.now().date()
    await polling.poll([])
    starts = [call[1] for call in polling.carrier.asked]
    assert starts == [last - timedelta(days=2), last - timedelta(days=2), today - timedelta(days=2)]
    assert polling.carrier.asked[-1][2] == today + timedelta(days=1), "to tomorrow, since the list's zone is not told"


async def test_a_clock_that_was_ahead(bench: Bench, polling: Polling) -> None:
    """A walk remembered from a day that has not come yet hides nothing."""
    bench.clock.forward(timedelta(days=400))
    await polling.poll([])
    bench.clock.forward(timedelta(days=-400))
    polling.carrier.asked.clear()
    await polling.poll(rows(1), [])
    today = bench.clock.now().date()
    assert {call[1:3] for call in polling.carrier.asked} == {(today - timedelta(days=2), today + timedelta(days=1))}
    assert await polling.last_walk() == rfc3339(bench.clock.now())


async def test_the_window(bench: Bench) -> None:
    """The first look goes a month back, the next ones two days, all to tomorrow."""
    polling = Polling(bench)
    await polling.poll(rows(1), [])
    await polling.poll(rows(1), [])
    today = bench.clock.now().date()
    assert [call[1:3] for call in polling.carrier.asked] == [
        (today - timedelta(days=days), today + timedelta(days=1)) for days in (30, 30, 2, 2)
    ]


async def test_run_outlives_failures(bench: Bench, polling: Polling, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll that fails, in whatever way, is followed by another soon, and the stop ends it at once."""
    monkeypatch.setattr(poll, "RETRY_AFTER_FAILURE", timedelta(milliseconds=1))
    polling.carrier.pages = [CarrierError("no answer"), ValueError("ours"), rows(1), []]  # type: ignore[list-item]  # any error
    stop = asyncio.Event()
    running = asyncio.ensure_future(polling.poller.run(stop))

    async def found() -> bool:
        return "1" in await polling.states()

    await until(found)
    stop.set()
    async with asyncio.timeout(5):
        await running
