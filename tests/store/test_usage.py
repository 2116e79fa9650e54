"""What was faxed on a day: totals that nobody can slip past."""

import asyncio
from datetime import date
from typing import cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from bridge.store import tables, usage
from bridge.store.usage import SITE, Used
from tests.support.store_bench import Bench

DAY = date(2026, 11, 23)


async def test_totals_rise(bench: Bench) -> None:
    """Each take adds to faxes and pages and returns the totals with it; a negative one gives back."""
    takes = [({"faxes": 2}, Used(2, 0)), ({"pages": 7}, Used(2, 7)), ({"faxes": 1, "pages": 1}, Used(3, 8))]
    for what, total in [*takes, ({}, Used(3, 8)), ({"faxes": -3, "pages": -8}, Used(0, 0))]:
        assert await bench.store.write(lambda connection, w=what: usage.take(connection, DAY, SITE, **w)) == total  # type: ignore[misc]  # bound now


async def test_days_and_scopes_are_apart(bench: Bench) -> None:
    """The site, each identity and each day have totals of their own."""
    for day, scope in [(DAY, SITE), (DAY, "front-desk"), (date(2026, 11, 24), SITE)]:
        taken = await bench.store.write(
            lambda connection, day=day, scope=scope: usage.take(connection, day, scope, faxes=1)  # type: ignore[misc]  # bound now
        )
        assert taken == Used(1, 0)
    rows = [(row.day, row.scope, row.faxes) for row in await bench.rows(tables.usage)]
    assert sorted(rows) == [("2026-11-23", "", 1), ("2026-11-23", "front-desk", 1), ("2026-11-24", "", 1)]


async def test_no_two_see_the_same_total(bench: Bench) -> None:
    """Fifty takers at once see fifty different totals."""
    takes = (bench.store.write(lambda connection: usage.take(connection, DAY, SITE, faxes=1)) for _ in range(50))
    assert sorted(used.faxes for used in await asyncio.gather(*takes)) == list(range(1, 51))


def test_one_statement_on_both_databases() -> None:
    """It is one INSERT that adds on conflict and returns the totals, in the words of either database."""
    for name, dialect in (("sqlite", SQLiteDialect()), ("postgresql", PGDialect())):  # type: ignore[no-untyped-call]
        statement = cast("sa.Insert", usage._statement(name))
        said = " ".join(str(statement.compile(dialect=dialect)).split())
        assert said.startswith("INSERT INTO usage ")
        assert "ON CONFLICT (day, scope) DO UPDATE SET faxes = (usage.faxes + excluded.faxes)" in said
        assert said.partition(" RETURNING ")[2].replace("usage.", "") == "faxes, pages"
