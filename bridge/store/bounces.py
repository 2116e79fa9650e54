"""Mails of ours that came back: a row for each, which the courier's room works off."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bridge.store import leases
from bridge.store.correspondence import bounce
from bridge.store.leases import Lease


@dataclass(frozen=True, slots=True)
class Bounce:
    """One mail that came back: ``delivery_id`` is what it was for, ``message_id`` the mail that says so and ``why``."""

    id: str
    delivery_id: str
    message_id: str
    why: str


def add(connection: sa.Connection, came: Bounce, now: datetime) -> None:
    """Write it down, due at once."""
    connection.execute(
        bounce.insert().values(
            id=came.id,
            delivery_id=came.delivery_id,
            message_id=came.message_id,
            why=came.why,
            created_at=now,
            due_at=now,
        )
    )


def claim(connection: sa.Connection, lease: Lease) -> Bounce | None:
    """The one that has been due longest."""
    row = leases.claim(connection, bounce, lease)
    return None if row is None else Bounce(row.id, row.delivery_id, row.message_id, row.why)


def renew(connection: sa.Connection, bounce_id: str, lease: Lease) -> bool:
    """Keep the claim."""
    return leases.renew(connection, bounce, [bounce_id], lease)


def later(connection: sa.Connection, bounce_id: str, owner: str, due_at: datetime) -> None:
    """Not yet: come back at ``due_at``."""
    leases.release(connection, bounce, bounce_id, owner, due_at=due_at)


def done(connection: sa.Connection, bounce_id: str, owner: str, now: datetime, result: str) -> None:
    """Worked off, with what came of it."""
    leases.release(connection, bounce, bounce_id, owner, due_at=None, done_at=now, result=result)
