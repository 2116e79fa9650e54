"""A file in the blob folder and a row in the database that name one another.

Daemons on one PostgreSQL must share one blob folder: a row written by one names a file that another will read. A folder
that lies on one machine alone, or belongs to another database, has no marker or another one.
"""

import os
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from bridge.errors import Misconfigured, Unavailable
from bridge.runtime.ids import Randomness
from bridge.store import cursors, tables
from bridge.store.folder import disk_trouble, sync_folder
from bridge.store.units import Database

MARKER = "faxbridge-store"
"""The file's name."""

CURSOR = "blob-folder"
"""The row's."""


def tie(database: Database, folder: Path) -> None:
    """Write row and file where there are none yet. Raises Misconfigured where the folder is another database's."""
    here = _read(folder)
    now, fresh = database.clock.now(), f"{Randomness().bits(128):032x}"
    name, used = database.write_now(lambda connection: _name(connection, here, fresh, now))
    if here is None and not used:
        _write(folder, name)
    check(database, folder)


def check(database: Database, folder: Path) -> None:
    """Raise Misconfigured unless file and row name one another."""
    name, here = database.read_now(lambda connection: cursors.get(connection, CURSOR)), _read(folder)
    if name is None:
        raise Misconfigured("the database and the blob folder are not tied to one another yet; run `faxbridge migrate`")
    if here is None:
        raise Misconfigured(
            f"{folder} is not the blob folder that this database's daemons share (no file {MARKER} in it); "
            "mount that folder there, or set store.blobs to where it is"
        )
    if here != name:
        raise Misconfigured(f"{folder} is the blob folder of another database (its file {MARKER} says so)")


def _name(connection: sa.Connection, here: str | None, fresh: str, now: datetime) -> tuple[str, bool]:
    """The database's name for its folder, given now if it had none, and whether blobs were written under it."""
    name = cursors.get(connection, CURSOR)
    if name is None:
        if here is not None:
            raise Misconfigured(f"the blob folder belongs to another database (its file {MARKER} says so)")
        cursors.put(connection, CURSOR, fresh, now)
        return fresh, False
    return name, connection.execute(sa.select(tables.blob.c.id).limit(1)).first() is not None


def _read(folder: Path) -> str | None:
    try:
        return (folder / MARKER).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{folder / MARKER} cannot be read") from error


def _write(folder: Path, name: str) -> None:
    try:
        with (folder / MARKER).open("x", encoding="ascii") as file:
            file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(folder)
    except OSError as error:
        raise disk_trouble(error) from error
