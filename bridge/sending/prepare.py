"""Accepted faxes get their pages: one document a message, made once for all its faxes."""

from functools import partial

import sqlalchemy as sa

from bridge.document.renderer import DocumentUnusable, Rendered, Renderer
from bridge.fax import outcomes
from bridge.fax.jobs import Document, Fax, Outcome, Part
from bridge.fax.states import FaxState
from bridge.runtime.worker import Bell, Duty
from bridge.sending.options import SendingOptions
from bridge.sending.report import Change, Reporter, write_end
from bridge.store import StoredBlob, blobs, faxes
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk

Batch = tuple[Fax, ...]
"""All accepted faxes of one message."""


class Preparer:
    """The worker that makes pages."""

    def __init__(
        self,
        desk: Desk,
        renderer: Renderer,
        reporter: Reporter,
        options: SendingOptions,
        name: str,
    ) -> None:
        self._desk = desk
        self._renderer = renderer
        self._reporter = reporter
        self._options = options
        self._owner = name

    @property
    def duty(self) -> Duty[Batch]:
        """What the worker loop runs."""
        return Duty("prepare", Bell.PREPARE, self._claim, self.prepare, self._renew)

    async def prepare(self, batch: Batch) -> None:
        """Make the pages and let every fax of the batch go on, or end them all with a notice that names the part."""
        message = await self._desk.store.read(lambda connection: faxes.message_of(connection, batch[0].message_id))
        try:
            await self._desk.store.blobs.check(await self._desk.store.stored(message.blob_id))
            with self._desk.store.blobs.open_plain(message.blob_id) as source:
                async with self._renderer.from_mail(source) as rendered:
                    self._check_size(rendered)
                    blob = await self._desk.store.blobs.copy(self._desk.ids.file_name(), rendered.path)
        except DocumentUnusable as error:
            await self._fail(batch, "document-unusable", error.public, error.parts)
            return
        except BlobDamaged as error:
            await self._fail(batch, "stored-copy-damaged", error.public, (), tell_admin=True)
            return
        except _TooLargeError as error:
            await self._fail(batch, "document-too-large", str(error), error.parts)
            return
        await self._go_on(
            batch, Document(self._desk.ids.new(), message.id, blob.id, rendered.pages, blob.size, rendered.parts), blob
        )

    def _check_size(self, rendered: Rendered) -> None:
        size = rendered.path.stat().st_size
        if size > self._options.max_document:
            limit = self._options.max_document / 1_000_000
            raise _TooLargeError(
                f"the pages make {size / 1_000_000:.1f} MB, and a fax may have {limit:.1f} MB", rendered.parts
            )

    async def _go_on(self, batch: Batch, document: Document, blob: StoredBlob) -> None:
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> None:
            blobs.record(connection, blob, "document", now)
            faxes.add_document(connection, document, now)
            for fax in batch:
                faxes.change(
                    connection,
                    fax,
                    FaxState.READY,
                    now=now,
                    event="prepared",
                    detail=f"{document.pages} {'page' if document.pages == 1 else 'pages'}",
                    owner=self._owner,
                    due_at=now,
                    document_id=document.id,
                    pages=document.pages,
                )

        await self._desk.store.write_files(unit, blob)
        for fax in batch:
            self._desk.events.fax_prepared(fax=fax.id, pages=document.pages)
        self._desk.bells.ring(Bell.SUBMIT)

    async def _fail(
        self, batch: Batch, slug: str, why: str, parts: tuple[Part, ...], *, tell_admin: bool = False
    ) -> None:
        cause = outcomes.cause(slug)
        outcome = Outcome(cause.outcome_class, cause.slug)
        for fax in batch:
            change = Change(fax, FaxState.FAILED, outcome, parts=parts, why=why)
            now = self._desk.clock.now()
            apply = partial(write_end, change=change, now=now, detail=why, owner=self._owner)
            await self._reporter.carry_out(change, now, apply, tell_admin=tell_admin)

    async def _claim(self) -> Batch | None:
        batch = await self._desk.store.write(
            lambda connection: faxes.claim_accepted(connection, self._desk.lease(self._owner))
        )
        return batch or None

    async def _renew(self, batch: Batch) -> bool:
        return await self._desk.store.write(
            lambda connection: faxes.renew(connection, [fax.id for fax in batch], self._desk.lease(self._owner))
        )


class _TooLargeError(Exception):
    """The finished pages are more than the carrier may be sent."""

    def __init__(self, text: str, parts: tuple[Part, ...]) -> None:
        super().__init__(text)
        self.parts = parts
