"""From an envelope and a message on disk to rows: everything in one transaction, and only then the ``250``."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bridge.errors import Permanent, Refused
from bridge.fax.arrivals import Mail, MailKind
from bridge.fax.jobs import Fax, Message
from bridge.fax.states import FaxState
from bridge.intake.envelopes import FaxEnvelope, OwnRecipient
from bridge.intake.options import IntakeOptions
from bridge.mail import forwarding, headers
from bridge.mail.headers import HEADER_LIMIT
from bridge.runtime.worker import Bell
from bridge.store import StoredBlob, blobs, faxes, outbox
from bridge.store.desk import Desk

MAX_HOPS = 30


class TooManyHops(Permanent):
    """The mail goes round in circles."""

    reply = "554 5.4.6"


@dataclass(frozen=True, slots=True)
class Client:
    """Who speaks to us: the IP address and the name it gave."""

    address: str
    helo: str


class Acceptor:
    """Takes on mails: judges what only their content tells, then writes message, faxes and forwards together."""

    def __init__(self, desk: Desk, options: IntakeOptions) -> None:
        self._desk = desk
        self._options = options

    async def accept(self, client: Client, envelope: FaxEnvelope, stored: StoredBlob) -> str:
        """The id of the new message row, once it is on disk with its faxes.

        Raises Refused or TooManyHops; the blob is then removed, as it is after any error that kept the rows out.
        """
        try:
            return await self._accept(client, envelope, stored)
        except Exception:
            self._desk.store.blobs.discard(stored)
            raise

    async def _accept(self, client: Client, envelope: FaxEnvelope, stored: StoredBlob) -> str:
        head = headers.read_headers(await self._desk.store.blobs.head(stored.id, HEADER_LIMIT))
        if head.count("received") > MAX_HOPS:
            raise TooManyHops("this mail has been through too many servers; it seems to go round in circles")
        if envelope.faxes and head.is_automatic:
            raise Refused("automatic mail (Auto-Submitted) is never faxed")
        now = self._desk.clock.now()
        message = Message(
            id=self._desk.ids.new(),
            blob_id=stored.id,
            received_at=now,
            client=client.address[:64],
            envelope_sender=envelope.sender or "",
            identity=None,
            header_message_id=head.message_id,
            size=stored.size,
        )
        rows = [self._fax(message, recipient.address, recipient.number, now) for recipient in envelope.faxes]
        # Everything for ourselves goes to the operator, so that one copy of a mail is enough.
        drafts = [await self._forward(client, message, recipient, stored, now) for recipient in envelope.own[:1]]

        def unit(connection: sa.Connection) -> None:
            blobs.record(connection, stored, "message", now)
            faxes.add_message(connection, message, rows)
            for draft in drafts:
                draft.write(connection, now)

        await self._desk.store.write_files(unit, *(draft.blob for draft in drafts))
        self._say(client, message, rows)
        self._desk.bells.ring(Bell.PREPARE, Bell.POST)
        return message.id

    def _fax(self, message: Message, address: str, number: str, now: datetime) -> Fax:
        return Fax(
            id=self._desk.ids.new(),
            message_id=message.id,
            document_id=None,
            recipient=address,
            number=number,
            sender=message.envelope_sender,
            identity=message.identity,
            caller_id=self._options.caller_id,
            state=FaxState.ACCEPTED,
            state_since=now,
            version=1,
            due_at=now,
            polls=0,
            hold_reason=None,
            pages=None,
            pages_sent=None,
            outcome=None,
            created_at=now,
            updated_at=now,
        )

    async def _forward(
        self, client: Client, message: Message, recipient: OwnRecipient, stored: StoredBlob, now: datetime
    ) -> outbox.Draft:
        """Mail for postmaster and abuse, and bounces, go on to the operator as they came."""
        original = await self._desk.store.blobs.read(stored)
        line = forwarding.received_line(
            client=client.address, helo=client.helo, hostname=self._options.hostname, row_id=message.id, now=now
        )
        row_id = self._desk.ids.new()
        mail = Mail(
            id=row_id,
            kind=MailKind.FORWARD,
            purpose=f"forward/{message.id}/{row_id}",
            event=recipient.mailbox.mailbox,
            envelope_sender="",
            recipient=self._options.admin,
            message_id=message.header_message_id or f"<{row_id.lower()}.faxbridge@{self._options.hostname}>",
        )
        return await self._desk.draft(mail, line + original)

    def _say(self, client: Client, message: Message, rows: list[Fax]) -> None:
        events = self._desk.events
        events.mail_accepted(client=client.address, message=message.id, faxes=len(rows), size=message.size)
        for row in rows:
            events.fax_accepted(fax=row.id, message=message.id, number=row.number)
