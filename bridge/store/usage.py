"""How much was faxed on one day, by the whole site and by each identity."""

from dataclasses import dataclass
from datetime import date
from functools import cache

import sqlalchemy as sa

from bridge.store.schema import insert
from bridge.store.tables import usage

SITE = ""
"""The scope of the whole site; identities have their names, which are never empty."""


@dataclass(frozen=True, slots=True)
class Used:
    """The totals of one day."""

    faxes: int
    pages: int


def take(connection: sa.Connection, day: date, scope: str, *, faxes: int = 0, pages: int = 0) -> Used:
    """Add to the totals of a day (UTC) and return them, in one statement: no two takers see the same total.

    Negative numbers give back what was taken in the same transaction.
    """
    row = connection.execute(
        _statement(connection.dialect.name), {"day": day.isoformat(), "scope": scope, "faxes": faxes, "pages": pages}
    ).one()
    return Used(row.faxes, row.pages)


@cache
def _statement(dialect: str) -> sa.Executable:
    made = insert(dialect, usage)
    return made.on_conflict_do_update(
        index_elements=["day", "scope"],
        set_={
            "faxes": usage.c.faxes + made.excluded.faxes,
            "pages": usage.c.pages + made.excluded.pages,
        },
    ).returning(usage.c.faxes, usage.c.pages)
