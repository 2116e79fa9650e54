"""What a process of ours may have died of, and how often it did.

Of the converter: the document of a message. Of the daemon itself: a row whose lease ended without being given up, since
the process that held it is dead. Such a row is claimed by nobody until it was tried alone (``trials``).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bridge.fax.states import FaxState
from bridge.store import leases, tables
from bridge.store.leases import Lease
from bridge.store.tables import destination, fax, suspect

DOCUMENT = "document"
"""What the converter died of: the document of a message, by the message's id."""

_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row that a dead process held: as ``owner``, which died ``deaths`` times while it worked on that row alone.

    ``about`` names what it died of: the row, or, where that is the line of a number, the fax that was to go out.
    """

    table: str
    key: str
    about: str
    owner: str
    deaths: int = 0


def blame(connection: sa.Connection, what: str, key: str) -> int:
    """One more death of this; how many there are now."""
    known = connection.execute(sa.select(suspect.c.tries).where(_this(what, key))).scalar()
    if known is None:
        connection.execute(suspect.insert().values(what=what, key=key, tries=1))
        return 1
    _update(connection, what, key, tries=known + 1, alone=False)
    return int(known) + 1


def clear(connection: sa.Connection, what: str, key: str) -> None:
    """It is not to blame, or is set aside."""
    connection.execute(suspect.delete().where(_this(what, key)))


def is_any(connection: sa.Connection, lease: Lease) -> bool:
    """Whether there is anything to take stock of."""
    known = sa.select(suspect.c.key).where(suspect.c.what != DOCUMENT).limit(1)
    if connection.execute(known).first() is not None:
        return True
    return any(
        connection.execute(sa.select(leases.key_of(table)).where(_left(table, lease)).limit(1)).first() is not None
        for table in tables.LEASED
    )


def take_stock(connection: sa.Connection, lease: Lease) -> list[Suspect]:
    """All that the dead left, with the deaths while alone that are known by now; what got on since is forgotten."""
    left = {(each.table, each.about): each for each in _all_left(connection, lease)}
    stock = []
    for row in connection.execute(sa.select(suspect).where(suspect.c.what != DOCUMENT)).all():
        each = left.pop((row.what, row.key), None)
        if each is not None:
            deaths = blame(connection, row.what, row.key) if row.alone else row.tries
            stock.append(Suspect(each.table, each.key, each.about, each.owner, deaths))
        elif (holder := _holder(connection, row.what, row.key)) is None:
            clear(connection, row.what, row.key)
        elif row.alone and holder.endswith(lease.process):  # its trial broke off for want of a database
            _update(connection, row.what, row.key, alone=False)
    return [*left.values(), *stock]


def begin(connection: sa.Connection, tried: Suspect, lease: Lease) -> bool:
    """From now on it is tried alone, held by ``lease``'s owner; False if another has it, or it got on."""
    mine = {"lease_owner": lease.owner, "lease_until": lease.until}
    if not _take(connection, tried, lease, mine):
        return False
    if tried.table == fax.name:  # pages are made for all faxes of a mail together
        of = sa.select(fax.c.message_id).where(fax.c.id == tried.key, fax.c.state == FaxState.ACCEPTED)
        others = sa.and_(fax.c.message_id.in_(of.scalar_subquery()), fax.c.state == FaxState.ACCEPTED)
        connection.execute(fax.update().where(others, _left(fax, lease)).values(**mine))
    this = _this(tried.table, tried.about)
    if connection.execute(suspect.update().where(this).values(alone=True)).rowcount == 0:
        connection.execute(suspect.insert().values(what=tried.table, key=tried.about, tries=0, alone=True))
    return True


def let_go(connection: sa.Connection, left: Suspect, lease: Lease) -> None:
    """It is not tried alone: anybody may work on it."""
    _take(connection, left, lease, {"lease_owner": None, "lease_until": None})


def let_others_in(connection: sa.Connection, tried: Suspect) -> None:
    """It is in hand still, and alone no more: if the process dies now, that is not held against it."""
    _update(connection, tried.table, tried.about, alone=False)


def give_back(connection: sa.Connection, tried: Suspect, lease: Lease) -> None:
    """Nobody could work on it just now: it waits for its trial, or, where nothing is known against it, for anybody."""
    table = tables.metadata.tables[tried.table]
    free = {"lease_owner": None, "lease_until": None}
    kept = {"lease_owner": tried.owner, "lease_until": lease.at - _MOMENT}
    held = table.update().where(table.c.lease_owner == lease.owner)
    connection.execute(held.values(**(kept if tried.deaths else free)))
    if tried.deaths:
        let_others_in(connection, tried)
    else:
        clear(connection, tried.table, tried.about)


def _take(connection: sa.Connection, wanted: Suspect, lease: Lease, values: dict[str, Any]) -> bool:
    """Change whose it is; False if another has it, or it got on."""
    table = tables.metadata.tables[wanted.table]
    left = sa.and_(leases.key_of(table) == wanted.key, table.c.lease_owner == wanted.owner, _left(table, lease))
    return connection.execute(table.update().where(left).values(**values)).rowcount == 1


def _left(table: sa.Table, lease: Lease) -> sa.ColumnElement[bool]:
    """Due, and held by another process until its lease ended."""
    owner = table.c.lease_owner
    theirs = sa.not_(owner.endswith(lease.process, autoescape=True))
    return sa.and_(owner.is_not(None), table.c.lease_until < lease.at, theirs, table.c.due_at <= lease.now)


def _all_left(connection: sa.Connection, lease: Lease) -> list[Suspect]:
    """One for each row, and one for all accepted faxes of a mail."""
    found, mails = [], set()
    for table in tables.LEASED:
        query = sa.select(table).where(_left(table, lease)).order_by(leases.key_of(table))
        for row in connection.execute(query).all():
            if table is fax and row.state == FaxState.ACCEPTED:
                if row.message_id in mails:
                    continue
                mails.add(row.message_id)
            key = row._mapping[leases.key_of(table)]  # noqa: SLF001 - SQLAlchemy's public mapping
            about = row.current_fax or key if table is destination else key
            found.append(Suspect(table.name, key, about, row.lease_owner))
    return found


def _holder(connection: sa.Connection, what: str, about: str) -> str | None:
    """Who, dead or alive, still has the row in hand."""
    table: Any = tables.metadata.tables[what]
    this = destination.c.current_fax == about if table is destination else leases.key_of(table) == about
    query = sa.select(table.c.lease_owner).where(this, table.c.lease_owner.is_not(None))
    holder: str | None = connection.execute(query.limit(1)).scalar()
    return holder


def _update(connection: sa.Connection, what: str, key: str, **values: Any) -> None:
    connection.execute(suspect.update().where(_this(what, key)).values(**values))


def _this(what: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(suspect.c.what == what, suspect.c.key == key)
