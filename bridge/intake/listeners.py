"""Listening: sockets bound before anything else starts, sessions counted, and a stop that lets mails in hand finish."""

import asyncio
import socket

from bridge.intake.server import FaxServer, Intake

BACKLOG = 128


def bind(address: tuple[str, int]) -> socket.socket:
    """A listening socket; raises OSError where the port is taken or the address is not ours."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except BaseException:
        bound.close()
        raise
    bound.setblocking(False)  # noqa: FBT003 - the standard library's way
    return bound


class Listeners:
    """The SMTP side of the daemon."""

    def __init__(self, intake: Intake, sockets: list[socket.socket]) -> None:
        self._intake = intake
        self._sockets = sockets
        self._sessions: set[FaxServer] = set()
        self._drained = asyncio.Event()
        self._drained.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``; then accept no more, and return when the mails in hand are through."""
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(self._session, sock=bound) for bound in self._sockets]
        try:
            await stop.wait()
        finally:
            for server in servers:
                server.close()
            for session in list(self._sessions):
                session.finish_soon()
        await self._drained.wait()

    def _session(self) -> FaxServer:
        return FaxServer(self._intake, self._open, self._close)

    def _open(self, session: FaxServer) -> bool:
        """Count a session in, unless there are too many."""
        if len(self._sessions) >= self._intake.options.sessions:
            return False
        self._sessions.add(session)
        self._drained.clear()
        return True

    def _close(self, session: FaxServer) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._drained.set()
