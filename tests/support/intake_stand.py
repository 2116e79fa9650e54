"""A desk on a real store, and on it the SMTP server on a free loopback port, for the length of a test."""

import asyncio
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

from bridge.fax.options import PolicyOptions
from bridge.intake import listeners
from bridge.intake.certificates import Certificates
from bridge.intake.connection import Connection
from bridge.intake.listeners import Listeners
from bridge.intake.options import IntakeOptions, ListenerOptions, Profile
from bridge.intake.parts import Intake
from bridge.intake.proof import Prover
from bridge.mail.options import MailOptions
from bridge.runtime.clock import Clock, SystemClock
from bridge.runtime.events import Events
from bridge.runtime.ids import Ids
from bridge.runtime.worker import Bells
from bridge.store import Store
from bridge.store.desk import Desk
from bridge.store.options import StoreOptions

PATIENCE = 8.0
"""Seconds a test waits for what must come."""

SENDER = "office@example.org"
NUMBER = "+14155550123"
MAIL = b"From: office@example.org\r\nSubject: a test\r\n\r\nOne line of text.\r\n"
"""A mail as it stands between 354 and the final dot; a strict listener would miss Date and Message-ID in it."""

FORMAL_MAIL = b"Date: Mon, 23 Nov 2026 08:15:30 +0000\r\nMessage-ID: <1@client.example.org>\r\n" + MAIL

LISTENER = ListenerOptions("127.0.0.1", 0, profile=Profile.LEGACY)
"""What most tests talk to. Those of the strict profile say so."""

OPTIONS = IntakeOptions(
    listeners=(LISTENER,),
    domains=("fax.local", "fax.example.net"),
    hostname="mx.fax.local",
    max_message_size=1_000_000,
    admin="admin@example.org",
)
MAIL_OPTIONS = MailOptions(
    sender="Fax <fax@fax.local>", hostname="mx.fax.local", domain="fax.local", admin="admin@example.org"
)
POLICY = PolicyOptions(networks=(ip_network("127.0.0.0/8"),), countries=frozenset({"US", "CA"}))


@dataclass
class Kept:
    """A store's folder, looked at from outside: files by path, rows through a connection of its own."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "faxbridge.db"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What another process would see: committed rows only."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def alter(self, statement: str) -> None:
        """Change the database behind the daemon's back."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)

    def files(self) -> list[Path]:
        """Every file in the blob folder, half-written ones too."""
        return sorted(path for path in (self.folder / "blobs").rglob("*") if path.is_file())

    def plain(self, blob_id: str) -> bytes:
        """A blob's bytes: from its row, or from behind the header of its file."""
        [(content,)] = self.rows(f"SELECT content FROM blob WHERE id = '{blob_id}'")
        if content is not None:
            return bytes(content)
        return (self.folder / "blobs" / blob_id[:2] / blob_id).read_bytes()[8:]

    def counts(self) -> tuple[int, int, int]:
        """How many messages, faxes and blobs have rows."""
        [counts] = self.rows(
            "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM fax), (SELECT count(*) FROM blob)"
        )
        return int(counts[0]), int(counts[1]), int(counts[2])

    def faxes(self) -> list[tuple[str, str]]:
        """Address as given and number of each fax, in the order they were taken on."""
        return [(str(a), str(b)) for a, b in self.rows("SELECT recipient, number FROM fax ORDER BY id")]


@contextmanager
def a_desk(folder: Path) -> Iterator[tuple[Desk, Kept]]:
    """A desk on a fresh SQLite store in ``folder``, with the machine's clock."""
    store = Store.open_alone(StoreOptions(database=folder / "faxbridge.db", blobs=folder / "blobs"))
    clock = SystemClock()
    try:
        yield Desk(store, clock, Ids(clock), Bells(), Events()), Kept(folder)
    finally:
        store.close()


@dataclass
class Dialogue:
    """One raw SMTP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> str:
        """The next whole reply, lines joined by newlines; empty when the connection has ended."""
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    raw = await self.reader.readline()
                except ConnectionResetError:
                    return ""
                if not raw:
                    return "\n".join(lines)
                assert raw.endswith(b"\r\n")
                line = raw[:-2].decode("ascii")
                lines.append(line)
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def say(self, line: str | bytes) -> str:
        """One command and its reply."""
        await self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return await self.reply()

    async def rest(self) -> list[str]:
        """All replies up to the end of the connection."""
        found = []
        while reply := await self.reply():
            found.append(reply)
        return found

    async def envelope(self, *recipients: str, sender: str = SENDER) -> Self:
        """MAIL and RCPTs, all of which must be taken."""
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith("250 ")
        for recipient in recipients or (f"{NUMBER}@fax.local",):
            answer = await self.say(f"RCPT TO:<{recipient}>")
            assert answer.startswith("250 "), answer
        return self

    async def data(self, content: bytes = MAIL) -> str:
        """DATA with these bytes (dots and all as they are) and the end; the reply after it."""
        assert (await self.say("DATA")).startswith("354 ")
        await self.send(content + b".\r\n")
        return await self.reply()

    def close(self) -> None:
        self.writer.close()


@dataclass
class Site:
    """The SMTP server as it runs."""

    port: int
    kept: Kept
    desk: Desk
    intake: Intake
    listeners: Listeners
    stop: asyncio.Event
    running: asyncio.Task[None]
    certificates: Certificates | None = None
    open: list[Dialogue] = field(default_factory=list)

    async def connect(self) -> Dialogue:
        """A bare connection; nothing is read yet."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.open.append(Dialogue(reader, writer))
        return self.open[-1]

    async def greeted(self, hello: str = "EHLO client.example.org") -> Dialogue:
        """A connection that has said hello."""
        line = await self.connect()
        assert (await line.reply()).startswith("220 ")
        assert (await line.say(hello)).startswith("250")
        return line

    @property
    def sessions(self) -> list[Connection]:
        return list(self.listeners._sessions)

    async def until_no_sessions(self) -> None:
        """Return when every session has ended."""
        await until(lambda: not self.sessions)


async def until(holds: Any, patience: float = PATIENCE) -> None:
    """Return as soon as ``holds()`` is true; fail after ``patience`` seconds."""
    async with asyncio.timeout(patience):
        while not holds():  # noqa: ASYNC110 - files, rows and processes have no event
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


def a_pair(folder: Path, name: str = "mx.fax.local") -> Pair:
    """A self-signed certificate for a day, made by the openssl command."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = Pair(folder / "certificate.pem", folder / "key.pem")
    names = f"subjectAltName=DNS:{name},IP:127.0.0.1"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
    ]
    files = ["-days", "1", "-keyout", str(pair.key), "-out", str(pair.certificate)]
    subprocess.run([*command, "-subj", f"/CN={name}", "-addext", names, *files], check=True, capture_output=True)
    return pair


@asynccontextmanager
async def a_site(
    folder: Path,
    policy: PolicyOptions = POLICY,
    *,
    listener: ListenerOptions = LISTENER,
    pair: Pair | None = None,
    prover: Prover | None = None,
    clock: Clock | None = None,
    **changes: Any,
) -> AsyncIterator[Site]:
    """The SMTP server on a free port with one listener; ``changes`` to its options, ``clock`` that of the logins."""
    options = replace(OPTIONS, listeners=(listener,), **changes)
    with a_desk(folder) as (desk, kept):
        intake = Intake.build(desk, options, policy, MAIL_OPTIONS, prover=prover, clock=clock)
        certificates = None if pair is None else Certificates(pair.certificate, pair.key, desk.events)
        [bound] = listeners.bind(listener, {})
        serving, stop = Listeners(intake, [(listener, bound)], certificates), asyncio.Event()
        running = asyncio.create_task(serving.run(stop))
        site = Site(bound.getsockname()[1], kept, desk, intake, serving, stop, running, certificates)
        try:
            yield site
        finally:
            for line in site.open:
                line.close()
            stop.set()
            async with asyncio.timeout(PATIENCE):
                await running
            bound.close()
            intake.close()
