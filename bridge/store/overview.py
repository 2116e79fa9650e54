"""What an operator looks at: lists, one fax with all that belongs to it, and the counts behind health and metrics."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bridge.fax.arrivals import Delivery, MailState, Received
from bridge.fax.jobs import Attempt, Fax, HistoryEntry, Message, Part
from bridge.fax.states import FaxState, ReceivedState
from bridge.store import arrivals, attempts, faxes, history
from bridge.store.outbox import alarm_failed
from bridge.store.tables import fax, outbox, received

LAST_ALARM = timedelta(days=1)
"""So long it counts that the operator could not be reached."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An outgoing fax with all that belongs to it."""

    fax: Fax
    message: Message
    attempts: tuple[Attempt, ...]
    parts: tuple[Part, ...]
    history: tuple[HistoryEntry, ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A received fax with all that belongs to it."""

    fax: Received
    deliveries: tuple[Delivery, ...]
    history: tuple[HistoryEntry, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of everything waits, and for how long. ``admin_unreached``: the last alarm could not be delivered."""

    by_state: dict[FaxState, int]
    oldest_fax_seconds: float
    mails_owed: int
    oldest_mail_seconds: float
    quarantined: int
    admin_unreached: bool = False


def outgoing(connection: sa.Connection, *, state: FaxState | None, since: datetime | None, limit: int) -> list[Sent]:
    """Outgoing faxes, newest first."""
    return [_sent(connection, faxes.from_row(row)) for row in _newest(connection, fax, state, since, limit)]


def incoming(
    connection: sa.Connection, *, state: ReceivedState | None, since: datetime | None, limit: int
) -> list[Arrived]:
    """Received faxes, newest first."""
    return [_arrived(connection, arrivals.from_row(row)) for row in _newest(connection, received, state, since, limit)]


def one(connection: sa.Connection, identity: str) -> Sent | Arrived | None:
    """The fax with this id, whichever way it went."""
    if (sent := faxes.get(connection, identity)) is not None:
        return _sent(connection, sent)
    arrived = arrivals.get(connection, identity)
    return None if arrived is None else _arrived(connection, arrived)


def of_message(connection: sa.Connection, message_id: str) -> list[str]:
    """The ids of the faxes of one mail, by the id its ``250`` gave."""
    query = sa.select(fax.c.id).where(fax.c.message_id == message_id).order_by(fax.c.id)
    return list(connection.execute(query).scalars())


def beginning_with(connection: sa.Connection, beginning: str, limit: int) -> list[str]:
    """The ids of faxes whose own id, or whose mail's, begins so; oldest first."""
    sent = sa.select(fax.c.id).where(
        sa.or_(fax.c.id.startswith(beginning, autoescape=True), fax.c.message_id.startswith(beginning, autoescape=True))
    )
    came = sa.select(received.c.id).where(received.c.id.startswith(beginning, autoescape=True))
    found = [connection.execute(query.order_by("id").limit(limit)).scalars() for query in (sent, came)]
    return sorted(each for ids in found for each in ids)[:limit]


def counts(connection: sa.Connection, now: datetime) -> Counts:
    """The figures at ``now``."""
    waiting = [state for state in FaxState if not state.final]
    by_state = sa.select(fax.c.state, sa.func.count()).where(fax.c.state.in_(waiting)).group_by(fax.c.state)
    oldest_fax = connection.execute(sa.select(sa.func.min(fax.c.created_at)).where(fax.c.state.in_(waiting))).scalar()
    owed = outbox.c.state == MailState.WAITING
    mails, oldest_mail = connection.execute(
        sa.select(sa.func.count(), sa.func.min(outbox.c.created_at)).where(owed)
    ).one()
    set_aside = sa.select(sa.func.count()).where(received.c.state == ReceivedState.QUARANTINED)
    return Counts(
        by_state={FaxState(state): count for state, count in connection.execute(by_state)},
        oldest_fax_seconds=_age(oldest_fax, now),
        mails_owed=mails,
        oldest_mail_seconds=_age(oldest_mail, now),
        quarantined=connection.execute(set_aside).scalar_one(),
        admin_unreached=alarm_failed(connection, now - LAST_ALARM),
    )


def _newest(
    connection: sa.Connection, table: sa.Table, state: str | None, since: datetime | None, limit: int
) -> list[sa.Row[Any]]:
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(table.c.state == state)
    if since is not None:
        query = query.where(table.c.created_at >= since)
    return list(connection.execute(query))


def _sent(connection: sa.Connection, row: Fax) -> Sent:
    return Sent(
        fax=row,
        message=faxes.message_of(connection, row.message_id),
        attempts=tuple(attempts.of_fax(connection, row.id)),
        parts=faxes.parts_of(connection, row.id),
        history=tuple(history.of_fax(connection, row.id)),
    )


def _arrived(connection: sa.Connection, row: Received) -> Arrived:
    return Arrived(
        fax=row,
        deliveries=tuple(arrivals.deliveries_of(connection, row.id)),
        history=tuple(history.of_received(connection, row.id)),
    )


def _age(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())
