"""A SQLite file as the store's database: one daemon has it, and shell commands look in beside it."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from bridge.errors import Misconfigured, Unavailable
from bridge.runtime.clock import Clock, SystemClock
from bridge.runtime.crash import Point, crash_point
from bridge.store import engine, leases, migrations, tables
from bridge.store.engine import Reader, Writer
from bridge.store.units import Unit

T = TypeVar("T")

MOMENT = timedelta(seconds=1)
"""So much before the start the leases of the dead have ended."""


class Embedded:
    """The file, its engines, and, for the daemon, the lock on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.clock: Clock = SystemClock()  # this machine's: nobody else works here
        self.writing = engine.make_engine(path, begin="BEGIN IMMEDIATE")
        self._reading = engine.make_engine(path, begin="BEGIN", readers=engine.READERS)
        self._file = engine.DatabaseFile(path)
        self._reader = Reader(self._reading, self._file)
        self._writer: Writer | None = None
        self._lock: int | None = None

    def lock(self) -> None:
        """Take the file for this process. Raises Misconfigured (another daemon has it) or Unavailable."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = engine.lock_alone(self._path)
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror or error}") from error

    def start(self) -> None:
        """End the leases of the dead, and take units from now on. Only under the lock."""
        with self.writing.begin() as connection:
            leases.end_all(connection, self.clock.steady() - MOMENT, *tables.LEASED)
        crash_point(Point.START_FREED)
        self._writer = Writer(self.writing, self._file)

    def check_there(self) -> None:
        try:
            found = self._path.exists()
            revision = self._reader.run_now(migrations.current) if found else None
        except (OSError, sa.exc.DBAPIError) as error:
            raise Unavailable(f"{self._path} cannot be read: {_reason(error)}") from error
        if not found:
            raise Unavailable(f"there is no database at {self._path} yet; `faxbridge serve` makes it")
        if revision != migrations.head():
            raise Misconfigured("the database is not of this version's schema; run `faxbridge migrate`")

    def migrate(self) -> tuple[str | None, str]:
        """As Database has it; only under the lock."""
        try:
            with self.writing.begin() as connection:
                return migrations.bring_up(connection)
        except (OSError, sa.exc.DBAPIError) as error:
            raise Unavailable(f"{self._path} cannot be brought up to date: {_reason(error)}") from error

    async def write(self, unit: Unit[T]) -> T:
        if self._writer is None:
            raise Unavailable("the store is closed")
        return await self._writer.run(unit)

    async def read(self, query: Unit[T]) -> T:
        return await self._reader.run(query)

    def read_now(self, query: Unit[T]) -> T:
        return self._reader.run_now(query)

    def write_now(self, unit: Unit[T]) -> T:
        """A write from the shell's own process, within the busy timeout."""
        try:
            with self.writing.begin() as connection:
                return unit(connection)
        except sa.exc.DBAPIError as error:
            raise Unavailable(f"the database does not answer: {error.orig}") from error

    async def finish(self) -> None:
        """Nothing to wait for: closing commits what was handed in."""

    def close(self) -> None:
        """Commit what was handed in, then let go of file and lock."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._reader.closed = True
        self.writing.dispose()
        self._reading.dispose()
        self._file.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _reason(error: OSError | sa.exc.DBAPIError) -> str:
    return str(error.orig) if isinstance(error, sa.exc.DBAPIError) else error.strerror or str(error)
