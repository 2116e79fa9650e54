"""``faxbridge proof``: one PDF that says what became of a fax, with the very pages that were handed over."""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.common import Config, fail, open_store
from bridge.cli.identify import find
from bridge.cli.preview import put
from bridge.document.converter import Converter
from bridge.document.renderer import Renderer
from bridge.mail import proofs
from bridge.mail.headers import HEADER_LIMIT, read_headers
from bridge.mail.proofs import ProofFacts
from bridge.sending.enclosures import handed_over
from bridge.store import Store, faxes
from bridge.store.overview import Arrived, Sent


def proof(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The fax's id, or its first characters")],
    *,
    out: Annotated[Path | None, typer.Option("--out", metavar="PDF", help="Where it goes [proof-ID.pdf]")] = None,
    config: Config = None,
) -> None:
    """Write the proof of transmission of a fax that has ended: numbers, times, calls, the carrier's word, the pages."""
    place = Path.cwd()
    with open_store(config) as store:
        row = find(store, identity)
        if isinstance(row, Arrived):
            fail(f"{row.fax.id} is a received fax; there is proof of faxes that went out")
        if not row.fax.state.final or row.fax.outcome is None:
            fail(f"fax {row.fax.id} is {row.fax.state} and has not ended; there is nothing to prove yet")
        target = place / (out or Path(f"proof-{row.fax.id}.pdf"))
        if target.exists():
            fail(f"{target} is there already; name another with --out")
        asyncio.run(_make(store, row, target))
    typer.echo(str(target))


async def _make(store: Store, row: Sent, target: Path) -> None:
    fax, now = row.fax, datetime.now(UTC)
    assert fax.outcome is not None
    pages = b""
    if fax.document_id is not None:
        document = await store.read(lambda connection: faxes.document_of(connection, fax.document_id or ""))
        pages = await store.read_blob(document.blob_id)
    facts = ProofFacts(
        fax=fax,
        state=fax.state,
        outcome=fax.outcome,
        ended_at=fax.state_since,
        pages=fax.pages,
        pages_sent=fax.pages_sent,
        parts=row.parts,
        attempts=row.attempts,
        message=row.message,
        subject=read_headers(await store.head(row.message.blob_id, HEADER_LIMIT)).subject,
        handed_over=handed_over(pages),
    )
    with tempfile.TemporaryDirectory(prefix="faxbridge-") as folder, Converter() as converter:
        async with Renderer(Path(folder), converter).proof(pages, proofs.render(facts, now)) as made:
            await asyncio.to_thread(put, made.path, target)
