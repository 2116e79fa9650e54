"""Accepted faxes get their pages: one document a message and paper, for all its faxes; or one each, with its cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from bridge.document.limits import CORES
from bridge.document.renderer import ConverterDied, DocumentUnusable, Rendered
from bridge.errors import Unavailable
from bridge.fax import outcomes
from bridge.fax.jobs import Document, Fax, Message, Outcome, Part
from bridge.fax.papers import Paper
from bridge.fax.states import FaxState, HoldReason
from bridge.mail.headers import HEADER_LIMIT, read_headers
from bridge.mail.partial import fragment_of
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.phrases import phrase
from bridge.runtime.worker import Bell, Duty
from bridge.sending import allowance, fragments, report
from bridge.sending.allowance import Excess, Held
from bridge.sending.dressing import Dresser, TooLarge, check_size
from bridge.sending.hands import InHand
from bridge.sending.options import SendingOptions
from bridge.sending.poison import Poison
from bridge.sending.report import Change, Reporter, write_end
from bridge.store import StoredBlob, blobs, faxes, history, suspects
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk
from bridge.store.outbox import Draft

IN_A_ROW = phrase("{why}, {times} times in a row")

ROUNDS = 5
"""Of finding what must be held, before it is left for later."""

PREPARERS = 3 * CORES
"""Workers: for the places, for as many documents that go on beside them, and for whoever waits for a place."""

DEATHS = 3
"""Of the converter on one document; then its faxes are held."""

DEATH_PAUSE = timedelta(seconds=10)
"""Before the second try, and twice that before the third: what else killed the converter may be over by then."""

Batch = tuple[Fax, ...]
"""All accepted faxes of one message."""


class Preparer:
    """The worker that makes pages."""

    def __init__(
        self,
        desk: Desk,
        dresser: Dresser,
        reporter: Reporter,
        options: SendingOptions,
        name: str,
        *,
        in_hand: InHand | None = None,
    ) -> None:
        self._desk = desk
        self._dresser = dresser
        self._in_hand = InHand() if in_hand is None else in_hand
        self._reporter = reporter
        self._options = options
        self._owner = name
        self._poison = Poison(desk, reporter)

    @property
    def duty(self) -> Duty[Batch]:
        """What the worker loop runs."""
        return Duty("prepare", Bell.PREPARE, self._claim, self.prepare, self._renew, self._set_aside)

    async def prepare(self, batch: Batch) -> None:
        """Make the pages and let every fax of the batch go on, or end them all with a notice that names the part."""
        try:
            await self._prepare(batch)
        finally:
            self._in_hand.end(batch[0].sender)

    async def _prepare(self, batch: Batch) -> None:
        crash_point(Point.PREPARE_CLAIMED)
        message = await self._desk.store.read(lambda connection: faxes.message_of(connection, batch[0].message_id))
        try:
            stored = await self._desk.store.stored(message.blob_id)
            await self._desk.store.blobs.check(stored)
            opened: fragments.Opener = partial(self._desk.store.blobs.open_plain, stored)
            others: Batch = ()
            if (fragment := fragment_of(await self._desk.store.blobs.head(stored, HEADER_LIMIT))) is not None:
                found = await fragments.look(self._desk, batch, message, fragment)
                if not isinstance(found, fragments.Whole):
                    await self._not_whole(batch, found)
                    return
                opened, others = found.opened, found.others
                crash_point(Point.PREPARE_JOINED)
            made = await self._made(message, batch, stored, opened)
        except ConverterDied as error:
            await self._again_or_hold(batch, error.public)
            return
        except BlobDamaged as error:
            await self._fail(batch, "stored-copy-damaged", error.public, (), tell_admin=True)
            return
        crash_point(Point.PREPARE_STORED)
        for each in made:
            if isinstance(each, _Unusable):
                await self._fail(each.batch, each.slug, each.why, each.parts, others=_alike(others, each.batch))
            else:
                await self._go_on(each.batch, each.document, each.blob, _alike(others, each.batch))

    async def _not_whole(self, batch: Batch, found: fragments.Waiting | fragments.Given) -> None:
        """A piece of a mail waits for the others, or all are given up, with one notice."""
        if isinstance(found, fragments.Given):
            await self._fail(batch, "fragments-missing", found.why, (), others=found.others)
            return
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> None:
            faxes.prepare_later(connection, batch, self._owner, found.until)
            for fax in batch:
                history.add(connection, at=now, event="waiting", detail=fragments.WAITING, fax_id=fax.id)

        await self._desk.store.write(unit)

    async def _made(
        self, message: Message, batch: Batch, mail: StoredBlob, opened: fragments.Opener
    ) -> "list[_Made | _Unusable]":
        """Pages for each paper that the batch's numbers have. All or nothing is kept."""
        by_paper: dict[Paper, Batch] = {}
        for fax in batch:
            paper = self._dresser.paper_of(message, fax.number)
            by_paper[paper] = (*by_paper.get(paper, ()), fax)
        made: list[_Made | _Unusable] = []
        try:
            for paper, some in by_paper.items():
                made += await self._made_on(paper, message, some, mail, opened)
        except BaseException:
            self._discard(made)
            raise
        return made

    async def _made_on(
        self, paper: Paper, message: Message, batch: Batch, mail: StoredBlob, opened: fragments.Opener
    ) -> "list[_Made | _Unusable]":
        with opened() as source:
            try:
                async with self._dresser.pages_of(message, paper, source) as rendered:
                    crash_point(Point.PREPARE_RENDERED)
                    return await self._keep(message, batch, mail, rendered)
            except ConverterDied:
                raise
            except DocumentUnusable as error:
                return [_Unusable(batch, "document-unusable", error.public, error.parts)]
            except TooLarge as error:
                return [_Unusable(batch, "document-too-large", error.public, error.parts)]

    async def _keep(
        self, message: Message, batch: Batch, mail: StoredBlob, rendered: Rendered
    ) -> "list[_Made | _Unusable]":
        """Store what was made: one document for all, or, with cover pages, one for each."""
        text = self._dresser.text_for_carrier(message, rendered)
        if not self._dresser.has_cover(message):
            return [await self._stored(message, batch, rendered, text)]
        headers = read_headers(await self._desk.store.blobs.head(mail, HEADER_LIMIT))
        made: list[_Made | _Unusable] = []
        try:
            for fax in batch:
                try:
                    async with self._dresser.covered(message, fax, headers, rendered) as covered:
                        made.append(await self._stored(message, (fax,), covered, text))
                except ConverterDied:
                    raise
                except DocumentUnusable as error:
                    made.append(_Unusable((fax,), "document-unusable", error.public, rendered.parts))
                except TooLarge as error:
                    made.append(_Unusable((fax,), "document-too-large", error.public, error.parts))
        except BaseException:
            self._discard(made)
            raise
        return made

    def _discard(self, made: "Sequence[_Made | _Unusable]") -> None:
        for each in made:
            if isinstance(each, _Made):
                self._desk.store.blobs.discard(each.blob)

    async def _stored(self, message: Message, batch: Batch, rendered: Rendered, text: str | None) -> "_Made":
        """The pages as a blob; raises TooLarge."""
        check_size(rendered, self._options.max_document)
        blob = await self._desk.store.blobs.copy(self._desk.ids.file_name(), rendered.path)
        document = Document(self._desk.ids.new(), message.id, blob.id, rendered.pages, blob.size, rendered.parts, text)
        return _Made(batch, document, blob)

    async def _again_or_hold(self, batch: Batch, why: str) -> None:
        """The converter died. It may not be the document's doing; after three times it is taken to be."""
        message_id = batch[0].message_id
        deaths = await self._desk.store.write(
            lambda connection: suspects.blame(connection, suspects.DOCUMENT, message_id)
        )
        self._desk.events.converter_died(fax=batch[0].id, deaths=deaths)
        if deaths >= DEATHS:
            await self._poison.hold(batch, IN_A_ROW.format(why=why, times=DEATHS), self._owner)
            return
        later = self._desk.clock.now() + DEATH_PAUSE * deaths
        await self._desk.store.write(lambda connection: faxes.prepare_later(connection, batch, self._owner, later))

    async def _set_aside(self, batch: Batch, why: str) -> None:
        try:
            await self._poison.hold(batch, why, self._owner)
        finally:
            self._in_hand.end(batch[0].sender)

    async def _go_on(self, batch: Batch, document: Document, blob: StoredBlob, joined: Batch = ()) -> None:
        """Every fax of the batch is ready, or held where it would go over a limit of pages.

        Those of other pieces of the same mail, ``joined`` with it, end with that.

        Which those are is found within the transaction that writes it. Mail is rendered before; where it was rendered
        for others than are found, it is begun anew.
        """
        held: Held = {}
        for _ in range(ROUNDS):
            now = self._desk.clock.now()
            drafts = await self._drafts(batch, document, held, now)
            for other in joined:
                drafts += await self._reporter.drafts(_joined(other), now)
            plan = _Plan(batch, document, blob, held, tuple(drafts), now, joined)
            found, needless = await self._desk.store.write_files(
                partial(self._write, plan), blob, *(draft.blob for draft in drafts)
            )
            self._reporter.discard(needless)
            crash_point(Point.PREPARE_COMMITTED)
            if found == held:
                self._say(plan)
                return
            held = found
        self._desk.store.blobs.discard(blob)
        raise Unavailable("how many pages are used today changes faster than it can be read; tried again later")

    async def _drafts(self, batch: Batch, document: Document, held: Held, now: datetime) -> list[Draft]:
        """For each fax its sender's notice that it is held, or, if that is told, taken on; a word for each limit."""
        drafts: list[Draft] = []
        told: set[str] = set()
        for fax in batch:
            over = held.get(fax.id, ())
            if over:
                drafts += await self._reporter.drafts(_hold(fax, document, over), now)
            elif self._options.accepted:
                drafts += await self._reporter.drafts(_taken_on(fax, document), now)
            for excess in over:
                if excess.identity not in told:
                    drafts.append(await self._reporter.alarms.limit(excess, fax.id, document.pages, now))
                    told.add(excess.identity)
        return drafts

    def _write(self, plan: "_Plan", connection: sa.Connection) -> tuple[Held, list[Draft]]:
        """What must be held, and the mails that were not written: if it is not as planned, all, and nothing else is."""
        document, now = plan.document, plan.now
        found = allowance.find_held(connection, plan.batch, document.pages, now.date(), self._options)
        if found != plan.held:
            return found, list(plan.drafts)
        suspects.clear(connection, suspects.DOCUMENT, document.message_id)
        blobs.record(connection, plan.blob, "document", now)
        faxes.add_document(connection, document, now)
        for fax in plan.batch:
            change = partial(
                faxes.change,
                connection,
                fax,
                now=now,
                owner=self._owner,
                document_id=document.id,
                pages=document.pages,
                carrier_cover=document.cover_text is not None,
            )
            if over := found.get(fax.id):
                change(FaxState.HELD, event="held", detail=_why(over, document), hold_reason=HoldReason.LIMIT)
            else:
                allowance.use(connection, fax, document.pages, now.date())
                detail = allowance.plural(document.pages, "page")
                change(FaxState.READY, event="prepared", detail=detail, due_at=now)
        told = report.write(connection, plan.drafts, now)
        for other in plan.joined:
            write_end(connection, _joined(other), now, f"a piece of the mail that is fax {plan.batch[0].id}")
        return found, told

    def _say(self, plan: "_Plan") -> None:
        for fax in plan.batch:
            if fax.id not in plan.held:
                self._desk.events.fax_prepared(fax=fax.id, pages=plan.document.pages)
            else:
                self._desk.events.fax_held(fax=fax.id, reason=HoldReason.LIMIT)
        self._desk.bells.ring(Bell.SUBMIT)
        self._desk.bells.ring(Bell.POST)

    async def _fail(
        self,
        batch: Batch,
        slug: str,
        why: str,
        parts: tuple[Part, ...],
        *,
        tell_admin: bool = False,
        others: Batch = (),
    ) -> None:
        """Every fax of the batch ends, and so do ``others`` that are pieces of the same mail, which are not told of."""
        cause = outcomes.cause(slug)
        outcome = Outcome(cause.outcome_class, cause.slug)
        # Others first: whatever ends us in between, somebody is left to tell of.
        for fax in (*others, *batch):
            untold = fragments.TOLD_WITH_ANOTHER if fax in others else ""
            change = Change(fax, FaxState.FAILED, outcome, parts=parts, why=why, untold=untold)
            now = self._desk.clock.now()
            owner = None if fax in others else self._owner
            apply = partial(write_end, change=change, now=now, detail=why, owner=owner)
            await self._reporter.carry_out(change, now, apply, tell_admin=tell_admin)

    async def _claim(self) -> Batch | None:
        async with self._in_hand.claiming:
            batch = await self._desk.store.write(
                lambda connection: faxes.claim_accepted(connection, self._desk.lease(self._owner), self._in_hand.full)
            )
            if batch:
                self._in_hand.begin(batch[0].sender)
        return batch or None

    async def _renew(self, batch: Batch) -> bool:
        return await self._desk.store.write(
            lambda connection: faxes.renew(connection, [fax.id for fax in batch], self._desk.lease(self._owner))
        )


@dataclass(frozen=True, slots=True)
class _Made:
    """Pages on disk, and the faxes that have them."""

    batch: Batch
    document: Document
    blob: StoredBlob


@dataclass(frozen=True, slots=True)
class _Unusable:
    """Faxes whose cover page could not be made, or took too much."""

    batch: Batch
    slug: str
    why: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is about to be written, on the ground that ``held`` are the faxes that must be."""

    batch: Batch
    document: Document
    blob: StoredBlob
    held: Held
    drafts: tuple[Draft, ...]
    now: datetime
    joined: Batch = ()


def _hold(fax: Fax, document: Document, over: tuple[Excess, ...]) -> Change:
    cause = outcomes.cause("held-limit")
    return Change(
        fax,
        FaxState.HELD,
        Outcome(cause.outcome_class, cause.slug),
        parts=document.parts,
        pages=document.pages,
        why=_why(over, document),
    )


def _alike(others: Batch, batch: Batch) -> Batch:
    """Those of other pieces that go to the same numbers."""
    numbers = {fax.number for fax in batch}
    return tuple(fax for fax in others if fax.number in numbers)


def _joined(other: Fax) -> Change:
    cause = outcomes.cause("fragment-joined")
    outcome = Outcome(cause.outcome_class, cause.slug)
    return Change(other, FaxState.CANCELLED, outcome, untold=fragments.TOLD_WITH_ANOTHER)


def _taken_on(fax: Fax, document: Document) -> Change:
    cause = outcomes.cause("pending")
    outcome = Outcome(cause.outcome_class, cause.slug)
    return Change(fax, FaxState.READY, outcome, parts=document.parts, pages=document.pages)


def _why(over: tuple[Excess, ...], document: Document) -> str:
    return "; ".join(excess.in_words(document.pages) for excess in over)
