"""``faxbridge check`` and ``faxbridge migrate``."""

from typing import Annotated

import typer

from bridge.cli.common import Config, print_table, take_on_owner
from bridge.settings import load, load_store, rooms
from bridge.store import Store


def check(
    config: Config = None,
    show: Annotated[bool, typer.Option("--show", help="Print every value with its origin, secrets masked")] = False,
) -> None:
    """Read the configuration and say what is wrong with it, or that it is good."""
    loaded = load(config)
    if show:
        print_table(["key", "value", "origin"], [list(row) for row in loaded.show()])
    else:
        typer.echo("the configuration is good")


def migrate(config: Config = None) -> None:
    """Bring the database up to date (SQLite does so itself when the daemon starts)."""
    options = rooms.store_options(load_store(config))
    take_on_owner(options.database)
    before, after = Store.migrate_alone(options)
    if before == after:
        typer.echo(f"the database is up to date (schema {after})")
    else:
        typer.echo(f"the database was brought from schema {before or 'none'} to {after}")
