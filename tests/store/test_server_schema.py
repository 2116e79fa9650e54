"""On PostgreSQL: the same tables, brought up to date by the operator's hand alone, and tied to one blob folder."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bridge.errors import Misconfigured, Unavailable
from bridge.fax.states import FaxState
from bridge.store import Store, marker, migrations, tables
from bridge.store.options import ServerOptions
from bridge.store.server import Server
from tests.store.test_migrations import EARLIER, _fill
from tests.support.postgresql import Cluster
from tests.support.store_shared import a_store, open_shared_bench


@pytest.fixture
def empty(cluster: Cluster, tmp_path: Path) -> ServerOptions:
    """A new database with nothing in it, and an empty folder."""
    (tmp_path / "blobs").mkdir()
    return ServerOptions(cluster.database(), tmp_path / "blobs")


def test_migrations_give_the_metadata(cluster: Cluster, tmp_path: Path) -> None:
    """Alembic finds no difference between the migrated database and the tables."""

    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, tables.metadata))

    assert Server(a_store(cluster, tmp_path).url).write_now(differences) == []


@pytest.mark.parametrize("revision", EARLIER)
async def test_from_every_earlier_schema(empty: ServerOptions, revision: str) -> None:
    """Each column of each row is there as it was, and the fax goes on being worked at."""
    database = Server(empty.url)
    database.write_now(lambda connection: _fill(connection, revision))

    def names(connection: sa.Connection) -> dict[str, str]:
        look = sa.inspect(connection)
        return {
            table: ", ".join(f'"{column["name"]}"' for column in look.get_columns(table))
            for table in look.get_table_names()
            if table != "alembic_version"
        }

    columns = database.read_now(names)

    def rows(connection: sa.Connection) -> dict[str, list[tuple[object, ...]]]:
        return {
            table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT {which} FROM {table} ORDER BY 1")]
            for table, which in columns.items()
        }

    before = database.read_now(rows)
    with pytest.raises(Misconfigured, match="faxbridge migrate"):
        Store.open_shared(empty)
    assert Store.migrate_alone(empty) == (revision, migrations.head())
    after = database.read_now(rows)
    after["cursor"] = [row for row in after["cursor"] if row[0] != marker.CURSOR]
    assert after == before
    assert before["fax"]
    async with open_shared_bench(empty) as bench:
        assert (await bench.move(await bench.fax("FAX000000001"), FaxState.HELD)).version == 3


def test_nobody_brings_it_up_to_date_unasked(empty: ServerOptions) -> None:
    """Neither daemon nor shell touches an empty database; both name the command, which may be run again."""
    for way_in in (Store.open_shared, Store.open_beside):
        with pytest.raises(Misconfigured, match=r"the database is empty.*faxbridge migrate"):
            way_in(empty)
    assert Store.migrate_alone(empty) == (None, migrations.head())
    assert Store.migrate_alone(empty) == (migrations.head(), migrations.head())
    for way_in in (Store.open_shared, Store.open_beside):
        way_in(empty).close()


def test_a_newer_schema(cluster: Cluster, tmp_path: Path) -> None:
    """A database of a newer version is left alone, with a clear word."""
    options = a_store(cluster, tmp_path)
    Server(options.url).write_now(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Misconfigured, match="9999"):
        Store.open_shared(options)
    with pytest.raises(Misconfigured, match="9999"):
        Store.migrate_alone(options)


def test_no_database(cluster: Cluster, tmp_path: Path) -> None:
    """A server that is not there, or has no such database, is unavailable, whoever asks."""
    for url in (cluster.url("nowhere"), f"postgresql://postgres@/x?host={tmp_path}", "postgresql://127.0.0.1:9/x"):
        options = ServerOptions(url, tmp_path)
        for way_in in (Store.open_shared, Store.open_beside, Store.migrate_alone):
            with pytest.raises(Unavailable, match="does not answer"):
                way_in(options)


def test_a_server_that_forgets(cluster: Cluster, tmp_path: Path) -> None:
    """Where a confirmed transaction may be lost in a crash, the daemon does not start, and the setting is named."""
    options = a_store(cluster, tmp_path)
    cluster.sql(f'ALTER DATABASE "{urlsplit(options.url).path[1:]}" SET synchronous_commit = off')
    with pytest.raises(Misconfigured, match="synchronous_commit is off"):
        Store.open_shared(options)


class TestMarker:
    """The blob folder and the database name one another."""

    def test_a_folder_that_is_not_shared(self, cluster: Cluster, tmp_path: Path) -> None:
        """A folder without the marker, or with another one, is refused by whoever would work there."""
        options = a_store(cluster, tmp_path)
        ours = tmp_path / "blobs" / marker.MARKER
        kept = ours.read_text()
        ours.unlink()
        with pytest.raises(Misconfigured, match="not the blob folder that this database's daemons share"):
            Store.open_shared(options)
        ours.write_text("f" * 32 + "\n")
        with pytest.raises(Misconfigured, match="the blob folder of another database"):
            Store.open_shared(options)
        ours.write_text(kept)
        Store.open_shared(options).close()

    def test_the_folder_of_another_database(self, cluster: Cluster, empty: ServerOptions) -> None:
        """A new database is never tied to a folder that another has, whose files it would sweep away."""
        other = ServerOptions(cluster.database(), empty.blobs)
        Store.migrate_alone(empty)
        with pytest.raises(Misconfigured, match="belongs to another database"):
            Store.migrate_alone(other)

    async def test_a_folder_that_was_lost(self, cluster: Cluster, tmp_path: Path) -> None:
        """Once there are blobs, an empty folder is not taken for theirs, however often the operator migrates."""
        options = a_store(cluster, tmp_path)
        async with open_shared_bench(options) as bench:
            await bench.accepted()
        (options.blobs / marker.MARKER).unlink()
        with pytest.raises(Misconfigured, match="not the blob folder"):
            Store.migrate_alone(options)

    def test_a_death_between_row_and_file(self, cluster: Cluster, tmp_path: Path) -> None:
        """Where the first migration died before it wrote the file, the second one writes it."""
        options = a_store(cluster, tmp_path)
        (options.blobs / marker.MARKER).unlink()
        Store.migrate_alone(options)
        Store.open_shared(options).close()
