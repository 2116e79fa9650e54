"""A renderer in the same process, and faxes whose senders asked for something."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from bridge.document.covers import Cover, Covers
from bridge.document.options import CoverOptions, DocumentOptions
from bridge.document.renderer import DocumentUnusable, Rendered, Renderer
from bridge.fax import outcomes
from bridge.fax.jobs import Fax, Message, Outcome, Part
from bridge.fax.states import FaxState
from bridge.fax.wishes import Ret
from bridge.sending import settle
from bridge.sending.dressing import Dresser
from bridge.sending.report import Change, Reporter, write_end
from tests.support.store_bench import MAIL, NUMBER, PAGES, SENDER, Bench
from tests.support.store_carrier import Meanwhile

PARTS = (Part("a.pdf", "application/pdf", 2), Part("sheet.xyz", "application/x-unknown", 0, "cannot be faxed"))


class FakeRenderer:
    """Makes the pages it was told to, or none; notes the mail it was given."""

    def __init__(self, folder: Path) -> None:
        self.made = folder / "made.pdf"
        self.made.write_bytes(PAGES)
        self.pages = 2
        self.fails: DocumentUnusable | None = None
        self.fails_on: dict[str, DocumentUnusable] = {}
        self.meanwhile: Meanwhile | None = None
        self.given: list[bytes] = []
        self.options: DocumentOptions | None = None
        self.covers: list[Cover] = []
        self.senders: list[str] = []
        self.papers: list[str] = []
        self.cover_papers: list[str] = []
        self.cover_fails: DocumentUnusable | None = None

    @asynccontextmanager
    async def from_mail(
        self, message: BinaryIO, options: DocumentOptions | None = None, sender: str = ""
    ) -> AsyncIterator[Rendered]:
        self.senders.append(sender)
        self.options = options
        self.papers.append("" if options is None else options.paper)
        self.given.append(message.read())
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.fails is not None:
            raise self.fails
        if (failed := self.fails_on.get(self.papers[-1])) is not None:
            raise failed
        yield Rendered(self.made, self.pages, (replace(PARTS[0], pages=self.pages),))

    @asynccontextmanager
    async def with_cover(
        self,
        rendered: Rendered,
        cover: Cover,
        options: DocumentOptions | None = None,
        sender: str = "",  # noqa: ARG002 - as the renderer has it
    ) -> AsyncIterator[Rendered]:
        self.covers.append(cover)
        self.cover_papers.append("" if options is None else options.paper)
        if self.cover_fails is not None and len(self.covers) == 2:
            raise self.cover_fails
        yield Rendered(self.made, rendered.pages + 1, (Part("cover page", "text/html", 1), *rendered.parts))

    def as_renderer(self) -> Renderer:
        return cast("Renderer", self)

    def as_dresser(self, bench: Bench, covers: CoverOptions | None = None, **options: Any) -> Dresser:
        made = DocumentOptions(**options)
        return Dresser(self.as_renderer(), Covers(covers or CoverOptions()), made, bench.clock, "US")


async def taken_on(
    bench: Bench,
    *numbers: str,
    mail: bytes = MAIL,
    sender: str = SENDER,
    ret: Ret | None = None,
    envelope_id: str = "",
    **wishes: Any,
) -> list[Fax]:
    """One message with a fax for each number; ``wishes`` are fields of these faxes."""
    now = bench.clock.now()
    stored = await bench.blob(mail, "message")
    message = Message(
        bench.ids.new(),
        stored.id,
        now,
        "127.0.0.1",
        sender,
        wishes.get("identity"),
        "<1@example.org>",
        stored.size,
        ret,
        envelope_id,
    )
    return await bench.taken_on(message, numbers or (NUMBER,), **wishes)


async def conclude(bench: Bench, reporter: Reporter, fax: Fax, slug: str, *, tell_admin: bool = False) -> None:
    """Let the fax, which was just taken on, come to this end (``unconfirmed`` too), with its notices."""
    cause, now = outcomes.cause(slug), bench.clock.now()
    state = {"delivered": FaxState.DELIVERED, "cancelled": FaxState.CANCELLED}.get(slug, FaxState.FAILED)
    if slug in {"delivered", "unconfirmed", "partial"}:
        fax = await bench.move(await bench.prepared(fax), FaxState.SUBMITTING)
    if slug == "unconfirmed":
        await settle.become_unconfirmed(reporter, fax, now, "the line broke", lambda _connection, _now: None)
        return
    if fax.state is FaxState.SUBMITTING:
        fax = await bench.move(fax, FaxState.SENDING)
    change = Change(fax, state, Outcome(cause.outcome_class, cause.slug), pages_sent=2 if slug == "delivered" else None)
    await reporter.carry_out(
        change, now, lambda connection: write_end(connection, change, now, "by the test"), tell_admin=tell_admin
    )
