"""The shell: ``faxbridge COMMAND``. One module a command family; errors are one line on standard error, no traceback.

Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from bridge.cli import catalogue, configuration, daemon, failing, faxes, orders, pausing, preview, proof, standin
from bridge.cli.common import say
from bridge.errors import BridgeError, Misconfigured
from bridge.settings import BadConfiguration

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="faxbridge",
    help="A daemon between mail and the fax network.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    context: typer.Context,
    *,
    show_version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and end")] = False,
) -> None:
    """A daemon between mail and the fax network."""
    if show_version:
        typer.echo(f"faxbridge {version('faxbridge')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("serve")(daemon.serve)
app.command("demo")(standin.demo)
app.command("sandbox")(standin.sandbox)
app.command("check")(configuration.check)
app.command("list")(faxes.list_faxes)
app.command("show")(faxes.show)
app.command("backlog")(faxes.backlog)
app.command("retry")(orders.retry)
app.command("hold")(orders.hold)
app.command("release")(orders.release)
app.command("settle")(orders.settle)
app.command("resend")(orders.resend)
app.command("cancel")(orders.cancel)
app.command("failing")(failing.failing_numbers)
app.command("forget")(failing.forget)
app.command("pause")(pausing.pause)
app.command("resume")(pausing.resume)
app.command("codes", context_settings={"ignore_unknown_options": True})(catalogue.codes)
app.command("preview")(preview.preview)
app.command("proof")(proof.proof)
app.command("migrate")(configuration.migrate)


def main() -> None:
    """The console script's entry."""
    try:
        status = app(standalone_mode=False)  # the status of a typer.Exit, else what the command returned: nothing
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last one who can say it in one line
        status = _told(_innermost(error))
    sys.exit(status or DONE)


def _told(error: BaseException) -> int:
    """What ended a command, said on standard error; the exit status."""
    match error:
        case typer.Exit():
            return error.exit_code
        case KeyboardInterrupt() | typer.Abort():
            return INTERRUPTED
        case typer.TyperException():
            say(error.format_message())
            return error.exit_code
        case BadConfiguration():
            for problem in error.problems:
                say(str(problem))
            return WRONG
        case BridgeError():
            say(error.public)
            return WRONG if isinstance(error, Misconfigured) else FAILED
        case _:
            say(f"ended by an error of its own ({type(error).__name__})")
            return FAILED


def _innermost(error: BaseException) -> BaseException:
    """The first single error where several tasks ended in a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
