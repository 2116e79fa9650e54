"""A second carrier, made by hand of plain sockets, so that it can misbehave at the level of bytes."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from bridge.ifax.client import IfaxClient
from bridge.ifax.options import IfaxOptions
from bridge.runtime.clock import Clock, SystemClock
from bridge.runtime.events import Events

KEY = "a-key-nobody-may-read"
PATIENCE = 8.0
SHORT = timedelta(seconds=0.3)


@dataclass(frozen=True)
class Act:
    """What the server does to one connection: after ``when`` it writes ``pieces`` with a pause between, then ends."""

    pieces: tuple[bytes, ...] = ()
    when: Literal["accept", "head", "body"] = "body"
    then: Literal["close", "abort", "hang"] = "close"
    pause: float = 0.0


@dataclass(frozen=True)
class Request:
    """One request as it came in; ``body`` is empty where it was not waited for."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def reply(
    body: bytes | str = b"",
    status: int = 200,
    *headers: str,
    length: int | None = None,
    kind: str = "application/json",
) -> bytes:
    """An answer as bytes; ``length`` is what Content-Length claims."""
    raw = body.encode() if isinstance(body, str) else body
    claimed = len(raw) if length is None else length
    lines = [
        f"HTTP/1.1 {status} Answer",
        f"Content-Type: {kind}",
        f"Content-Length: {claimed}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


def says(body: bytes | str = b"", status: int = 200, *headers: str, kind: str = "application/json") -> Act:
    """A plain answer, then the end."""
    return Act((reply(body, status, *headers, kind=kind),))


def says_json(value: Any, status: int = 200, *headers: str) -> Act:
    """An answer in JSON, then the end."""
    return says(json.dumps(value), status, *headers)


def chunked(*pieces: bytes, end: bool = True) -> Act:
    """The body in HTTP chunks; without ``end`` the last, empty one never comes."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return Act((head, *chunks, *([b"0\r\n\r\n"] if end else [])))


@dataclass
class WireServer:
    """Does what ``acts`` say, one a connection, then always ``act``; notes what it was asked."""

    act: Act = field(default_factory=Act)
    acts: list[Act] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0
    heard: bytearray = field(default_factory=bytearray)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
        finally:
            self.at_once -= 1
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        act = self.acts.pop(0) if self.acts else self.act
        if act.when != "accept":
            head = await reader.readuntil(b"\r\n\r\n")
            self.heard += head
            target, headers = _read_head(head)
            body = b""
            if act.when == "body":
                body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.requests.append(Request(target, headers, body))
        for number, piece in enumerate(act.pieces):
            if number and act.pause:
                await asyncio.sleep(act.pause)
            writer.write(piece)
            await writer.drain()
        if act.then == "hang":
            await reader.read()  # until the other side has had enough
        elif act.then == "abort":
            writer.transport.abort()


def _read_head(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first.split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs}


@asynccontextmanager
async def wire_server(*acts: Act) -> AsyncIterator[WireServer]:
    """A server on a free loopback port; the last of ``acts`` is what it goes on doing."""
    wire = WireServer(acts[-1] if acts else Act(), list(acts[:-1]))
    async with await asyncio.start_server(wire.serve, "127.0.0.1", 0) as server:
        wire.port = server.sockets[0].getsockname()[1]
        yield wire


@asynccontextmanager
async def carrier(url: str, clock: Clock | None = None, **options: Any) -> AsyncIterator[IfaxClient]:
    """Our client, pointed at ``url``; it is patient, but not for long."""
    wanted: dict[str, Any] = {
        "access_token": KEY,
        "calls_per_second": 1000.0,
        "stall_timeout": timedelta(seconds=PATIENCE),
        "call_timeout": timedelta(seconds=PATIENCE),
    }
    built = IfaxOptions(base_url=url, **(wanted | options))
    async with IfaxClient(built, clock or SystemClock(), Events()) as client:
        yield client


async def until_asked(wire: WireServer, times: int = 1) -> None:
    """Return once the server has had so many requests."""
    async with asyncio.timeout(PATIENCE):
        while len(wire.requests) < times:  # noqa: ASYNC110 - what we wait for happens elsewhere
            await asyncio.sleep(0.005)


def names(cases: Iterable[tuple[Any, ...]]) -> list[str]:
    """The ids of a table whose rows begin with their name."""
    return [str(case[0]) for case in cases]
