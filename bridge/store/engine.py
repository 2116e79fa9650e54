"""The database: one writer in a thread of its own, readers beside it, and what opens and locks the file.

SQLite in WAL mode with ``synchronous=FULL``: a committed transaction survives a power cut. Units of work that wait at
the same time share one transaction and so one sync; if one of them fails, they are run again one by one.
"""

import asyncio
import contextlib
import fcntl
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, QueuePool

from bridge.errors import BridgeError, Misconfigured, OutOfSpace, Unavailable

T = TypeVar("T")
Unit = Callable[[sa.Connection], T]
"""A synchronous function of the connection without side effects: it may be run again."""

BUSY_TIMEOUT_MS = 5000
GROUP_LIMIT = 100
"""Units that share one transaction at most, so that no one waits long for the others."""

READERS = 4
_SQLITE_FULL = 13


@dataclass(slots=True)
class _Job:
    unit: Unit[Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


def make_engine(database: Path, *, begin: str, readers: int | None = None) -> sa.Engine:
    """An engine whose transactions start with ``begin`` (``BEGIN IMMEDIATE`` or ``BEGIN``)."""
    pool: dict[str, Any] = {"poolclass": NullPool}
    if readers:
        pool = {"poolclass": QueuePool, "pool_size": readers, "max_overflow": 0}
    engine = sa.create_engine(
        f"sqlite:///{database}", connect_args={"check_same_thread": False}, hide_parameters=True, **pool
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
    """Runs units one group after another on a thread of its own; ``close`` finishes what was handed in."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    async def run(self, unit: Unit[T]) -> T:
        """The unit's result, once committed. A caller that is cancelled does not stop the commit."""
        loop = asyncio.get_running_loop()
        job = _Job(unit, loop.create_future(), loop)
        self._queue.put(job)
        result: T = await job.future
        return result

    def close(self) -> None:
        """End the thread after the units handed in so far."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            jobs, last = self._gather()
            if jobs:
                self._run_group(jobs)
            if last:
                return

    def _gather(self) -> tuple[list[_Job], bool]:
        """Wait for one job, then take along what else is there."""
        jobs: list[_Job] = []
        while len(jobs) < GROUP_LIMIT:
            try:
                job = self._queue.get(block=not jobs)
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _run_group(self, jobs: list[_Job]) -> None:
        try:
            results = self._transact(jobs)
        except Exception as error:  # noqa: BLE001 - whatever failed is told to the one whose unit it was
            if len(jobs) == 1:
                _answer(jobs[0], error=translate(error))
                return
            for job in jobs:
                self._run_group([job])
            return
        for job, result in zip(jobs, results, strict=True):
            _answer(job, result=result)

    def _transact(self, jobs: list[_Job]) -> list[Any]:
        with self._engine.begin() as connection:
            return [job.unit(connection) for job in jobs]


def _answer(job: _Job, *, result: Any = None, error: BaseException | None = None) -> None:
    def settle() -> None:
        if job.future.done():  # its caller was cancelled meanwhile
            return
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        job.loop.call_soon_threadsafe(settle)


def translate(error: BaseException) -> BaseException:
    """Database trouble as one of our errors; others pass as they are."""
    if isinstance(error, sa.exc.DBAPIError) and not isinstance(error, sa.exc.IntegrityError):
        ours: BridgeError = Unavailable("the database does not answer just now; try again later")
        if getattr(error.orig, "sqlite_errorcode", None) == _SQLITE_FULL:
            ours = OutOfSpace("not enough room on disk for the database; try again later")
        ours.__cause__ = error
        return ours
    return error


class Reader:
    """Short read-only queries on threads of the loop's pool, each in a transaction of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.closed = False

    async def run(self, query: Unit[T]) -> T:
        """The query's result, from one consistent snapshot."""
        if self.closed:
            raise Unavailable("the store is closed")
        try:
            return await asyncio.to_thread(self.run_now, query)
        except sa.exc.DBAPIError as error:
            raise translate(error) from error

    def run_now(self, query: Unit[T]) -> T:
        """The same on this thread, for the shell."""
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
