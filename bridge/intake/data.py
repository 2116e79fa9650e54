"""What DATA brings, between the connection and the sink: bytes come in from the event loop's callbacks and go straight
through the decoder to the disk's cache, in the callback itself.

Nothing is read line by line, nothing waits in memory, and no task is woken for it. While the disk has to catch up, the
line waits.
"""

import asyncio

from bridge.intake.dots import BadLine, Decoder
from bridge.intake.sink import Endless, Sink
from bridge.runtime.crash import Point, crash_point

PIECE = 64 * 1024
"""Octets that are decoded at once: a larger piece has to be asked of the system, and given back, each time."""

WINDOW = 4 * PIECE
"""Octets of one read."""

_window = memoryview(bytearray(WINDOW))
"""What every connection of the process is read into: what lies there is dealt with before the next one is read."""


class ClientGone(Exception):
    """The connection ended in the middle of a message."""


class DataStream:
    """One message's way from its transport to its sink. ``rest`` is None until its end was seen, then what came behind.

    ``open``: what comes next still belongs to the message. ``whole`` is to be awaited while it comes.
    """

    def __init__(self, decoder: Decoder, transport: asyncio.ReadTransport, sink: Sink) -> None:
        self._decoder = decoder
        self._transport = transport
        self._sink = sink
        self._ready = asyncio.Event()
        self._gone = False
        self._paused = False
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
        else:
            self._sink.put(decoded.plain)
            crash_point(Point.INTAKE_READING)
            self.rest = decoded.rest
        if not self.open:
            self._resume()  # what comes now is the line reader's, which keeps its own account of what it holds
            self._ready.set()
        elif self._sink.wants_a_pause and not self._paused:
            self._paused = True
            self._transport.pause_reading()
            self._ready.set()

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def feed_end(self) -> None:
        """The client will say no more."""
        self._gone = True
        self._ready.set()

    async def whole(self) -> None:
        """Return when all bytes of the message are with the sink. Raises BadLine, ClientGone, or Endless.

        Meanwhile the sink gets its pauses, in which the line is not read.
        """
        while True:
            await self._ready.wait()
            self._ready.clear()
            if self.bad:
                raise BadLine
            await self._sink.catch_up()
            if self.rest is not None:
                return
            if self._gone:
                raise ClientGone
            self._resume()
            if self._sink.hopeless:
                raise Endless(self._sink.hopeless)


class DataReceiver(asyncio.BufferedProtocol):
    """Stands in for a connection while a message comes, so that it is read in large pieces; all else it hands on."""

    def __init__(self, connection: asyncio.Protocol) -> None:
        self._connection = connection

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return _window

    def buffer_updated(self, nbytes: int) -> None:
        for start in range(0, nbytes, PIECE):
            self._connection.data_received(bytes(_window[start : min(start + PIECE, nbytes)]))

    def eof_received(self) -> bool | None:
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()
