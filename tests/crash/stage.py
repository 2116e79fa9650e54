"""A house whose daemon dies again and again, and whoever has dealings with it: clients, the carrier, mailboxes."""

import asyncio
import contextlib
import io
import json
import random
import re
import signal
import smtplib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import make_msgid
from itertools import cycle
from pathlib import Path

from PIL import Image

from bridge.runtime.crash import VARIABLE, Point
from bridge.store.writing import HEADER
from tests.crash.books import Books, OwnBooks, SharedBooks
from tests.crash.invariants import ATTEMPTS
from tests.crash.record import Acknowledged, Arrived, Call, Death, Handed, Incoming, Record
from tests.support.nursery import Nursery
from tests.support.postgresql import Cluster
from tests.support.processes import (
    HOOK_SECRET,
    PATIENCE,
    SENDER,
    Daemon,
    House,
    Json,
    Sandbox,
    a_house,
    a_mail,
    a_pdf_mail,
    until,
)

AREAS = (303, 305, 312, 404, 503, 512, 602, 617, 702, 713, 718, 801, 816, 901, 916)
"""Where all faxes arrive: no number of these means anything to the stand-in."""

OPEN = (
    "SELECT id, state FROM fax WHERE state IN ('accepted', 'ready', 'submitting', 'sending') OR settle_at IS NOT NULL"
    " UNION ALL SELECT id, state FROM received WHERE state IN ('announced', 'fetched', 'routed')"
    " UNION ALL SELECT id, state FROM outbox WHERE state = 'waiting'"
    " UNION ALL SELECT id, 'untold' FROM outbox WHERE state = 'failed' AND told_by IS NULL AND kind <> 'admin'"
    " UNION ALL SELECT id, 'preview' FROM preview WHERE done_at IS NULL"
    " UNION ALL SELECT id, 'reply' FROM reply WHERE done_at IS NULL"
    " UNION ALL SELECT id, 'asked' FROM command WHERE done_at IS NULL"
    " UNION ALL SELECT key, what FROM suspect WHERE what <> 'document'"
    " UNION ALL SELECT id, 'held' FROM fax WHERE lease_owner IS NOT NULL"
    " UNION ALL SELECT carrier_job_id, 'held' FROM inquiry WHERE lease_owner IS NOT NULL"
    " UNION ALL SELECT number, 'held' FROM destination WHERE lease_owner IS NOT NULL"
)
"""What is not at its end yet, or in somebody's hand, be he dead: evidence may move what seems to be at its end."""

LONG_PATIENCE = 240.0
"""For the work of many lives to be finished, on a machine that has other things to do."""


class Stage:
    """One house, with a seat for each daemon. Their ports stay the same from life to life, as a site's do."""

    def __init__(self, house: House, nursery: Nursery, books: Books) -> None:
        self.house = house
        house.nursery = nursery
        self.books = books
        self.handed: dict[str, Handed] = {}
        self.deaths: list[Death] = []
        self._numbers = _numbers()
        self._clients: list[asyncio.Task[None]] = []
        self._ports = [(_free_port(), _free_port()) for _ in range(books.seats)]
        self._doors = cycle(smtp for smtp, _ in self._ports)
        self._carrier: Sandbox | None = None

    @property
    def carrier(self) -> Sandbox:
        """The stand-in."""
        assert self._carrier is not None
        return self._carrier

    async def build(self, poll_interval: str) -> None:
        """Everything but the daemon."""
        self._carrier = await self.house.start_sandbox()
        self.house.configure(
            ifax={"first_poll": "300ms", "stall_timeout": "2s", "settle_window": "2s"},
            store=self.books.settings,
            policy={"senders": [SENDER]},
            relay={"reply_domain": "fax.local"},
            receiving={"poll_interval": poll_interval},
            retry={
                outcome: {"attempts": attempts, "delays": ["200ms", "600ms"]} for outcome, attempts in ATTEMPTS.items()
            },
        )
        await self._carrier.tell(f"http://127.0.0.1:{self._ports[0][1]}/hooks/ifax/{HOOK_SECRET}")
        if self.books.seats > 1:
            ran = await self.house.run("migrate")
            assert (ran.status, ran.err) == (0, "")

    async def first_life(self) -> None:
        """A daemon that has its first look at the carrier's list, after which nothing counts as backlog."""
        daemon = await self.begin()
        await self.house.is_up(daemon)
        await daemon.event("poll.done")
        await self.kill(daemon)

    async def begin(self, point: Point | None = None, nth: int = 1, *, seat: int = 0) -> Daemon:
        """The next life on a seat, which may be bound to end at a point."""
        smtp, http = self._ports[seat]
        environment = {
            "FAXBRIDGE_SMTP__LISTENERS": json.dumps([{"address": f"127.0.0.1:{smtp}"}]),
            "FAXBRIDGE_HTTP__LISTEN": f"127.0.0.1:{http}",
        }
        if point is not None:
            environment[VARIABLE] = f"{point}:{nth}"
        return await self.house.spawn_daemon(**environment)

    async def kill(self, daemon: Daemon) -> None:
        """End a life now."""
        daemon.send(signal.SIGKILL)
        await self.bury(daemon)

    async def bury(self, daemon: Daemon, point: str = "") -> None:
        """Wait for the end of a life, and note what it still owed."""
        try:
            assert await daemon.ended() == -signal.SIGKILL, daemon.output
        except TimeoutError:
            raise AssertionError(f"did not die {point and f'at {point}'}; it said:\n{daemon.output}") from None
        owed = self.books.left("SELECT message_id FROM outbox WHERE state = 'waiting'")
        self.deaths.append(Death(point, frozenset(row["message_id"] for row in owed)))

    def number(self) -> str:
        """A fax number that no fax went to yet."""
        return next(self._numbers)

    def hand_in(self, mail: EmailMessage, *numbers: str) -> None:
        """A client that tries until it has its 250, as mail servers do."""
        message_id = str(mail["Message-ID"])
        self.handed[message_id] = Handed(message_id, numbers, None)
        self._clients.append(asyncio.create_task(self._try_on(mail, self.handed[message_id], numbers)))

    def ask_for_a_preview(self) -> None:
        """Such a client whose mail is to be looked at, and not to be faxed."""
        mail = a_pdf_mail("preview")
        handed = self.handed[str(mail["Message-ID"])] = Handed(str(mail["Message-ID"]), (), None, preview=True)
        self._clients.append(asyncio.create_task(self._try_on(mail, handed, ("preview",))))

    def answer(self, notice: EmailMessage, line: str) -> None:
        """Such a client whose mail answers a notice."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Message-ID"] = SENDER, notice["Reply-To"], make_msgid(domain="client.example")
        mail.set_content(f"{line}\n")
        handed = self.handed[str(mail["Message-ID"])] = Handed(str(mail["Message-ID"]), (), None)
        local, _, _ = str(notice["Reply-To"]).partition("@")
        self._clients.append(asyncio.create_task(self._try_on(mail, handed, (local,))))

    async def _try_on(self, mail: EmailMessage, handed: Handed, local_parts: Sequence[str]) -> None:
        content = mail.as_bytes(policy=modern.clone(linesep="\r\n"))

        async def once() -> str | None:
            recipients = [f"{each}@fax.local" for each in local_parts]
            return await asyncio.to_thread(_hand_over, next(self._doors), content, SENDER, recipients)

        answer = await until(f"mail for {', '.join(local_parts)} has its 250", once, LONG_PATIENCE)
        self.handed[handed.message_id] = replace(handed, answer=answer)

    def asked_for(self, number: str) -> None:
        """A fax to that number that no client hands in."""
        self.handed[number] = Handed(number, (number,), None)

    async def send_back(self, sender: str) -> None:
        """A mail of ours comes back to the address it came from; the other side tries until we have it."""
        report = b"Subject: Mail delivery failed\r\nX-Failed-Recipients: x@example.org\r\n\r\nno such mailbox\r\n"

        async def once() -> str | None:
            return await asyncio.to_thread(_hand_over, next(self._doors), report, "", [sender])

        await until("the bounce has its 250", once, LONG_PATIENCE)

    async def half_a_mail(self, number: str) -> None:
        """A client that sends the beginning of a message and waits; it does not come again."""
        mail = a_big_mail(number)
        self.handed[str(mail["Message-ID"])] = Handed(str(mail["Message-ID"]), (number,), None)

        async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", next(self._doors))
            return None

        opened = await until("somebody listens", connected)
        assert opened is not None
        reader, writer = opened
        for line in ("EHLO client.example.org", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{number}@fax.local>", "DATA"):
            writer.write(line.encode() + b"\r\n")
        with contextlib.suppress(OSError):
            while not (await reader.readline()).startswith(b"354"):
                pass
            content = mail.as_bytes().replace(b"\n", b"\r\n")
            writer.write(content[: len(content) // 2])
            await writer.drain()
            await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def quiet(self) -> None:
        """Return when every client has its 250 and nothing is left to do; the carrier's own retries apart."""
        await asyncio.gather(*self._clients)

        async def open_ends() -> list[Json]:
            known = {(row["carrier_job_id"]) for row in self.books.rows("SELECT carrier_job_id FROM received")}
            unheard = [fax for fax in await self.carrier.get("received") if str(fax["jobId"]) not in known]
            calls = [fax for fax in await self.carrier.taken() if not fax["finished"]]
            return [*self.books.rows(OPEN), *unheard, *calls]

        left: list[Json] = []

        async def probe() -> bool:
            left[:] = await open_ends()
            return not left

        try:
            await until("all is quiet", probe, LONG_PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}; still open: {left}") from None

    async def record(self) -> Record:
        """What everybody knows."""
        rows = self.books.rows
        return Record(
            handed=tuple(self.handed.values()),
            calls=tuple(_call(fax) for fax in await self.carrier.taken()),
            incoming=tuple(
                Incoming(str(fax["jobId"]), str(fax["transactionId"])) for fax in await self.carrier.get("received")
            ),
            hooks=tuple(_acknowledged(await self.carrier.hooks())),
            arrived=tuple(
                Arrived(
                    str(mail.message["Message-ID"]),
                    mail.event,
                    mail.recipients[0],
                    str(mail.message["X-Fax-Id"]),
                    mail.content,
                )
                for mail in self.house.sink.mails
            ),
            deaths=tuple(self.deaths),
            faxes=tuple(rows("SELECT * FROM fax")),
            attempts=tuple(rows("SELECT * FROM attempt")),
            received=tuple(rows("SELECT * FROM received")),
            evidence=tuple(rows("SELECT * FROM evidence")),
            outbox=tuple(rows("SELECT * FROM outbox")),
            previews=tuple(rows("SELECT * FROM preview")),
            missing=tuple(self._missing()),
        )

    def _missing(self) -> Iterator[str]:
        """Blobs that are not there, or not in their length; their digests the daemon itself looks at."""
        blobs = Path(self.books.settings["blobs"])
        for row in self.books.rows("SELECT id, size FROM blob WHERE content IS NULL"):
            path = blobs / row["id"][:2] / row["id"]
            if not path.exists() or path.stat().st_size != row["size"] + len(HEADER):
                yield row["id"]


@asynccontextmanager
async def a_stage(
    folder: Path, nursery: Nursery, *, poll_interval: str = "1s", cluster: Cluster | None = None
) -> AsyncIterator[Stage]:
    """A stage with its carrier and mailboxes; nobody has lived there yet. With a server it is for two daemons."""
    async with a_house(folder) as house:
        stage = Stage(house, nursery, OwnBooks(house) if cluster is None else SharedBooks(cluster, house))
        await stage.build(poll_interval)
        try:
            yield stage
        finally:
            for client in stage._clients:
                client.cancel()
            await asyncio.gather(*stage._clients, return_exceptions=True)


def a_big_mail(*numbers: str) -> EmailMessage:
    """One whose message, pages and call are each larger than what lies in a row or goes in one piece."""
    noise = Image.frombytes("L", (500, 500), random.Random(1).randbytes(250_000))
    picture = io.BytesIO()
    noise.save(picture, "PNG")
    return a_mail(*numbers, files=[("noise.png", "image/png", picture.getvalue())])


def divided(mail: EmailMessage, count: int) -> Iterator[EmailMessage]:
    """The pieces into which a machine divides a mail (RFC 2046, 5.2.2)."""
    lines = mail.as_bytes(policy=modern.clone(linesep="\r\n")).splitlines(keepends=True)
    size = -(-len(lines) // count)
    for number in range(1, count + 1):
        piece = EmailMessage()
        for field in ("From", "To", "Subject", "Date"):
            piece[field] = mail[field]
        piece["Message-ID"] = make_msgid(domain="client.example")
        piece["Content-Type"] = f'message/partial; id="{mail["Message-ID"]}"; number={number}; total={count}'
        piece.set_payload(b"".join(lines[(number - 1) * size : number * size]).decode("ascii"))
        yield piece


def _hand_over(port: int, content: bytes, sender: str, recipients: Sequence[str]) -> str | None:
    """The id that the 250 gave; None if nobody was there, or went away meanwhile, or said "later"."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            client.ehlo("client.example.org")
            client.mail(sender)
            for recipient in recipients:
                client.rcpt(recipient)
            code, text = client.data(content)
    except (OSError, smtplib.SMTPException):
        return None
    if 400 <= code < 500:
        return None
    match = re.fullmatch(rb"2\.0\.0 Ok: ([0-9A-Z]{12})", text)
    assert match, (code, text)
    return match[1].decode()


def _numbers() -> Iterator[str]:
    return (f"+1{area}55501{last:02}" for area in AREAS for last in range(100))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _call(fax: Json) -> Call:
    delivered = fax["state"] == "delivered"
    return Call(
        str(fax["jobId"]),
        fax["faxNumber"],
        fax["received_at"],
        fax["ended_at"],
        delivered=delivered,
        code=fax["code"],
        went=fax["transferred"],
    )


def _acknowledged(hooks: Sequence[Json]) -> Iterator[Acknowledged]:
    taken: Counter[tuple[str, str, str]] = Counter()
    for hook in hooks:
        body = hook["body"]
        direction = "in" if body["direction"] == "inbound" else "out"
        times = sum(isinstance(answer, int) and 200 <= answer < 300 for answer in hook["answers"])
        taken[direction, str(body["jobId"]), str(body["transactionId"])] += times
    return (Acknowledged(*key, times) for key, times in taken.items() if times)
