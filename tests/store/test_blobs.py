"""Blobs: on disk before anything names them, gone when they are not wanted, and never other bytes than were written."""

import errno
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from bridge.errors import OutOfSpace, Unavailable
from bridge.store import Store, tables
from bridge.store.blobs import BlobDamaged, Blobs
from bridge.store.writing import HEADER, INLINE_LIMIT, StoredBlob
from tests.support.store_bench import Bench, options

NAME = "ab" + "0" * 30
SAME_HOME = "ab" + "1" * 30
DATA = bytes(range(256)) * 300
"""More than lies in a row."""

SMALL = DATA[:INLINE_LIMIT]


class Disk:
    """Notes what is asked of the disk, and fails where it was told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.calls: list[tuple[str, str]] = []
        self.fail: dict[tuple[str, str], int] = {}
        self._root = root
        self._fsync, self._rename, self._mkdir = os.fsync, os.rename, os.mkdir
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "rename", self.rename)
        monkeypatch.setattr(os, "mkdir", self.mkdir)

    def _note(self, call: str, path: str) -> None:
        path = os.path.relpath(path, self._root)
        self.calls.append((call, path))
        if code := self.fail.pop((call, path), 0):
            raise OSError(code, os.strerror(code), path)

    def fsync(self, descriptor: int) -> None:
        self._note("fsync", str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        self._fsync(descriptor)

    def rename(self, source: Any, target: Any, **more: Any) -> None:
        self._note("rename", str(target))
        self._rename(source, target, **more)

    def mkdir(self, path: Any, *args: Any, **more: Any) -> None:
        self._note("mkdir", str(path))
        self._mkdir(path, *args, **more)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """An open folder of blobs."""
    made = Blobs(tmp_path / "blobs")
    made.open()
    return made


@pytest.fixture
def disk(blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk under it, watched."""
    return Disk(monkeypatch, tmp_path / "blobs")


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_order(blobs: Blobs, disk: Disk, tmp_path: Path) -> None:
    """File synced, then named, then its folder synced; a new folder's parent too, before the name counts."""
    stored = await blobs.put(NAME, DATA)
    order = [f"fsync tmp/{NAME}", "mkdir ab", "fsync .", f"rename ab/{NAME}", "fsync ab"]
    said = [" ".join(call) for call in disk.calls]
    assert [each for each in said if each in order] == order
    assert _files(tmp_path / "blobs") == [f"ab/{NAME}"]
    assert (tmp_path / "blobs" / "ab" / NAME).read_bytes() == HEADER + DATA
    assert await blobs.read(stored) == DATA
    disk.calls.clear()
    await blobs.put(SAME_HOME, DATA)
    synced = [path for call, path in disk.calls if call == "fsync"]
    assert synced[0] == f"tmp/{SAME_HOME}"
    assert synced[-1] == "ab"


FAILING = [
    ("fsync", f"tmp/{NAME}"),
    ("mkdir", "ab"),
    ("fsync", "."),
    ("rename", f"ab/{NAME}"),
    ("fsync", "ab"),
]


@pytest.mark.parametrize("step", FAILING, ids=[" ".join(case) for case in FAILING])
@pytest.mark.parametrize(
    ("code", "wanted"), [(errno.EIO, Unavailable), (errno.ENOSPC, OutOfSpace), (errno.EDQUOT, OutOfSpace)]
)
async def test_failing_disk(
    disk: Disk, tmp_path: Path, step: tuple[str, str], code: int, wanted: type[Exception]
) -> None:
    """A step that fails is not tried again: it is told, and no file is left, neither half-named nor named."""
    disk.fail[step] = code
    with pytest.raises(wanted):
        await Blobs(tmp_path / "blobs").put(NAME, DATA)
    assert _files(tmp_path / "blobs") == []
    assert disk.calls.count(step) == 1


async def test_a_new_folder_is_synced_at_last(blobs: Blobs, disk: Disk) -> None:
    """Where syncing a new folder's parent failed, the next blob in that folder syncs it: its name would be lost too."""
    disk.fail["fsync", "."] = errno.EIO
    with pytest.raises(Unavailable):
        await blobs.put(NAME, DATA)
    disk.calls.clear()
    await blobs.put(SAME_HOME, DATA)
    assert ("fsync", ".") in disk.calls


async def test_the_folder_of_blobs_is_synced_into_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of blobs itself, when just made, is synced into the folder it lies in."""
    disk = Disk(monkeypatch, tmp_path)
    Blobs(tmp_path / "blobs").open()
    assert ("fsync", "blobs") in disk.calls
    assert ("fsync", ".") in disk.calls


class OddFile:
    """The file of a writer, whose writes are another's."""

    def __init__(self, file: Any, write: Callable[[Any, Any], int]) -> None:
        self._file = file
        self._write = write

    def write(self, data: Any) -> int:
        return self._write(self._file, data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize(("code", "wanted"), [(errno.EIO, Unavailable), (errno.ENOSPC, OutOfSpace)])
async def test_failing_write(blobs: Blobs, tmp_path: Path, code: int, wanted: type[Exception]) -> None:
    """A write that fails is told as what it is; once the writer is aborted nothing is left."""

    def full(_: object, __: object) -> int:
        raise OSError(code, os.strerror(code))

    writer = blobs.writer(NAME)
    writer.write(DATA)
    writer._file = cast("BinaryIO", OddFile(writer._file, full))
    with pytest.raises(wanted):
        writer.write(DATA)
    writer.abort()
    assert _files(tmp_path / "blobs") == []


async def test_a_write_cut_short(blobs: Blobs) -> None:
    """Where the system writes less than it was given, the rest goes after it, in order."""
    writer = blobs.writer(NAME)
    writer.write(DATA)
    writer._file = cast("BinaryIO", OddFile(writer._file, lambda file, data: int(file.write(bytes(data)[:1000]))))
    for start in range(0, len(DATA), 7000):
        writer.write(DATA[start : start + 7000])
    assert await blobs.read(await writer.commit()) == DATA + DATA


async def test_a_name_is_used_once(blobs: Blobs) -> None:
    """Two writers never share a file."""
    writer = blobs.writer(NAME)
    writer.write(DATA)
    with pytest.raises(Unavailable):
        blobs.writer(NAME).write(DATA)
    assert await blobs.read(await writer.commit()) == DATA


async def test_copy_and_head(blobs: Blobs, tmp_path: Path) -> None:
    """A copy is what was copied; the first bytes can be had alone, without the header."""
    source = tmp_path / "source"
    source.write_bytes(DATA * 60)
    stored = await blobs.copy(NAME, source)
    assert stored.size == len(DATA) * 60
    assert await blobs.read(stored) == DATA * 60
    assert await blobs.head(stored, 10) == DATA[:10]
    await blobs.check(stored)


async def test_empty(blobs: Blobs) -> None:
    """Nothing is something too."""
    assert await blobs.read(await blobs.put(NAME, b"")) == b""


def _flip(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


DAMAGES = [
    ("a bit", _flip),
    ("cut off", lambda raw: raw[:-1]),
    ("too long", lambda raw: raw + b"x"),
    ("header gone", lambda raw: raw[len(HEADER) :]),
    ("other version", lambda raw: b"FAXB\x02" + raw[5:]),
    ("empty file", lambda _: b""),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=[name for name, _ in DAMAGES])
async def test_damage_is_found(blobs: Blobs, tmp_path: Path, name: str, damage: Any) -> None:
    """Bytes that are not the ones written are never handed out, by neither way of reading whole."""
    stored = await blobs.put(NAME, DATA)
    path = tmp_path / "blobs" / "ab" / NAME
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BlobDamaged):
        await blobs.read(stored)
    with pytest.raises(BlobDamaged):
        await blobs.check(stored)


async def test_missing(blobs: Blobs) -> None:
    """A file that is gone is damage for good, not something to try again."""
    with pytest.raises(BlobDamaged):
        await blobs.read(StoredBlob(NAME, 0, ""))


async def test_sweep(bench: Bench) -> None:
    """Sweeping removes files that no row names and that are a day old, and no others."""
    kept, small = await bench.blob(DATA, "message"), await bench.blob(SMALL, "message")
    old, young = [await bench.store.blobs.put(bench.ids.file_name(), DATA) for _ in range(2)]
    day = time.time() - 24 * 3600 - 60
    for blob in (kept, old):
        os.utime(bench.blob_path(blob.id), (day, day))
    assert bench.store.sweep() == 1
    assert bench.blob_files() == {kept.id, small.id, young.id}
    assert bench.store.sweep() == 0


async def test_what_was_half_written_goes_at_start(tmp_path: Path) -> None:
    """At start the temporary folder is empty: half-written files, and the private folders of children that died."""
    Store.open_alone(options(tmp_path)).close()
    temporary = options(tmp_path).blobs / "tmp"
    (temporary / NAME).write_bytes(b"half")
    (temporary / "pages-x1").mkdir()
    (temporary / "pages-x1" / "out.pdf").write_bytes(b"%PDF- a patient's pages")
    Store.open_alone(options(tmp_path)).close()
    assert list(temporary.iterdir()) == []


async def test_discarding(bench: Bench) -> None:
    """A discarded blob is gone, and discarding it again is no error."""
    stored = await bench.store.blobs.put(NAME, DATA)
    bench.store.blobs.discard(stored)
    bench.store.blobs.discard(stored)
    assert bench.blob_files() == set()


async def test_small_ones_lie_in_their_rows(bench: Bench) -> None:
    """Up to the limit no file is made: the row holds the bytes, and every way of reading gives them back."""
    for data in (b"", b"x", SMALL):
        stored = await bench.blob(data, "message")
        assert not bench.blob_path(stored.id).exists()
        found = await bench.store.stored(stored.id)
        assert (found.content, found.size, found.sha256) == (data, len(data), hashlib.sha256(data).hexdigest())
        assert await bench.store.read_blob(stored.id) == data
        await bench.store.blobs.check(found)
        assert await bench.store.blobs.head(found, 10) == data[:10]
        with bench.store.blobs.open_plain(found) as file:
            assert os.fstat(file.fileno()).st_size == len(data)
            assert file.read() == data


async def test_larger_ones_lie_in_files(bench: Bench) -> None:
    """One byte more, however it was cut into pieces, and the row holds none of it."""
    writer = bench.store.blobs.writer(bench.ids.file_name())
    for piece in (SMALL[:9], SMALL[9:], b"x"):
        writer.write(piece)
    stored = await writer.commit()
    assert stored.content is None
    assert bench.blob_path(stored.id).read_bytes() == HEADER + SMALL + b"x"
    assert await bench.store.blobs.read(stored) == SMALL + b"x"


async def test_damage_in_a_row_is_found(bench: Bench) -> None:
    """Bytes in a row that are not the ones written are not handed out either."""
    for data in (b"see attachment", SMALL):
        stored = await bench.blob(data, "message")
        bench.damage(stored.id)
        for read in (bench.store.blobs.read, bench.store.blobs.check):
            with pytest.raises(BlobDamaged):
                await read(await bench.store.stored(stored.id))


async def test_a_small_one_is_not_on_disk_before_its_row(bench: Bench) -> None:
    """Aborted, discarded or simply forgotten: a small blob without a row leaves nothing."""
    writer = bench.store.blobs.writer(NAME)
    writer.write(SMALL)
    writer.abort()
    bench.store.blobs.discard(await bench.store.blobs.put(SAME_HOME, SMALL))
    await bench.store.blobs.put(NAME, SMALL)
    assert bench.blob_files() == set()
    assert await bench.rows(tables.blob) == []
