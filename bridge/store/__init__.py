"""The store: tables, leases, blobs, migrations, behind one object that every worker shares.

``write`` hands a unit to the one writer and returns once it is on disk; ``read`` runs a query beside it.
"""

import time
from typing import TypeVar

import sqlalchemy as sa

from bridge.errors import Unavailable
from bridge.runtime.clock import Clock
from bridge.store import marker, tables
from bridge.store.blobs import BlobDamaged, Blobs
from bridge.store.embedded import Embedded
from bridge.store.options import ServerOptions, StoreOptions
from bridge.store.units import Database, Undecided, Unit
from bridge.store.writing import StoredBlob

__all__ = ["Store", "StoredBlob", "Unit"]

T = TypeVar("T")

SWEEP_AGE_SECONDS = 24 * 3600
"""A file without a row may belong to a transaction on its way; after a day it belongs to nobody."""


class Store:
    """The open store. ``open`` is the daemon's way in; ``open_beside`` the shell's, while a daemon may run."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self.database = database
        self.blobs = blobs

    @classmethod
    def open(cls, options: StoreOptions | ServerOptions) -> "Store":
        """Take up work: alone on SQLite, beside other daemons on PostgreSQL."""
        return cls.open_alone(options) if isinstance(options, StoreOptions) else cls.open_shared(options)

    @classmethod
    def open_alone(cls, options: StoreOptions) -> "Store":
        """Take the store for this process: lock it, bring its schema up to date, end the leases of the dead.

        Raises Misconfigured (another daemon has it, or a newer schema) or Unavailable (cannot be opened or written).
        """
        database = Embedded(options.database)
        store = cls(database, Blobs(options.blobs))
        try:
            database.lock()
            database.migrate()
            store.blobs.open()
            store.blobs.clear_temporary()
            database.start()
        except sa.exc.DBAPIError as error:
            store.close()
            raise Unavailable(f"{options.database} cannot be opened: {error.orig}") from error
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_shared(cls, options: ServerOptions) -> "Store":
        """Work beside other daemons: the schema is left as it is, and so is what belongs to the others.

        Leases of the dead run out by themselves. Raises Misconfigured (another schema, a blob folder that is not this
        database's, a database that forgets) or Unavailable.
        """
        store = cls(_server(options), Blobs(options.blobs))
        try:
            store._check_shared()
            store.blobs.open()
            store.blobs.clear_temporary(time.time() - SWEEP_AGE_SECONDS)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_beside(cls, options: StoreOptions | ServerOptions) -> "Store":
        """Look at a store that a daemon may be using. Raises Unavailable when there is none yet."""
        store = cls(_database(options), Blobs(options.blobs))
        try:
            store.database.check_there()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def migrate_alone(cls, options: StoreOptions | ServerOptions) -> tuple[str | None, str]:
        """Bring the schema up to date; returns the revision before and after. On SQLite no daemon may be running.

        On PostgreSQL the blob folder is tied to the database, too.
        """
        store = cls(_database(options), Blobs(options.blobs))
        try:
            if isinstance(store.database, Embedded):
                store.database.lock()
                return store.database.migrate()
            done = store.database.migrate()
            store.blobs.open()
            marker.tie(store.database, options.blobs)
            return done
        finally:
            store.close()

    @property
    def clock(self) -> Clock:
        """The clock that decides about leases: on PostgreSQL the database's."""
        return self.database.clock

    @classmethod
    def check(cls, options: ServerOptions) -> None:
        """Raise Misconfigured or Unavailable where no daemon could open this store."""
        store = cls(_server(options), Blobs(options.blobs))
        try:
            store._check_shared()
        finally:
            store.close()

    def _check_shared(self) -> None:
        """Raise unless this is a database of our schema, and the blob folder the one that its daemons share."""
        self.database.check_there()
        marker.check(self.database, self.blobs.root)

    async def write(self, unit: Unit[T]) -> T:
        """The unit's result, once it is committed and synced."""
        return await self.database.write(unit)

    async def write_files(self, unit: Unit[T], *files: StoredBlob | None) -> T:
        """As ``write``; if the unit fails, the files it was to name are removed, unless it may have been written."""
        try:
            return await self.write(unit)
        except Undecided:
            raise
        except Exception:
            for file in files:
                if file is not None:
                    self.blobs.discard(file)
            raise

    async def read(self, query: Unit[T]) -> T:
        """The query's result."""
        return await self.database.read(query)

    def read_now(self, query: Unit[T]) -> T:
        """The query's result, on this thread."""
        return self.database.read_now(query)

    def write_now(self, unit: Unit[T]) -> T:
        """A write from the shell's own process."""
        return self.database.write_now(unit)

    async def stored(self, blob_id: str) -> StoredBlob:
        """A blob's name with the size and digest it must have."""
        wanted = tables.blob.c
        query = sa.select(wanted.size, wanted.sha256, wanted.content, wanted.split).where(wanted.id == blob_id)
        row = await self.read(lambda connection: connection.execute(query).one())
        return StoredBlob(blob_id, row.size, row.sha256, row.content, row.split)

    async def read_blob(self, blob_id: str) -> bytes:
        """A blob's bytes, checked against the digest in its row."""
        return await self.blobs.read(await self.stored(blob_id))

    async def head(self, blob_id: str, limit: int) -> bytes:
        """A blob's first bytes; nothing where its file is gone, for what tells of a fax must be told all the same."""
        try:
            return await self.blobs.head(await self.stored(blob_id), limit)
        except BlobDamaged:
            return b""

    def sweep(self) -> int:
        """Remove blob files that no row names and that are old enough; returns how many. Half-written ones go, too."""
        self.blobs.clear_temporary(time.time() - SWEEP_AGE_SECONDS)
        known = set(self.read_now(lambda connection: connection.execute(sa.select(tables.blob.c.id)).scalars().all()))
        orphans = [name for name in self.blobs.names_older_than(time.time() - SWEEP_AGE_SECONDS) if name not in known]
        for name in orphans:
            self.blobs.remove(name)
        return len(orphans)

    async def finish(self) -> None:
        """Finish what was handed in, then let go of everything."""
        await self.database.finish()
        self.close()

    def close(self) -> None:
        """Let go of everything. On SQLite what was handed in is committed; on PostgreSQL that is for ``finish``."""
        self.blobs.close()
        self.database.close()


def _database(options: StoreOptions | ServerOptions) -> Database:
    return Embedded(options.database) if isinstance(options, StoreOptions) else _server(options)


def _server(options: ServerOptions) -> Database:
    from bridge.store.server import Server  # noqa: PLC0415 - the driver is loaded where it is needed alone

    return Server(options.url)
