"""What the shell asks of the daemon: a row, which the daemon carries out and answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command: the sentence the shell shows; ``refused``: it could not be done."""

    text: str
    refused: bool = False


def ask(connection: sa.Connection, asked: Command, now: datetime) -> None:
    """Put it where the daemon finds it."""
    connection.execute(
        command.insert().values(
            id=asked.id,
            what=asked.what,
            subject=asked.subject,
            arguments=dict(asked.arguments),
            actor=asked.actor,
            created_at=now,
            due_at=now,
        )
    )


def note(connection: sa.Connection, asked: Command, now: datetime, result: str) -> None:
    """Write down what the shell did itself."""
    ask(connection, asked, now)
    change = command.update().where(command.c.id == asked.id)
    connection.execute(change.values(due_at=None, done_at=now, result=result))


def claim(connection: sa.Connection, lease: Lease, *whats: str) -> Command | None:
    """The oldest open command of these kinds."""
    row = leases.claim(connection, command, lease, command.c.done_at.is_(None), command.c.what.in_(whats))
    if row is None:
        return None
    arguments = json.loads(row.arguments) if isinstance(row.arguments, str) else row.arguments
    return Command(row.id, row.what, row.subject, row.actor, arguments or {})


def renew(connection: sa.Connection, command_id: str, lease: Lease) -> bool:
    """Keep the claim."""
    return leases.renew(connection, command, [command_id], lease)


def done(
    connection: sa.Connection, command_id: str, owner: str, now: datetime, result: str, *, refused: bool = False
) -> None:
    """Carried out, or refused; ``result`` is the sentence the shell shows."""
    leases.release(connection, command, command_id, owner, due_at=None, done_at=now, result=result, refused=refused)


def answer_to(connection: sa.Connection, command_id: str) -> Answer | None:
    """The answer, once there is one."""
    row = connection.execute(sa.select(command.c.result, command.c.refused).where(command.c.id == command_id)).first()
    return None if row is None or row.result is None else Answer(row.result, row.refused)
