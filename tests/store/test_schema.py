"""The migrations make exactly the tables the program works with, and the database itself keeps strangers out."""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bridge.errors import Misconfigured, Unavailable
from bridge.store import Store, engine, migrations, tables
from tests.support.store_bench import Bench, options
from tests.support.unit_clock import START


def _migrated(folder: Path) -> sa.Engine:
    made = engine.make_engine(folder / "x.db", begin="BEGIN IMMEDIATE")
    with made.begin() as connection:
        migrations.upgrade(connection)
    return made


def test_migrations_give_the_metadata(tmp_path: Path) -> None:
    """Alembic finds no difference between the migrated database and the tables."""
    made = _migrated(tmp_path)
    with made.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []
        assert migrations.current(connection) == migrations.head()
    made.dispose()


def _words(index: Any) -> str:
    where = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return f"{index['name']} {index['column_names']} {index['unique']} {where}"


def test_migrations_give_what_create_all_gives(tmp_path: Path) -> None:
    """Checks, indexes with their conditions, uniqueness and foreign keys are those of the tables, by name and text."""
    made = _migrated(tmp_path)
    plain = sa.create_engine("sqlite://")
    tables.metadata.create_all(plain)

    def seen(bind: sa.Engine) -> dict[str, object]:
        look = sa.inspect(bind)
        found: dict[str, object] = {}
        for name in tables.metadata.tables:
            found[name] = (
                sorted((check["name"] or "", check["sqltext"]) for check in look.get_check_constraints(name)),
                sorted((each["name"] or "", tuple(each["column_names"])) for each in look.get_unique_constraints(name)),
                sorted(_words(index) for index in look.get_indexes(name)),
                sorted(
                    (tuple(key["constrained_columns"]), key["referred_table"]) for key in look.get_foreign_keys(name)
                ),
                look.get_pk_constraint(name)["constrained_columns"],
                [(column["name"], str(column["type"]), column["nullable"]) for column in look.get_columns(name)],
            )
        return found

    assert seen(made) == seen(plain)
    assert set(sa.inspect(made).get_table_names()) == {*tables.metadata.tables, "alembic_version"}
    made.dispose()
    plain.dispose()


CHECKED = [(tables.fax, "state"), (tables.received, "state"), (tables.attempt, "result")]


@pytest.mark.parametrize(("table", "column"), CHECKED, ids=lambda value: getattr(value, "name", value))
async def test_checks_are_in_force(bench: Bench, table: sa.Table, column: str) -> None:
    """A state that nobody has heard of does not get into the database, whoever writes it."""
    await bench.sending()
    await bench.announced()
    with pytest.raises(sa.exc.IntegrityError, match="CHECK"):
        await bench.store.write(lambda connection: connection.execute(table.update().values({column: "lost in space"})))


async def test_foreign_keys_are_in_force(bench: Bench) -> None:
    """A row that names nothing is refused."""
    statement = tables.destination.insert().values(number="+14155550199", current_fax="NOSUCHFAX000")
    with pytest.raises(sa.exc.IntegrityError, match="FOREIGN KEY"):
        await bench.store.write(lambda connection: connection.execute(statement))


async def test_durable_settings(bench: Bench) -> None:
    """The writer's connection syncs fully and writes ahead: a committed row survives a power cut."""

    def look(connection: sa.Connection) -> tuple[object, object, object]:
        ask = connection.exec_driver_sql
        return (
            ask("PRAGMA synchronous").scalar(),
            ask("PRAGMA journal_mode").scalar(),
            ask("PRAGMA foreign_keys").scalar(),
        )

    assert await bench.store.write(look) == (2, "wal", 1)


async def test_moments_come_back(bench: Bench) -> None:
    """Moments are kept to the microsecond in UTC, as text of one width that sorts."""
    moments = [START + timedelta(microseconds=n) for n in (0, 1, 999_999, 1_000_000)]
    for number, moment in enumerate(moments):
        row = tables.cursor.insert().values(name=f"c{number}", value="x", updated_at=moment)
        await bench.store.write(lambda connection, row=row: connection.execute(row))  # type: ignore[misc]  # bound now
    assert [row.updated_at for row in await bench.rows(tables.cursor)] == moments
    texts = await bench.store.read(
        lambda connection: connection.exec_driver_sql("SELECT updated_at FROM cursor").scalars().all()
    )
    assert list(texts) == sorted(texts)
    assert {len(text) for text in texts} == {27}


def test_one_daemon_a_store(tmp_path: Path) -> None:
    """A second daemon on the same store is told so; after the first has closed it may have it."""
    first = Store.open_alone(options(tmp_path))
    with pytest.raises(Misconfigured, match="another faxbridge"):
        Store.open_alone(options(tmp_path))
    with pytest.raises(Misconfigured, match="another faxbridge"):
        Store.migrate_alone(options(tmp_path))
    first.close()
    Store.open_alone(options(tmp_path)).close()


def _at_revision(folder: Path, revision: str) -> None:
    Store.open_alone(options(folder)).close()
    connection = sqlite3.connect(options(folder).database)
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.close()


def test_a_newer_schema(tmp_path: Path) -> None:
    """A database of a newer version is left alone, with a clear word, and the lock is given back."""
    _at_revision(tmp_path, "9999")
    for _ in range(2):
        with pytest.raises(Misconfigured, match="9999"):
            Store.open_alone(options(tmp_path))
    with pytest.raises(Misconfigured):
        Store.open_beside(options(tmp_path))


def test_opening_beside(tmp_path: Path) -> None:
    """The shell looks at a store beside its daemon, and makes none where there is none."""
    with pytest.raises(Unavailable, match="no database"):
        Store.open_beside(options(tmp_path))
    assert not options(tmp_path).database.exists()
    daemon = Store.open_alone(options(tmp_path))
    beside = Store.open_beside(options(tmp_path))
    assert beside.read_now(lambda connection: connection.execute(sa.select(tables.fax.c.id)).all()) == []
    beside.close()
    daemon.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A database file of garbage is a clear word at start, as the docstring promises, not a stranger's exception."""
    path = options(tmp_path).database
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database at all, but it is long enough to look at" * 50)
    with pytest.raises((Unavailable, Misconfigured)):
        Store.open_alone(options(tmp_path))


async def test_open_ends_the_leases_of_the_dead(bench: Bench, tmp_path: Path) -> None:
    """At start every lease has ended: whoever held it is dead."""
    fax = await bench.ready()
    now = bench.clock.now()
    for table in (tables.fax, tables.destination):
        statement = table.update().values(lease_owner="dead", lease_until=now + timedelta(days=9))
        await bench.store.write(lambda connection, s=statement: connection.execute(s))  # type: ignore[misc]  # bound now
    bench.store.close()
    again = Store.open_alone(options(tmp_path))
    bench.store = again
    try:
        for table in (tables.fax, tables.destination):
            (row,) = await bench.rows(table)
            assert (row.lease_owner, row.lease_until < again.clock.steady()) == ("dead", True)
        assert (await bench.fax(fax.id)).state == "ready"
    finally:
        again.close()
