"""Mail that leaves us: rendered once, its bytes kept, owed until the relay took it or said no for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bridge.errors import LeaseLost
from bridge.fax.arrivals import Delivery, DeliveryState, Mail, MailKind, MailState
from bridge.fax.replies import Answerable
from bridge.store import arrivals, blobs, history, leases, replies, summaries
from bridge.store.leases import Lease
from bridge.store.tables import delivery, outbox
from bridge.store.writing import StoredBlob

_FAILED: sa.ColumnElement[str] = sa.literal_column(f"'{MailState.FAILED}'")
_ADMIN: sa.ColumnElement[str] = sa.literal_column(f"'{MailKind.ADMIN}'")
"""As the conditions of partial indexes have them: of a parameter nobody knows that it meets one."""


class Stale(LeaseLost):
    """The mail's row changed since it was read."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail whose bytes are on disk and whose row is not written yet; a suppressed one has no bytes.

    ``collected_for``: the mail whose summary tells instead.
    """

    mail: Mail
    blob: StoredBlob | None
    answerable: Answerable | None = None
    collected_for: str = ""

    def write(self, connection: sa.Connection, now: datetime) -> None:
        """Owe it; from then on it can be answered, if it is one of those."""
        add(connection, self.mail, self.blob, now)
        if self.answerable is not None:
            replies.offer(connection, self.answerable, now)
        if self.collected_for and self.mail.fax_id is not None:
            summaries.expect(connection, self.collected_for, self.mail.fax_id, now)


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


def came_back(connection: sa.Connection, mail: Mail, now: datetime, why: str, *, passed_on: bool) -> None:
    """The relay had taken the mail of a delivery, and then it came back. Raises Stale where that is known already."""
    assert mail.delivery_id is not None
    was_sent = sa.and_(outbox.c.id == mail.id, outbox.c.state == MailState.SENT)
    failed = outbox.update().where(was_sent).values(state=MailState.FAILED, ended_at=now, last_reply=why[:500])
    if connection.execute(failed).rowcount != 1:
        raise Stale(f"mail {mail.id} is not one that was sent")
    state = DeliveryState.PASSED_ON if passed_on else DeliveryState.FAILED
    arrivals.end_delivery(connection, mail.delivery_id, state, now, f": {why}")


def of_delivery(connection: sa.Connection, of: Delivery) -> Mail:
    """The mail of a delivery: each has one."""
    query = sa.select(outbox).where(outbox.c.received_id == of.received_id, outbox.c.delivery_id == of.id)
    return _from_row(connection.execute(query).one())


@dataclass(frozen=True, slots=True)
class Untold:
    """A mail that cannot be delivered, of which the operator is still to be told."""

    mail: Mail
    reply: str
    passed_on: bool


def untold(connection: sa.Connection, limit: int) -> list[Untold]:
    """Those that failed first; at most ``limit``."""
    query = (
        sa.select(outbox, delivery.c.state.label("delivery_state"))
        .outerjoin(delivery, delivery.c.id == outbox.c.delivery_id)
        .where(outbox.c.state == _FAILED, outbox.c.told_by.is_(None), outbox.c.kind != _ADMIN)
        .order_by(outbox.c.ended_at, outbox.c.id)
        .limit(limit)
    )
    return [
        Untold(_from_row(row), row.last_reply or "", row.delivery_state == DeliveryState.PASSED_ON)
        for row in connection.execute(query)
    ]


def tell(connection: sa.Connection, mail_ids: Sequence[str], told_by: str) -> bool:
    """Write down which alarm tells of these mails; False, and to be undone, where another tells of one of them."""
    mine = sa.and_(outbox.c.id.in_(mail_ids), outbox.c.told_by.is_(None))
    return connection.execute(outbox.update().where(mine).values(told_by=told_by)).rowcount == len(mail_ids)


def alarm_failed(connection: sa.Connection, since: datetime) -> bool:
    """Whether of the alarms that came to their end after ``since`` the last could not be delivered."""
    query = sa.select(outbox.c.state).where(outbox.c.kind == _ADMIN, outbox.c.ended_at >= since)
    last = connection.execute(query.order_by(outbox.c.ended_at.desc(), outbox.c.id.desc()).limit(1)).scalar()
    return last == MailState.FAILED


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
