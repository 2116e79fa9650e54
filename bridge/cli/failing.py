"""``faxbridge failing`` and ``forget``: numbers to which fax after fax failed for good."""

from typing import Annotated, Any

import sqlalchemy as sa
import typer

from bridge.cli.common import Config, Json, open_store, print_json, print_table, read_or_fail
from bridge.cli.orders import operator_name
from bridge.fax import numbers
from bridge.fax.failing import Failing
from bridge.runtime.clock import SystemClock, rfc3339
from bridge.runtime.ids import Ids
from bridge.store import commands, failing
from bridge.store.commands import Command


def failing_numbers(*, as_json: Json = False, config: Config = None) -> None:
    """Numbers to which fax after fax failed for good, the latest first; senders are warned, and later refused."""
    with open_store(config) as store:
        now = SystemClock().now()
        rows = store.read_now(lambda connection: failing.all_of(connection, now))
    if as_json:
        print_json([_as_json(row) for row in rows])
    elif not rows:
        typer.echo("no number fails")
    else:
        cells = [[row.number, str(row.times), rfc3339(row.since), rfc3339(row.last_at), row.title] for row in rows]
        print_table(["number", "failures", "since", "last", "why"], cells)


def forget(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As faxbridge failing shows it, +14155550123")],
    *,
    config: Config = None,
) -> None:
    """Have a number faxed to again that is refused since the last faxes to it failed."""
    wanted = read_or_fail(_number, number, "NUMBER")
    clock = SystemClock()
    with open_store(config) as store:
        now = clock.now()
        asked = Command(Ids(clock).new(), "forget", None, operator_name(), {"number": wanted})

        def unit(connection: sa.Connection) -> str:
            known = failing.forget(connection, wanted)
            text = f"faxes to {wanted} are tried again" if known else f"nothing is held against {wanted}"
            commands.note(connection, asked, now, text)
            return text

        typer.echo(store.write_now(unit))


def _number(written: str) -> str:
    bare = written.translate({ord(char): None for char in " -()./"})
    if not numbers.is_e164(bare):
        raise ValueError(f"{written!r} is no number in E.164; write it like +14155550123")
    return bare


def _as_json(row: Failing) -> dict[str, Any]:
    return {
        "number": row.number,
        "failures": row.times,
        "since": rfc3339(row.since),
        "last_at": rfc3339(row.last_at),
        "cause": row.cause,
        "title": row.title,
    }
