"""Previews: the pages that a mail would be faxed as go back by mail, and nothing is faxed."""

from dataclasses import dataclass

import sqlalchemy as sa

from bridge.document.renderer import ConverterDied, DocumentUnusable, Rendered
from bridge.fax.arrivals import Mail, MailKind
from bridge.fax.jobs import Message, Part, Preview
from bridge.mail import composing, previews as answers
from bridge.mail.headers import HEADER_LIMIT, Headers, read_headers
from bridge.mail.options import MailOptions
from bridge.mail.previews import PreviewFacts
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell, Duty
from bridge.sending.dressing import Dresser, TooLarge, check_size
from bridge.sending.prepare import DEATH_PAUSE, DEATHS, IN_A_ROW
from bridge.store import StoredBlob, faxes, previews, suspects
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk
from bridge.store.outbox import Draft


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of a preview: ``pdf``, or ``why`` there is none; of some reasons the operator hears as well."""

    parts: tuple[Part, ...]
    pages: int = 0
    pdf: bytes = b""
    why: str = ""
    tell_admin: bool = False

    @property
    def result(self) -> str:
        """For the row."""
        return f"{self.pages} pages" if self.pages else self.why[:500]


class Previewer:
    """The worker that answers mail to ``preview@``."""

    def __init__(self, desk: Desk, dresser: Dresser, options: MailOptions, max_document: int, name: str) -> None:
        self._desk = desk
        self._dresser = dresser
        self._options = options
        self._max_document = max_document
        self._owner = name

    @property
    def duty(self) -> Duty[Preview]:
        """What the worker loop runs."""
        return Duty("preview", Bell.PREVIEW, self._claim, self.answer, self._renew, self._set_aside)

    async def answer(self, preview: Preview) -> None:
        """Make the pages and mail them, or say why there are none."""
        crash_point(Point.PREVIEW_CLAIMED)
        message = await self._message(preview)
        headers = read_headers(b"")
        try:
            stored = await self._desk.store.stored(message.blob_id)
            headers = read_headers(await self._desk.store.blobs.head(stored, HEADER_LIMIT))
            answer = await self._made(preview, message, stored, headers)
        except ConverterDied as error:
            deaths = await self._blame(preview)
            if deaths < DEATHS:
                return
            answer = _Answer((), why=IN_A_ROW.format(why=error.public, times=DEATHS), tell_admin=True)
        except (DocumentUnusable, TooLarge) as error:
            answer = _Answer(error.parts, why=error.public)
        except BlobDamaged as error:
            answer = _Answer((), why=error.public, tell_admin=True)
        crash_point(Point.PREVIEW_RENDERED)
        await self._reply(preview, message, headers, answer)

    async def _made(self, preview: Preview, message: Message, stored: StoredBlob, headers: Headers) -> _Answer:
        await self._desk.store.blobs.check(stored)
        with self._desk.store.blobs.open_plain(stored) as source:
            paper = self._dresser.paper_of(message, preview.number)
            async with self._dresser.pages_of(message, paper, source) as rendered:
                if not self._dresser.has_cover(message):
                    return self._read(rendered)
                async with self._dresser.covered(message, preview, headers, rendered) as covered:
                    return self._read(covered)

    def _read(self, rendered: Rendered) -> _Answer:
        """What was made, unless it is more than the carrier would be sent."""
        check_size(rendered, self._max_document)
        return _Answer(rendered.parts, rendered.pages, rendered.path.read_bytes())

    async def _reply(self, preview: Preview, message: Message, headers: Headers, answer: _Answer) -> None:
        """Owe the answer, and the operator's copy (without pages) where there is to be one; then it is done."""
        now = self._desk.clock.now()
        facts = PreviewFacts(
            preview,
            message,
            headers,
            answer.parts,
            answer.pages,
            answer.why,
            names_nobody=not preview.number and self._dresser.has_cover(message),
        )
        drafts = [await self._draft(facts, preview.pages_to, answer.pdf)]
        if answer.tell_admin and preview.pages_to != self._options.admin:
            drafts.append(await self._draft(facts, self._options.admin, b""))

        def unit(connection: sa.Connection) -> None:
            previews.done(connection, preview.id, self._owner, now, answer.result)
            for draft in drafts:
                draft.write(connection, now)
            suspects.clear(connection, suspects.DOCUMENT, preview.message_id)

        await self._desk.store.write_files(unit, *(draft.blob for draft in drafts))
        crash_point(Point.PREVIEW_COMMITTED)
        self._desk.events.preview_answered(preview=preview.id, message=message.id, pages=answer.pages)
        self._desk.bells.ring(Bell.POST)

    async def _draft(self, facts: PreviewFacts, recipient: str, pdf: bytes) -> Draft:
        row_id, preview = self._desk.ids.new(), facts.preview
        mail = Mail(
            id=row_id,
            kind=MailKind.PREVIEW,
            purpose=f"preview/{preview.id}/{recipient}",
            event=answers.EVENT,
            envelope_sender="",
            recipient=recipient,
            message_id=composing.message_id(row_id, self._options),
        )
        now = self._desk.clock.now()
        content = answers.render(facts, self._options, row_id=row_id, recipient=recipient, now=now, pdf=pdf)
        return await self._desk.draft(mail, content)

    async def _blame(self, preview: Preview) -> int:
        """The converter died: how often it did now. Until it is too often the preview waits for its next try."""
        owner, now = self._owner, self._desk.clock.now()

        def unit(connection: sa.Connection) -> int:
            deaths = suspects.blame(connection, suspects.DOCUMENT, preview.message_id)
            if deaths < DEATHS:
                previews.later(connection, preview.id, owner, now + DEATH_PAUSE * deaths)
            return deaths

        deaths = await self._desk.store.write(unit)
        self._desk.events.preview_converter_died(preview=preview.id, deaths=deaths)
        return deaths

    async def _set_aside(self, preview: Preview, why: str) -> None:
        message = await self._message(preview)
        await self._reply(preview, message, read_headers(b""), _Answer((), why=why, tell_admin=True))

    async def _message(self, preview: Preview) -> Message:
        return await self._desk.store.read(lambda connection: faxes.message_of(connection, preview.message_id))

    async def _claim(self) -> Preview | None:
        return await self._desk.store.write(
            lambda connection: previews.claim(connection, self._desk.lease(self._owner))
        )

    async def _renew(self, preview: Preview) -> bool:
        return await self._desk.store.write(
            lambda connection: previews.renew(connection, preview.id, self._desk.lease(self._owner))
        )
