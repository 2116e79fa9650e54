"""``preview``: what files or a mail look like as a fax, page for page, without faxing anything."""

import asyncio
import shutil
import tempfile
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.common import Config, Json, fail, print_json, print_table
from bridge.cli.views import parts_as_json
from bridge.document.converter import Converter
from bridge.document.options import DocumentOptions
from bridge.document.renderer import DocumentUnusable, Renderer
from bridge.fax import papers
from bridge.fax.jobs import Part
from bridge.settings import load_document, load_policy, rooms

MAIL = ".eml"


def preview(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What would be attached, or one mail (.eml)")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="PDF", help="Where the pages go")] = Path("preview.pdf"),
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Write the exact pages that these files, or a mail, would be faxed as; nothing is faxed."""
    options = rooms.document_options(load_document(config))
    if options.paper == "auto":
        options = replace(options, paper=papers.usual_for("", load_policy(config).default_country))
    if out.exists():
        fail(f"{out} is there already; name another with --out")
    mail = _read(files)
    try:
        parts, pages = asyncio.run(_make(mail, options, out))
    except DocumentUnusable as error:
        _tell(error.parts, as_json=as_json)
        fail(f"this could not be faxed: {error.public}")
    _tell(parts, as_json=as_json)
    if not as_json:
        typer.echo(f"{pages} {'page' if pages == 1 else 'pages'}, {out.stat().st_size / 1000:.0f} kB: {out}")


def _read(files: list[Path]) -> bytes:
    """The mail, or one to which the files are attached."""
    try:
        if len(files) == 1 and files[0].suffix.lower() == MAIL:
            return files[0].read_bytes()
        mail = EmailMessage(policy=SMTP)
        mail.make_mixed()  # and no text: there would be a line for it
        for file in files:
            mail.add_attachment(file.read_bytes(), maintype="application", subtype="octet-stream", filename=file.name)
        return mail.as_bytes()
    except OSError as error:
        fail(f"{error.filename} cannot be read: {error.strerror}")


async def _make(mail: bytes, options: DocumentOptions, out: Path) -> tuple[tuple[Part, ...], int]:
    with tempfile.TemporaryDirectory(prefix="faxbridge-") as folder, Converter() as converter:
        source = Path(folder) / "mail"
        source.write_bytes(mail)
        with source.open("rb", buffering=0) as opened:
            async with Renderer(Path(folder), converter, options=options).from_mail(opened) as made:
                await asyncio.to_thread(put, made.path, out)
                return made.parts, made.pages


def put(made: Path, out: Path) -> None:
    """Never over a file that came there meanwhile."""
    try:
        with made.open("rb") as pages, out.open("xb") as file:
            out.chmod(0o600)
            shutil.copyfileobj(pages, file)
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror}")


def _tell(parts: tuple[Part, ...], *, as_json: bool) -> None:
    """What became of each part."""
    if as_json:
        print_json(parts_as_json(parts))
    elif parts:
        print_table(["part", "pages", ""], [[part.name, str(part.pages), part.left_out or ""] for part in parts])
