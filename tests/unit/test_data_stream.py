"""The way of DATA between connection and disk: in order, in blocks, and never more of it than a few."""

import asyncio

import pytest
from hypothesis import given, settings, strategies as st

from bridge.intake.data import BLOCK, ClientGone, DataStream
from bridge.intake.dots import BadLine, DotDecoder

LINE = b"x" * 98 + b"\r\n"


class Line(asyncio.ReadTransport):
    """A transport that notes whether it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True
        self.calls: list[str] = []

    def pause_reading(self) -> None:
        self.reading = False
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.reading = True
        self.calls.append("resume")


def a_stream() -> tuple[DataStream, Line]:
    """One on a line of its own."""
    line = Line()
    return DataStream(DotDecoder(), line), line


async def all_of(stream: DataStream) -> bytes:
    """The whole message."""
    return b"".join([b"".join(pieces) async for pieces in stream.blocks()])


@settings(max_examples=50)
@given(st.lists(st.integers(1, 3 * BLOCK // 2), max_size=6), st.binary(max_size=10))
async def test_what_comes_in_goes_out(sizes: list[int], rest: bytes) -> None:
    """In whatever pieces a message comes, the blocks are its bytes in order, and what follows its end is the rest."""
    stream, _ = a_stream()
    message = LINE * (sum(sizes) // len(LINE) + 1)
    wire = message + b".\r\n" + rest
    going = asyncio.create_task(all_of(stream))
    for size in [*sizes, len(wire)]:
        if stream.open and wire:
            stream.feed(wire[:size])
            wire = wire[size:]
        await asyncio.sleep(0)
    assert await going == message
    assert (stream.rest or b"") + wire == rest
    assert not stream.open


async def test_the_line_waits_for_a_slow_disk() -> None:
    """While nobody takes blocks the line is paused after two of them, and goes on when they are taken."""
    stream, line = a_stream()
    fed = 0
    while line.reading:
        stream.feed(LINE * 600)
        fed += 600 * len(LINE)
        assert fed < 3 * BLOCK
    assert fed >= 2 * BLOCK
    assert line.calls == ["pause"]
    blocks = stream.blocks()
    taken = sum(map(len, await anext(blocks)))
    assert line.calls == ["pause", "resume"]
    assert fed - 5 <= taken <= fed
    stream.feed(b".\r\n")
    async for pieces in blocks:
        taken += sum(map(len, pieces))
    assert taken == fed
    assert line.reading


async def test_a_long_message_never_lies_in_memory() -> None:
    """Fifty times two blocks go through, and at no time are more than two and a piece of them held."""
    stream, line = a_stream()
    piece, most, taken = LINE * 600, 0, 0
    blocks = stream.blocks()
    for _ in range(50):
        while line.reading:
            stream.feed(piece)
            most = max(most, sum(map(len, stream._pieces)))
        taken += sum(map(len, await anext(blocks)))
    assert most <= 2 * BLOCK + len(piece)
    assert taken >= 100 * BLOCK - 100


async def test_a_small_message_waits_for_its_end() -> None:
    """Less than a block is not handed on piece by piece: one write is enough for it."""
    stream, _ = a_stream()
    going = asyncio.create_task(all_of(stream))
    stream.feed(LINE)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not going.done()
    stream.feed(b".\r\nQUIT\r\n")
    assert await going == LINE
    assert stream.rest == b"QUIT\r\n"


@pytest.mark.parametrize("before", [0, 1, BLOCK // 100, 3 * BLOCK // 100])
async def test_a_bad_line_is_told(before: int) -> None:
    """A bare LF is BadLine, whatever came before it; from then on nothing belongs to the message."""
    stream, _ = a_stream()
    stream.feed(LINE * before)
    stream.feed(b"x\ny\r\n")
    assert not stream.open
    with pytest.raises(BadLine):
        await all_of(stream)


@pytest.mark.parametrize("before", [0, 1, 3 * BLOCK // 100])
async def test_a_client_that_goes_is_told(before: int) -> None:
    """The end of the connection before the end of the message is ClientGone, after what came was handed on."""
    stream, _ = a_stream()
    if before:
        stream.feed(LINE * before)
    stream.feed_end()
    with pytest.raises(ClientGone):
        await all_of(stream)


async def test_a_client_that_goes_after_the_end_is_not_missed() -> None:
    """Who closes its side behind the final dot has said all: the message is whole."""
    stream, _ = a_stream()
    stream.feed(LINE + b".\r\n")
    stream.feed_end()
    assert await all_of(stream) == LINE


async def test_who_comes_late_gets_all() -> None:
    """A message that was there before anybody asked is handed out whole."""
    stream, _ = a_stream()
    for _ in range(3):
        stream.feed(LINE * 10)
    stream.feed(b".\r\n")
    assert await all_of(stream) == LINE * 30
    assert stream.received == 30 * len(LINE) + 3
