"""Whose turn it is: senders are served in the order of their addresses, and round again."""

from typing import Any

import sqlalchemy as sa


def after(
    connection: sa.Connection, query: sa.Select[Any], sender: sa.ColumnElement[str], served: str
) -> sa.Row[Any] | None:
    """The first row of the next sender after ``served``, and of the first of all where there is none."""
    found = connection.execute(query.where(sender > served)).first()
    return found if found is not None else connection.execute(query.where(sender <= served)).first()
