"""Copiers that were turned away for our own trouble: the operator hears of each, once an hour, as soon as can be."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.fax.arrivals import MailKind
from bridge.intake import alarms
from bridge.intake.alarms import Refusals
from bridge.store import tables
from tests.support.acceptance_stand import MAIL
from tests.support.store_bench import ADMIN, Bench, open_bench, until

COPIER = "192.0.2.7"
OTHER = "192.0.2.8"
NO_ROOM = "452 4.3.1 not enough room on disk; try again later"
TROUBLE = "451 4.3.0 the database does not answer just now; try again later"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An open store with a clock."""
    with open_bench(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def running(refusals: Refusals) -> AsyncIterator[asyncio.Event]:
    """The coroutine in a task of its own; it must end when it is stopped."""
    stop = asyncio.Event()
    task = asyncio.create_task(refusals.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(8):
            await task


async def owed(bench: Bench) -> list[Any]:
    """The outbox, oldest first."""
    return sorted(await bench.rows(tables.outbox), key=lambda row: str(row.id))


async def until_owed(bench: Bench, count: int) -> list[Any]:
    """Return the outbox once it holds so many mails."""

    async def look() -> bool:
        return len(await owed(bench)) >= count

    await until(look)
    return await owed(bench)


async def said(bench: Bench, row: Any) -> str:
    """What a mail says to a person, subject first."""
    whole = message_from_bytes(await bench.store.read_blob(row.blob_id))
    payload = whole.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return f"{whole['Subject']}\n{' '.join(payload.decode().split())}"


async def settled() -> None:
    """Let everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0.005)


async def test_a_copier_is_named(bench: Bench) -> None:
    """The mail says which machine, when and why, that it may not try again, and what to do at both ends."""
    refusals = Refusals(bench.desk, MAIL)
    async with running(refusals):
        refusals.note(COPIER, "front-desk", NO_ROOM)
        (row,) = await until_owed(bench, 1)
    assert (row.kind, row.recipient, row.purpose) == (MailKind.ADMIN, ADMIN, f"refused/{COPIER}/2026-11-23T08")
    text = await said(bench, row)
    assert f"The machine at {COPIER} (front-desk) wanted to hand in a fax" in text
    assert "turned away on 23 November 2026, 08:15 UTC" in text
    assert "Many copiers do not try again by themselves" in text
    assert "look at the machine's panel" in text
    assert "not enough free space" in text
    assert NO_ROOM in text


REASONS = {
    NO_ROOM: "limits.reserve",
    TROUBLE: "its log has more",
    "451 4.3.2 mail is not taken just now": "takes no mail just now",
    "421 4.3.2 shutting down, try again later": "being stopped",
    "421 4.7.0 too many connections, try again later": "limits.sessions",
}


@pytest.mark.parametrize("reply", REASONS)
async def test_what_is_our_own_doing(bench: Bench, reply: str) -> None:
    """Disk, database, a pause, a stop and too many connections are told, each with what is wrong here."""
    refusals = Refusals(bench.desk, MAIL)
    async with running(refusals):
        refusals.note(COPIER, None, reply)
        (row,) = await until_owed(bench, 1)
    assert REASONS[reply] in await said(bench, row)


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.7.1 client may not send faxes here",
        "452 4.5.3 100 recipients at most",
        "451 4.4.3 the sender's SPF record cannot be looked up",
        "454 4.7.0 too many failed logins",
        "421 4.4.2 that took too long",
        "250 2.0.0 Ok",
        "450",
        "",
        "4",
        "451 ",
    ],
)
async def test_what_is_not(bench: Bench, reply: str) -> None:
    """What the client could have done otherwise, and what is no refusal at all, is nobody's alarm."""
    refusals = Refusals(bench.desk, MAIL)
    async with running(refusals):
        refusals.note(COPIER, None, reply)
        await settled()
    assert await owed(bench) == []


async def test_once_an_hour_for_each_client(bench: Bench) -> None:
    """However often a client is refused, it is one mail an hour; the next one tells how often it was since then."""
    refusals = Refusals(bench.desk, MAIL)
    async with running(refusals):
        for client in (COPIER, OTHER, COPIER, COPIER):
            refusals.note(client, None, NO_ROOM)
            await until_owed(bench, 1)
        await until_owed(bench, 2)
        bench.clock.forward(timedelta(minutes=40))
        for _ in range(3):
            refusals.note(COPIER, None, TROUBLE)
        await settled()
        assert {row.purpose for row in await owed(bench)} == {
            f"refused/{client}/2026-11-23T08" for client in (COPIER, OTHER)
        }
        bench.clock.forward(timedelta(minutes=10))
        refusals.note(COPIER, None, TROUBLE)
        *_, row = await until_owed(bench, 3)
    assert row.purpose == f"refused/{COPIER}/2026-11-23T09"
    text = await said(bench, row)
    assert "times from 23 November 2026, 08:" in text
    assert "to 23 November 2026, 09:05 UTC" in text
    assert TROUBLE in text


async def test_after_a_new_start(bench: Bench) -> None:
    """A daemon that was started again in the same hour does not tell the same once more."""
    for _ in range(2):
        refusals = Refusals(bench.desk, MAIL)
        async with running(refusals):
            refusals.note(COPIER, None, NO_ROOM)
            await settled()
    assert len(await owed(bench)) == 1
    assert bench.clock.seconds == 0, "nothing failed, so nothing was waited for"


class Down:
    """A store that takes nothing for so many tries."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch, tries: int, error: Exception) -> None:
        self.asked_at: list[float] = []
        write = bench.store.write

        async def failing(unit: Any) -> Any:
            self.asked_at.append(bench.clock.seconds)
            if len(self.asked_at) <= tries:
                raise error
            return await write(unit)

        monkeypatch.setattr(bench.store, "write", failing)


@pytest.mark.parametrize("error", [Unavailable("the database"), RuntimeError("ours")])
async def test_while_the_database_is_down(bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """It is tried again with a pause until the store takes it, whatever the error; refusals meanwhile are counted."""
    down = Down(bench, monkeypatch, 5, error)
    refusals = Refusals(bench.desk, MAIL)
    async with running(refusals):
        for _ in range(4):
            refusals.note(COPIER, None, TROUBLE)
        (row,) = await until_owed(bench, 1)
    assert down.asked_at == [number * alarms.PAUSE_SECONDS for number in range(6)]
    assert "turned away 4 times" in await said(bench, row)


async def test_a_stop_tries_once_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop ends the pause, tries a last time, and ends whether that worked or not."""

    async def forever(_: float) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(bench.clock, "sleep", forever)
    for client, failures in ((COPIER, 1), (OTHER, 2)):
        with monkeypatch.context() as patch:
            down = Down(bench, patch, failures, Unavailable("the database"))
            refusals = Refusals(bench.desk, MAIL)
            async with running(refusals):
                refusals.note(client, None, TROUBLE)
                await settled()
                assert len(down.asked_at) == 1
            assert len(down.asked_at) == 2
        assert [row.purpose for row in await owed(bench)] == [f"refused/{COPIER}/2026-11-23T08"]


async def test_a_stop_tells_what_came_last(bench: Bench) -> None:
    """What was noted and not told when the stop came is told before the end."""
    refusals = Refusals(bench.desk, MAIL)
    stop = asyncio.Event()
    stop.set()
    refusals.note(COPIER, None, "421 4.3.2 shutting down, try again later")
    await refusals.run(stop)
    assert len(await owed(bench)) == 1


async def test_memory_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many clients it only counts, and one mail tells of all the others."""
    monkeypatch.setattr(alarms, "CLIENTS", 60)
    refusals = Refusals(bench.desk, MAIL)
    for number in range(80):
        refusals.note(f"192.0.2.{number}", None, NO_ROOM)
    assert len(refusals._clients) == 61
    async with running(refusals):
        rows = await until_owed(bench, 61)
        assert len(rows) == 61
        (others,) = [row for row in rows if row.purpose == "refused/others/2026-11-23T08"]
        text = await said(bench, others)
        assert "More machines than Faxbridge counts one by one" in text
        assert "20 times" in text
        refusals.note("192.0.2.99", None, NO_ROOM)
        await until_owed(bench, 62)
        assert len(refusals._clients) == 1, "those who were told of make room"


async def test_a_client_that_comes_back_after_it_was_forgotten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that had to make room and is refused again in the same hour is not told of twice."""
    monkeypatch.setattr(alarms, "CLIENTS", 1)
    refusals = Refusals(bench.desk, MAIL)
    async with running(refusals):
        for count, client in ((1, COPIER), (2, OTHER), (2, COPIER)):
            refusals.note(client, None, NO_ROOM)
            await until_owed(bench, count)
            await settled()
    assert len(await owed(bench)) == 2


async def test_what_comes_while_a_mail_is_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal in that very moment is not lost: it counts for the next mail of its client."""
    refusals = Refusals(bench.desk, MAIL)
    write = bench.store.write

    async def slowly(unit: Any) -> Any:
        result = await write(unit)
        refusals.note(COPIER, None, TROUBLE)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "write", slowly)
        async with running(refusals):
            refusals.note(COPIER, None, NO_ROOM)
            await until_owed(bench, 1)
            await settled()
    assert refusals._clients[COPIER].times == 1
    async with running(refusals):
        bench.clock.forward(timedelta(hours=1))
        refusals.note(COPIER, None, TROUBLE)
        _, row = await until_owed(bench, 2)
    assert "turned away 2 times" in await said(bench, row)
