"""Mail that leaves us: rendered once, its bytes kept, owed until the relay took it or said no for good."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bridge.fax.arrivals import DeliveryState, Mail, MailKind, MailState
from bridge.store import arrivals, blobs, history, leases
from bridge.store.leases import Lease
from bridge.store.tables import outbox
from bridge.store.writing import StoredBlob


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail whose bytes are on disk and whose row is not written yet; a suppressed one has no bytes."""

    mail: Mail
    blob: StoredBlob | None

    def write(self, connection: sa.Connection, now: datetime) -> None:
        """Owe it."""
        add(connection, self.mail, self.blob, now)


def add(connection: sa.Connection, mail: Mail, stored: StoredBlob | None, now: datetime) -> None:
    """Owe one mail; a suppressed one (no bytes) is written down with its reason and never sent."""
    if stored is not None:
        blobs.record(connection, stored, "mail", now)
    waiting = mail.state is MailState.WAITING
    connection.execute(
        outbox.insert().values(
            id=mail.id,
            kind=mail.kind,
            purpose=mail.purpose,
            event=mail.event,
            envelope_sender=mail.envelope_sender,
            recipient=mail.recipient,
            message_id=mail.message_id,
            blob_id=None if stored is None else stored.id,
            state=mail.state,
            reason=mail.reason,
            due_at=now if waiting else None,
            fax_id=mail.fax_id,
            received_id=mail.received_id,
            delivery_id=mail.delivery_id,
            created_at=now,
            ended_at=None if waiting else now,
        )
    )


def is_written(connection: sa.Connection, purpose: str) -> bool:
    """Whether the mail for this purpose exists already, in whatever state."""
    return connection.execute(sa.select(outbox.c.id).where(outbox.c.purpose == purpose)).first() is not None


def claim(connection: sa.Connection, lease: Lease) -> Mail | None:
    """The mail that has been due longest."""
    row = leases.claim(connection, outbox, lease, outbox.c.state == MailState.WAITING)
    return None if row is None else _from_row(row)


def renew(connection: sa.Connection, mail_id: str, lease: Lease) -> bool:
    """Keep the claim."""
    return leases.renew(connection, outbox, [mail_id], lease)


def sent(connection: sa.Connection, mail: Mail, owner: str, now: datetime, reply: str) -> None:
    """The relay took it. A delivery of a received fax has arrived with it."""
    _end(connection, mail, owner, state=MailState.SENT, now=now, reply=reply)
    if mail.delivery_id is not None:
        arrivals.end_delivery(connection, mail.delivery_id, DeliveryState.DELIVERED, now, "")
    elif mail.fax_id is not None:
        history.add(
            connection, at=now, event="notice_sent", detail=f"{mail.event} to {mail.recipient}", fax_id=mail.fax_id
        )


def failed(
    connection: sa.Connection, mail: Mail, owner: str, now: datetime, reply: str, *, passed_on: bool = False
) -> None:
    """The relay will never take it, or did not for days; ``passed_on``: somebody else gets what was in it."""
    _end(connection, mail, owner, state=MailState.FAILED, now=now, reply=reply)
    if mail.delivery_id is not None:
        state = DeliveryState.PASSED_ON if passed_on else DeliveryState.FAILED
        arrivals.end_delivery(connection, mail.delivery_id, state, now, f": {reply}")
    elif mail.fax_id is not None:
        history.add(
            connection,
            at=now,
            event="notice_failed",
            detail=f"{mail.event} to {mail.recipient}: {reply}",
            fax_id=mail.fax_id,
        )


def defer(connection: sa.Connection, mail: Mail, owner: str, due_at: datetime, reply: str) -> None:
    """Try again at ``due_at``."""
    leases.release(connection, outbox, mail.id, owner, due_at=due_at, tries=mail.tries + 1, last_reply=reply[:500])


def owed(connection: sa.Connection) -> int:
    """How many mails wait for the relay."""
    query = sa.select(sa.func.count()).where(outbox.c.state == MailState.WAITING)
    return int(connection.execute(query).scalar_one())


def _end(connection: sa.Connection, mail: Mail, owner: str, *, state: MailState, now: datetime, reply: str) -> None:
    leases.release(
        connection,
        outbox,
        mail.id,
        owner,
        state=state,
        due_at=None,
        ended_at=now,
        tries=mail.tries + 1,
        last_reply=reply[:500],
    )


def created_at(connection: sa.Connection, mail_id: str) -> datetime:
    """Since when the mail is owed."""
    moment: datetime = connection.execute(sa.select(outbox.c.created_at).where(outbox.c.id == mail_id)).scalar_one()
    return moment


def _from_row(row: sa.Row[Any]) -> Mail:
    return Mail(
        id=row.id,
        kind=MailKind(row.kind),
        purpose=row.purpose,
        event=row.event,
        envelope_sender=row.envelope_sender,
        recipient=row.recipient,
        message_id=row.message_id,
        blob_id=row.blob_id,
        state=MailState(row.state),
        reason=row.reason,
        fax_id=row.fax_id,
        received_id=row.received_id,
        delivery_id=row.delivery_id,
        tries=row.tries,
    )
