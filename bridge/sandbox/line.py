"""The TCP line under a request, so that it can really be dropped, or left without an answer."""

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState


class Line:
    """One connection of a client."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.silent = False

    def cut(self) -> None:
        """Drop it at once; what wasn't sent yet is lost."""
        self._transport.abort()


class LineProtocol(H11Protocol):
    """uvicorn's own, that also hands each request its line (as ``request.state.line``)."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.line: Line | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self.line = Line(transport)
        # The lifespan's state is what uvicorn copies into each request's scope: here a line is added for this one.
        self.app_state = {**self.app_state, "line": self.line}


class Cut(Response):
    """No answer: the connection is dropped."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        scope["state"]["line"].cut()
        await _disconnected(receive)


class Silence(Response):
    """No answer: the connection stays as it is until the client gives up, or the server ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        scope["state"]["line"].silent = True
        await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    # uvicorn only accepts that a request ends without an answer once it knows that the client is gone.
    while (await receive())["type"] != "http.disconnect":
        pass
