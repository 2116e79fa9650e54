"""``faxbridge pause`` and ``resume``: everything of one kind at once, with or without a daemon."""

from typing import Annotated, Literal

import sqlalchemy as sa
import typer

from bridge.cli.common import Config, open_store
from bridge.cli.orders import operator_name
from bridge.runtime.clock import SystemClock
from bridge.runtime.ids import Ids
from bridge.store import commands, pauses
from bridge.store.commands import Command
from bridge.store.pauses import Work

What = Annotated[
    Literal["sending", "intake", "receiving"],
    typer.Argument(metavar="sending|intake|receiving", help="Calls to iFax, mail, or looking for received faxes"),
]


def pause(what: What, *, config: Config = None) -> None:
    """Stop sending, intake or receiving, until it is resumed; what is in hand is finished."""
    work, clock, name = Work(what), SystemClock(), operator_name()
    asked = Command(Ids(clock).new(), f"pause-{work}", None, name)
    with open_store(config) as store:
        now = clock.now()

        def unit(connection: sa.Connection) -> str:
            before = pauses.begin(connection, work, f"operator {name}", now)
            text = f"{work} is paused" if before is None else f"{before.in_words()} already"
            commands.note(connection, asked, now, text)
            return text

        typer.echo(store.write_now(unit))


def resume(what: What, *, config: Config = None) -> None:
    """Go on with what was paused."""
    work, clock = Work(what), SystemClock()
    asked = Command(Ids(clock).new(), f"resume-{work}", None, operator_name())
    with open_store(config) as store:
        now = clock.now()

        def unit(connection: sa.Connection) -> str:
            before = pauses.end(connection, work, now)
            text = f"{work} is not paused" if before is None else f"{work} goes on"
            commands.note(connection, asked, now, text)
            return text

        typer.echo(store.write_now(unit))
