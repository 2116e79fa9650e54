"""What an operator asks of single faxes: a row that the daemon carries out, and its answer."""

import getpass
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.common import Config, fail, open_store
from bridge.cli.identify import only_fax
from bridge.fax.orders import Order
from bridge.runtime import foreign
from bridge.runtime.clock import SystemClock
from bridge.runtime.ids import Ids
from bridge.store import Store, commands
from bridge.store.commands import Answer, Command

ANSWER_SECONDS = 2.0
"""So long the shell waits for the daemon to carry a command out."""

PATIENCE_SECONDS = 60.0
"""So long with ``--wait``."""

NOT_YET = "asked; no daemon has answered yet: it is done as soon as one runs"

RISK = (
    "Mind: this fax may have gone out. If it did, the recipient gets it twice; "
    "so be sure that the recipient was asked, or that iFax's dashboard does not have it."
)
"""What ``settle --not-sent`` risks, said before it acts."""

NAME_LIMIT = 80

Identity = Annotated[
    str, typer.Argument(metavar="ID", help="The fax's id or its mail's, or the first characters of either")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait a minute for the answer instead of two seconds")]


def retry(identity: Identity, *, wait: Wait = False, config: Config = None) -> None:
    """A waiting fax is due now."""
    _order(Order.RETRY, identity, config, wait=wait)


def hold(identity: Identity, *, wait: Wait = False, config: Config = None) -> None:
    """Stop a fax that is not with iFax yet."""
    _order(Order.HOLD, identity, config, wait=wait)


def release(identity: Identity, *, wait: Wait = False, config: Config = None) -> None:
    """Let a held fax go on, past the limit it was held for."""
    _order(Order.RELEASE, identity, config, wait=wait)


def settle(
    identity: Identity,
    *,
    sent: Annotated[
        bool | None,
        typer.Option("--sent/--not-sent", help="It arrived: it ends as delivered. It did not: it is sent again"),
    ] = None,
    wait: Wait = False,
    config: Config = None,
) -> None:
    """Decide a fax of which nobody knows whether it was sent."""
    if sent is None:
        fail("settle needs a decision: --sent, or --not-sent", 2)
    if not sent:
        typer.echo(RISK)
    _order(Order.SETTLE, identity, config, wait=wait, arguments={"sent": sent})


def resend(
    identity: Identity,
    *,
    to: Annotated[str | None, typer.Option(metavar="NUMBER", help="To this number instead")] = None,
    wait: Wait = False,
    config: Config = None,
) -> None:
    """Send a fax that has ended once more, as a new fax with the same pages."""
    _order(Order.RESEND, identity, config, wait=wait, arguments={} if to is None else {"to": to})


def cancel(identity: Identity, *, wait: Wait = False, config: Config = None) -> None:
    """Call a fax off, unless it is too late."""
    _order(Order.CANCEL, identity, config, wait=wait)


def _order(
    order: Order, identity: str, config: Path | None, *, wait: bool, arguments: Mapping[str, Any] | None = None
) -> None:
    """Ask it of the one fax that ``identity`` means, and show the answer."""
    name = operator_name()
    with open_store(config) as store:
        asked = Command(Ids(SystemClock()).new(), order, only_fax(store, identity), name, arguments or {})
        answer = ask(store, asked, PATIENCE_SECONDS if wait else ANSWER_SECONDS)
    tell(answer, wait=wait)


def ask(store: Store, asked: Command, patience: float) -> Answer | None:
    """Put a command where the daemon finds it, and wait so many seconds for its answer."""
    clock = store.clock
    end = clock.monotonic() + patience
    store.write_now(lambda connection: commands.ask(connection, asked, clock.now()))
    while clock.monotonic() < end:
        if answer := store.read_now(lambda connection: commands.answer_to(connection, asked.id)):
            return answer
        time.sleep(0.1)
    return None


def tell(answer: Answer | None, *, wait: bool) -> None:
    """Show the answer; what was refused, or not answered although it was waited for, ends with status 1."""
    if answer is None and wait:
        fail(NOT_YET)
    if answer is not None and answer.refused:
        fail(answer.text)
    typer.echo(NOT_YET if answer is None else answer.text)


def operator_name() -> str:
    """Who asks, as it stands in a fax's history: who called ``sudo``, else the user."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        name = ""
    return foreign.one_line(name, NAME_LIMIT) or f"uid {os.getuid()}"
