"""SQLite: one writer, readers beside it, and what opens and locks the file.

SQLite in WAL mode with ``synchronous=FULL``: a committed transaction survives a power cut. Units of work that wait at
the same time share one transaction and so one sync; if one of them fails, they are run again one by one.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from bridge.errors import Misconfigured, Unavailable
from bridge.store.units import Job, Queue, Unit, answer, run, translate

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5000
READERS = 4
_SQLITE_BUSY = 5
_MAGIC = b"SQLite format 3\0"


class DatabaseFile:
    """The file itself, looked at before it is used: what was put in its place, or written over it, is no database.

    Open connections would go on with what they remember. The file is opened once and closed last: SQLite's own locks
    on it are gone as soon as any descriptor of this process is closed (sqlite.org/howtocorrupt.html, 2.2).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def check(self) -> None:
        """Raise Unavailable unless the file is the one that was opened first, and begins as a database does."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            same = os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
            good = same and os.pread(self._descriptor, len(_MAGIC), 0) == _MAGIC
        except OSError as error:
            raise Unavailable("the database's file cannot be read just now; try again later") from error
        if not good:
            raise Unavailable("the database's file is damaged, or another lies in its place")

    def close(self) -> None:
        """Only when every connection is closed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def make_engine(database: Path, *, begin: str, readers: int = 1) -> sa.Engine:
    """An engine whose transactions start with ``begin`` (``BEGIN IMMEDIATE`` or ``BEGIN``)."""
    engine = sa.create_engine(
        f"sqlite:///{database}",
        connect_args={"check_same_thread": False},
        hide_parameters=True,
        poolclass=QueuePool,  # kept open: closing a database's last connection rewrites it from its log
        pool_size=readers,
        max_overflow=1,
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver starts no transactions of its own
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class Writer:
    """Runs units one group after another: statements on the loop, the commit, which waits for the disk, on a thread.

    Statements take microseconds each; handing every unit to a thread was seen to cost more than they do, since thread
    and loop then wait for one another's interpreter lock (docs/decisions/0012). Where somebody else holds the
    database, the wait for it is the thread's, too. ``close`` finishes what was handed in.
    """

    def __init__(self, engine: sa.Engine, file: DatabaseFile) -> None:
        self._engine = engine
        self._file = file
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._queue = Queue(self._run_group)

    async def run(self, unit: Unit[T]) -> T:
        """The unit's result, once committed. A caller that is cancelled does not stop the commit."""
        return await self._queue.hand_in(unit)

    def close(self) -> None:
        """Commit what was handed in, on this thread; nothing more is taken. A commit under way is waited for."""
        self._queue.close()
        self._thread.shutdown()
        while jobs := self._queue.gather():
            self._run_here(jobs)

    async def _run_group(self, jobs: list[Job]) -> None:
        connection: sa.Connection | None = None
        try:
            try:
                self._file.check()
                connection = self._engine.connect()
                transaction = await self._begin(connection)
            except Exception as error:  # noqa: BLE001 - told to all: none of them has begun, and none would fare better
                self._refuse(jobs, connection, error)
                return
            results = run(connection, jobs)
            await self._in_thread(transaction.commit)
        except Exception as error:  # noqa: BLE001 - whatever failed is told to the one whose unit it was
            self._give_up(jobs, connection, error)
        else:
            answer(results)
        finally:
            if connection is not None:
                connection.close()

    async def _begin(self, connection: sa.Connection) -> sa.RootTransaction:
        """A transaction; at once where nobody else writes, as is usual."""
        try:
            _be_patient(connection, 0)
            return connection.begin()
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", None) != _SQLITE_BUSY:
                raise
        _be_patient(connection, BUSY_TIMEOUT_MS)
        return await self._in_thread(connection.begin)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _run_here(self, jobs: list[Job]) -> None:
        """A group whose loop is ending: nobody may be there any more to hear of it."""
        try:
            with self._engine.begin() as connection:
                results = run(connection, jobs)
        except Exception as error:  # noqa: BLE001 - as above
            self._give_up(jobs, None, error)
        else:
            answer(results)

    def _refuse(self, jobs: list[Job], connection: sa.Connection | None, error: Exception) -> None:
        """There is no transaction to be had: each is told so now, and not after a wait of its own for the same lock."""
        if connection is not None and isinstance(error, sa.exc.DBAPIError):
            connection.invalidate()
        for job in jobs:
            job.answer(error=translate(error))

    def _give_up(self, jobs: list[Job], connection: sa.Connection | None, error: Exception) -> None:
        """Nothing of the group is written: a lone unit has failed, those of several are tried each by itself."""
        if connection is not None and isinstance(error, sa.exc.DBAPIError) and not _is_units_own(error):
            connection.invalidate()  # whatever the disk did to it, the next group gets a new one
        self._queue.give_up(jobs, error)


def _be_patient(connection: sa.Connection, milliseconds: int) -> None:
    """How long this connection waits for others' locks."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout={milliseconds}")


def _is_units_own(error: sa.exc.DBAPIError) -> bool:
    return isinstance(error, sa.exc.IntegrityError)


class Reader:
    """Short read-only queries on threads of the loop's pool, each in a transaction of its own."""

    def __init__(self, engine: sa.Engine, file: DatabaseFile) -> None:
        self._engine = engine
        self._file = file
        self.closed = False

    async def run(self, query: Unit[T]) -> T:
        """The query's result, from one consistent snapshot."""
        if self.closed:
            raise Unavailable("the store is closed")
        try:
            return await asyncio.to_thread(self.run_now, query)
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            raise translate(error) from error

    def run_now(self, query: Unit[T]) -> T:
        """The same on this thread, for the shell."""
        self._file.check()
        with self._engine.begin() as connection:
            return query(connection)


def lock_alone(database: Path) -> int:
    """Hold the database for this process until it ends; raises Misconfigured if another daemon has it."""
    path = database.with_name(database.name + ".lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Misconfigured(f"another faxbridge is running on {database}") from error
    return descriptor
