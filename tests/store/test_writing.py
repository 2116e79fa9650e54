"""Writing a blob when its writer is cut off: no file is closed under a sync, none is written to after its end."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import Unavailable
from bridge.store.blobs import Blobs
from bridge.store.folder import Folder
from bridge.store.writing import INLINE_LIMIT

NAME = "ab" + "0" * 30
PIECE = b"x" * (INLINE_LIMIT + 1)


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[Blobs]:
    """An open folder of blobs."""
    made = Blobs(tmp_path / "blobs")
    made.open()
    yield made
    made.close()


class SlowSync:
    """A sync that waits for the word, and notes whether its file was still the same one at the end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.same: list[bool] = []
        self._sync = getattr(os, name)
        monkeypatch.setattr(os, name, self.sync)

    def sync(self, descriptor: int) -> None:
        before = os.fstat(descriptor)
        self.begun.set()
        assert self.go_on.wait(8)
        after = os.fstat(descriptor)
        self.same.append((before.st_dev, before.st_ino) == (after.st_dev, after.st_ino))
        self._sync(descriptor)

    async def until_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, 8)


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_a_file_is_not_closed_under_its_sync(
    blobs: Blobs, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is cancelled while a sync runs, however often, waits for its end; then the file is closed and removed."""
    slow = SlowSync(monkeypatch, "fdatasync")
    writer = blobs.writer(NAME)

    async def session() -> None:
        try:
            writer.write(PIECE)
            await writer.sync_beyond(0)
        finally:
            writer.abort()

    going = asyncio.create_task(session())
    await slow.until_begun()
    for _ in range(times):
        going.cancel()
        await asyncio.sleep(0.02)
        assert not going.done()
    others = [os.open(tmp_path, os.O_RDONLY) for _ in range(5)]  # would be given its descriptor, had it been closed
    slow.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await going
    for each in others:
        os.close(each)
    assert slow.same == [True]
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


async def test_what_is_cut_off_is_not_written_to_again(blobs: Blobs, tmp_path: Path) -> None:
    """After ``abort`` nothing can be written, and nobody else's file gets the bytes."""
    writer = blobs.writer(NAME)
    writer.write(PIECE)
    writer.abort()
    other = tmp_path / "other"
    with other.open("wb", buffering=0) as file:
        with pytest.raises((Unavailable, ValueError)):
            writer.write(b"late bytes")
        file.write(b"its own")
    assert other.read_bytes() == b"its own"


async def test_work_beside_the_loop_gives_what_it_gives(tmp_path: Path) -> None:
    """The result of work on a thread comes back, and so does its error."""
    folder = Folder(tmp_path)

    def fail() -> None:
        raise OSError(5, "no")

    assert await folder.in_thread(lambda: 7) == 7
    with pytest.raises(OSError, match="no"):
        await folder.in_thread(fail)
    folder.close()


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_caller_waits_for_its_work(fails: bool, tmp_path: Path) -> None:
    """Cancelled is cancelled, even where the work succeeds or fails meanwhile; but not before it has ended."""
    folder, begun, go_on, done = Folder(tmp_path), threading.Event(), threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        assert go_on.wait(8)
        done.set()
        if fails:
            raise OSError(5, "too late")
        return 7

    going = asyncio.create_task(folder.in_thread(work))
    assert await asyncio.to_thread(begun.wait, 8)
    going.cancel()
    await asyncio.sleep(0.02)
    assert not going.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert done.is_set()
    folder.close()


async def test_a_slow_sync_holds_nobody_else_up(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk syncs one blob the loop goes on, and another blob can be written."""
    slow = SlowSync(monkeypatch, "fdatasync")
    one, other = blobs.writer(NAME), blobs.writer("cd" + "0" * 30)
    one.write(PIECE)
    going = asyncio.create_task(one.sync_beyond(0))
    await slow.until_begun()
    other.write(PIECE)
    await other.sync_beyond(len(PIECE))
    stored = await other.commit()
    assert await blobs.read(stored) == PIECE
    assert not going.done()
    slow.go_on.set()
    await going
    one.abort()


@pytest.mark.parametrize(
    ("pieces", "syncs"), [([PIECE], 0), ([PIECE] * 2, 1), ([PIECE] * 3, 1), ([PIECE] * 4, 2), ([b"x" * 9] * 99, 0)]
)
async def test_it_is_synced_as_it_grows(
    pieces: list[bytes], syncs: int, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as so many bytes have gathered the file is synced, so that the last sync has little left to do."""
    seen: list[int] = []
    monkeypatch.setattr(os, "fdatasync", seen.append)
    writer = blobs.writer(NAME)
    for piece in pieces:
        writer.write(piece)
        await writer.sync_beyond(2 * len(PIECE) - 1)
    assert len(seen) == syncs
    assert await blobs.read(await writer.commit()) == b"".join(pieces)
