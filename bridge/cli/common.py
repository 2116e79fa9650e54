"""What the commands share: the --config option, the store as its owner sees it, tables on the terminal."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.errors import Unavailable
from bridge.settings import load_store, rooms
from bridge.store import Store

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Configuration file [$FAXBRIDGE_CONFIG, /etc/faxbridge/faxbridge.toml]"
    ),
]
UnreadConfig = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Taken as everywhere, but this command reads no file"),
]
_UNPRINTABLE = re.compile(r"\s*[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+\s*")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")]


@contextmanager
def open_store(config: Path | None) -> Iterator[Store]:
    """The store beside a daemon that may be running, with ``[store]`` alone read; closed at the end."""
    options = rooms.store_options(load_store(config))
    take_on_owner(options.place)
    store = Store.open_beside(options)
    try:
        yield store
    finally:
        store.close()


def take_on_owner(path: Path) -> None:
    """Run as root, become that file's or folder's owner, so that nothing of the store comes to belong to root."""
    try:
        if os.geteuid() != 0 or not path.exists():
            return
        owner = path.stat()
        if owner.st_uid != 0:
            os.setgroups([])
            os.setgid(owner.st_gid)
            os.setuid(owner.st_uid)
    except OSError as error:
        raise Unavailable(f"cannot take on the owner of {path}: {error.strerror or error}") from error


def print_json(document: Any) -> None:
    """One JSON document."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def print_table(columns: list[str], rows: list[list[str]]) -> None:
    """A table on a terminal; off one, columns parted by tabs, so that it can be cut and sorted."""
    console = Console()
    if not console.is_terminal:
        for row in (columns, *rows):
            typer.echo("\t".join(row))
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # never read as markup: callers' numbers are strangers' text
    console.print(table)


def say(text: str) -> None:
    """One line on standard error, whatever is in it: names of files and keys may hold line ends, or be no text."""
    typer.echo(f"faxbridge: {_UNPRINTABLE.sub(' ', text).strip()}", err=True)


def fail(text: str, status: int = 1) -> NoReturn:
    """Say it on standard error and end."""
    say(text)
    raise typer.Exit(status)


def read_or_fail(read: Callable[[str], Any], text: str, what: str) -> Any:
    """An option's value, or wrong usage with what is wrong about it."""
    try:
        return read(text)
    except ValueError as error:
        fail(f"{what}: {error}", 2)
