"""Claims on rows: who works on one, until when. The same few statements serve every table that has a lease.

A claim picks the most overdue row that nobody holds; renewal and release touch it only while its owner has it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from bridge.errors import LeaseLost


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim: ``owner`` is one worker of one process, ``until`` when it ends unless renewed.

    What is due is told by the wall's clock (``now``), what has ended by one that does not jump (``at``): else a clock
    that is set would end the leases of live work, or keep those of the dead.
    """

    owner: str
    now: datetime
    at: datetime
    until: datetime


class Versioned(Protocol):
    """What was read of a row, and is the premise of its next change."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int: ...


def free(table: sa.Table, lease: Lease) -> sa.ColumnElement[bool]:
    """Due, and held by nobody."""
    unheld = sa.or_(table.c.lease_until.is_(None), table.c.lease_until < lease.at)
    return sa.and_(table.c.due_at <= lease.now, unheld)


def is_free(row: sa.Row[Any], lease: Lease) -> bool:
    """The same of a row that was read."""
    due = row.due_at is not None and row.due_at <= lease.now
    return due and (row.lease_until is None or row.lease_until < lease.at)


def claim(
    connection: sa.Connection, table: sa.Table, lease: Lease, *where: sa.ColumnElement[bool]
) -> sa.Row[Any] | None:
    """Lease the most overdue free row that fits, and return it; None if there is none."""
    row = first(connection, table, lease, *where)
    if row is not None:
        hold(connection, table, [row._mapping[_key(table)]], lease)  # noqa: SLF001 - SQLAlchemy's public mapping
    return row


def first(
    connection: sa.Connection, table: sa.Table, lease: Lease, *where: sa.ColumnElement[bool]
) -> sa.Row[Any] | None:
    """The most overdue free row that fits, unheld as yet.

    ``where`` names one state at most: of several an index gives no order, and all that is due would be sorted.
    """
    query = sa.select(table).where(free(table, lease), *where).order_by(table.c.due_at, _key(table)).limit(1)
    return connection.execute(query.with_for_update(skip_locked=True)).first()


def hold(connection: sa.Connection, table: sa.Table, keys: Sequence[str], lease: Lease) -> None:
    """Put the lease on these rows."""
    connection.execute(
        table.update().where(_key(table).in_(keys)).values(lease_owner=lease.owner, lease_until=lease.until)
    )


def renew(connection: sa.Connection, table: sa.Table, keys: Sequence[str], lease: Lease) -> bool:
    """Hold on until ``lease.until``; False when any of the rows is no longer ours."""
    statement = table.update().where(_key(table).in_(keys), table.c.lease_owner == lease.owner)
    return connection.execute(statement.values(lease_until=lease.until)).rowcount == len(keys)


def release(connection: sa.Connection, table: sa.Table, key: str, owner: str, **values: Any) -> None:
    """Give the row up, changing ``values`` with it; raises LeaseLost when it is no longer ours."""
    statement = table.update().where(_key(table) == key, table.c.lease_owner == owner)
    if connection.execute(statement.values(lease_owner=None, lease_until=None, **values)).rowcount != 1:
        raise LeaseLost(f"{table.name} {key} was taken over meanwhile")


def change_state(
    connection: sa.Connection,
    table: sa.Table,
    before: Versioned,
    target: str,
    allowed: Iterable[str],
    *,
    now: datetime,
    owner: str | None,
    due_at: datetime | None,
    **values: Any,
) -> bool:
    """Move a row to ``target`` and end its lease; False, and nothing done, unless it is as ``before`` has it.

    That is: its version is the same, its state one of ``allowed``, and its lease ``owner``'s where one is named.
    """
    where = [_key(table) == before.id, table.c.version == before.version, table.c.state.in_(list(allowed))]
    if owner is not None:
        where.append(table.c.lease_owner == owner)
    changed = (
        table.update()
        .where(*where)
        .values(
            state=target,
            state_since=now,
            updated_at=now,
            version=table.c.version + 1,
            due_at=due_at,
            lease_owner=None,
            lease_until=None,
            **values,
        )
    )
    return connection.execute(changed).rowcount == 1


def drop_all(connection: sa.Connection, *tables: sa.Table) -> None:
    """End every lease. Only for a process that has the store to itself: whoever held them is dead."""
    for table in tables:
        connection.execute(
            table.update().where(table.c.lease_owner.is_not(None)).values(lease_owner=None, lease_until=None)
        )


def _key(table: sa.Table) -> sa.Column[Any]:
    (key,) = table.primary_key.columns
    return key
