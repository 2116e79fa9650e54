"""Listening: sockets bound before anything else starts, sessions counted, and a stop that lets mails in hand finish."""

import asyncio
import os
import socket
import ssl
from collections import Counter
from contextlib import suppress

from bridge.intake.certificates import Certificates
from bridge.intake.connection import SHUTTING_DOWN, Connection
from bridge.intake.options import ListenerOptions, Profile, Tls
from bridge.intake.parts import Intake
from bridge.intake.server import FaxServer
from bridge.intake.standing import BadProxyHeader, Standing, household, of_peer, of_proxied

BACKLOG = 512
ACCEPT_PAUSE_SECONDS = 1.0
HANDSHAKE_SECONDS = 30.0
RECEIVE_BUFFER = 128 * 1024
FEW = 20
"""Sessions one client may have at once, however few there may be in all."""

TOO_MANY = "421 4.7.0 too many connections, try again later"
FIRST_PASSED = 3
"""The descriptor of the first socket that systemd passes (sd_listen_fds(3))."""


class NotPassed(OSError):
    """A socket that systemd was to pass and did not."""


def passed_sockets(environment: dict[str, str], pid: int) -> dict[str, list[socket.socket]]:
    """The sockets systemd passed to this process, by name (sd_listen_fds(3)); none where it passed none to us."""
    if environment.get("LISTEN_PID") != str(pid) or not environment.get("LISTEN_FDS", "").isdecimal():
        return {}
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, list[socket.socket]] = {}
    for number in range(int(environment["LISTEN_FDS"])):
        descriptor = FIRST_PASSED + number
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the standard library's way
        name = names[number] if number < len(names) else "unknown"
        found.setdefault(name, []).append(socket.socket(fileno=descriptor))
    return found


def bind(options: ListenerOptions, passed: dict[str, list[socket.socket]]) -> list[socket.socket]:
    """The listening sockets of one listener; raises OSError where the port is taken, or systemd passed none."""
    if options.socket_name:
        if not passed.get(options.socket_name):
            others = ", ".join(sorted(passed)) or "none"
            raise NotPassed(0, f"systemd passed no socket of that name (passed: {others}); see faxbridge-smtp.socket")
        bound = passed.pop(options.socket_name)
    else:
        bound = [_bind(options.host, options.port)]
    for each in bound:
        each.setblocking(False)  # noqa: FBT003 - the standard library's way
    return bound


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


class Listeners:
    """The SMTP side of the daemon: each listener's options, and its sockets."""

    def __init__(
        self,
        intake: Intake,
        sockets: list[tuple[ListenerOptions, socket.socket]],
        certificates: Certificates | None = None,
    ) -> None:
        self._intake = intake
        self._sockets = sockets
        self._certificates = certificates
        self._sessions: set[Connection] = set()
        self._clients: Counter[str] = Counter()
        self._from: dict[Connection, tuple[str, str]] = {}
        self._behind: Counter[str] = Counter()
        self._stopping = False
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def count(self) -> int:
        """Connections that are open, those included that are not sessions yet."""
        return self._clients.total()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``; then accept no more, and return when the mails in hand are through."""
        async with asyncio.TaskGroup() as greeting:
            async with asyncio.TaskGroup() as group:
                accepting = [
                    group.create_task(self._accept(options, bound, greeting)) for options, bound in self._sockets
                ]
                try:
                    await stop.wait()
                finally:
                    self._stopping = True
                    for task in accepting:
                        task.cancel()
            for _, bound in self._sockets:
                bound.close()
            for session in list(self._sessions):
                session.finish_soon()
        await self._drained.wait()

    async def _accept(self, options: ListenerOptions, bound: socket.socket, greeting: asyncio.TaskGroup) -> None:
        """Accept by hand: asyncio's own server loses a connection that comes in the moment it is closed."""
        loop, waiting = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(bound, waiting.set)
        try:
            while True:
                await waiting.wait()
                waiting.clear()
                try:
                    self._accept_all(options, bound, greeting)
                except OSError as error:  # out of files, most likely: others will end
                    self._intake.desk.events.worker_failed(worker="accept", error=error)
                    loop.remove_reader(bound)
                    await asyncio.sleep(ACCEPT_PAUSE_SECONDS)
                    loop.add_reader(bound, waiting.set)
        finally:
            loop.remove_reader(bound)

    def _accept_all(self, options: ListenerOptions, bound: socket.socket, greeting: asyncio.TaskGroup) -> None:
        """Every connection that waits. Raises OSError where the system has none to give."""
        for _ in range(BACKLOG):
            try:
                connection, address = bound.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            connection.setblocking(False)  # noqa: FBT003 - the standard library's way
            with suppress(OSError):  # it may be gone already, which shows soon enough
                # What one connection may leave lying in the kernel: sessions times this, and no more, waits unread.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            peer = str(address[0]) if isinstance(address, tuple) and address else "local"
            standing = of_peer(peer, options.front)
            if refusal := self._refusal(standing):
                self._turn_away(connection, options, standing, refusal)
                continue
            self._clients[household(standing.peer)] += 1
            greeting.create_task(self._greet(options, connection, standing))

    def _refusal(self, standing: Standing) -> str:
        """Why there shall be no session; one client may have half of all, a peer in front speaks for many."""
        if self._stopping:
            return SHUTTING_DOWN
        most = self._intake.options.sessions
        of_one = most if standing.front else self._share()
        if self._clients.total() >= most or self._clients[household(standing.peer)] >= of_one:
            return TOO_MANY
        return ""

    def _share(self) -> int:
        return max(self._intake.options.sessions // 2, FEW)

    def _turn_away(self, connection: socket.socket, options: ListenerOptions, standing: Standing, refusal: str) -> None:
        self._intake.desk.events.mail_refused(client=standing.peer, verb="CONNECT", reply=refusal)
        if options.profile is Profile.LEGACY:
            self._intake.refusals.note(standing.peer, None, refusal)
        with suppress(OSError):
            if options.tls is not Tls.IMPLICIT:
                connection.send(f"{refusal}\r\n".encode("ascii"))
                connection.shutdown(socket.SHUT_WR)
        connection.close()

    async def _greet(self, options: ListenerOptions, connection: socket.socket, standing: Standing) -> None:
        """From a bare connection to a session: the PROXY header where one must come, then TLS where it comes first."""
        peer = household(standing.peer)
        context = None if self._certificates is None else self._certificates_context
        session: FaxServer | None = None

        def begin() -> FaxServer:
            nonlocal session
            session = FaxServer(self._intake, options, standing, context=context, closed=self._close)
            self._sessions.add(session)
            self._from[session] = (peer, household(standing.address) if standing.front and standing.address else "")
            self._behind[self._from[session][1]] += 1
            self._drained.clear()
            return session

        try:
            if options.proxy and standing.front:
                standing = await of_proxied(connection, standing)
                behind = household(standing.address or "")
                if standing.address is not None and self._behind[behind] >= self._share():
                    self._turn_away(connection, options, standing, TOO_MANY)
                    self._leave(peer)
                    return
            tls = context() if context is not None and options.tls is Tls.IMPLICIT else None
            await asyncio.get_running_loop().connect_accepted_socket(
                begin, connection, ssl=tls, ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None
            )
        except BadProxyHeader as error:
            self._intake.desk.events.mail_refused(client=standing.peer, verb="PROXY", reply=error.smtp)
        except (OSError, ssl.SSLError, TimeoutError):
            self._intake.desk.events.mail_refused(client=standing.peer, verb="TLS", reply="554 5.7.0")
        else:
            if self._stopping and session is not None:
                session.finish_soon()
            return
        connection.close()
        if session is not None:
            self._close(session)
        else:
            self._leave(peer)

    def _certificates_context(self) -> ssl.SSLContext:
        assert self._certificates is not None
        return self._certificates.context

    def _close(self, session: Connection) -> None:
        if session not in self._from:
            return
        peer, behind = self._from.pop(session)
        self._leave(peer)
        self._behind -= Counter([behind])  # a Counter drops what is not above zero
        self._sessions.discard(session)
        if not self._sessions:
            self._drained.set()

    def _leave(self, peer: str) -> None:
        self._clients[peer] -= 1
        if self._clients[peer] <= 0:
            del self._clients[peer]
