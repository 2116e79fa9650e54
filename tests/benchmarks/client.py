"""A client that notes how long each reply to a message takes: from the last byte to the 250.

Run as ``python -m tests.benchmarks.client PORT SESSIONS EACH SIZE``; prints JSON. All sessions send at once, each its
next message as soon as the last was answered. A clock starts when the kernel has taken the final CR LF . CR LF. What
is sent was built before; one loop over epoll serves all, so that no session waits for a lock.
"""

import json
import os
import re
import selectors
import socket
import sys
import time
from collections.abc import Generator
from email.utils import formatdate

from tests.benchmarks.mail import RECIPIENT, SENDER

CHUNK = 256 * 1024
"""Octets offered to the kernel at once, so that no session keeps the others waiting."""

_LAST_LINE = re.compile(rb"(?:\A|\n)([0-9]{3}) [^\n]*\n\Z")
_LINE = b"JVBERi0xLjcKJeLjz9MKNSAwIG9iago8PC9UeXBlL1hPYmplY3QvU3VidHlwZS9JbWFnZS9X\r\n"


class Session:
    """One connection: sends what its dialogue hands it, and hands it the replies."""

    def __init__(self, port: int, dialogue: Generator[list[bytes], tuple[bytes, float], None]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self._dialogue = dialogue
        self._said = b""
        self._handed = 0.0
        self._left = [memoryview(piece) for piece in next(dialogue)]
        self.interest = selectors.EVENT_READ

    def step(self, events: int) -> bool:
        """Go on as far as the socket allows; whether the dialogue is over."""
        if events & selectors.EVENT_WRITE:
            self._send()
        elif self._heard():
            reply, self._said = self._said, b""
            try:
                self._left = [memoryview(piece) for piece in self._dialogue.send((reply, self._waited))]
            except StopIteration:
                return True
            self._send()
        self.interest = selectors.EVENT_WRITE if self._left else selectors.EVENT_READ
        return False

    def _send(self) -> None:
        sent = self.socket.send(self._left[0][:CHUNK])
        self._handed = time.perf_counter()
        self._left[0] = self._left[0][sent:]
        if not self._left[0]:
            del self._left[0]

    def _heard(self) -> bool:
        """Read; whether a whole reply is there."""
        said = self.socket.recv(CHUNK)
        self._waited = time.perf_counter() - self._handed
        if not said:
            raise ConnectionError("the server hung up")
        self._said += said
        return _LAST_LINE.search(self._said) is not None


def dialogue(
    number: int, each: int, body: bytes, waits: list[float]
) -> Generator[list[bytes], tuple[bytes, float], None]:
    """``each`` messages on one connection; the time each took is added to ``waits``."""
    yield from _ask(b"", b"220")
    yield from _ask(b"EHLO client.example.org\r\n", b"250")
    for ordinal in range(each):
        yield from _ask(f"MAIL FROM:<{SENDER}>\r\n".encode(), b"250")
        yield from _ask(f"RCPT TO:<{RECIPIENT}>\r\n".encode(), b"250")
        yield from _ask(b"DATA\r\n", b"354")
        # Each is a mail of its own: the same one sent again would be taken for a repetition.
        waits.append((yield from _ask(_header(f"{os.getpid()}.{number}.{ordinal}"), b"250", body)))
    yield from _ask(b"QUIT\r\n", b"221")


def _header(name: str) -> bytes:
    return (
        f"From: {SENDER}\r\nTo: {RECIPIENT}\r\nDate: {formatdate()}\r\nMessage-ID: <{name}@client.example.org>\r\n\r\n"
    ).encode()


def _ask(line: bytes, expected: bytes, *more: bytes) -> Generator[list[bytes], tuple[bytes, float], float]:
    reply, waited = yield [piece for piece in (line, *more) if piece]
    if not reply.startswith(expected):
        raise ConnectionError(f"not what was expected: {reply.decode(errors='replace')}")
    return waited


def run(port: int, sessions: int, each: int, size: int) -> dict[str, object]:
    """Send it all; seconds it took, and the seconds each message waited."""
    waits: list[float] = []
    body = _LINE * (size // len(_LINE)) + b".\r\n"
    selector = selectors.EpollSelector()
    began = time.perf_counter()
    for number in range(sessions):
        session = Session(port, dialogue(number, each, body, waits))
        selector.register(session.socket, session.interest, session)
    while selector.get_map():
        for key, events in selector.select():
            session = key.data
            if session.step(events):
                selector.unregister(session.socket)
                session.socket.close()
            elif session.interest != key.events:
                selector.modify(session.socket, session.interest, session)
    return {"seconds": time.perf_counter() - began, "waits": waits}


if __name__ == "__main__":
    json.dump(run(*(int(argument) for argument in sys.argv[1:5])), sys.stdout)
