"""The writer: units that wait together share a transaction, and none of them suffers from another."""

import asyncio
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bridge.errors import OutOfSpace, Unavailable
from bridge.store import cursors, engine, tables
from tests.support.store_bench import Bench, until
from tests.support.unit_clock import START


def _put(name: str) -> Callable[[sa.Connection], str]:
    def unit(connection: sa.Connection) -> str:
        cursors.put(connection, name, "x", START)
        return name

    return unit


class Gate:
    """Holds the next commit until it is opened, so that units gather behind it."""

    def __init__(self, bench: Bench) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        sa.event.listen(bench.store.database.writing, "commit", self._hold)

    def _hold(self, _: sa.Connection) -> None:
        if not self.opened.is_set():
            self.entered.set()
            assert self.opened.wait(8)

    def unit(self, _: sa.Connection) -> str:
        return "gate"


async def _behind_a_gate(bench: Bench, *units: Callable[[sa.Connection], object]) -> list[object]:
    """Results (or errors) of units that were all handed in while the writer was busy."""
    gate = Gate(bench)
    first = asyncio.ensure_future(bench.store.write(gate.unit))
    await asyncio.to_thread(gate.entered.wait, 8)
    waiting = [asyncio.ensure_future(bench.store.write(unit)) for unit in units]
    await asyncio.sleep(0)
    gate.opened.set()
    assert await first == "gate"
    return list(await asyncio.gather(*waiting, return_exceptions=True))


def _count_commits(bench: Bench) -> list[int]:
    counted = [0]

    def commit(_: sa.Connection) -> None:
        counted[0] += 1

    sa.event.listen(bench.store.database.writing, "commit", commit)
    return counted


async def test_units_share_a_transaction(bench: Bench) -> None:
    """Twenty units that wait together are one commit, and each caller gets its own result."""
    commits = _count_commits(bench)
    results = await _behind_a_gate(bench, *(_put(f"c{number}") for number in range(20)))
    assert results == [f"c{number}" for number in range(20)]
    assert commits == [2], "the gate's and one for all the others"
    assert len(await bench.rows(tables.cursor)) == 20


async def test_a_failing_unit_takes_nobody_down(bench: Bench) -> None:
    """Errors arrive at the caller whose unit failed; the others are written, the failed ones not at all."""

    def breaks(connection: sa.Connection) -> None:
        _put("half")(connection)
        raise ValueError("mine")

    def forbidden(connection: sa.Connection) -> None:
        connection.execute(tables.destination.insert().values(number="+14155550199", current_fax="NOSUCHFAX000"))

    def nonsense(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SELECT nonsense FROM nowhere")

    results = await _behind_a_gate(bench, _put("a"), breaks, _put("b"), forbidden, nonsense, _put("c"))
    assert [type(result) for result in results] == [str, ValueError, str, sa.exc.IntegrityError, Unavailable, str]
    assert str(results[1]) == "mine"
    assert {row.name for row in await bench.rows(tables.cursor)} == {"a", "b", "c"}


async def test_a_cancelled_caller_does_not_cancel_the_commit(bench: Bench) -> None:
    """What was handed in is written though its caller is gone, and those beside it get their results."""
    gate = Gate(bench)
    first = asyncio.ensure_future(bench.store.write(gate.unit))
    await asyncio.to_thread(gate.entered.wait, 8)
    gone, stays = (asyncio.ensure_future(bench.store.write(_put(name))) for name in ("gone", "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    first.cancel()
    gate.opened.set()
    assert await stays == "stays"
    assert gone.cancelled()
    assert {row.name for row in await bench.rows(tables.cursor)} == {"gone", "stays"}


async def test_close_finishes_what_was_handed_in(bench: Bench) -> None:
    """Closing waits for what is under way; afterwards a write is refused and doesn't hang."""
    waiting = asyncio.ensure_future(bench.store.write(_put("last")))
    await asyncio.sleep(0)
    bench.store.close()
    assert await waiting == "last"
    with pytest.raises(Unavailable):
        await bench.store.write(_put("too late"))


async def test_the_writer_outlives_failures(bench: Bench) -> None:
    """After any number of failures the next unit is written."""
    for error in (ValueError, MemoryError, RecursionError, sa.exc.InvalidRequestError):

        def breaks(_: sa.Connection, error: type[Exception] = error) -> None:
            raise error

        with pytest.raises(error):
            await bench.store.write(breaks)
    assert await bench.store.write(_put("after")) == "after"


async def test_a_locked_database(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that another process keeps locked is unavailable, and works again afterwards."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    bench.store.database.writing.dispose()  # so that its connections are as patient as that
    process = engine.make_engine(bench.folder.parent / "data" / "faxbridge.db", begin="BEGIN IMMEDIATE")
    with process.connect() as other:
        other.execute(sa.select(tables.cursor))  # begins, and holds the write lock
        with pytest.raises(Unavailable):
            await bench.store.write(_put("x"))
        assert await bench.rows(tables.cursor) == [], "readers go on beside a writer"
    process.dispose()
    assert await bench.store.write(_put("y")) == "y"


async def test_a_full_disk(bench: Bench) -> None:
    """A database that may not grow is out of space, a temporary refusal, and the daemon lives on."""
    pages = 0

    def fill(connection: sa.Connection) -> None:
        limit = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={limit + pages}")
        connection.execute(
            tables.cursor.insert().values(name="big", value="x" * 5_000_000, updated_at=bench.clock.now())
        )

    with pytest.raises(OutOfSpace) as caught:
        await bench.store.write(fill)
    assert caught.value.smtp.startswith("452 4.3.1")
    assert await bench.store.write(_put("small")) == "small"


async def test_readers_see_whole_transactions(bench: Bench) -> None:
    """A reader never sees half of a unit."""
    gate = Gate(bench)

    def two(connection: sa.Connection) -> None:
        _put("one")(connection)
        _put("two")(connection)

    writing = asyncio.ensure_future(bench.store.write(two))
    await asyncio.to_thread(gate.entered.wait, 8)
    assert await bench.rows(tables.cursor) == []
    gate.opened.set()
    await writing

    async def both() -> bool:
        return len(await bench.rows(tables.cursor)) == 2

    await until(both)
