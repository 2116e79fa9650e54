"""uvicorn inside our own task group: sockets bound by us beforehand, no signal handlers, no access log."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

GRACE_SECONDS = 20
"""So long requests in hand may go on after the stop."""


class _Server(uvicorn.Server):
    """Signals are the daemon's business, not uvicorn's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(address: str) -> socket.socket:
    """A listening socket for ``host:port`` or ``unix:/path``; raises OSError where it cannot be had."""
    if address.startswith("unix:"):
        return _bind_unix(Path(address.removeprefix("unix:")))
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, int(port)))
        bound.listen()
    except BaseException:
        bound.close()
        raise
    return bound


def _bind_unix(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            path.unlink()
        bound.bind(str(path))
        path.chmod(0o660)
        bound.listen()
    except BaseException:
        bound.close()
        raise
    return bound


async def serve(application: Starlette, sockets: list[socket.socket], stop: asyncio.Event) -> None:
    """Serve until ``stop``; then take no more and return when the requests in hand are answered."""
    server = _Server(
        uvicorn.Config(
            application,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets))
        stopping = group.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        stopping.cancel()
