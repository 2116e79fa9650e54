"""The whole of it as real processes: the stand-in carrier, the daemon, and a mail sink here in the test's own loop."""

import asyncio
import contextlib
import email
import io
import json
import os
import re
import signal
import smtplib
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import httpx
import pikepdf
from aiosmtpd.smtp import SMTP, Envelope, Session
from PIL import Image

from tests.support.nursery import Nursery

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")

PATIENCE = 60.0
"""So long anything may take before a test gives up."""

ADMIN = "operator@example.org"
SENDER = "ward@example.org"
FALLBACK = "fallback@example.org"
FRONT_DESK = "front-desk@example.org"
HOOK_SECRET = "hook-secret-0123456789abcdef"
KEY = "sandbox-key"

DELIVERED, ALSO_DELIVERED, DELIVERED_TOO = "+14155550101", "+14155550102", "+14155550103"
OUR_NUMBER, OUR_OTHER_NUMBER = "+14155550100", "+14165550100"

_FAXBRIDGE = (sys.executable, "-m", "bridge.cli")


def a_pdf(pages: int = 1) -> bytes:
    """A small PDF whose pages have a line each: blank ones would be dropped."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page(page_size=(612, 792)).obj.Contents = pdf.make_stream(b"72 400 m 540 400 l S")
        pdf.save(out)
    return out.getvalue()


def a_picture(kind: str, mode: str, *, pages: int = 1, **how_saved: Any) -> bytes:
    """A picture file, as Pillow calls kind and mode."""
    out = io.BytesIO()
    frames = [Image.new(mode, (400, 500), 1 if mode == "1" else "white") for _ in range(pages)]
    for frame in frames:
        frame.paste(0 if mode == "1" else "black", (100, 100, 300, 110))
    frames[0].save(out, kind, append_images=frames[1:], **({"save_all": True} if pages > 1 else {}), **how_saved)
    return out.getvalue()


def page_count(pdf: bytes) -> int:
    """How many pages a PDF has; it must open."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return len(opened.pages)


def a_mail(
    *recipients: str,
    subject: str = "Lab results",
    body: str = "See the attachment.\n",
    files: Sequence[tuple[str, str, bytes]] = (),
    **headers: str,
) -> EmailMessage:
    """A mail to fax numbers; ``files`` are (name, type, content)."""
    mail = EmailMessage()
    mail["From"] = SENDER
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    for name, value in (("Date", formatdate()), ("Message-ID", make_msgid(domain="client.example.org"))):
        if name not in mail:
            mail[name] = value
    mail.set_content(body)
    for name, kind, content in files:
        maintype, _, subtype = kind.partition("/")
        mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return mail


SPLIT = "Überweisung Müller"
"""A subject that programs write so that a letter of it is split over two encoded words."""


def with_split_subject(mail: EmailMessage) -> EmailMessage:
    """The mail with that subject, as such a program writes it."""
    del mail["Subject"]
    mail.set_raw("Subject", "=?utf-8?B?w5xiZXJ3ZWlzdW5nIE3D?=\n =?utf-8?B?vGxsZXI=?=")
    return mail


def a_pdf_mail(*recipients: str, pages: int = 1, **more: Any) -> EmailMessage:
    """A mail with one PDF."""
    return a_mail(*recipients, files=[("results.pdf", "application/pdf", a_pdf(pages))], **more)


async def until(what: str, probe: Callable[[], Awaitable[T]], seconds: float = PATIENCE) -> T:
    """The first true answer of ``probe``; an AssertionError that names ``what`` if none comes in time."""
    last: T | None = None
    try:
        async with asyncio.timeout(seconds):
            while not (last := await probe()):  # noqa: ASYNC110 - what is waited for happens in other processes
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {seconds:g} s; last seen: {last!r}") from None
    return last


@dataclass(frozen=True)
class Caught:
    """A mail as the relay was given it."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        message = email.message_from_bytes(self.content, policy=modern)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def event(self) -> str:
        """``X-Fax-Event``; empty where there is none."""
        return str(self.message["X-Fax-Event"] or "")

    @property
    def text(self) -> str:
        """The part for people."""
        message = self.message
        first = next(part for part in message.walk() if part.get_content_type() == "text/plain")
        return str(first.get_content())

    @property
    def status(self) -> dict[str, str]:
        """Every field of ``message/delivery-status``, its blocks together."""
        (part,) = (part for part in self.message.walk() if part.get_content_type() == "message/delivery-status")
        blocks = [block for block in part.get_payload() if hasattr(block, "items")]
        assert len(blocks) == 2, part.as_string()
        return {name: str(value) for block in blocks for name, value in block.items()}

    @property
    def pdf(self) -> bytes:
        """The one PDF attached."""
        (part,) = (part for part in self.message.walk() if part.get_content_type() == "application/pdf")
        content = part.get_content()
        assert isinstance(content, bytes)
        return content


@dataclass
class MailSink:
    """The relay: takes every mail and keeps it, unless told to answer otherwise."""

    mails: list[Caught] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """For the next mails, in order: the reply to the end of DATA, instead of ``250``."""
    refused: list[Caught] = field(default_factory=list)
    before_answer: list[Callable[[], None]] = field(default_factory=list)
    """For the next mails, in order: what is done once the mail is there and before it is answered."""
    port: int = 0
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(self, hostname="sink.example.org", loop=loop), "127.0.0.1", self.port
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        content = envelope.original_content
        assert isinstance(content, bytes)
        sender = (envelope.mail_from or "").removeprefix("<>")  # aiosmtpd's way of writing the null sender
        caught = Caught(sender, tuple(envelope.rcpt_tos), content)
        reply = self.answers.pop(0) if self.answers else "250 2.0.0 Ok"
        (self.mails if reply.startswith("2") else self.refused).append(caught)
        self._came.set()
        if self.before_answer:
            self.before_answer.pop(0)()
        return reply

    async def wait(self, count: int = 1, *, event: str | None = None, to: str | None = None) -> list[Caught]:
        """At least ``count`` mails (of that event, to that address): all there are by then."""
        try:
            async with asyncio.timeout(PATIENCE):
                while len(found := self.those(event=event, to=to)) < count:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            there = [(mail.event, mail.recipients) for mail in self.mails]
            raise AssertionError(f"{count} mails ({event}, {to}) did not come; there are {there}") from None
        return found

    def those(self, *, event: str | None = None, to: str | None = None) -> list[Caught]:
        return [
            mail
            for mail in self.mails
            if (event is None or mail.event == event) and (to is None or mail.recipients == (to,))
        ]


class Child(Protocol):
    """What of a process is ours to handle."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...
    async def wait(self) -> int: ...


class Process:
    """A child of the test whose output is read as it comes; ended with the test whatever happens."""

    def __init__(self, child: Child, said: "asyncio.StreamReader") -> None:
        self.child = child
        self.lines: list[str] = []
        self._came = asyncio.Event()
        self._reading = asyncio.create_task(self._read(said))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    async def line(self, fits: Callable[[str], bool], what: str) -> str:
        """The first line that fits, which may have come already."""
        at = 0
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    self._came.clear()
                    for each in self.lines[at:]:
                        at += 1
                        if fits(each):
                            return each
                    assert not self._reading.done(), f"{what}: the process ended; it said:\n{self.output}"
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError(f"{what}: did not come; the process said:\n{self.output}") from None

    def send(self, number: signal.Signals) -> None:
        self.child.send_signal(number)

    async def ended(self) -> int:
        """Its exit status, once all it said was read."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({self._reading})
            return await self.child.wait()

    async def end(self) -> None:
        """Make sure that it is gone."""
        if self.child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.child.kill()
        await self.child.wait()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, said: asyncio.StreamReader) -> None:
        async for line in said:
            self.lines.append(line.decode(errors="replace").rstrip("\n"))
            self._came.set()
        self._came.set()


class Sandbox(Process):
    """``faxbridge sandbox``, and its control paths."""

    url: str
    http: httpx.AsyncClient

    async def get(self, path: str) -> Any:
        return (await self.http.get(f"{self.url}/sandbox/{path}")).raise_for_status().json()

    async def post(self, path: str, content: Json) -> Any:
        return (await self.http.post(f"{self.url}/sandbox/{path}", json=content)).raise_for_status().json()

    async def plan(self, *steps: Json, page_size: int | None = None) -> None:
        await self.post("plan", {"steps": steps, "page_size": page_size})

    async def tell(self, url: str) -> None:
        """Where its webhooks go from now on."""
        (await self.http.put(f"{self.url}/sandbox/hooks", json={"url": url})).raise_for_status()

    async def receive(self, **incoming: Any) -> Json:
        """A fax comes in for our customer. ``from_`` and ``to`` are numbers."""
        return dict(await self.post("receive", {name.rstrip("_"): value for name, value in incoming.items()}))

    async def taken(self, number: str | None = None) -> list[Json]:
        """The faxes it has taken (to that number)."""
        return [fax for fax in await self.get("faxes") if number in {None, fax["faxNumber"]}]

    async def asked(self, call: str) -> list[Json]:
        """The calls to one endpoint so far."""
        return [each for each in (await self.get("requests"))["requests"] if each["path"].endswith(call)]

    async def hooks(self) -> list[Json]:
        return list((await self.get("hooks"))["hooks"])


class Daemon(Process):
    """``faxbridge serve``."""

    smtp: tuple[str, int]
    http_url: str
    admin_url: str

    @property
    def log(self) -> list[Json]:
        """Its log lines; what isn't JSON is no log line, and a test says so elsewhere."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def events(self, event: str, **fields: Any) -> list[Json]:
        return [each for each in self.log if _fits(each, event, fields)]

    async def event(self, event: str, **fields: Any) -> Json:
        """The first log line of this kind with these fields, waited for."""
        line = await self.line(
            lambda text: text.startswith("{") and _fits(json.loads(text), event, fields), f"{event} {fields or ''}"
        )
        return dict(json.loads(line))

    async def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.send(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """``kill -9``."""
        self.send(signal.SIGKILL)
        assert await self.ended() == -signal.SIGKILL

    def deliver(self, mail: EmailMessage, *recipients: str, sender: str = SENDER, client_at: str = "127.0.0.1") -> str:
        """Hand a mail over with smtplib, blocking; the id that the ``250`` gave."""
        with smtplib.SMTP(*self.smtp, timeout=PATIENCE, source_address=(client_at, 0)) as client:
            client.ehlo("client.example.org")
            assert client.mail(sender)[0] == 250
            for recipient in recipients:
                code, text = client.rcpt(recipient)
                assert code == 250, (recipient, code, text)
            code, text = client.data(mail.as_bytes(policy=modern.clone(linesep="\r\n")))
        match = re.fullmatch(rb"2\.0\.0 Ok: ([0-9A-Z]{12})", text)
        assert code == 250, (code, text)
        assert match, text
        return match[1].decode()

    async def take(self, mail: EmailMessage, *numbers: str, sender: str = SENDER, client_at: str = "127.0.0.1") -> str:
        """Hand a mail over; the id that the ``250`` gave. Bare numbers are completed with our domain."""
        recipients = [number if "@" in number else f"{number}@fax.local" for number in numbers]
        return await asyncio.to_thread(self.deliver, mail, *recipients, sender=sender, client_at=client_at)


def _fits(line: Json, event: str, fields: Mapping[str, Any]) -> bool:
    return line.get("event") == event and all(line.get(name) == value for name, value in fields.items())


class Talk:
    """One SMTP session, line by line, for what no well-behaved client does."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def reply(self) -> str:
        """The next reply, its lines joined by a bar."""
        lines = []
        async with asyncio.timeout(PATIENCE):
            while line := (await self._reader.readline()).decode().rstrip("\r\n"):
                lines.append(line)
                if line[3:4] != "-":
                    break
        return "|".join(lines)

    async def say(self, line: str) -> str:
        """Send a line; its reply."""
        await self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def closed(self) -> bytes:
        """What still came, up to the end of the connection."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read()

    async def begin(self, *recipients: str, sender: str = SENDER) -> None:
        """Up to and with DATA."""
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith("250")
        for recipient in recipients:
            assert (await self.say(f"RCPT TO:<{recipient}@fax.local>")).startswith("250")
        assert (await self.say("DATA")).startswith("354")


@asynccontextmanager
async def talk_to(daemon: Daemon) -> AsyncIterator[Talk]:
    """An SMTP session that has said EHLO."""
    reader, writer = await asyncio.open_connection(*daemon.smtp)
    talk = Talk(reader, writer)
    try:
        assert (await talk.reply()).startswith("220")
        assert (await talk.say("EHLO client.example.org")).startswith("250")
        yield talk
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    status: int
    out: str
    err: str


class House:
    """A folder with everything in it: configuration, store, processes. Nothing is shared with another test."""

    def __init__(self, folder: Path, sink: MailSink, http: httpx.AsyncClient) -> None:
        self.folder = folder
        self.sink = sink
        self.http = http
        self.config = folder / "faxbridge.toml"
        self.database = folder / "store" / "faxbridge.db"
        self.processes: list[Process] = []
        self.daemons: list[Daemon] = []
        self.base_url = "http://127.0.0.1:9/v1"
        self.sandbox: Sandbox | None = None
        self.nursery: Nursery | None = None
        """Where daemons are forked, if their number makes that worth it."""
        self.troubled = False
        """Whether the test makes trouble at which workers may well fail, if only they go on."""

    def settings(self, **changes: Any) -> Json:
        """A configuration in which nothing goes out of this machine, with ``changes`` over its sections.

        A call that failed is not made again unless the test wants it.
        """
        whole: Json = {
            "ifax": {"base_url": self.base_url, "access_token": KEY, "calls_per_second": 100},
            "smtp": {"listeners": [{"address": "127.0.0.1:0"}], "domains": ["fax.local"], "hostname": "fax.local"},
            "relay": {"url": f"smtp://127.0.0.1:{self.sink.port}", "admin": ADMIN},
            "http": {"listen": ["127.0.0.1:0"], "hook_secrets": [HOOK_SECRET]},
            "admin": {"listen": ["127.0.0.1:0"]},
            "store": {"database": f"sqlite:///{self.database}", "blobs": str(self.folder / "store" / "blobs")},
            "receiving": {"recipients": [FALLBACK]},
            "retry": {key: {"attempts": 1} for key in ("busy", "no_answer", "voice", "line", "carrier")},
        }
        for section, values in changes.items():
            whole[section] = {**whole.get(section, {}), **values} if isinstance(values, dict) else values
        return whole

    def configure(self, **changes: Any) -> Path:
        """Write the configuration file; lists of tables come first, on a line each."""
        settings = self.settings(**changes)
        lines = [f"{key} = {_toml(value)}" for key, value in settings.items() if isinstance(value, list)]
        for section, values in settings.items():
            if isinstance(values, dict):
                lines.append(f"[{section}]")
                lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
        self.config.write_text("\n".join(lines) + "\n")
        return self.config

    async def start_sandbox(self, port: int = 0) -> Sandbox:
        sandbox = Sandbox(*await self._spawn("sandbox", "--listen", f"127.0.0.1:{port}", read="stdout"))
        self.processes.append(sandbox)
        line = await sandbox.line(lambda text: "base_url" in text, "the stand-in starts")
        match = re.search(r'"(http://127\.0\.0\.1:\d+)/v1"', line)
        assert match, line
        sandbox.url, sandbox.http = match[1], self.http
        self.base_url = f"{sandbox.url}/v1"
        self.sandbox = sandbox
        return sandbox

    async def start_daemon(self, *under: str) -> Daemon:
        """``faxbridge serve`` with the configuration as it was last written, up to where it listens everywhere."""
        daemon = await self.spawn_daemon(*under)
        await self.is_up(daemon)
        return daemon

    async def spawn_daemon(self, *under: str, **environment: str) -> Daemon:
        """The same, only just begun: it may die before it listens."""
        words = ("serve", "--config", str(self.config))
        if self.nursery is not None:
            whole = self._environment() | environment
            daemon = Daemon(*await self.nursery.start(*words, folder=self.folder, environment=whole))
        else:
            daemon = Daemon(*await self._spawn(*words, read="stderr", under=under, environment=environment))
        self.processes.append(daemon)
        self.daemons.append(daemon)
        return daemon

    async def is_up(self, daemon: Daemon) -> None:
        """Return when it listens everywhere and the carrier knows where."""
        at = {
            what: (await daemon.event("daemon.listening", what=what))["address"] for what in ("smtp", "http", "admin")
        }
        host, _, port = at["smtp"].rpartition(":")
        daemon.smtp = (host, int(port))
        daemon.http_url, daemon.admin_url = f"http://{at['http']}", f"http://{at['admin']}"
        if self.sandbox is not None and self.sandbox.child.returncode is None:
            await self.sandbox.tell(self.hook_url(daemon))

    def hook_url(self, daemon: Daemon) -> str:
        """What stands in the carrier's dashboard."""
        return f"{daemon.http_url}/hooks/ifax/{HOOK_SECRET}"

    async def start(self, **changes: Json) -> tuple[Sandbox, Daemon]:
        """Both, the daemon having had its first look at the carrier's list."""
        sandbox = await self.start_sandbox()
        self.configure(**changes)
        daemon = await self.start_daemon()
        await daemon.event("poll.done")
        return sandbox, daemon

    async def run(self, *arguments: str, config: bool = True, under: Sequence[str] = (), **environment: str) -> Ran:
        """One command of the shell to its end, started by ``under`` where that is given."""
        words = [*arguments, "--config", str(self.config)] if config else arguments
        child = await asyncio.create_subprocess_exec(
            *under,
            *_FAXBRIDGE,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env=self._environment() | environment,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                out, err = await child.communicate()
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        assert child.returncode is not None
        return Ran(child.returncode, out.decode(), err.decode())

    async def run_json(self, *arguments: str) -> Any:
        """What a command prints with ``--json``, which must be one document and nothing else."""
        ran = await self.run(*arguments, "--json")
        assert (ran.status, ran.err) == (0, "")
        return json.loads(ran.out)

    def rows(self, query: str, *values: Any) -> list[Json]:
        """What the database holds."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=PATIENCE)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def fax(self, number: str) -> Json:
        """The one outgoing fax to that number."""
        (row,) = self.rows("SELECT * FROM fax WHERE number = ?", number)
        return row

    async def fax_in(self, number: str, *states: str) -> Json:
        """That fax, once it is in one of these states."""

        async def probe() -> Json | None:
            found = self.rows("SELECT * FROM fax WHERE number = ?", number)
            return found[0] if found and found[0]["state"] in states else None

        row = await until(f"the fax to {number} is {' or '.join(states)}", probe)
        assert row is not None
        return row

    def hurry(self) -> None:
        """Make everything that waits for a later try due at once, as an operator's ``retry`` will."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=PATIENCE)) as connection, connection:
            connection.execute("UPDATE fax SET due_at = created_at WHERE due_at IS NOT NULL")
            connection.execute("UPDATE destination SET due_at = (SELECT min(created_at) FROM fax) WHERE due_at NOTNULL")
            for table in ("outbox", "received"):
                connection.execute(f"UPDATE {table} SET due_at = created_at WHERE due_at IS NOT NULL")

    async def settled(self, seconds: float = PATIENCE) -> None:
        """Nothing is owed any more: every mail has left."""

        async def probe() -> bool:
            return not self.rows("SELECT id FROM outbox WHERE state = 'waiting'")

        await until("every mail has left", probe, seconds)

    async def close(self) -> None:
        """End what still runs; every daemon must end well, and none may ever have failed at its work."""
        try:
            for daemon in self.daemons:
                if daemon.child.returncode is None:
                    assert await daemon.stop() == 0, daemon.output
                strange = [line for line in daemon.lines if not line.startswith("{") or self._says_failed(line)]
                assert not strange, "\n".join(strange)
        finally:
            for process in self.processes:
                await process.end()

    def _says_failed(self, line: str) -> bool:
        return not self.troubled and '"worker.failed"' in line

    async def _spawn(
        self, *arguments: str, read: str, under: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader]:
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        child = await asyncio.create_subprocess_exec(
            *under,
            *_FAXBRIDGE,
            *arguments,
            stdin=null,
            stdout=pipe if read == "stdout" else null,
            stderr=pipe if read == "stderr" else null,
            cwd=self.folder,
            env=self._environment() | dict(environment or {}),
        )
        said = child.stdout if read == "stdout" else child.stderr
        assert said is not None
        return child, said

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "TZ": "America/New_York",  # nothing of ours may lean on the machine's zone
        }


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(value)


@asynccontextmanager
async def a_house(folder: Path) -> AsyncIterator[House]:
    """A house with its mail sink, cleared away at the end."""
    async with MailSink().listening() as sink, httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        house = House(folder, sink, http)
        try:
            yield house
        finally:
            await house.close()
