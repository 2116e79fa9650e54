"""What DATA brings, between the connection and the sink: bytes come in from the event loop's callbacks, blocks go out.

Nothing is read line by line, and no more than a few blocks are held: while the disk is slower than the line, the line
waits.
"""

import asyncio
from collections.abc import AsyncIterator

from bridge.intake.dots import BadLine, Decoder

BLOCK = 256 * 1024
"""Bytes that go to the disk together."""

SMALL = 4096


class ClientGone(Exception):
    """The connection ended in the middle of a message."""


class DataStream:
    """One message's bytes. ``rest`` is None until its end was seen, then what came behind it."""

    def __init__(self, decoder: Decoder, transport: asyncio.ReadTransport) -> None:
        self._decoder = decoder
        self._transport = transport
        self._pieces: list[bytes] = []
        self._loose = bytearray()
        self._size = 0
        self._ready = asyncio.Event()
        self._paused = False
        self._gone = False
        self.bad = False
        self.rest: bytes | None = None
        self.received = 0

    @property
    def open(self) -> bool:
        """Whether what comes next still belongs to the message."""
        return self.rest is None and not self.bad

    def feed(self, data: bytes) -> None:
        """The next bytes of the connection. After a bad line nothing more belongs here."""
        self.received += len(data)
        try:
            decoded = self._decoder.feed(data)
        except BadLine:
            self.bad = True
            self._ready.set()
            return
        self._keep(decoded.plain)
        self.rest = decoded.rest
        if self.rest is not None:
            self._resume()  # what comes now is the line reader's, which keeps its own account of what it holds
            self._ready.set()
        elif self._size >= BLOCK:
            self._ready.set()
            if self._size >= 2 * BLOCK and not self._paused:
                self._paused = True
                self._transport.pause_reading()

    def _keep(self, plain: bytes) -> None:
        """Small pieces are joined: an object for every two octets takes twenty times their room."""
        self._size += len(plain)
        if len(plain) < SMALL:
            self._loose += plain
            return
        self._gather()
        self._pieces.append(plain)

    def _gather(self) -> None:
        if self._loose:
            self._pieces.append(bytes(self._loose))
            self._loose.clear()

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def feed_end(self) -> None:
        """The client will say no more."""
        self._gone = True
        self._ready.set()

    async def blocks(self) -> AsyncIterator[list[bytes]]:
        """All bytes of the message, a block at a time. Raises BadLine, or ClientGone."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            if self.bad:
                raise BadLine
            self._gather()
            pieces, self._pieces, self._size = self._pieces, [], 0
            self._resume()
            if pieces:
                yield pieces
            if self.rest is not None and not self._size:
                return
            if self._gone:
                raise ClientGone
