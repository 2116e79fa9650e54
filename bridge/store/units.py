"""Units of work, how they are gathered into groups, and what the store asks of a database, whichever it is.

A unit is handed in, waits for those before it, and shares a transaction with those that wait at the same time.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa

from bridge.errors import BridgeError, OutOfSpace, Unavailable
from bridge.runtime.clock import Clock
from bridge.runtime.crash import Point, crash_point

T = TypeVar("T")
R = TypeVar("R")
Unit = Callable[[sa.Connection], T]
"""A synchronous function of the connection without side effects: it may be run again."""

Batch = Callable[[sa.Connection, Sequence[T]], Sequence[R]]
"""What is done for many at once: each gets its own result, in order."""

GROUP_LIMIT = 100
"""Units that share one transaction at most, so that no one waits long for the others."""

_SQLITE_FULL, _POSTGRESQL_FULL = 13, "53100"


@dataclass(frozen=True, slots=True)
class Shared(Generic[T, R]):
    """A unit that may be run together with others of its kind: those of one group are given to ``batch`` at once.

    Statements for many rows cost little more than for one.
    """

    batch: Batch[T, R]
    item: T

    def __call__(self, connection: sa.Connection) -> R:
        """By itself."""
        return self.batch(connection, [self.item])[0]


class Undecided(Unavailable):
    """The database went away in the middle of a commit: it may have been written, or not.

    Files that the rows would name must stay: the rows may be there.
    """


class Database(Protocol):
    """What lies under the store. The methods that end in ``now`` block, and may be called on any thread."""

    @property
    def clock(self) -> Clock:
        """The clock that decides about leases."""
        ...

    @property
    def writing(self) -> sa.Engine:
        """The engine whose transactions write."""
        ...

    def check_there(self) -> None:
        """Raise Unavailable when there is no database that can be read, Misconfigured when its schema is another."""
        ...

    def migrate(self) -> tuple[str | None, str]:
        """Bring the schema up to date; returns the revision before and after."""
        ...

    async def write(self, unit: Unit[T]) -> T:
        """The unit's result, once it is committed."""
        ...

    async def read(self, query: Unit[T]) -> T:
        """The query's result, from one consistent snapshot."""
        ...

    def write_now(self, unit: Unit[T]) -> T: ...

    def read_now(self, query: Unit[T]) -> T: ...

    async def finish(self) -> None:
        """Finish what was handed in; nothing more is taken."""
        ...

    def close(self) -> None:
        """Let go of everything; where there is a loop to wait on, after ``finish``."""
        ...


@dataclass(slots=True)
class Job:
    """A unit and whoever waits for it."""

    unit: Unit[Any]
    future: "asyncio.Future[Any]"

    def answer(self, *, result: Any = None, error: BaseException | None = None) -> None:
        """Tell the result or the error, if anybody is still there to hear it."""
        if self.future.done() or self.future.get_loop().is_closed():  # its caller was cancelled, or all is over
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class Queue:
    """Jobs in the order they came, run in groups; those of a group that failed come one by one.

    One task runs them, while there are any: ``run_group`` answers every job of its group, or gives it up to be tried
    by itself, and raises nothing. The task ends with the last job; ``drain`` waits for that.
    """

    def __init__(self, run_group: Callable[[list[Job]], Awaitable[None]]) -> None:
        self._run_group = run_group
        self._waiting: deque[Job] = deque()
        self._alone: deque[Job] = deque()
        self._working: asyncio.Task[None] | None = None
        self._closed = False

    async def hand_in(self, unit: Unit[T]) -> T:
        """The unit's result, once committed. A caller that is cancelled does not stop the commit."""
        self.check_open()
        job = Job(unit, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        result: T = await job.future
        return result

    def check_open(self) -> None:
        """Raise Unavailable once it is closed."""
        if self._closed:
            raise Unavailable("the store is closed")

    def close(self) -> None:
        """Take nothing more; what was handed in is still run."""
        self._closed = True

    async def drain(self) -> None:
        """Return when everything that was handed in is answered."""
        if self._working is not None:
            await self._working

    async def _work(self) -> None:
        try:
            while jobs := self.gather():
                await self._run_group(jobs)
        finally:
            self._working = None

    def gather(self) -> list[Job]:
        """The next group; empty when nothing waits."""
        if self._alone:
            return [self._alone.popleft()]
        return [self._waiting.popleft() for _ in range(min(GROUP_LIMIT, len(self._waiting)))]

    def give_up(self, jobs: list[Job], error: Exception) -> None:
        """Nothing of the group is written: a lone unit has failed, those of several are tried each by itself."""
        if len(jobs) == 1:
            jobs[0].answer(error=translate(error))
        else:
            self._alone.extend(jobs)


def run(connection: sa.Connection, jobs: list[Job]) -> list[tuple[Job, Any]]:
    """Each job with its result: the units as they came, then those that can be run together."""
    results: list[tuple[Job, Any]] = []
    together: dict[Any, list[tuple[Job, Any]]] = {}
    for job in jobs:
        if isinstance(job.unit, Shared):
            together.setdefault(job.unit.batch, []).append((job, job.unit.item))
        else:
            results.append((job, job.unit(connection)))
    for batch, members in together.items():
        made = batch(connection, [item for _, item in members])
        results += [(job, result) for (job, _), result in zip(members, made, strict=True)]
    crash_point(Point.STORE_RUN)
    return results


def answer(results: list[tuple[Job, Any]]) -> None:
    """Tell each its result, now that it is committed."""
    crash_point(Point.STORE_COMMITTED)
    for job, result in results:
        job.answer(result=result)


def translate(error: BaseException) -> BaseException:
    """Database trouble as one of our errors; others pass as they are."""
    if isinstance(error, sa.exc.DBAPIError | sa.exc.TimeoutError) and not isinstance(error, sa.exc.IntegrityError):
        ours: BridgeError = Unavailable("the database does not answer just now; try again later")
        if _is_full(getattr(error, "orig", None)):
            ours = OutOfSpace("not enough room on disk for the database; try again later")
        ours.__cause__ = error
        return ours
    return error


def _is_full(error: object) -> bool:
    sqlite = getattr(error, "sqlite_errorcode", None) == _SQLITE_FULL
    return sqlite or getattr(error, "sqlstate", None) == _POSTGRESQL_FULL
