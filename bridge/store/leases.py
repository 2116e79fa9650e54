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
    that is set would end the leases of live work, or keep those of the dead. The names of all workers of a process end
    in ``process``. Where ``heir_of`` is given, nothing is claimed but what that owner holds.
    """

    owner: str
    now: datetime
    at: datetime
    until: datetime
    process: str = ""
    heir_of: str | None = None


class Versioned(Protocol):
    """What was read of a row, and is the premise of its next change."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int: ...


def free(table: sa.Table, lease: Lease, *, in_turn: bool = False) -> sa.ColumnElement[bool]:
    """Due, and held by nobody: never, no longer, or by whom the lease inherits.

    ``in_turn``: the due time is not to be a range of an index, where another order is what counts.

    What another process held when it died is not free: the process may have died of it (``store/trials.py``).
    """
    due_at, owner = table.c.due_at, table.c.lease_owner
    due = (sa.func.coalesce(due_at, due_at) if in_turn else due_at) <= lease.now
    if lease.heir_of is not None:
        return sa.and_(due, owner == lease.heir_of)
    over = sa.and_(table.c.lease_until < lease.at, owner.endswith(lease.process, autoescape=True))
    return sa.and_(due, sa.or_(owner.is_(None), over))


def is_free(row: sa.Row[Any], lease: Lease) -> bool:
    """The same of a row that was read."""
    if row.due_at is None or row.due_at > lease.now:
        return False
    if lease.heir_of is not None:
        return bool(row.lease_owner == lease.heir_of)
    return row.lease_owner is None or (row.lease_until < lease.at and row.lease_owner.endswith(lease.process))


def claim(
    connection: sa.Connection, table: sa.Table, lease: Lease, *where: sa.ColumnElement[bool]
) -> sa.Row[Any] | None:
    """Lease the most overdue free row that fits, and return it; None if there is none."""
    row = first(connection, table, lease, *where)
    if row is not None:
        hold(connection, table, [row._mapping[key_of(table)]], lease)  # noqa: SLF001 - SQLAlchemy's public mapping
    return row


def first(
    connection: sa.Connection, table: sa.Table, lease: Lease, *where: sa.ColumnElement[bool]
) -> sa.Row[Any] | None:
    """The most overdue free row that fits, unheld as yet.

    ``where`` names one state at most: of several an index gives no order, and all that is due would be sorted.
    """
    query = sa.select(table).where(free(table, lease), *where).order_by(table.c.due_at, key_of(table)).limit(1)
    return connection.execute(query.with_for_update(skip_locked=True)).first()


def hold(connection: sa.Connection, table: sa.Table, keys: Sequence[str], lease: Lease) -> None:
    """Put the lease on these rows."""
    connection.execute(
        table.update().where(key_of(table).in_(keys)).values(lease_owner=lease.owner, lease_until=lease.until)
    )


def renew(connection: sa.Connection, table: sa.Table, keys: Sequence[str], lease: Lease) -> bool:
    """Hold on until ``lease.until``; False when any of the rows is no longer ours."""
    statement = table.update().where(key_of(table).in_(keys), table.c.lease_owner == lease.owner)
    return connection.execute(statement.values(lease_until=lease.until)).rowcount == len(keys)


def release(connection: sa.Connection, table: sa.Table, key: str, owner: str, **values: Any) -> None:
    """Give the row up, changing ``values`` with it; raises LeaseLost when it is no longer ours."""
    statement = table.update().where(key_of(table) == key, table.c.lease_owner == owner)
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
    where = [key_of(table) == before.id, table.c.version == before.version, table.c.state.in_(list(allowed))]
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


def end_all(connection: sa.Connection, at: datetime, *tables: sa.Table) -> None:
    """End every lease at ``at``. Only for a process that has the store to itself: whoever held them is dead."""
    for table in tables:
        connection.execute(table.update().where(table.c.lease_owner.is_not(None)).values(lease_until=at))


def key_of(table: sa.Table) -> sa.Column[Any]:
    """The column that names a row."""
    (key,) = table.primary_key.columns
    return key
