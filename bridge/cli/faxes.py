"""``faxbridge list``, ``show`` and ``backlog``: what there is, and what became of it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import typer

from bridge.cli import views
from bridge.cli.common import Config, Json, fail, open_store, print_json, print_table, read_or_fail
from bridge.cli.identify import find
from bridge.cli.orders import ANSWER_SECONDS, NOT_YET, ask, operator_name
from bridge.fax.states import FaxState, ReceivedState
from bridge.receiving.backlog import RELEASE
from bridge.runtime.clock import SystemClock
from bridge.runtime.ids import Ids
from bridge.settings.units import read_duration
from bridge.store import Store, arrivals, overview, pauses
from bridge.store.commands import Command
from bridge.store.overview import Arrived, Sent

ALL_STATES = sorted({*FaxState, *ReceivedState})


def list_faxes(
    *,
    state: Annotated[str | None, typer.Option(help=f"Only faxes in this state: {', '.join(ALL_STATES)}")] = None,
    direction: Annotated[Literal["out", "in"] | None, typer.Option(help="Only faxes that went this way")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only faxes taken on since then: 2h, 3d, or 2026-11-23T08:00Z")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="So many at most")] = 50,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List faxes, newest first."""
    if state is not None and state not in ALL_STATES:
        fail(f"--state: {state!r} is not a state; known are {', '.join(ALL_STATES)}", 2)
    start: datetime | None = None if since is None else read_or_fail(_moment, since, "--since")
    with open_store(config) as store:
        rows = _newest(store, state, direction, start, limit)
        paused = store.read_now(pauses.current)
    for pause in paused:
        typer.echo(f"PAUSED: {pause.in_words()}", err=True)  # beside the table, which may be cut and sorted
    if as_json:
        print_json([views.as_json(row) for row in rows])
    else:
        print_table(["id", "way", "state", "since", "number", "pages", ""], [views.summary(row) for row in rows])


def show(
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="The fax's id or its mail's, or the first characters of either")
    ],
    *,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show one fax with its whole history."""
    with open_store(config) as store:
        row = find(store, identity)
    if as_json:
        print_json(views.as_json(row))
        return
    for key, value in views.details(row):
        typer.echo(f"{key:<18} {value}")


def backlog(
    *,
    release: Annotated[
        bool, typer.Option("--release", help="Let all of it go: fetched, routed and mailed now")
    ] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List received faxes that were set aside (the backlog of the first start, and hooks for unknown faxes)."""
    with open_store(config) as store:
        if release:
            typer.echo(_release(store))
            return
        waiting = store.read_now(arrivals.quarantined)
        rows = [Arrived(fax, (), ()) for fax in waiting]
    if as_json:
        print_json([views.as_json(row) for row in rows])
    else:
        print_table(["id", "way", "state", "since", "number", "pages", ""], [views.summary(row) for row in rows])


def _release(store: Store) -> str:
    """Ask the daemon, and wait a moment for its answer."""
    asked = Command(Ids(SystemClock()).new(), RELEASE, None, operator_name())
    answer = ask(store, asked, ANSWER_SECONDS)
    return NOT_YET if answer is None else answer.text


def _newest(
    store: Store, state: str | None, direction: str | None, since: datetime | None, limit: int
) -> list[Sent | Arrived]:
    """Both ways together, newest first; a state that only one way knows leaves the other out."""
    rows: list[Sent | Arrived] = []
    if direction != "in" and (state is None or state in set(FaxState)):
        wanted = None if state is None else FaxState(state)
        rows += store.read_now(lambda c: overview.outgoing(c, state=wanted, since=since, limit=limit))
    if direction != "out" and (state is None or state in set(ReceivedState)):
        wanted_in = None if state is None else ReceivedState(state)
        rows += store.read_now(lambda c: overview.incoming(c, state=wanted_in, since=since, limit=limit))
    return sorted(rows, key=lambda row: row.fax.id, reverse=True)[:limit]


def _moment(text: str) -> datetime:
    """A moment in the past: so long ago, or RFC 3339 (UTC where no zone is given)."""
    try:
        ago: timedelta = read_duration(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a time; write 2h, 3d or 2026-11-23T08:00Z") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return datetime.now(UTC) - ago
    except OverflowError:
        raise ValueError(f"{text} ago is before the first year there is") from None
