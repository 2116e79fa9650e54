"""A database that an earlier version made comes up to date with every row in it, and goes on working."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from bridge.fax.states import FaxState
from bridge.store import Store, engine, migrations, tables
from tests.support.store_bench import Bench, options

AT = "2026-11-20T08:15:30.250000Z"
FIRST = f"""
INSERT INTO blob VALUES ('{"a" * 32}', 'message', 9, '{"0" * 64}', '{AT}'),
    ('{"b" * 32}', 'document', 9, '{"1" * 64}', '{AT}');
INSERT INTO message VALUES ('MESSAGE00001', '{"a" * 32}', '{AT}', '127.0.0.1', 'anna@example.org', NULL,
    '<1@example.org>', 9);
INSERT INTO document VALUES ('DOCUMENT0001', 'MESSAGE00001', '{"b" * 32}', 2, 9, '[]', '{AT}');
INSERT INTO fax (id, message_id, document_id, recipient, number, sender, state, state_since, version, due_at, pages,
        created_at, updated_at)
    VALUES ('FAX000000001', 'MESSAGE00001', 'DOCUMENT0001', '+14155550123@fax.local', '+14155550123',
        'anna@example.org', 'ready', '{AT}', 2, '{AT}', 2, '{AT}', '{AT}');
INSERT INTO destination VALUES ('+14155550123', '{AT}', NULL, NULL, 'FAX000000001');
INSERT INTO attempt (id, fax_id, ordinal, started_at, result, carrier_job_id)
    VALUES ('ATTEMPT00001', 'FAX000000001', 1, '{AT}', 'taken', '4100217');
INSERT INTO received (id, direction, carrier_job_id, transaction_id, state, state_since, version, listed, caller,
        called, created_at, updated_at)
    VALUES ('RECEIVED0001', 'in', '7001122', '8600991', 'routed', '{AT}', 3, true, '+12125550177', '+14155550100',
        '{AT}', '{AT}');
INSERT INTO evidence (at, kind, direction, attempt_id, received_id, body)
    VALUES ('{AT}', 'answer', 'out', 'ATTEMPT00001', 'RECEIVED0001', 'what was said');
INSERT INTO history (fax_id, at, event, actor, detail)
    VALUES ('FAX000000001', '{AT}', 'accepted', 'daemon', 'for +14155550123@fax.local');
INSERT INTO delivery
    VALUES ('DELIVERY0001', 'RECEIVED0001', 'mailto', 'desk@example.org', 'token', 'waiting', '{AT}');
INSERT INTO outbox (id, kind, purpose, event, envelope_sender, recipient, message_id, state, fax_id, delivery_id,
        created_at)
    VALUES ('OUTBOX000001', 'notice', 'fax/FAX000000001/final/x', 'delivered', '', 'anna@example.org', '<2@fax.local>',
        'waiting', 'FAX000000001', 'DELIVERY0001', '{AT}');
INSERT INTO command (id, what, arguments, actor, created_at)
    VALUES ('COMMAND00001', 'release-backlog', '[]', 'root', '{AT}');
INSERT INTO cursor VALUES ('received', '17', '{AT}');
"""
"""A row in every table of the first schema, as its version wrote them."""


EARLIER = sorted(script.revision for script in ScriptDirectory.from_config(migrations._config()).walk_revisions())[:-1]
"""Every schema that an earlier version may have left."""


def _fill(connection: sa.Connection, revision: str) -> None:
    """Bring an empty database to that schema, its rows written under the first one."""
    config = migrations._config()
    config.attributes["connection"] = connection
    command.upgrade(config, EARLIER[0])
    for statement in filter(str.strip, FIRST.split(";")):
        connection.exec_driver_sql(statement)
    command.upgrade(config, revision)


@pytest.fixture(params=EARLIER)
def revision(request: pytest.FixtureRequest) -> str:
    """One of them."""
    return str(request.param)


@pytest.fixture
def old(tmp_path: Path, revision: str) -> Path:
    """A database of an earlier schema, with rows in every table of the first."""
    database = options(tmp_path).database
    database.parent.mkdir(parents=True)
    made = engine.make_engine(database, begin="BEGIN IMMEDIATE")
    with made.begin() as connection:
        _fill(connection, revision)
    made.dispose()
    return database


@pytest.fixture
def migrated(old: Path, tmp_path: Path) -> Iterator[Bench]:
    """The same, opened by this version."""
    assert old.exists()
    store = Store.open_alone(options(tmp_path))
    yield Bench(store, options(tmp_path).blobs)
    store.close()


@pytest.mark.parametrize("revision", EARLIER[:1], indirect=True)
def test_the_first_schema_has_a_row_everywhere(old: Path) -> None:
    """The test below tests something: no table of the first schema is empty."""
    with closing(sqlite3.connect(old)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        empty = [name for name in names if not connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]]
    assert "fax" in names
    assert empty == []


def test_every_row_is_still_there(old: Path, revision: str, tmp_path: Path) -> None:
    """Each column of each row of an earlier schema has the value it had, and foreign keys hold."""

    def rows(names: dict[str, list[str]]) -> dict[str, list[tuple[object, ...]]]:
        with closing(sqlite3.connect(old)) as connection:
            return {
                name: connection.execute(f"SELECT {', '.join(columns)} FROM {name} ORDER BY 1").fetchall()
                for name, columns in names.items()
            }

    look = sa.inspect(sa.create_engine(f"sqlite:///{old}"))
    columns = {
        name: [f'"{column["name"]}"' for column in look.get_columns(name)]
        for name in look.get_table_names()
        if name != "alembic_version"
    }
    before = rows(columns)
    assert Store.migrate_alone(options(tmp_path)) == (revision, migrations.head())
    assert rows(columns) == before
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_what_is_new_stands_at_nothing(migrated: Bench) -> None:
    """Faxes and mails of before ask for nothing special, and their blobs lie in files."""
    fax = await migrated.fax("FAX000000001")
    assert (fax.person, fax.company, fax.notify, fax.original_recipient, fax.notice_to) == ("", "", None, "", None)
    assert fax.counts_from == fax.created_at, "it is on its way: its time runs from when it was taken on"
    (message,) = await migrated.rows(tables.message)
    assert (message.ret, message.envelope_id) == (None, "")
    assert (await migrated.store.stored("a" * 32)).content is None
    assert await migrated.rows(tables.submission) == []
    assert await migrated.rows(tables.usage) == []


async def test_it_goes_on_working(migrated: Bench) -> None:
    """An old fax can change its state, and a new one is taken on beside it."""
    assert (await migrated.move(await migrated.fax("FAX000000001"), FaxState.HELD)).version == 3
    (new,) = await migrated.accepted()
    assert (await migrated.fax(new.id)).state is FaxState.ACCEPTED
