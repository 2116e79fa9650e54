"""``faxbridge check`` and ``faxbridge migrate``."""

from typing import Annotated

import typer

from bridge.cli.common import Config, print_table, say, take_on_owner
from bridge.errors import Unavailable
from bridge.settings import load, load_store, rooms
from bridge.store import Store
from bridge.store.options import ServerOptions, StoreOptions


def check(
    config: Config = None,
    show: Annotated[bool, typer.Option("--show", help="Print every value with its origin, secrets masked")] = False,
) -> None:
    """Read the configuration and say what is wrong with it, or that it is good."""
    loaded = load(config)
    if show:
        print_table(["key", "value", "origin"], [list(row) for row in loaded.show()])
    else:
        _check_shared(rooms.store_options(loaded.settings.store))
        typer.echo("the configuration is good")


def _check_shared(options: StoreOptions | ServerOptions) -> None:
    """Whether a shared database's blob folder is shared, too; a database that does not answer is no wrong setting."""
    if isinstance(options, StoreOptions):
        return
    take_on_owner(options.place)
    try:
        Store.check(options)
    except Unavailable as error:
        say(f"{error.public} (store.blobs was not compared with store.database)")


def migrate(config: Config = None) -> None:
    """Bring the database up to date (SQLite does so itself when the daemon starts, PostgreSQL never by itself)."""
    options = rooms.store_options(load_store(config))
    take_on_owner(options.place)
    before, after = Store.migrate_alone(options)
    if before == after:
        typer.echo(f"the database is up to date (schema {after})")
    else:
        typer.echo(f"the database was brought from schema {before or 'none'} to {after}")
