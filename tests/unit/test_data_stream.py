"""The way of DATA between connection and disk: in order, past no task, and waiting while the disk catches up."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from bridge.intake.data import PIECE, WINDOW, ClientGone, DataReceiver, DataStream
from bridge.intake.dots import BadLine, DotDecoder
from bridge.intake.sink import OVERRUN, SYNC_AFTER, Endless, Sink
from bridge.store.folder import Folder
from bridge.store.writing import BlobWriter

LINE = b"x" * 98 + b"\r\n"
LIMIT = 1_000_000_000


class Line(asyncio.Transport):
    """A transport that notes whether it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


class Disk(BlobWriter):
    """A writer into memory, whose syncs wait for ``quick``."""

    def __init__(self, *, quick: bool = True) -> None:
        super().__init__(Folder(Path("nowhere")), "x")
        self.written = bytearray()
        self.quick = asyncio.Event()
        if quick:
            self.quick.set()

    def write(self, data: bytes) -> None:
        self.written += data
        self.unsynced += len(data)

    async def sync_beyond(self, limit: int) -> None:
        if self.unsynced > limit:
            await self.quick.wait()
            self.unsynced = 0


def a_stream(disk: Disk, limit: int = LIMIT) -> tuple[DataStream, Line]:
    """One on a line of its own."""
    line = Line()
    return DataStream(DotDecoder(), line, Sink(disk, limit)), line


@settings(max_examples=50)
@given(st.lists(st.integers(1, 3 * PIECE), max_size=6), st.binary(max_size=10))
async def test_what_comes_in_goes_out(sizes: list[int], rest: bytes) -> None:
    """In whatever pieces a message comes, the disk gets its bytes in order, and what follows its end is the rest."""
    disk = Disk()
    stream, _ = a_stream(disk)
    message = LINE * (sum(sizes) // len(LINE) + 1)
    wire = message + b".\r\n" + rest
    for size in [*sizes, len(wire)]:
        if stream.open and wire:
            stream.feed(wire[:size])
            wire = wire[size:]
    await stream.whole()
    assert disk.written == message
    assert (stream.rest or b"") + wire == rest
    assert not stream.open


async def test_the_line_waits_for_a_slow_disk() -> None:
    """Once much has gathered that is not synced the line is paused, once, and goes on when the disk has caught up."""
    disk = Disk(quick=False)
    stream, line = a_stream(disk)
    going = asyncio.create_task(stream.whole())
    while not line.calls:
        stream.feed(LINE * 600)
        assert len(disk.written) < SYNC_AFTER + 2 * PIECE
    for _ in range(5):
        await asyncio.sleep(0)
    assert line.calls == ["pause"]
    disk.quick.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert line.calls == ["pause", "resume"]
    stream.feed(b".\r\n")
    await going
    assert line.calls == ["pause", "resume"]


async def test_an_end_that_comes_while_the_line_is_paused() -> None:
    """What one read brought is dealt with to its end, past the mark at which the line waits; then it is read again."""
    disk = Disk()
    stream, line = a_stream(disk)
    stream.feed(LINE * (SYNC_AFTER // len(LINE) + 9))
    assert line.calls == ["pause"]
    stream.feed(b".\r\nQUIT\r\n")
    assert line.calls == ["pause", "resume"]
    await stream.whole()
    assert stream.rest == b"QUIT\r\n"


@pytest.mark.parametrize("before", [0, 1, SYNC_AFTER // len(LINE) + 9])
async def test_a_bad_line_is_told(before: int) -> None:
    """A bare LF is BadLine, whatever came before it; from then on nothing belongs to the message."""
    stream, line = a_stream(Disk())
    stream.feed(LINE * before)
    stream.feed(b"x\ny\r\n")
    assert not stream.open
    with pytest.raises(BadLine):
        await stream.whole()
    assert line.calls.count("pause") == line.calls.count("resume")


@pytest.mark.parametrize("before", [0, 1, SYNC_AFTER // len(LINE) + 9])
async def test_a_client_that_goes_is_told(before: int) -> None:
    """The end of the connection before the end of the message is ClientGone."""
    stream, _ = a_stream(Disk())
    stream.feed(LINE * before)
    stream.feed_end()
    with pytest.raises(ClientGone):
        await stream.whole()


async def test_a_client_that_goes_after_the_end_is_not_missed() -> None:
    """Who closes its side behind the final dot has said all: the message is whole."""
    disk = Disk()
    stream, _ = a_stream(disk)
    stream.feed(LINE + b".\r\n")
    stream.feed_end()
    await stream.whole()
    assert disk.written == LINE


async def test_a_message_without_end_is_given_up() -> None:
    """A message too large is read on for the sake of its reply, but not for ever; and the line is read again then."""
    stream, line = a_stream(Disk(), limit=1000)
    going = asyncio.create_task(stream.whole())
    for _ in range(OVERRUN // (len(LINE) * 1000) + 2):
        stream.feed(LINE * 1000)
    with pytest.raises(Endless):
        await going
    assert line.calls == ["pause", "resume"]
    assert stream.open


async def test_a_receiver_hands_on_in_pieces_what_it_read() -> None:
    """A read may fill the whole window; the connection gets it in order, in pieces, and the window serves again."""
    got: list[bytes] = []

    class Connection(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            got.append(data)

    receiver = DataReceiver(Connection())
    for fill, size in ((b"a", WINDOW), (b"b", PIECE + 1), (b"c", 1)):
        receiver.get_buffer(-1)[:size] = fill * size
        receiver.buffer_updated(size)
    assert b"".join(got) == b"a" * WINDOW + b"b" * (PIECE + 1) + b"c"
    assert max(map(len, got)) == PIECE
