"""The stand-in as a server: built, bound, run and ended here."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import httpx
import uvicorn
from starlette.applications import Starlette

from bridge.sandbox.background import Background
from bridge.sandbox.carrier import Carrier
from bridge.sandbox.control import Control, WrongDocumentError, wrong_document
from bridge.sandbox.hooks import Hooks
from bridge.sandbox.line import Line, LineProtocol
from bridge.sandbox.options import SandboxOptions
from bridge.sandbox.plan import Plan
from bridge.sandbox.state import Ledger, Now, utc_now
from bridge.sandbox.wire import Api

Started = Callable[[str], None]

_HOOK_TIMEOUT = 30.0
_GRACE = 2.0
"""So long calls in hand may go on after the end of all."""


async def run(options: SandboxOptions, *, started: Started, stop: asyncio.Event, now: Now = utc_now) -> None:
    """Serve until ``stop``; ``started`` gets the base URL once requests are taken.

    Raises:
        OSError: the address can't be had.
    """
    with await _bound(options.host, options.port) as listener:
        # trust_env: a proxy of the machine has no part in a call to loopback.
        async with httpx.AsyncClient(timeout=_HOOK_TIMEOUT, trust_env=False) as client, asyncio.TaskGroup() as group:
            closing = asyncio.Event()
            background = Background(group, closing)
            hooks = Hooks(
                client=client,
                background=background,
                url=options.hooks,
                form=options.hook_form,
                retry_seconds=options.retry_seconds,
                now=now,
            )
            carrier = Carrier(options, ledger=Ledger(now), plan=Plan(), hooks=hooks, background=background)
            await _Server(
                _application(carrier), started=lambda: started(_url(listener)), stop=stop, closing=closing
            ).serve([listener])
            background.cancel()


def _application(carrier: Carrier) -> Starlette:
    return Starlette(
        routes=[*Control(carrier).routes(), *Api(carrier).routes()],
        exception_handlers={WrongDocumentError: wrong_document},
    )


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers and its clock: ours to start, ours to stop."""

    def __init__(
        self, application: Starlette, *, started: Callable[[], None], stop: asyncio.Event, closing: asyncio.Event
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=LineProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                date_header=False,
                server_header=False,
            )
        )
        self._tell = started
        self._stop = stop
        self._closing = closing

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()

    async def main_loop(self) -> None:
        await self.on_tick(0)  # sets the headers that all answers have
        try:
            await self._stop.wait()
        except asyncio.CancelledError:
            self._close()
            for line in self._lines():
                line.cut()
            raise
        self._close()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - ours are servers'
        """As uvicorn's, without its fixed pause and its polling: calls in hand are answered, silent ones are cut."""
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := set(self.server_state.tasks):
            _, late = await asyncio.wait(tasks, timeout=_GRACE)
            for task in late:
                task.cancel()
        for line in self._lines():
            line.cut()

    def _close(self) -> None:
        self._closing.set()
        for server in self.servers:
            server.close()
        for line in self._lines():
            if line.silent:
                line.cut()

    def _lines(self) -> Iterator[Line]:
        for connection in list(self.server_state.connections):
            if isinstance(connection, LineProtocol) and connection.line is not None:
                yield connection.line


async def _bound(host: str, port: int) -> socket.socket:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)  # noqa: FBT003 - the standard library's
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
