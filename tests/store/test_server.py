"""PostgreSQL under load and in trouble: nothing acknowledged is lost, nothing is written or claimed twice."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.errors import Unavailable
from bridge.runtime.clock import SystemClock
from bridge.store import Store, cursors, destinations, faxes, server, tables
from bridge.store.options import ServerOptions
from bridge.store.units import Undecided
from tests.support.postgresql import Cluster
from tests.support.store_bench import Bench
from tests.support.store_shared import a_store, open_shared_bench
from tests.support.unit_clock import START

TAKE_LOCK = str(server._LOCK)


@pytest.fixture
def options(cluster: Cluster, tmp_path: Path) -> ServerOptions:
    return a_store(cluster, tmp_path)


@pytest.fixture
async def bench(options: ServerOptions) -> AsyncIterator[Bench]:
    """One daemon's store."""
    async with open_shared_bench(options) as opened:
        yield opened


def _put(name: str) -> Callable[[sa.Connection], str]:
    def unit(connection: sa.Connection) -> str:
        connection.execute(tables.cursor.insert().values(name=name, value="x", updated_at=START))
        return name

    return unit


async def _written(bench: Bench) -> set[str]:
    return {row.name for row in await bench.rows(tables.cursor)} - {"blob-folder"}


class TestGroups:
    """Units that wait together share a transaction, and none of them suffers from another."""

    async def test_units_share_a_transaction(self, bench: Bench, options: ServerOptions) -> None:
        """Twenty units that wait together are one commit, and each caller gets its own result."""
        commits: list[object] = []
        await bench.store.write(_put("first"))
        sa.event.listen(bench.store.database.writing, "commit", commits.append)
        other = await asyncpg.connect(options.url)
        async with other.transaction():
            await other.execute(TAKE_LOCK)
            writing = [asyncio.ensure_future(bench.store.write(_put(f"c{number}"))) for number in range(20)]
            done, _ = await asyncio.wait(writing, timeout=0.3)
            assert not done, "nobody writes while another has the lock"
            assert await _written(bench) == {"first"}, "but whoever likes reads"
        await other.close()
        assert await asyncio.gather(*writing) == [f"c{number}" for number in range(20)]
        assert len(commits) == 1

    async def test_a_failing_unit_takes_nobody_down(self, bench: Bench) -> None:
        """Errors arrive at the caller whose unit failed; the others are written, the failed ones not at all."""

        def breaks(connection: sa.Connection) -> None:
            _put("half")(connection)
            raise ValueError("mine")

        def forbidden(connection: sa.Connection) -> None:
            connection.execute(tables.destination.insert().values(number="+14155550199", current_fax="NOSUCHFAX000"))

        def nonsense(connection: sa.Connection) -> None:
            connection.exec_driver_sql("SELECT nonsense FROM nowhere")

        units: list[Callable[[sa.Connection], Any]] = [_put("a"), breaks, _put("b"), forbidden, nonsense, _put("c")]
        results = await asyncio.gather(*(bench.store.write(unit) for unit in units), return_exceptions=True)
        assert [type(result) for result in results] == [str, ValueError, str, sa.exc.IntegrityError, Unavailable, str]
        assert await _written(bench) == {"a", "b", "c"}

    async def test_a_cancelled_caller_does_not_cancel_the_commit(self, bench: Bench) -> None:
        """What was handed in is written though its caller is gone, and those beside it get their results."""
        gone, stays = (asyncio.ensure_future(bench.store.write(_put(name))) for name in ("gone", "stays"))
        await asyncio.sleep(0)
        gone.cancel()
        assert await stays == "stays"
        assert gone.cancelled()
        assert await _written(bench) == {"gone", "stays"}

    async def test_finishing_writes_what_was_handed_in(self, bench: Bench) -> None:
        """Finishing waits for what is under way; afterwards a write is refused and does not hang."""
        waiting = asyncio.ensure_future(bench.store.write(_put("last")))
        await asyncio.sleep(0)
        await bench.store.finish()
        assert await waiting == "last"
        for late in (bench.store.write(_put("too late")), bench.store.read(lambda _: None)):
            with pytest.raises(Unavailable):
                await late


class TestTrouble:
    """What the database undoes is done again; what it may have done is looked up."""

    @pytest.mark.parametrize("state", ["40001", "40P01"])
    async def test_what_was_undone_for_another(self, bench: Bench, state: str) -> None:
        """A transaction that the database undid is run again, but not for ever."""
        runs = [0]

        def unit(connection: sa.Connection, until: int) -> str:
            runs[0] += 1
            if runs[0] < until:
                connection.exec_driver_sql(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
            return _put(f"after {until}")(connection)

        assert await bench.store.write(lambda connection: unit(connection, 3)) == "after 3"
        runs[0] = 0
        with pytest.raises(Unavailable):
            await bench.store.write(lambda connection: unit(connection, 1000))
        assert runs[0] == server.TRIES
        assert await _written(bench) == {"after 3"}

    async def test_a_connection_that_dies_before_the_commit(self, bench: Bench) -> None:
        """Nothing was written, so that the unit is run again on a new connection, without its caller knowing."""
        runs = [0]

        def unit(connection: sa.Connection) -> str:
            runs[0] += 1
            done = _put("once")(connection)
            if runs[0] == 1:
                connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
            return done

        results = await asyncio.gather(bench.store.write(unit), bench.store.write(_put("beside")))
        assert list(results) == ["once", "beside"]
        assert runs == [2]
        assert await _written(bench) == {"once", "beside"}

    async def test_old_connections(self, bench: Bench, cluster: Cluster) -> None:
        """Connections that died while nobody used them are noticed by nobody who reads or writes."""
        await asyncio.gather(bench.store.write(_put("a")), *(_written(bench) for _ in range(4)))
        cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'faxbridge'")
        assert await _written(bench) == {"a"}
        assert await bench.store.write(_put("b")) == "b"

    async def test_an_answer_to_commit_that_never_came(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was committed counts as done, and is not done again, though the connection broke before the answer."""
        commits = _break_commits(monkeypatch, after=True)
        assert await bench.store.write(_put("there")) == "there"
        assert commits == [1]
        assert await _written(bench) == {"there"}

    async def test_a_commit_that_never_arrived(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was not committed is done again."""
        commits = _break_commits(monkeypatch, after=False)
        assert await bench.store.write(_put("there")) == "there"
        assert commits == [2]
        assert await _written(bench) == {"there"}

    async def test_a_commit_of_which_nobody_tells(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where nobody says what became of it the caller gets an error, and the files that it names stay."""
        monkeypatch.setattr(server, "DECIDE_SECONDS", 0)
        _break_commits(monkeypatch, after=True)
        stored = await bench.store.blobs.put(bench.ids.file_name(), b"x" * 100_000)
        with pytest.raises(Undecided):
            await bench.store.write_files(_put("who knows"), stored)
        assert bench.blob_path(stored.id).exists()
        with pytest.raises(sa.exc.IntegrityError):
            await bench.store.write_files(_put("who knows"), stored)
        assert not bench.blob_path(stored.id).exists()

    async def test_one_that_froze_with_the_lock(self, options: ServerOptions, bench: Bench) -> None:
        """A session that sits in its transaction is ended by the server, and the others go on."""
        assert server.SETTINGS["idle_in_transaction_session_timeout"] == "10s"
        frozen = await asyncpg.connect(options.url, server_settings={"idle_in_transaction_session_timeout": "200ms"})
        await frozen.execute("BEGIN")
        await frozen.execute(TAKE_LOCK)
        assert await bench.store.write(_put("after all")) == "after all"
        # the last: where the server's word that it is over is read just as this is said
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
            await frozen.execute("COMMIT")
        frozen.terminate()

    async def test_killed_and_restarted_in_mid_load(self, bench: Bench, cluster: Cluster) -> None:
        """Twice the server is killed under load: all that was acknowledged is there, and nothing else."""
        acknowledged: set[str] = set()
        failed = [0]
        stop = asyncio.Event()

        async def load(worker: int) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    acknowledged.add(await bench.store.write(_put(f"{worker}/{number}")))
                    await _written(bench)
                except Unavailable:
                    failed[0] += 1
                    await asyncio.sleep(0.01)

        async def more() -> None:
            before = len(acknowledged)
            async with asyncio.timeout(40):
                while len(acknowledged) < before + 40:  # noqa: ASYNC110 - what is waited for is many things
                    await asyncio.sleep(0.01)

        workers = [asyncio.create_task(load(number)) for number in range(8)]
        for _ in range(2):
            await more()
            await asyncio.to_thread(cluster.kill)
            await asyncio.to_thread(cluster.start)
        await more()
        stop.set()
        await asyncio.gather(*workers)
        assert failed[0], "the load went on while nobody answered"
        assert await _written(bench) == acknowledged


class TestSeveralDaemons:
    """Two stores on one database, as two daemons have them."""

    @pytest.mark.parametrize("locked", [True, False], ids=["under the writers' lock", "past the writers' lock"])
    async def test_no_row_is_claimed_twice(
        self, options: ServerOptions, bench: Bench, monkeypatch: pytest.MonkeyPatch, locked: bool
    ) -> None:
        """Under load each row goes to one of them and none is left; even for those who write without the lock."""
        if not locked:
            monkeypatch.setattr(server, "_LOCK", sa.text("SELECT 1, clock_timestamp()"))
        numbers = [f"+1415555{number:04}" for number in range(100, 140)]
        waiting = {fax.id for number in numbers[:20] for fax in await bench.accepted(number)}
        ready = {(await bench.ready(number)).id for number in numbers[20:]}
        claimed: list[str] = []

        async def work(one: Bench, owner: str) -> None:
            def accepted(connection: sa.Connection) -> list[str]:
                return [fax.id for fax in faxes.claim_accepted(connection, one.desk.lease(owner))]

            def line(connection: sa.Connection) -> list[str]:
                row = destinations.claim(connection, one.desk.lease(owner))
                return [] if row is None else [row.id]

            while found := await one.store.write(accepted) + await one.store.write(line):
                claimed.extend(found)

        async with open_shared_bench(options, bench.clock) as other:
            await asyncio.gather(*(work(one, f"{at}/{n}") for at, one in enumerate((bench, other)) for n in range(6)))
        assert sorted(claimed) == sorted(waiting | ready)

    async def test_what_is_the_others_stays(self, options: ServerOptions, bench: Bench) -> None:
        """Who comes to work beside others drops no lease, and clears away nothing but what was left a day ago."""
        await bench.ready()
        assert await bench.store.write(lambda c: destinations.claim(c, bench.desk.lease("one/a"))) is not None
        young, old, folder = (bench.store.blobs.workspace / name for name in ("young", "old", "pages-x1"))
        for file in (young, old):
            file.write_bytes(b"half")
        folder.mkdir()
        for path in (old, folder):
            os.utime(path, (time.time() - 90_000,) * 2)
        async with open_shared_bench(options) as other:
            (row,) = await other.rows(tables.destination)
            assert row.lease_owner == "one/a"
        assert list(bench.store.blobs.workspace.iterdir()) == [young]

    async def test_one_reads_what_the_other_wrote(self, options: ServerOptions, bench: Bench) -> None:
        """Once a write returned it is there for all, in loops and on the shell's way."""
        async with open_shared_bench(options) as other:
            await bench.store.write(_put("news"))
            assert await _written(other) == {"news"}
        beside = Store.open_beside(options)
        assert beside.read_now(lambda connection: cursors.get(connection, "news")) == "x"
        beside.write_now(_put("more news"))
        beside.close()
        assert await _written(bench) == {"news", "more news"}


async def test_the_databases_clock_decides(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine's clock shows, ours goes by the database's, and by it leases end."""
    far = datetime(2031, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(SystemClock, "now", lambda _: far)
    there = await bench.store.write(lambda c: c.execute(sa.select(sa.func.clock_timestamp())).scalar_one())
    clock = bench.store.clock
    for moment in (clock.now(), clock.steady()):
        assert abs(moment - there) < timedelta(seconds=5)


def _break_commits(monkeypatch: pytest.MonkeyPatch, *, after: bool) -> list[int]:
    """Let the first commit's connection break, after it was carried out or before it arrived; counts all commits."""
    commits = [0]
    whole = AsyncConnection.commit

    async def commit(connection: AsyncConnection) -> None:
        commits[0] += 1
        if commits[0] > 1:
            await whole(connection)
            return
        if after:
            await whole(connection)
        raise ConnectionResetError("the line broke")

    monkeypatch.setattr(AsyncConnection, "commit", commit)
    return commits
