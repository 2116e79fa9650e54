"""Small values that must survive a restart: where a poll stopped, what was told once."""

from datetime import datetime

import sqlalchemy as sa

from bridge.store.tables import cursor

LAST_WALK = "received.last_walk"
"""When the carrier's list of received faxes was last read to its end. Until then there was no first look."""


def get(connection: sa.Connection, name: str) -> str | None:
    """The value, if it was ever put."""
    return connection.execute(sa.select(cursor.c.value).where(cursor.c.name == name)).scalar()


def row(connection: sa.Connection, name: str) -> tuple[str, datetime] | None:
    """The value and since when it is so."""
    found = connection.execute(sa.select(cursor.c.value, cursor.c.updated_at).where(cursor.c.name == name)).first()
    return None if found is None else (found.value, found.updated_at)


def drop(connection: sa.Connection, name: str) -> None:
    """Forget the value."""
    connection.execute(cursor.delete().where(cursor.c.name == name))


def put(connection: sa.Connection, name: str, value: str, now: datetime) -> None:
    """Set the value."""
    changed = connection.execute(cursor.update().where(cursor.c.name == name).values(value=value, updated_at=now))
    if changed.rowcount == 0:
        connection.execute(cursor.insert().values(name=name, value=value, updated_at=now))
