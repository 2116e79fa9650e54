"""Bytes on disk: messages, documents, mails. Written so that a power cut after ``commit`` loses nothing.

Order: temporary file on the same file system, write, fsync, rename, fsync of the folder (and of its parent when the
folder was just made). Only then may a row name the blob. A file has a small header with the format's version; its
SHA-256 (of the plain bytes) stands in the database and is checked on every whole read.
"""

import asyncio
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from bridge.errors import BridgeError, OutOfSpace, Permanent, Unavailable
from bridge.store import tables

HEADER = b"FAXB\x01\x00\x00\x00"
"""Magic, format version 1, three bytes reserved (for the key a later version may encrypt with)."""

CHUNK = 256 * 1024
_TEMPORARY = "tmp"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class BlobDamaged(Permanent):
    """The bytes on disk are not the ones that were written."""


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob that is safely on disk: its random name, its length and SHA-256 (hex) of the plain bytes."""

    id: str
    size: int
    sha256: str


class BlobWriter:
    """One blob being written. End it with ``commit`` or ``abort``; an aborted one leaves nothing behind."""

    def __init__(self, folder: Path, name: str, synced: set[str]) -> None:
        self._folder = folder
        self._synced = synced
        self._name = name
        self._path = folder / _TEMPORARY / name
        self._hash = hashlib.sha256()
        self.size = 0
        try:
            self._file: BinaryIO = self._path.open("xb", buffering=0)
        except OSError as error:
            raise _disk_trouble(error) from error
        try:
            self._file.write(HEADER)
        except OSError as error:
            self.abort()
            raise _disk_trouble(error) from error

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append; raises OutOfSpace or Unavailable, after which only ``abort`` is left."""
        self._hash.update(data)
        self.size += len(data)
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise _disk_trouble(error) from error

    async def commit(self) -> StoredBlob:
        """Sync and name the file; when this returns the bytes survive a power cut.

        A failed sync is never tried again: the file is removed and the error raised.
        """
        try:
            return await asyncio.shield(asyncio.to_thread(self._commit))
        except OSError as error:
            self.abort()
            raise _disk_trouble(error) from error

    def _commit(self) -> StoredBlob:
        os.fsync(self._file.fileno())
        self._file.close()
        home = self._folder / self._name[:2]
        if home.name not in self._synced:  # made now, or by a process that may have died before its sync
            home.mkdir(exist_ok=True)
            _sync_folder(self._folder)
            self._synced.add(home.name)
        self._path.rename(home / self._name)
        try:
            _sync_folder(home)
        except OSError:
            (home / self._name).unlink(missing_ok=True)
            raise
        return StoredBlob(self._name, self.size, self._hash.hexdigest())

    def abort(self) -> None:
        """Remove what was written."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def record(connection: sa.Connection, stored: StoredBlob, kind: str, now: datetime) -> None:
    """The row of a blob that is on disk; from here on it is not swept."""
    row = {"id": stored.id, "kind": kind, "size": stored.size, "sha256": stored.sha256, "created_at": now}
    connection.execute(tables.blob.insert().values(row))


class Blobs:
    """The folder of blobs. Names are random and come from whoever writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._synced: set[str] = set()

    def open(self) -> None:
        """Make the folder if need be, and empty its temporary part: what lies there was never acknowledged."""
        try:
            (self._folder / _TEMPORARY).mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync_folder(self._folder)
            _sync_folder(self._folder.parent)
        except OSError as error:
            raise _disk_trouble(error) from error

    def clear_temporary(self) -> None:
        """Remove half-written files of a process that died. Only for a process that has the store to itself."""
        for path in (self._folder / _TEMPORARY).iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()

    @property
    def workspace(self) -> Path:
        """Where children may make their private temporary folders: on our disk, inside our folder."""
        return self._folder / _TEMPORARY

    def writer(self, name: str) -> BlobWriter:
        """Begin a blob of that (random, unused) name."""
        return BlobWriter(self._folder, name, self._synced)

    async def put(self, name: str, data: bytes) -> StoredBlob:
        """Write ``data`` whole, synced."""
        writer = self.writer(name)
        try:
            await asyncio.to_thread(writer.write, data)
        except BaseException:
            writer.abort()
            raise
        return await writer.commit()

    async def copy(self, name: str, source: Path) -> StoredBlob:
        """Write a file's bytes as a blob, synced."""
        writer = self.writer(name)

        def fill() -> None:
            with source.open("rb") as file:
                while chunk := file.read(CHUNK):
                    writer.write(chunk)

        try:
            await asyncio.to_thread(fill)
        except BaseException:
            writer.abort()
            raise
        return await writer.commit()

    async def read(self, blob: StoredBlob) -> bytes:
        """All plain bytes, checked. Raises BlobDamaged, or Unavailable when the file cannot be read."""

        def fetch() -> bytes:
            with self.open_plain(blob.id) as file:
                data = file.read()
            if len(data) != blob.size or hashlib.sha256(data).hexdigest() != blob.sha256:
                raise BlobDamaged(f"stored file {blob.id} is damaged: its content is not what was written")
            return data

        return await asyncio.to_thread(fetch)

    async def check(self, blob: StoredBlob) -> None:
        """Read through once without keeping the bytes. Raises as ``read`` does."""

        def digest() -> str:
            seen = hashlib.sha256()
            with self.open_plain(blob.id) as file:
                while chunk := file.read(CHUNK):
                    seen.update(chunk)
            return seen.hexdigest()

        if await asyncio.to_thread(digest) != blob.sha256:
            raise BlobDamaged(f"stored file {blob.id} is damaged: its content is not what was written")

    async def head(self, blob_id: str, length: int) -> bytes:
        """The first plain bytes, unchecked: enough for header fields, which are read as foreign text anyway."""

        def fetch() -> bytes:
            with self.open_plain(blob_id) as file:
                return file.read(length)

        return await asyncio.to_thread(fetch)

    def open_plain(self, blob_id: str) -> BinaryIO:
        """The file, positioned behind the header."""
        try:
            file: BinaryIO = self._path(blob_id).open("rb", buffering=0)  # so that a child can read on from here
        except FileNotFoundError as error:
            raise BlobDamaged(f"stored file {blob_id} is missing") from error
        except OSError as error:
            raise _disk_trouble(error) from error
        header = file.read(len(HEADER))
        if header != HEADER:
            file.close()
            raise BlobDamaged(f"stored file {blob_id} is damaged: its header is not ours")
        return file

    def discard(self, blob: StoredBlob) -> None:
        """Remove a blob that no row came to name. What fails here the sweep finds later."""
        with suppress(OSError):
            self._path(blob.id).unlink(missing_ok=True)

    def names_older_than(self, moment: float) -> Iterator[str]:
        """Names of the blobs whose files were last changed before ``moment`` (seconds since 1970)."""
        for home in self._folder.iterdir():
            if home.is_dir() and home.name != _TEMPORARY:
                for path in home.iterdir():
                    if path.stat().st_mtime < moment:
                        yield path.name

    def remove(self, blob_id: str) -> None:
        """Unlink by name."""
        self._path(blob_id).unlink(missing_ok=True)

    def _path(self, blob_id: str) -> Path:
        return self._folder / blob_id[:2] / blob_id


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk_trouble(error: OSError) -> BridgeError:
    if error.errno in _NO_ROOM:
        return OutOfSpace("not enough room on disk; try again later")
    return Unavailable("the disk cannot be written or read just now; try again later")
