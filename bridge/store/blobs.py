"""Bytes on disk: messages, documents, mails. Written so that a power cut after ``commit`` loses nothing.

Order: temporary file on the same file system, write, fsync, rename, fsync of the folder (and of its parent when the
folder was just made). Only then may a row name the blob. A file has a small header with the format's version; its
SHA-256 (of the plain bytes) stands in the database and is checked on every whole read.

A blob of no more than ``INLINE_LIMIT`` bytes gets no file: it lies in its row, and is on disk when that row is
(docs/decisions/0009).
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from bridge.errors import Permanent
from bridge.runtime.phrases import phrase
from bridge.store import tables
from bridge.store.digests import Digest
from bridge.store.folder import TEMPORARY, Folder, disk_trouble
from bridge.store.writing import HEADER, INLINE_LIMIT, BlobWriter, StoredBlob

MISSING = phrase("stored file {id} is missing")
STRANGE = phrase("stored file {id} is damaged: its header is not ours")
CHANGED = phrase("stored file {id} is damaged: its content is not what was written")

CHUNK = 256 * 1024


class BlobDamaged(Permanent):
    """The bytes on disk are not the ones that were written."""


_INSERT = tables.blob.insert()


def record(connection: sa.Connection, stored: StoredBlob, kind: str, now: datetime) -> None:
    """The row of a blob whose file is on disk, or of a small one, with its bytes; from here on it is not swept."""
    connection.execute(_INSERT, _as_row(stored, kind, now))


def record_all(connection: sa.Connection, stored: Iterable[tuple[StoredBlob, datetime]], kind: str) -> None:
    """The rows of several, each with when it came."""
    connection.execute(_INSERT, [_as_row(each, kind, now) for each, now in stored])


def _as_row(stored: StoredBlob, kind: str, now: datetime) -> dict[str, Any]:
    return {
        "id": stored.id,
        "kind": kind,
        "size": stored.size,
        "sha256": stored.sha256,
        "split": stored.split,
        "content": stored.content,
        "created_at": now,
    }


class Blobs:
    """The folder of blobs. Names are random and come from whoever writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)

    def open(self) -> None:
        """Make the folder if need be."""
        self._folder.make()

    def close(self) -> None:
        """Wait for the file work in hand; nothing may be asked of the blobs any more."""
        self._folder.close()

    def clear_temporary(self, before: float = float("inf")) -> None:
        """Remove half-written files of a process that died: all, or, beside others, those not touched since then."""
        self._folder.clear_temporary(before)

    @property
    def root(self) -> Path:
        """The folder itself."""
        return self._folder.path

    @property
    def workspace(self) -> Path:
        """Where children may make their private temporary folders: on our disk, inside our folder."""
        return self._folder.path / TEMPORARY

    def free_bytes(self) -> int:
        """What the disk has left for us; raises Unavailable when it does not say."""
        return self._folder.free_bytes()

    def writer(self, name: str) -> BlobWriter:
        """Begin a blob of that (random, unused) name."""
        return BlobWriter(self._folder, name)

    async def put(self, name: str, data: bytes) -> StoredBlob:
        """Write ``data`` whole, synced."""
        writer = self.writer(name)
        try:
            await self._folder.in_thread(lambda: writer.write(data))
        except BaseException:
            writer.abort()
            raise
        return await writer.commit()

    async def try_writing(self, name: str) -> None:
        """Write and sync a file as for a large mail, and remove it. Raises OutOfSpace or Unavailable."""
        writer = self.writer(name)
        try:
            await self._folder.in_thread(lambda: writer.write(bytes(INLINE_LIMIT + 1)))
            await writer.sync_beyond(0)
        finally:
            writer.abort()

    async def copy(self, name: str, source: Path) -> StoredBlob:
        """Write a file's bytes as a blob, synced."""
        return await self._fill(name, b"", lambda: source.open("rb"))

    async def put_before(self, name: str, before: bytes, blob: StoredBlob) -> StoredBlob:
        """Write ``before`` and then another blob's plain bytes, synced."""
        return await self._fill(name, before, lambda: self.open_plain(blob))

    async def _fill(self, name: str, before: bytes, source: Callable[[], BinaryIO]) -> StoredBlob:
        writer = self.writer(name)

        def fill() -> None:
            writer.write(before)
            with source() as file:
                while chunk := file.read(CHUNK):
                    writer.write(chunk)

        try:
            await self._folder.in_thread(fill)
        except BaseException:
            writer.abort()
            raise
        return await writer.commit()

    async def read(self, blob: StoredBlob) -> bytes:
        """All plain bytes, checked. Raises BlobDamaged, or Unavailable when the file cannot be read."""

        def fetch() -> bytes:
            with self.open_plain(blob) as file:
                data = file.read()
            seen = Digest(blob.split)
            seen.update(data)
            if len(data) != blob.size or seen.hexdigest() != blob.sha256:
                raise _damaged(blob)
            return data

        return await self._folder.in_thread(fetch)

    async def check(self, blob: StoredBlob) -> None:
        """Read through once without keeping the bytes. Raises as ``read`` does."""

        def digest() -> str:
            seen = Digest(blob.split)
            with self.open_plain(blob) as file:
                while chunk := file.read(CHUNK):
                    seen.update(chunk)
            return seen.hexdigest()

        if await self._folder.in_thread(digest) != blob.sha256:
            raise _damaged(blob)

    async def head(self, blob: StoredBlob, length: int) -> bytes:
        """The first plain bytes, unchecked: enough for header fields, which are read as foreign text anyway."""
        if blob.content is not None:
            return blob.content[:length]

        def fetch() -> bytes:
            with self.open_plain(blob) as file:
                return file.read(length)

        return await self._folder.in_thread(fetch)

    def open_plain(self, blob: StoredBlob) -> BinaryIO:
        """A real file, positioned at the first plain byte, so that a child can read on from there."""
        if blob.content is not None:
            return _in_memory(blob.content)
        try:
            file: BinaryIO = self._folder.place(blob.id).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise BlobDamaged(MISSING.format(id=blob.id)) from error
        except OSError as error:
            raise disk_trouble(error) from error
        header = file.read(len(HEADER))
        if header != HEADER:
            file.close()
            raise BlobDamaged(STRANGE.format(id=blob.id))
        return file

    def discard(self, blob: StoredBlob) -> None:
        """Remove a blob that no row came to name. What fails here the sweep finds later."""
        if blob.content is None:
            with suppress(OSError):
                self._folder.place(blob.id).unlink(missing_ok=True)

    def names_older_than(self, moment: float) -> Iterator[str]:
        """Names of the blobs whose files were last changed before ``moment`` (seconds since 1970)."""
        for home in self._folder.path.iterdir():
            if home.is_dir() and home.name != TEMPORARY:
                for path in home.iterdir():
                    if path.stat().st_mtime < moment:
                        yield path.name

    def remove(self, blob_id: str) -> None:
        """Unlink by name."""
        self._folder.place(blob_id).unlink(missing_ok=True)


def _damaged(blob: StoredBlob) -> BlobDamaged:
    return BlobDamaged(CHANGED.format(id=blob.id))


def _in_memory(content: bytes) -> BinaryIO:
    """Bytes as a file that has a descriptor and no name."""
    file: BinaryIO = os.fdopen(os.memfd_create("blob"), "w+b", buffering=0)
    file.write(content)
    file.seek(0)
    return file
