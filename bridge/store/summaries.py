"""Mails to several numbers whose faxes are told of together, in one summary, once all have ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.fax.states import FaxState
from bridge.store import leases
from bridge.store.correspondence import summary
from bridge.store.leases import Lease
from bridge.store.schema import insert
from bridge.store.tables import fax, outbox

COLLECTED = "it is told together with the mail's other faxes"
"""Why a fax has no notice of its own."""

LOOK_AGAIN = timedelta(minutes=1)

OPEN = [state for state in FaxState if not state.final]


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of one mail that is to come."""

    message_id: str


def has_several(connection: sa.Connection, message_id: str) -> bool:
    """Whether the mail became more than one fax, resent ones aside."""
    count = sa.select(sa.func.count()).select_from(fax).where(_of_mail(message_id))
    return connection.execute(count).scalar_one() > 1


def expect(connection: sa.Connection, message_id: str, fax_id: str, now: datetime) -> None:
    """That fax of the mail is about to end. Where it is the last one the summary is due.

    Of two that end at once neither may see the other's end: then it is looked at a little later.
    """
    others = sa.and_(_of_mail(message_id), fax.c.id != fax_id, fax.c.state.in_(OPEN))
    is_last = connection.execute(sa.select(fax.c.id).where(others).limit(1)).first() is None
    due_at = now if is_last else now + LOOK_AGAIN
    made = insert(connection.dialect.name, summary).values(message_id=message_id, created_at=now, due_at=due_at)
    connection.execute(made.on_conflict_do_update(index_elements=["message_id"], set_={"due_at": due_at}))


def claim(connection: sa.Connection, lease: Lease) -> Summary | None:
    """The one that has been due longest."""
    row = leases.claim(connection, summary, lease)
    return None if row is None else Summary(row.message_id)


def renew(connection: sa.Connection, message_id: str, lease: Lease) -> bool:
    """Keep the claim."""
    return leases.renew(connection, summary, [message_id], lease)


def is_open(connection: sa.Connection, message_id: str) -> bool:
    """Whether one of its faxes has not ended yet."""
    mine = sa.and_(_of_mail(message_id), fax.c.state.in_(OPEN))
    return connection.execute(sa.select(fax.c.id).where(mine).limit(1)).first() is not None


def collected(connection: sa.Connection, message_id: str) -> list[str]:
    """The faxes that are to be told of, as they were taken on."""
    mine = sa.and_(fax.c.message_id == message_id, outbox.c.reason == COLLECTED)
    found = sa.select(fax.c.id).join(outbox, outbox.c.fax_id == fax.c.id).where(mine).order_by(fax.c.id)
    return list(connection.execute(found).scalars())


def later(connection: sa.Connection, message_id: str, owner: str, due_at: datetime) -> None:
    """Not yet: come back at ``due_at``, or when one more has ended."""
    leases.release(connection, summary, message_id, owner, due_at=due_at)


def done(connection: sa.Connection, message_id: str, owner: str, now: datetime) -> None:
    """It is told."""
    leases.release(connection, summary, message_id, owner, due_at=None, done_at=now)


def _of_mail(message_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(fax.c.message_id == message_id, fax.c.resend_of.is_(None))
