"""The shell: ``faxbridge COMMAND``. One module a command family; errors are one line on standard error, no traceback.

Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from bridge.cli import catalogue, configuration, daemon, demo, faxes, standin
from bridge.errors import BridgeError, Misconfigured
from bridge.settings import BadConfiguration

app = typer.Typer(
    name="faxbridge",
    help="A daemon between mail and the fax network.",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    *,
    show_version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and end")] = False,
) -> None:
    """A daemon between mail and the fax network."""
    if show_version:
        typer.echo(f"faxbridge {version('faxbridge')}")
        raise typer.Exit


app.command("serve")(daemon.serve)
app.command("demo")(demo.demo)
app.command("sandbox")(standin.sandbox)
app.command("check")(configuration.check)
app.command("list")(faxes.list_faxes)
app.command("show")(faxes.show)
app.command("backlog")(faxes.backlog)
app.command("codes")(catalogue.codes)
app.command("migrate")(configuration.migrate)


def main() -> None:
    """The console script's entry."""
    try:
        app()
    except BadConfiguration as error:
        for problem in error.problems:
            _say(str(problem))
        sys.exit(2)
    except Misconfigured as error:
        _say(error.public)
        sys.exit(2)
    except BridgeError as error:
        _say(error.public)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _say(text: str) -> None:
    typer.echo(f"faxbridge: {text}", err=True)
