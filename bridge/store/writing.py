"""One blob on its way to the disk: held in memory while it is small, then a file that is synced as it grows."""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from bridge.errors import BridgeError
from bridge.runtime.crash import Point, crash_point
from bridge.store.digests import Digest
from bridge.store.folder import Folder, disk_trouble, sync_folder

HEADER = b"FAXB\x01\x00\x00\x00"
"""Magic, format version 1, three bytes reserved (for the key a later version may encrypt with)."""

INLINE_LIMIT = 64 * 1024
"""Bytes of a blob that lies in its row."""

GATHERED = 32 * 1024
"""Smaller pieces of a file are gathered into writes of so many bytes."""


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob: its random name, its length and the digest (hex) of its plain bytes (``digests``), in one part or two.

    ``content`` is None for one whose file is safely on disk; a small one's bytes, which go into its row.
    """

    id: str
    size: int
    sha256: str
    content: bytes | None = field(default=None, repr=False)
    split: int | None = None


class BlobWriter:
    """One blob being written. End it with ``commit`` or ``abort``; an aborted one leaves nothing behind.

    Its methods but ``commit`` and ``sync_beyond`` block, and run on whatever thread calls them, one at a time.
    """

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name
        self._file: BinaryIO | None = None
        self._held = bytearray()
        self._digest = Digest()
        self._aborted = False
        self.unsynced = 0
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append; raises OutOfSpace or Unavailable, after which only ``abort`` is left, and nothing may follow that."""
        if self._aborted:
            raise ValueError("this blob was aborted")
        self._digest.update(data)
        self.size += len(data)
        if self._file is None and self.size > INLINE_LIMIT:
            self._open()
        if self._file is None or len(data) + len(self._held) < GATHERED:
            self._held += data
            return
        self._put_held()
        self._put(data)

    def divide(self) -> None:
        """What is written from here on is the second part, with a digest of its own."""
        self._digest.divide()

    def second_digest(self) -> str:
        """SHA-256 (hex) of the second part so far; of everything where there is but one."""
        return self._digest.of_second()

    async def sync_beyond(self, limit: int) -> None:
        """Sync once more than ``limit`` bytes have gathered, so that the last sync, for which a client waits, has
        little left to do.

        Writes go to the page cache and stay on the loop: handing each to a thread was seen to cost twice the processor
        time (docs/decisions/0009). Syncs wait for the disk, on a thread.
        """
        if self.unsynced > limit:
            await self._folder.in_thread(self._sync)

    def _sync(self) -> None:
        assert self._file is not None
        self.unsynced = 0
        try:
            os.fdatasync(self._file.fileno())
        except OSError as error:
            raise disk_trouble(error) from error

    async def commit(self) -> StoredBlob:
        """Sync and name the file; when this returns the bytes survive a power cut, or lie in ``content``.

        A failed sync is never tried again: the file is removed and the error raised.
        """
        if self._file is None:
            return self._stored(bytes(self._held))
        try:
            self._put_held()
            await self._folder.in_thread(self._commit)
            self._file.close()
        except BridgeError:
            self.abort()
            raise
        except OSError as error:
            self.abort()
            raise disk_trouble(error) from error
        except asyncio.CancelledError:  # by now it may have its name, and nobody will come to speak of it
            with suppress(OSError):
                self._folder.place(self._name).unlink(missing_ok=True)
            self._file.close()
            raise
        return self._stored(None)

    def _open(self) -> None:
        try:
            self._file = self._folder.temporary(self._name).open("xb", buffering=0)
            self._file.write(HEADER)
        except OSError as error:
            self.abort()
            raise disk_trouble(error) from error

    def _put_held(self) -> None:
        if self._held:
            held, self._held = bytes(self._held), bytearray()
            self._put(held)

    def _put(self, data: bytes) -> None:
        assert self._file is not None
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise disk_trouble(error) from error
        self.unsynced += len(data)

    def _commit(self) -> None:
        """On a thread: the fewer calls there, the less often thread and loop wait for one another."""
        assert self._file is not None
        crash_point(Point.BLOB_WRITTEN)
        os.fsync(self._file.fileno())
        crash_point(Point.BLOB_SYNCED)
        place = self._folder.home(self._name) / self._name
        os.rename(self._folder.temporary(self._name), place)  # noqa: PTH104 - as one call
        crash_point(Point.BLOB_NAMED)
        try:
            sync_folder(place.parent)
        except OSError:
            place.unlink(missing_ok=True)
            raise

    def _stored(self, content: bytes | None) -> StoredBlob:
        return StoredBlob(self._name, self.size, self._digest.hexdigest(), content, self._digest.split)

    def abort(self) -> None:
        """Remove what was written. Never raises: what a failing disk keeps is cleared away at the next start."""
        self._aborted, self._held = True, bytearray()
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._folder.temporary(self._name).unlink(missing_ok=True)
