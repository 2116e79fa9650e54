"""The folder of blobs as the disk has it: where files lie while they are written and after, and threads for it."""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from bridge.errors import BridgeError, OutOfSpace, Unavailable

T = TypeVar("T")

THREADS = 8
"""For file work alone, so that a slow disk keeps no other work waiting for a thread."""

TEMPORARY = "tmp"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class Folder:
    """Paths and threads. Files are named at random; their first two letters name the folder they lie in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._synced: set[str] = set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="blobs")

    def make(self) -> None:
        """Make the folder if need be; raises OutOfSpace or Unavailable."""
        try:
            (self.path / TEMPORARY).mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_folder(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise disk_trouble(error) from error

    def close(self) -> None:
        """Wait for the work in hand."""
        self._threads.shutdown()

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run file work beside the loop. Who is cancelled waits until it has ended, and closes no file under it."""
        job = asyncio.get_running_loop().run_in_executor(self._threads, work)
        cancelled = False
        while not job.done():
            try:
                await asyncio.shield(job)
            except asyncio.CancelledError:
                cancelled = True
            except Exception:  # noqa: BLE001, S112 - told below, once it is known whether anybody still listens
                continue
        if cancelled:
            job.exception()  # looked at, so that nobody misses it
            raise asyncio.CancelledError
        return job.result()

    def clear_temporary(self, before: float) -> None:
        """Remove what was last touched before that moment; others may remove the same at the same time."""
        for path in (self.path / TEMPORARY).iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime >= before:
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()

    def free_bytes(self) -> int:
        """What the disk has left for us; raises Unavailable when it does not say."""
        try:
            return shutil.disk_usage(self.path).free
        except OSError as error:
            raise disk_trouble(error) from error

    def temporary(self, name: str) -> Path:
        """Where a file lies while it is written."""
        return self.path / TEMPORARY / name

    def place(self, name: str) -> Path:
        """Where it lies once it is whole."""
        return self.path / name[:2] / name

    def home(self, name: str) -> Path:
        """The folder of that place, made and synced if it is new."""
        home = self.path / name[:2]
        if home.name not in self._synced:  # made now, or by a process that may have died before its sync
            home.mkdir(exist_ok=True)
            sync_folder(self.path)
            self._synced.add(home.name)
        return home


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def disk_trouble(error: OSError) -> BridgeError:
    """What the system says, as one of our errors."""
    if error.errno in _NO_ROOM:
        return OutOfSpace("not enough room on disk; try again later")
    return Unavailable("the disk cannot be written or read just now; try again later")
