"""PostgreSQL as the store's database, shared by several daemons.

One transaction at a time writes in the whole house, as on SQLite: each takes the writers' lock first, so that a unit
that looks and then writes is right here, too (docs/decisions/0014). Every statement waits for another machine; the
driver is an asynchronous one, and the loop goes on meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bridge.errors import BridgeError, Misconfigured, Unavailable
from bridge.runtime.clock import Clock, SystemClock
from bridge.store import migrations
from bridge.store.units import Job, Queue, Undecided, Unit, answer, run, translate

T = TypeVar("T")

READERS = 4
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
"""A statement that takes longer is given up, and its connection with it."""

SETTINGS = {
    "application_name": "faxbridge",
    "timezone": "UTC",
    "lock_timeout": "25s",
    "idle_in_transaction_session_timeout": "10s",  # a daemon that froze in a transaction must not hold up the others
}
TRIES = 3
"""How often a group is run whose transaction the database itself undid."""

DECIDE_SECONDS = 30.0
"""So long the database is asked what became of a commit in whose middle the connection broke."""

DECIDE_PAUSE_SECONDS = 0.5

_LOCK = sa.text("SELECT pg_advisory_xact_lock(7173241), clock_timestamp()")
"""The writers' lock, and, once it is had, the time."""

_TRANSACTION = sa.text("SELECT CAST(pg_current_xact_id_if_assigned() AS text)")
_BECAME = sa.text("SELECT pg_xact_status(CAST(CAST(:transaction AS text) AS xid8))")
_FORGETS = ("fsync", "synchronous_commit")

_UNDONE = "40"
_GONE = ("08", "57P", "25P03", "25P04")
"""Beginnings of SQLSTATE: undone for another's sake; the connection is, or is about to be, at its end."""

_OF_CONNECTIONS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What the driver raises past SQLAlchemy; a statement that took too long is a TimeoutError, and so an OSError."""

DOES_NOT_ANSWER = "the database does not answer just now; try again later"


class ServerClock:
    """The database's wall clock, carried on by this process's monotonic one between two looks at it."""

    def __init__(self) -> None:
        self._own = SystemClock()
        self._seen = (self._own.now(), self._own.monotonic())

    def note(self, moment: datetime) -> None:
        """So late it is there, just now."""
        self._seen = (moment, self._own.monotonic())

    def now(self) -> datetime:
        moment, at = self._seen
        return moment + timedelta(seconds=self._own.monotonic() - at)

    def monotonic(self) -> float:
        return self._own.monotonic()

    def steady(self) -> datetime:
        """The same as ``now``: leases are compared with those of other daemons."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        await self._own.sleep(seconds)


class Session:
    """Connections of one event loop: one that writes, some that read. End it with ``finish``."""

    def __init__(self, url: str, clock: ServerClock, answer_seconds: float | None = ANSWER_SECONDS) -> None:
        async def connect() -> Any:
            return await asyncpg.connect(
                url, timeout=CONNECT_SECONDS, command_timeout=answer_seconds, server_settings=SETTINGS
            )

        def engine(size: int) -> AsyncEngine:
            return create_async_engine(
                "postgresql+asyncpg://", async_creator=connect, pool_size=size, max_overflow=0, hide_parameters=True
            )

        self._clock = clock
        self.writing = engine(2)  # one to write, one to ask what became of it
        self._reading = engine(READERS).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._queue = Queue(self._run_group)

    async def write(self, unit: Unit[T]) -> T:
        """The unit's result, once committed. A caller that is cancelled does not stop the commit."""
        return await self._queue.hand_in(unit)

    async def read(self, query: Unit[T]) -> T:
        """The query's result; asked once more where the connection turned out to be an old one."""
        self._queue.check_open()
        for last in (False, True):
            try:
                async with self._reading.begin() as connection:
                    return await connection.run_sync(query)
            except (sa.exc.SQLAlchemyError, *_OF_CONNECTIONS) as error:
                if last or not _may_do_again(error):
                    raise _told(error) from error
        raise AssertionError("the second try returns or raises")

    async def finish(self) -> None:
        """Write what was handed in, then close every connection."""
        self._queue.close()
        await self._queue.drain()
        await self.writing.dispose()
        await self._reading.dispose()

    async def _run_group(self, jobs: list[Job]) -> None:
        """A group whose transaction was undone through nobody's fault is run again, a few times."""
        for left in reversed(range(TRIES)):
            try:
                results = await self._transact(jobs)
            except Undecided as error:
                for job in jobs:
                    job.answer(error=error)
            except Exception as error:  # noqa: BLE001 - whatever failed is told to the one whose unit it was
                if left and _may_do_again(error):
                    continue
                self._give_up(jobs, error)
            else:
                answer(results)
            return

    def _give_up(self, jobs: list[Job], error: Exception) -> None:
        """Where there is no database, none of the units is to blame, and trying each by itself would take long."""
        if isinstance(error, _NoDatabase) or _is_gone(error):
            for job in jobs:
                job.answer(error=_told(error))
        else:
            self._queue.give_up(jobs, error)

    async def _transact(self, jobs: list[Job]) -> list[tuple[Job, Any]]:
        """The results of the units, committed. Raises Undecided, or else nothing of them is written."""
        try:
            connection = await self.writing.connect()
        except (sa.exc.SQLAlchemyError, *_OF_CONNECTIONS) as error:
            raise _NoDatabase(DOES_NOT_ANSWER) from error
        async with aclosing(connection):
            try:
                moment = (await connection.execute(_LOCK)).one()[1]
                self._clock.note(moment)
                results = await connection.run_sync(run, jobs)
                transaction = (await connection.execute(_TRANSACTION)).scalar_one()
            except _OF_CONNECTIONS:
                await connection.invalidate()
                raise
            try:
                await connection.commit()
            except Exception as error:
                await connection.invalidate()
                if transaction is not None and not await self._was_committed(transaction):
                    raise _Broken(DOES_NOT_ANSWER) from error
        return results

    async def _was_committed(self, transaction: str) -> bool:
        """What became of a commit in whose middle the connection broke; raises Undecided where nobody says."""
        end = self._clock.monotonic() + DECIDE_SECONDS
        while self._clock.monotonic() < end:
            try:
                async with self.writing.connect() as connection:
                    became = (await connection.execute(_BECAME, {"transaction": transaction})).scalar()
            except (sa.exc.SQLAlchemyError, *_OF_CONNECTIONS):
                became = None
            if became in {"committed", "aborted"}:
                return bool(became == "committed")
            await self._clock.sleep(DECIDE_PAUSE_SECONDS)
        raise Undecided("the database went away in the middle of it; whether it was written is not known")


class _NoDatabase(Unavailable):
    """There is no connection to be had."""


class _Broken(Unavailable):
    """The connection broke, and nothing was written."""


def _is_gone(error: BaseException) -> bool:
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or _state(error).startswith(_GONE)
    return isinstance(error, _Broken | OSError | asyncpg.InterfaceError | asyncpg.PostgresError)


def _may_do_again(error: BaseException) -> bool:
    """Whether another try at once may do: on a new connection, or after who was in the way."""
    undone = isinstance(error, sa.exc.DBAPIError) and _state(error).startswith(_UNDONE)
    return undone or (_is_gone(error) and not isinstance(error, TimeoutError))


def _state(error: sa.exc.DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _told(error: BaseException) -> BaseException:
    if isinstance(error, BridgeError):
        return error
    if isinstance(error, _OF_CONNECTIONS):
        told = Unavailable(DOES_NOT_ANSWER)
        told.__cause__ = error
        return told
    return translate(error)


class Server:
    """One database on a PostgreSQL server: asked from a loop, which keeps its connections, or blocking, without."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clock = ServerClock()
        self._session: Session | None = None
        self._closed = False

    @property
    def clock(self) -> Clock:
        """The server's clock."""
        return self._clock

    @property
    def writing(self) -> sa.Engine:
        return self._at_hand().writing.sync_engine

    def check_there(self) -> None:
        """Raise Unavailable, or Misconfigured: another schema, or a server that forgets what it has confirmed."""
        revision, moment, forgets = self.read_now(_look)
        self._clock.note(moment)
        if forgets:
            raise Misconfigured(f"{forgets} is off in the database: what was acknowledged could be lost; set it to on")
        if revision != migrations.head():
            at = f"at schema {revision}" if revision else "empty"
            raise Misconfigured(
                f"the database is {at}, this version needs {migrations.head()}; run `faxbridge migrate`"
            )

    def migrate(self) -> tuple[str | None, str]:
        return self._now(lambda session: session.write(migrations.bring_up), answer_seconds=None)

    async def write(self, unit: Unit[T]) -> T:
        return await self._at_hand().write(unit)

    async def read(self, query: Unit[T]) -> T:
        return await self._at_hand().read(query)

    def read_now(self, query: Unit[T]) -> T:
        return self._now(lambda session: session.read(query))

    def write_now(self, unit: Unit[T]) -> T:
        return self._now(lambda session: session.write(unit))

    async def finish(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.finish()
            self._session = None

    def close(self) -> None:
        """Nothing is kept but a loop's connections, which ``finish`` closes."""
        self._closed = True

    def _at_hand(self) -> Session:
        """The connections of the loop that runs the daemon, made when they are first needed."""
        if self._closed:
            raise Unavailable("the store is closed")
        if self._session is None:
            self._session = Session(self._url, self._clock)
        return self._session

    def _now(self, work: Callable[[Session], Awaitable[T]], *, answer_seconds: float | None = ANSWER_SECONDS) -> T:
        """On a thread with a loop and connections of its own: who calls may be on a loop, or on none."""

        async def once() -> T:
            session = Session(self._url, self._clock, answer_seconds)
            try:
                return await work(session)
            finally:
                await session.finish()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, once()).result()


def _look(connection: sa.Connection) -> tuple[str | None, datetime, str]:
    """The revision, the time, and which setting makes the server forget."""
    moment: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    off = [name for name in _FORGETS if connection.exec_driver_sql(f"SHOW {name}").scalar() == "off"]
    return migrations.current(connection), moment, " and ".join(off)
