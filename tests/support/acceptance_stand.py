"""The acceptor on a real store with a clock that stands still, without the SMTP server before it."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.fax.addresses import Mailbox, OwnMailbox
from bridge.fax.jobs import Fax, Message
from bridge.fax.options import Identity, LimitOptions, PolicyOptions
from bridge.fax.policy import Permission, Policy
from bridge.fax.wishes import Notify
from bridge.intake.acceptance import Acceptor
from bridge.intake.content import Content
from bridge.intake.envelopes import FaxEnvelope, FaxRecipient, OwnRecipient
from bridge.intake.options import IntakeOptions
from bridge.intake.own import Client
from bridge.mail.headers import read_headers
from bridge.mail.options import MailOptions
from bridge.store import StoredBlob, faxes, tables
from tests.support.store_bench import ADMIN, NUMBER, SENDER, Bench, open_bench

Statement = sa.Update | sa.Delete

CLIENT = "192.0.2.7"
OPTIONS = IntakeOptions(
    listeners=(), domains=("fax.local",), hostname="mx.fax.local", max_message_size=1_000_000, admin=ADMIN
)
MAIL = MailOptions("Fax <fax@fax.local>", "mx.fax.local", "fax.local", ADMIN)
FIELDS = {
    "Received": "from a by b; Mon, 23 Nov 2026 08:15:00 +0000",
    "Date": "Mon, 23 Nov 2026 08:14:59 +0000",
    "From": "Anna <anna@example.org>",
    "To": "+14155550101@fax.local",
    "Cc": "carl@example.org",
    "Subject": "results",
    "Message-ID": "<1@example.org>",
    "X-Fax-Option": "cover=none",
    "Content-Type": 'text/plain; charset="utf-8"',
    "Content-Transfer-Encoding": "8bit",
    "Content-Disposition": "inline",
}
BODY = b"One line of text.\r\n"


def a_mail(body: bytes = BODY, **changed: str | None) -> bytes:
    """A mail; fields by name (underscores for hyphens), None for a field that it does not have."""
    fields = FIELDS | {name.replace("_", "-"): value for name, value in changed.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return head.encode() + b"\r\n" + body


def permission(identity: Identity | None = None, **site: Any) -> Permission:
    """What the site lets everybody do, or what it lets one identity do."""
    policy = Policy(PolicyOptions(countries=frozenset({"US"}), identities=(identity,) if identity else (), **site))
    found = policy.of_login(identity.name) if identity else Permission(None, site.get("senders", ()), frozenset({"US"}))
    assert found is not None
    return found


@dataclass
class Stand:
    """One acceptor, and mails for it."""

    bench: Bench
    options: IntakeOptions = OPTIONS
    mail: MailOptions = MAIL
    given: list[StoredBlob] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.acceptor = Acceptor(self.bench.desk, self.options, self.mail)

    def change(self, **options: Any) -> None:
        """Go on with other options, as after a restart."""
        self.options = replace(self.options, **options)
        self.acceptor = Acceptor(self.bench.desk, self.options, self.mail)

    def answered_at(self, domain: str) -> None:
        """Go on as a site whose notices can be answered."""
        self.mail = replace(self.mail, reply_domain=domain)
        self.change()

    async def submit(
        self,
        *numbers: str,
        mail: bytes | None = None,
        client: str = CLIENT,
        sender: str = SENDER,
        under: Permission | None = None,
        notify: Notify | None = None,
        own: bool = False,
        **envelope: Any,
    ) -> str:
        """One mail to these numbers, as the server hands it on; the id that the client gets."""
        content = a_mail() if mail is None else mail
        writer = self.bench.store.blobs.writer(self.bench.ids.file_name())
        writer.write(content)
        stored = await writer.commit()
        self.given.append(stored)
        wishes = None if notify is None else frozenset({notify})
        made = FaxEnvelope(
            sender=sender,
            permission=under or permission(),
            faxes=[
                FaxRecipient(f"{number}@fax.local", number, notify=wishes)
                for number in numbers or (() if own else (NUMBER,))
            ],
            own=[OwnRecipient("postmaster@fax.local", OwnMailbox(Mailbox.POSTMASTER))] if own else [],
        )
        for name, value in envelope.items():
            setattr(made, name, value)
        body = hashlib.sha256(content.partition(b"\r\n\r\n")[2]).hexdigest()
        head = content[: content.find(b"\r\n\r\n") + 4] if b"\r\n\r\n" in content else content
        whole = Content(stored, body, head, read_headers(head))
        return await self.acceptor.accept(Client(client, "copier.example.org"), made, whole)

    def meanwhile(self, patch: pytest.MonkeyPatch, change: Callable[[int], Statement | None]) -> list[int]:
        """Let ``change`` happen in the store before each later try to take a mail on; returns the tries' numbers."""
        write = self.bench.store.write
        tries: list[int] = []

        async def interfering(unit: Any) -> Any:
            tries.append(len(tries))
            if tries[-1] and (statement := change(tries[-1])) is not None:
                await write(lambda connection: connection.execute(statement))
            return await write(unit)

        patch.setattr(self.bench.store, "write", interfering)
        return tries

    async def faxes(self) -> list[Fax]:
        """All faxes, oldest first."""
        query = sa.select(tables.fax).order_by(tables.fax.c.id)
        return await self.bench.store.read(
            lambda connection: [faxes.from_row(row) for row in connection.execute(query)]
        )

    async def message(self, message_id: str) -> Message:
        """One mail that was taken on."""
        return await self.bench.store.read(lambda connection: faxes.message_of(connection, message_id))

    async def mails(self, event: str) -> Sequence[sa.Row[Any]]:
        """Outbox rows of that event, oldest first."""
        rows = await self.bench.rows(tables.outbox, tables.outbox.c.event == event)
        return sorted(rows, key=lambda row: str(row.id))

    async def used(self) -> int:
        """Faxes counted, over all days."""
        return sum(row.faxes for row in await self.bench.rows(tables.usage))

    async def nothing_lies_about(self) -> None:
        """Every blob that is on disk has a row that belongs to a mail, and no row lacks its blob."""
        rows = await self.bench.rows(tables.blob)
        named = {row.blob_id for table in (tables.message, tables.outbox) for row in await self.bench.rows(table)}
        assert self.bench.blob_files() == {row.id for row in rows} == named - {None}


@contextmanager
def a_stand(folder: Path, faxes_per_day: int = 5000, **changed: Any) -> Iterator[Stand]:
    """A stand whose store is closed at the end."""
    with open_bench(folder) as bench:
        yield Stand(bench, replace(OPTIONS, limits=LimitOptions(faxes_per_day=faxes_per_day), **changed))
