"""Answers to our notices: which notices can be answered, and the answers that came, a row each.

Of a token only the digest is kept here, so that who reads the database cannot answer in anybody's name.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bridge.fax.replies import Action, Answerable, Result, Said
from bridge.store import leases
from bridge.store.correspondence import reply, reply_token
from bridge.store.leases import Lease
from bridge.store.tables import fax


@dataclass(frozen=True, slots=True)
class Answer:
    """One mail that answers a notice. ``admitted`` and ``identity``: how it was let in. ``said``: what came of it."""

    id: str
    message_id: str
    hashed: str
    admitted: bool
    identity: str | None
    said: Said | None = None


def digest(token: str) -> str:
    """How a token is kept."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def offer(connection: sa.Connection, made: Answerable, now: datetime) -> None:
    """A notice that can be answered from now on."""
    connection.execute(
        reply_token.insert().values(
            hashed=made.hashed,
            fax_id=made.fax_id,
            notified=made.notified,
            actions=" ".join(sorted(made.actions)),
            number=made.to,
            created_at=now,
            expires_at=made.expires_at,
        )
    )


def find(connection: sa.Connection, hashed: str) -> Answerable | None:
    """The notice of that token."""
    row = connection.execute(sa.select(reply_token).where(reply_token.c.hashed == hashed)).first()
    if row is None:
        return None
    actions = frozenset(Action(word) for word in row.actions.split())
    return Answerable(row.hashed, row.fax_id, row.notified, actions, row.expires_at, row.number, row.said)


def spend(connection: sa.Connection, hashed: str, said: str) -> bool:
    """Something was done by it, once; False where that was so before."""
    unspent = sa.and_(reply_token.c.hashed == hashed, reply_token.c.said.is_(None))
    return connection.execute(reply_token.update().where(unspent).values(said=said)).rowcount == 1


def faxed_before(connection: sa.Connection, number: str, sender: str, identity: str | None) -> bool:
    """Whether this identity (without one: this sender) ever had a fax to that number."""
    whose = fax.c.sender == sender if identity is None else fax.c.identity == identity
    return connection.execute(sa.select(fax.c.id).where(fax.c.number == number, whose).limit(1)).first() is not None


def add(connection: sa.Connection, answers: tuple[Answer, ...], now: datetime) -> None:
    """Write them down, due at once."""
    for each in answers:
        connection.execute(
            reply.insert().values(
                id=each.id,
                message_id=each.message_id,
                hashed=each.hashed,
                admitted=each.admitted,
                identity=each.identity,
                created_at=now,
                due_at=now,
            )
        )


def claim(connection: sa.Connection, lease: Lease) -> Answer | None:
    """The one that has been due longest."""
    row = leases.claim(connection, reply, lease)
    if row is None:
        return None
    said = None if row.result is None else Said(Result(row.result), row.said or "", row.number)
    return Answer(row.id, row.message_id, row.hashed, row.admitted, row.identity, said)


def renew(connection: sa.Connection, answer_id: str, lease: Lease) -> bool:
    """Keep the claim."""
    return leases.renew(connection, reply, [answer_id], lease)


def acted(connection: sa.Connection, answer_id: str, owner: str, now: datetime, said: Said) -> None:
    """What was asked is done, or not; it is to be told next."""
    told = {"result": said.result, "said": said.text, "number": said.number}
    leases.release(connection, reply, answer_id, owner, due_at=now, **told)


def done(connection: sa.Connection, answer_id: str, owner: str, now: datetime) -> None:
    """It is told."""
    leases.release(connection, reply, answer_id, owner, due_at=None, done_at=now)
