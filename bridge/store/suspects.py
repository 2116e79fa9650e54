"""What a process of ours died of, and how often in a row."""

import sqlalchemy as sa

from bridge.store.tables import suspect

DOCUMENT = "document"
"""What the converter died of: the document of a message, by the message's id."""


def blame(connection: sa.Connection, what: str, key: str) -> int:
    """One more death of this; how many there are now."""
    known = connection.execute(sa.select(suspect.c.tries).where(_this(what, key))).scalar()
    if known is None:
        connection.execute(suspect.insert().values(what=what, key=key, tries=1))
        return 1
    connection.execute(suspect.update().where(_this(what, key)).values(tries=known + 1))
    return int(known) + 1


def clear(connection: sa.Connection, what: str, key: str) -> None:
    """It is not to blame, or is set aside."""
    connection.execute(suspect.delete().where(_this(what, key)))


def _this(what: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(suspect.c.what == what, suspect.c.key == key)
