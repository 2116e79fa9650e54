"""``faxbridge sandbox`` and ``faxbridge demo``, which need no account: the stand-in carrier, alone or with the house.

What they run is imported when they run: it is much, and the other commands have no use for it.
"""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.common import Json, UnreadConfig, fail, print_json, print_table

if TYPE_CHECKING:
    from bridge.sandbox import SandboxOptions

TOKEN = "sandbox-key"  # noqa: S105 - the stand-in's key is no secret
DEMO_FOLDER = Path("demo-output")


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after both ways have been shown")] = False,
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where the files go")] = DEMO_FOLDER,
    config: UnreadConfig = None,  # noqa: ARG001 - every command takes it
) -> None:
    """Show the whole way on this machine with no account: mail in, fax out, notice; fax in, mail out."""
    from bridge.cli import demo as show  # noqa: PLC0415 - see above

    show.demo(folder, once=once)


def sandbox(
    *,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where it answers")] = "127.0.0.1:8090",
    hooks: Annotated[str, typer.Option(metavar="URL", help="Where its webhooks go; empty for none")] = "",
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep every fax it is sent here")] = None,
    numbers: Annotated[bool, typer.Option("--numbers", help="Print its table of numbers and outcomes")] = False,
    as_json: Json = False,
    config: UnreadConfig = None,  # noqa: ARG001 - every command takes it
) -> None:
    """Run a stand-in carrier that speaks the iFax wire, for trying out and for tests."""
    if numbers:
        _print_numbers(as_json=as_json)
        return
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdigit():
        fail(f"--listen: {listen!r} is not HOST:PORT", 2)
    from bridge import sandbox as carrier  # noqa: PLC0415 - see above

    options = carrier.SandboxOptions(host=host.strip("[]"), port=int(port), hooks=hooks, keep=keep, token=TOKEN)
    try:
        asyncio.run(_run(options))
    except OSError as error:
        fail(f"cannot listen on {listen}: {error.strerror or error}")


async def _run(options: "SandboxOptions") -> None:
    from bridge import sandbox as carrier  # noqa: PLC0415 - see above

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await carrier.run(options, started=_say_hello, stop=stop)


def _say_hello(url: str) -> None:
    typer.echo(f'stand-in carrier: ifax.base_url = "{url}/v1", ifax.access_token = "{TOKEN}"')


def _print_numbers(*, as_json: bool) -> None:
    from bridge import sandbox as carrier  # noqa: PLC0415 - see above

    table = carrier.numbers_table()
    if as_json:
        print_json([{"number": number, "outcome": outcome} for number, outcome in table])
    else:
        print_table(["number", "what happens"], [list(row) for row in table])
