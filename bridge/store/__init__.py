"""The store: tables, leases, blobs, migrations, behind one object that every worker shares.

``write`` hands a unit to the one writer and returns once it is on disk; ``read`` runs a query beside it.
"""

import os
import time
from typing import TypeVar

import sqlalchemy as sa

from bridge.errors import Misconfigured, Unavailable
from bridge.runtime.crash import Point, crash_point
from bridge.store import engine, leases, migrations, tables
from bridge.store.blobs import Blobs
from bridge.store.engine import Reader, Unit, Writer
from bridge.store.options import StoreOptions
from bridge.store.writing import StoredBlob

__all__ = ["Store", "StoredBlob", "Unit"]

T = TypeVar("T")

SWEEP_AGE_SECONDS = 24 * 3600
"""A file without a row may belong to a transaction on its way; after a day it belongs to nobody."""


class Store:
    """The open store. ``open_alone`` is the daemon's way in; ``open_beside`` the shell's, while a daemon may run."""

    def __init__(self, options: StoreOptions) -> None:
        self.blobs = Blobs(options.blobs)
        self._database = options.database
        self._write_engine = engine.make_engine(options.database, begin="BEGIN IMMEDIATE")
        self._read_engine = engine.make_engine(options.database, begin="BEGIN", readers=engine.READERS)
        self._file = engine.DatabaseFile(options.database)
        self._reader = Reader(self._read_engine, self._file)
        self._writer: Writer | None = None
        self._lock: int | None = None

    @classmethod
    def open_alone(cls, options: StoreOptions) -> "Store":
        """Take the store for this process: lock it, bring its schema up to date, end the leases of the dead.

        Raises Misconfigured (another daemon has it, or a newer schema) or Unavailable (cannot be opened or written).
        """
        try:
            options.database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = engine.lock_alone(options.database)
        except OSError as error:
            raise Unavailable(f"{options.database}: {error.strerror or error}") from error
        store = cls(options)
        store._lock = lock
        try:
            store.migrate()
            store.blobs.open()
            store.blobs.clear_temporary()
            with store._write_engine.begin() as connection:
                leases.drop_all(connection, *tables.LEASED)
            crash_point(Point.START_FREED)
            store._writer = Writer(store._write_engine, store._file)
        except sa.exc.DBAPIError as error:
            store.close()
            raise Unavailable(f"{options.database} cannot be opened: {error.orig}") from error
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_beside(cls, options: StoreOptions) -> "Store":
        """Look at a store that a daemon may be using. Raises Unavailable when there is none yet."""
        store = cls(options)
        try:
            store._check_there()
        except BaseException:
            store.close()
            raise
        return store

    def _check_there(self) -> None:
        """Raise Unavailable when there is no database that can be read, Misconfigured when its schema is another."""
        try:
            found = self._database.exists()
            revision = self._reader.run_now(migrations.current) if found else None
        except (OSError, sa.exc.DBAPIError) as error:
            raise Unavailable(f"{self._database} cannot be read: {_reason(error)}") from error
        if not found:
            raise Unavailable(f"there is no database at {self._database} yet; `faxbridge serve` makes it")
        if revision != migrations.head():
            raise Misconfigured("the database is not of this version's schema; run `faxbridge migrate`")

    @classmethod
    def migrate_alone(cls, options: StoreOptions) -> tuple[str | None, str]:
        """Bring the schema up to date with no daemon running; returns the revision before and after."""
        store = cls(options)
        try:
            options.database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            store._lock = engine.lock_alone(options.database)
            return store.migrate()
        except (OSError, sa.exc.DBAPIError) as error:
            raise Unavailable(f"{options.database} cannot be brought up to date: {_reason(error)}") from error
        finally:
            store.close()

    def migrate(self) -> tuple[str | None, str]:
        """Bring the schema up to date; returns the revision before and after."""
        with self._write_engine.begin() as connection:
            migrations.check_known(connection)
            before = migrations.current(connection)
            if before != migrations.head():
                migrations.upgrade(connection)
                crash_point(Point.START_MIGRATED)
        return before, migrations.head()

    async def write(self, unit: Unit[T]) -> T:
        """The unit's result, once it is committed and synced."""
        if self._writer is None:
            raise Unavailable("the store is closed")
        return await self._writer.run(unit)

    async def write_files(self, unit: Unit[T], *files: StoredBlob | None) -> T:
        """As ``write``; if the unit fails, the files it was to name are removed again."""
        try:
            return await self.write(unit)
        except Exception:
            for file in files:
                if file is not None:
                    self.blobs.discard(file)
            raise

    async def read(self, query: Unit[T]) -> T:
        """The query's result."""
        return await self._reader.run(query)

    def read_now(self, query: Unit[T]) -> T:
        """The query's result, on this thread."""
        return self._reader.run_now(query)

    def write_now(self, unit: Unit[T]) -> T:
        """A write from the shell's own process, within the busy timeout."""
        try:
            with self._write_engine.begin() as connection:
                return unit(connection)
        except sa.exc.DBAPIError as error:
            raise Unavailable(f"the database does not answer: {error.orig}") from error

    async def stored(self, blob_id: str) -> StoredBlob:
        """A blob's name with the size and digest it must have."""
        wanted = tables.blob.c
        query = sa.select(wanted.size, wanted.sha256, wanted.content, wanted.split).where(wanted.id == blob_id)
        row = await self.read(lambda connection: connection.execute(query).one())
        return StoredBlob(blob_id, row.size, row.sha256, row.content, row.split)

    async def read_blob(self, blob_id: str) -> bytes:
        """A blob's bytes, checked against the digest in its row."""
        return await self.blobs.read(await self.stored(blob_id))

    def sweep(self) -> int:
        """Remove blob files that no row names and that are old enough; returns how many."""
        known = set(self.read_now(lambda connection: connection.execute(sa.select(tables.blob.c.id)).scalars().all()))
        orphans = [name for name in self.blobs.names_older_than(time.time() - SWEEP_AGE_SECONDS) if name not in known]
        for name in orphans:
            self.blobs.remove(name)
        return len(orphans)

    def close(self) -> None:
        """Finish what was handed in, then let go of files and lock."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._reader.closed = True
        self.blobs.close()
        self._write_engine.dispose()
        self._read_engine.dispose()
        self._file.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _reason(error: OSError | sa.exc.DBAPIError) -> str:
    return str(error.orig) if isinstance(error, sa.exc.DBAPIError) else error.strerror or str(error)
