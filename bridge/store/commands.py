"""What the shell asks of the daemon: a row, which the daemon carries out and answers."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bridge.store import leases
from bridge.store.leases import Lease
from bridge.store.tables import command


@dataclass(frozen=True, slots=True)
class Command:
    """One thing asked: ``subject`` is the fax it concerns, if any; ``actor`` who asked."""

    id: str
    what: str
    subject: str | None
    actor: str


def ask(connection: sa.Connection, asked: Command, now: datetime) -> None:
    """Put it where the daemon finds it."""
    connection.execute(
        command.insert().values(
            id=asked.id,
            what=asked.what,
            subject=asked.subject,
            arguments={},
            actor=asked.actor,
            created_at=now,
            due_at=now,
        )
    )


def claim(connection: sa.Connection, lease: Lease, what: str) -> Command | None:
    """The oldest open command of that kind."""
    row = leases.claim(connection, command, lease, command.c.done_at.is_(None), command.c.what == what)
    return None if row is None else Command(row.id, row.what, row.subject, row.actor)


def renew(connection: sa.Connection, command_id: str, lease: Lease) -> bool:
    """Keep the claim."""
    return leases.renew(connection, command, [command_id], lease)


def done(connection: sa.Connection, command_id: str, owner: str, now: datetime, result: str) -> None:
    """Carried out; ``result`` is the sentence the shell shows."""
    leases.release(connection, command, command_id, owner, due_at=None, done_at=now, result=result)


def result_of(connection: sa.Connection, command_id: str) -> str | None:
    """The answer, once there is one."""
    return connection.execute(sa.select(command.c.result).where(command.c.id == command_id)).scalar()
