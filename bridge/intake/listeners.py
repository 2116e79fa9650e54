"""Listening: sockets bound before anything else starts, sessions counted, and a stop that lets mails in hand finish."""

import asyncio
import socket

from bridge.intake.server import SHUTTING_DOWN, FaxServer, Intake

BACKLOG = 128
ACCEPT_PAUSE_SECONDS = 1.0
TOO_MANY = "421 4.7.0 too many connections, try again later"


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
        self._stopping = False
        self._drained = asyncio.Event()
        self._drained.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``; then accept no more, and return when the mails in hand are through."""
        async with asyncio.TaskGroup() as group:
            accepting = [group.create_task(self._accept(bound)) for bound in self._sockets]
            try:
                await stop.wait()
            finally:
                self._stopping = True
                for task in accepting:
                    task.cancel()
        for bound in self._sockets:
            bound.close()
        for session in list(self._sessions):
            session.finish_soon()
        await self._drained.wait()

    async def _accept(self, bound: socket.socket) -> None:
        """Accept by hand: asyncio's own server loses a connection that comes in the moment it is closed."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(bound)
            except OSError as error:  # out of files, most likely: others will end
                self._intake.desk.events.worker_failed(worker="accept", error=error)
                await asyncio.sleep(ACCEPT_PAUSE_SECONDS)
                continue
            await loop.connect_accepted_socket(self._session, connection)

    def _session(self) -> FaxServer:
        return FaxServer(self._intake, self._open, self._close)

    def _open(self, session: FaxServer) -> str:
        """Count a session in; the refusal where there are too many, or where it came in the moment of the stop."""
        if self._stopping:
            return SHUTTING_DOWN
        if len(self._sessions) >= self._intake.options.sessions:
            return TOO_MANY
        self._sessions.add(session)
        self._drained.clear()
        return ""

    def _close(self, session: FaxServer) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._drained.set()
