"""One connection that speaks in lines: aiosmtpd's protocol class with its conversation and its transport side replaced.

Replaced are the loop over commands, time-outs, the end of input, the answer to our own failures (aiosmtpd's is ``500``
with the exception's text) and the way of DATA, which goes past the line reader. Private names of aiosmtpd and asyncio
that are leaned on: ``_create_envelope``, ``_set_rset_state``, ``_set_post_data_state``, ``_reset_timeout``,
``_timeout_cb``, ``_timeout_handle``, ``_timeout_duration``, ``_handle_client``, ``_smtp_methods``, ``_reader`` with its
``_buffer``, ``_eof`` and ``_maybe_resume_transport``, ``_writer``; each has a test.
"""

import asyncio
import re
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import cache

from aiosmtpd.smtp import SMTP, TLSSetupException

from bridge.errors import BridgeError, Permanent
from bridge.intake.data import ClientGone, DataReceiver, DataStream
from bridge.intake.dots import Decoder
from bridge.intake.sink import Sink
from bridge.runtime.events import Events

READ_SIZE = 64 * 1024
"""Octets of one read: above that the allocator hands every buffer back to the system, and gets it anew."""

LINE_BUFFER = 16 * 1024
COMMAND_LIMIT = 2048
ANSWER_LIMIT = 12_288
"""Octets of a command's line, and of one within AUTH (RFC 4954, 4)."""

ENDLESS_LINE = 1_000_000
ERRORS = 50
COMMANDS = 5000
SESSION_SECONDS = 3600.0
"""What a session may do without a mail being taken on, and how long it may go on between mails."""

SLOWEST = 1000
"""Octets a second that DATA must bring, over each span of the time-out."""

MESSAGE_SECONDS = 2 * 3600.0
"""How long one message may take to come, however steadily it does."""

CLOSE_SECONDS = 10.0
"""How long a client may take to read the last of what we said."""

DRAIN_SECONDS = 10.0
DRAIN_LIMIT = 100_000_000
"""So long and so much is still read after a session's end was announced."""

SHUTTING_DOWN = "421 4.3.2 shutting down, try again later"
GONE = "421 4.4.2 the connection ended in the middle of a command"
TIMED_OUT = "421 4.4.2 nothing came for too long, good bye"
TOO_SLOW = "421 4.4.2 the message comes too slowly, good bye"
TOO_LONG_HERE = "421 4.4.2 this session has lasted too long; come again"
TOO_MANY_ERRORS = "421 4.7.0 too many errors, good bye"
OWN_TROUBLE = "451 4.3.0 trouble on our side; nothing was taken on, try again later"

_OF_HTTP = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
"""A web page can make a browser send these, with commands of SMTP behind them."""

_WITHOUT_CODE = re.compile(r"([245])[0-9]{2} (?![245]\.[0-9]+\.[0-9]+)", re.ASCII)


@cache
def _commands(server: Hashable) -> list[str]:
    return [name for name in dir(server) if name.startswith("smtp_")]


class _NoHooks:
    """aiosmtpd looks through all names of its handler for every new session; ours has none."""

    def __dir__(self) -> list[str]:
        return []


_NO_HOOKS = _NoHooks()


class LineTooLong(Permanent):
    """A command no client has reason to send."""

    reply = "500 5.5.2"


class _Over(Exception):
    """The session has ended, and said so."""


class Connection(SMTP):
    """One session's talk. ``closing`` ends it after what it is at; ``closed`` is called once when it has ended."""

    line_length_limit = LINE_BUFFER

    def __init__(self, events: Events, hostname: str, timeout: float, closed: Callable[["Connection"], None]) -> None:
        super().__init__(
            _NO_HOOKS,
            data_size_limit=None,
            hostname=hostname,
            ident="ESMTP Faxbridge",
            timeout=timeout,
            loop=asyncio.get_running_loop(),
        )
        self._events = events
        self._on_close = closed
        self._stream: DataStream | None = None
        self._seen = 0
        self._lost = False
        self._aborting: asyncio.TimerHandle | None = None
        self._message_until = 0.0
        self._busy = False
        self._errors = 0
        self._commands = 0
        self._last = self.loop.time()
        self._until = self._last + SESSION_SECONDS
        self.closing = False

    def __dir__(self) -> list[str]:
        """The names of our commands: aiosmtpd looks through all names of every new session, and needs no others."""
        kind: object = type(self)
        return _commands(kind)

    def client_shown(self) -> str:
        """The client as the log names it."""
        raise NotImplementedError

    async def before(self, command: str) -> str:
        """The reply that stands in a command's way; empty where it may go on."""
        raise NotImplementedError

    def sent_away(self, reply: str) -> None:
        """Called when we end the session of our own accord, with what the client is told."""

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if hasattr(transport, "max_size"):
            transport.max_size = READ_SIZE
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._lost = True
        if self._aborting is not None:
            self._aborting.cancel()
        self._on_close(self)
        self._reset_timeout()  # aiosmtpd wants to have one to cancel
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._stream is None or not self._stream.open:
            super().data_received(data)
            return
        self._stream.feed(data)
        if not self._stream.open:
            self._speak_again()
            self._give_back(self._stream.rest or b"")

    def _give_back(self, rest: bytes) -> None:
        """What came behind a message, for the line reader; which takes no more from its feeder once that has ended."""
        if self._reader._eof:  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
            self._reader._buffer.extend(rest)  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
        elif rest:
            super().data_received(rest)

    def _speak_again(self) -> None:
        """What comes next is lines, read by ourselves."""
        if isinstance(self.transport, asyncio.Transport) and self.transport.get_protocol() is not self:
            self.transport.set_protocol(self)

    def eof_received(self) -> bool | None:
        """The client will say no more: what it said is still answered, and then the session ends.

        aiosmtpd cancels its handler here, so that a mail could be taken on without its 250 and come again.
        """
        if self._stream is not None:
            self._stream.feed_end()
        self._reader.feed_eof()
        return not self.encrypted()  # a TLS transport cannot stay half open

    def encrypted(self) -> bool:
        """Whether what is said goes through TLS."""
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    def _reset_timeout(self, duration: float | None = None) -> None:  # noqa: ARG002 - aiosmtpd's signature
        """Put the end off. Only the moment is noted: a timer that is set anew with every command costs more than it."""
        self._last = self.loop.time()
        if self._timeout_handle is None:
            self._timeout_handle = self.loop.call_at(self._last + self._timeout_duration, self._timeout_cb)

    def _timeout_cb(self) -> None:
        """Nothing for too long, or a message that trickles: the session ends, and is told why."""
        due = self._last + self._timeout_duration
        self._timeout_handle = None
        if due > self.loop.time():
            self._timeout_handle = self.loop.call_at(due, self._timeout_cb)
            return
        stream = self._stream
        if stream is not None and stream.open:
            came, self._seen = stream.received - self._seen, stream.received
            if came >= SLOWEST * self._timeout_duration and self.loop.time() < self._message_until:
                self._reset_timeout()
                return
        elif self._busy and self._all_written():  # it is we who take our time
            self._reset_timeout()
            return
        self._say_and_close(TIMED_OUT if stream is None else TOO_SLOW)

    def _all_written(self) -> bool:
        return isinstance(self.transport, asyncio.WriteTransport) and not self.transport.get_write_buffer_size()

    def _say_and_close(self, reply: str) -> None:
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.write(f"{reply}\r\n".encode("ascii"))
            self._close()

    def _close(self) -> None:
        """Close once what was said is on its way; a client that never reads does not keep us waiting for that."""
        if isinstance(self.transport, asyncio.WriteTransport) and self._aborting is None and not self._lost:
            self.transport.close()
            self._aborting = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def finish_soon(self) -> None:
        """End the session: at once when it is between mails, else after the one in hand."""
        self.closing = True
        if not self._busy:
            self.sent_away(SHUTTING_DOWN)
            self._say_and_close(SHUTTING_DOWN)

    # The conversation

    async def push(self, status: str | bytes) -> None:
        """A reply; after EHLO each has an enhanced code (RFC 2034), also those that aiosmtpd words."""
        text = status.decode("ascii", errors="replace") if isinstance(status, bytes) else status
        if text[0] == "5":
            self._errors += 1
        if self.session is not None and self.session.extended_smtp and (match := _WITHOUT_CODE.match(text)):
            detail = "0.0" if match[1] != "5" else "5.1"
            text = f"{text[:3]} {match[1]}.{detail} {text[4:]}"
        self._writer.write(text.encode("ascii", errors="replace") + b"\r\n")
        await self._writer.drain()

    async def _handle_client(self) -> None:
        """The whole session, in the task that aiosmtpd makes for it."""
        try:
            await self.push(f"220 {self.hostname} {self.__ident__}")
            while self.transport is not None and not self.transport.is_closing():
                await self._next_command()
        except (_Over, ConnectionError, asyncio.IncompleteReadError):
            pass  # how sessions end
        except TLSSetupException as error:
            self._events.mail_refused(client=self.client_shown(), verb="STARTTLS", reply="554 5.7.0")
            self.connection_lost(error)  # asyncio tells nobody of a session that TLS never let begin
        finally:
            self._close()

    async def _next_command(self) -> None:
        if self.closing:
            self.sent_away(SHUTTING_DOWN)
            await self._end(SHUTTING_DOWN)
        try:
            line = await self._read_line(COMMAND_LIMIT)
        except LineTooLong as error:
            await self.push(error.smtp)
        else:
            self._reset_timeout()
            await self._obey(line)
        self._reset_timeout()
        self._commands += 1
        if self._errors > ERRORS or self._commands > COMMANDS:
            await self._end(TOO_MANY_ERRORS)
        if self.loop.time() > self._until:
            await self._end(TOO_LONG_HERE)

    async def _obey(self, line: bytes) -> None:
        """Carry one command out; whatever goes wrong, the client gets a reply that says nothing of our insides."""
        name, rest = (*line.split(None, 1), b"", b"")[:2]  # at any white space (RFC 5321, 4.1.1)
        command = name.decode("ascii", errors="replace").upper()
        if command in _OF_HTTP:
            await self._end("421 4.7.0 this is SMTP, good bye")
        method = self._smtp_methods.get(command)
        if method is None:
            await self.push("500 5.5.1 that command is not known here")
            return
        try:
            argument = rest.strip().decode("utf-8") or None
        except UnicodeDecodeError:
            await self.push("500 5.5.2 commands are ASCII, or UTF-8 where SMTPUTF8 is used")
            return
        if refusal := await self.before(command):
            await self.refuse(command, refusal)
            return
        try:
            await method(argument)
        except BridgeError as error:
            await self.refuse(command, error.smtp)
        except ClientGone:
            await self._end(GONE)
        except (_Over, ConnectionError, asyncio.IncompleteReadError, TLSSetupException):
            raise
        except Exception as error:  # noqa: BLE001 - our own trouble is temporary, and its text is nobody else's business
            self._events.intake_failed(client=self.client_shown(), error=error)
            await self.refuse(command, OWN_TROUBLE)

    async def refuse(self, verb: str, reply: str) -> None:
        """A refusal, told to the client and to the log."""
        self._events.mail_refused(client=self.client_shown(), verb=verb, reply=reply)
        await self.push(reply)

    async def ask(self, challenge: str) -> bytes:
        """Put a question within AUTH; the answer without its line end."""
        await self.push(f"334 {challenge}")
        return await self._read_line(ANSWER_LIMIT)

    async def _read_line(self, limit: int) -> bytes:
        """The next line without its end. Raises LineTooLong once the whole of a longer one has gone by."""
        size, self._busy = 0, False
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as error:
                size += len(await self._reader.read(error.consumed))
                if size > ENDLESS_LINE:
                    await self._end("421 4.7.0 that line has no end, good bye")
                continue
            size, self._busy = size + len(line), True
            if size > limit:
                raise LineTooLong(f"that line is too long; {limit} octets at most")
            return line.rstrip(b"\r\n")

    async def _end(self, reply: str) -> None:
        """Say good bye and raise what ends the session."""
        await self.push(reply)
        raise _Over

    async def smtp_QUIT(self, arg: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's way of naming
        await self._end("221 2.0.0 good bye")

    # DATA

    def receive(self, decoder: Decoder, sink: Sink) -> DataStream:
        """From here on what comes is a message; what came already is its beginning."""
        assert isinstance(self.transport, asyncio.Transport)
        self._stream, self._seen = DataStream(decoder, self.transport, sink), 0
        self._message_until = self.loop.time() + MESSAGE_SECONDS
        buffered = bytes(self._reader._buffer)  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
        if buffered:
            self._reader._buffer.clear()  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
            self._reader._maybe_resume_transport()  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
            self.data_received(buffered)
        if self._reader.at_eof() or self._reader._eof:  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
            self._stream.feed_end()
        if self._stream.open:
            self.transport.set_protocol(DataReceiver(self))
        return self._stream

    def in_message(self) -> bool:
        """Whether what comes next belongs to a message whose end has not come."""
        return self._stream is not None and self._stream.open

    def received(self) -> None:
        """The message is through, or given up; lines come again."""
        self._speak_again()
        self._stream = None

    def productive(self) -> None:
        """A mail was taken on: the session has proved its worth."""
        self._errors = self._commands = 0

    async def hang_up(self, reply: str) -> None:
        """Refuse and end. Read on for a while and throw it away, so that the reply is not lost to a reset."""
        await self.push(reply)
        if isinstance(self.transport, asyncio.WriteTransport) and self.transport.can_write_eof():
            self.transport.write_eof()
        left = DRAIN_LIMIT
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0 and (chunk := await self._reader.read(READ_SIZE)):
                    left -= len(chunk)
        raise _Over
