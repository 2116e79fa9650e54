"""A relay in the same process that answers as it is told, and keeps what it was given."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class FakeRelay:
    """Answers each command as told, by its first word; ``None`` ends the connection instead."""

    replies: dict[str, bytes | None] = field(default_factory=dict)
    refused: dict[str, bytes] = field(default_factory=dict)
    """The answer to RCPT for one address."""

    happens: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens in the world when a command comes, by its first word."""

    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    port: int = 0
    at_once: int = 0

    def _reply(self, word: str) -> bytes | None:
        usual = {"greeting": b"220 relay.test", "EHLO": b"250 relay.test", "DATA": b"354 go on", "QUIT": b"221 bye"}
        return self.replies.get(word, usual.get(word, b"250 2.0.0 fine"))

    def _refusal(self, line: str) -> bytes | None:
        return next((reply for address, reply in self.refused.items() if f"<{address}>" in line), None)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = recipient = ""
        self.at_once += 1
        try:
            word = "greeting"
            while (reply := self._reply(word)) is not None:
                writer.write(reply + b"\r\n")
                await writer.drain()
                if word == "DATA" and reply.startswith(b"3"):
                    body = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append((sender, recipient, body))
                    word = "dot"
                    continue
                line = (await reader.readline()).decode()
                if word == "QUIT" or not line:
                    return
                word = line.split()[0].upper()
                self.happens.get(word, lambda: None)()
                sender = line if word == "MAIL" else sender
                recipient = line if word == "RCPT" else recipient
                if word == "RCPT" and (no := self._refusal(line)) is not None:
                    writer.write(no + b"\r\n")
                    word = (await reader.readline()).decode().split()[0].upper()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self.at_once -= 1
            writer.close()


@asynccontextmanager
async def a_relay(**replies: bytes | None) -> AsyncIterator[FakeRelay]:
    """A relay on a free port."""
    made = FakeRelay(replies)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=1_000_000) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
        async with asyncio.timeout(8):
            while made.at_once:  # noqa: ASYNC110 - the other side goes when it goes
                await asyncio.sleep(0.005)
