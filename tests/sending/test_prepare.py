"""Preparing: one document a message for all its faxes, or all of them end with a notice that names the part."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.document.limits import CORES
from bridge.document.renderer import DocumentUnusable
from bridge.fax.options import LimitOptions
from bridge.fax.states import FaxState
from bridge.fax.wishes import Notify
from bridge.sending.hands import InHand
from bridge.sending.options import SendingOptions
from bridge.sending.prepare import PREPARERS, Preparer
from bridge.sending.report import Reporter
from bridge.store import tables
from bridge.store.faxes import Stale
from tests.support.sending_stand import PARTS, FakeRenderer, taken_on
from tests.support.store_bench import ADMIN, MAIL as MESSAGE, NUMBER, OTHER, PAGES, SENDER, Bench, work
from tests.support.store_carrier import MAIL, OPTIONS
from tests.support.unit_mail import parts_of, status_of, text_of


@pytest.fixture
def renderer(tmp_path: Path) -> FakeRenderer:
    """A renderer that makes two pages."""
    return FakeRenderer(tmp_path)


def _preparer(bench: Bench, renderer: FakeRenderer, options: SendingOptions = OPTIONS) -> Preparer:
    return Preparer(bench.desk, renderer.as_dresser(bench), Reporter(bench.desk, options, MAIL), options, "prepare-0/x")


async def test_one_document_for_all(bench: Bench, renderer: FakeRenderer) -> None:
    """The pages of a message are made once, from its plain bytes, and all its faxes are ready at once."""
    made = await bench.accepted(NUMBER, OTHER)
    assert await work(_preparer(bench, renderer).duty)
    assert renderer.given == [MESSAGE]
    after = [await bench.fax(fax.id) for fax in made]
    assert {(fax.state, fax.pages, fax.due_at) for fax in after} == {(FaxState.READY, 2, bench.clock.now())}
    (document,) = await bench.rows(tables.document)
    assert {fax.document_id for fax in after} == {document.id}
    assert await bench.store.read_blob(document.blob_id) == PAGES
    assert len(await bench.rows(tables.destination)) == 2
    assert not await work(_preparer(bench, renderer).duty)


TELLING = replace(OPTIONS, accepted=True)


async def test_the_sender_is_told_that_it_was_taken_on(bench: Bench, renderer: FakeRenderer) -> None:
    """Where the site wishes it: once for each fax, with its pages and what they are of; it is called no success."""
    made = await bench.accepted(NUMBER, OTHER)
    assert await work(_preparer(bench, renderer, TELLING).duty)
    for fax in made:
        assert await bench.events(fax_id=fax.id) == [("accepted", SENDER)]
    for raw in await bench.mail_bytes("accepted"):
        said = text_of(parts_of(raw)[0])
        for each in ("was taken on.", "It is not delivered yet.", "Pages:  2", "pages 1-2: a.pdf"):
            assert each in said
        assert (status_of(raw)[1]["Action"], status_of(raw)[1]["Status"]) == ("relayed", "2.0.0")
    assert {(await bench.fax(fax.id)).state for fax in made} == {FaxState.READY}


async def test_who_asked_for_failures_alone_is_not_told_of_a_beginning(bench: Bench, renderer: FakeRenderer) -> None:
    """NOTIFY has the last word; and where the site tells nobody, nothing is written of it."""
    (fax,) = await taken_on(bench, NUMBER, notify=frozenset({Notify.FAILURE}))
    assert await work(_preparer(bench, renderer, TELLING).duty)
    (mail,) = await bench.rows(tables.outbox)
    assert (mail.event, mail.state) == ("accepted", "suppressed")
    assert (await bench.fax(fax.id)).state is FaxState.READY
    await bench.accepted(OTHER)
    assert await work(_preparer(bench, renderer).duty)
    assert len(await bench.rows(tables.outbox)) == 1


async def test_of_a_held_fax_only_that_is_told(bench: Bench, renderer: FakeRenderer) -> None:
    """One that goes over the limit of pages is told as on hold, and not as taken on."""
    limits = LimitOptions(pages_per_day=3)
    telling = replace(TELLING, limits=limits)
    first, second = await bench.accepted(NUMBER, OTHER)
    assert await work(_preparer(bench, renderer, telling).duty)
    told = {fax.id: await bench.events(fax_id=fax.id) for fax in (first, second)}
    assert sorted(told.values()) == [[("accepted", SENDER)], [("held", SENDER)]]


async def test_a_part_that_cannot_be_faxed(bench: Bench, renderer: FakeRenderer) -> None:
    """Where a part can't be faxed every fax of the message fails, with one notice each that names the part."""
    made = await bench.accepted(NUMBER, OTHER)
    renderer.fails = DocumentUnusable("sheet.xyz cannot be faxed", PARTS)
    assert await work(_preparer(bench, renderer).duty)
    for fax in made:
        after = await bench.fax(fax.id)
        assert after.state is FaxState.FAILED
        assert after.outcome is not None
        assert after.outcome.cause == "document-unusable"
        assert await bench.events(fax_id=fax.id) == [("failed", SENDER)]
    for notice in await bench.mail_bytes("failed"):
        assert b"sheet.xyz" in notice
    assert await bench.rows(tables.document) == []
    assert await bench.rows(tables.attempt) == []


async def test_too_large(bench: Bench, renderer: FakeRenderer) -> None:
    """Pages above the limit are not kept; the fax fails and says so."""
    (fax,) = await bench.accepted()
    small = SendingOptions(uploads=1, max_document=len(PAGES) - 1, first_poll=timedelta(seconds=30))
    assert await work(_preparer(bench, renderer, small).duty)
    after = await bench.fax(fax.id)
    assert after.outcome is not None
    assert (after.state, after.outcome.cause) == (FaxState.FAILED, "document-too-large")
    assert await bench.rows(tables.document) == []


@pytest.mark.parametrize("fails", [False, True])
async def test_stale_premise(bench: Bench, renderer: FakeRenderer, fails: bool) -> None:
    """A fax cancelled while its pages are made stays cancelled: no document, no notice, no file left behind."""
    (fax,) = await bench.accepted()
    files: list[set[str]] = []

    async def cancel() -> None:
        await bench.move(fax, FaxState.CANCELLED)
        files.append(bench.blob_files())

    renderer.meanwhile = cancel
    renderer.fails = DocumentUnusable("no", PARTS) if fails else None
    with pytest.raises(Stale):
        await work(_preparer(bench, renderer).duty)
    assert (await bench.fax(fax.id)).state is FaxState.CANCELLED
    assert await bench.rows(tables.document) == []
    assert await bench.rows(tables.outbox) == []
    assert bench.blob_files() == files[0]


@pytest.mark.parametrize("missing", [False, True], ids=["damaged", "missing"])
async def test_a_damaged_message(bench: Bench, renderer: FakeRenderer, missing: bool) -> None:
    """A mail whose bytes on disk are damaged or gone can't be faxed: its faxes fail, each sender and admin are told."""
    made = await bench.accepted(NUMBER, OTHER)
    (message,) = await bench.rows(tables.message)
    if missing:
        bench.store.blobs.remove(message.blob_id)
    else:
        bench.damage(message.blob_id)
    assert await work(_preparer(bench, renderer).duty)
    for fax in made:
        after = await bench.fax(fax.id)
        assert after.outcome is not None
        assert (after.state, after.outcome.cause) == (FaxState.FAILED, "stored-copy-damaged")
        assert await bench.events(fax_id=fax.id) == sorted([("failed", ADMIN), ("failed", SENDER)])
    assert renderer.given == []
    assert await bench.rows(tables.document) == []
    assert not await work(_preparer(bench, renderer).duty)


async def test_a_damaged_message_without_a_sender(bench: Bench, renderer: FakeRenderer) -> None:
    """A mail from nobody that can't be read is told to the admin alone, once."""
    (fax,) = await bench.accepted(sender="")
    (message,) = await bench.rows(tables.message)
    bench.damage(message.blob_id)
    assert await work(_preparer(bench, renderer).duty)
    assert (await bench.fax(fax.id)).state is FaxState.FAILED
    assert await bench.events() == [("failed", ADMIN)]


async def test_of_one_sender_no_more_is_in_hand_than_there_are_places(bench: Bench, renderer: FakeRenderer) -> None:
    """So that a worker is free for another's mail, however long that sender's documents take."""
    in_hand = InHand()
    for _ in range(CORES + 2):
        await bench.accepted()
    stand = Reporter(bench.desk, OPTIONS, MAIL)
    dresser = renderer.as_dresser(bench)
    duties = [
        Preparer(bench.desk, dresser, stand, OPTIONS, f"prepare-{number}/x", in_hand=in_hand).duty
        for number in range(PREPARERS)
    ]
    claimed = [batch for duty in duties if (batch := await duty.claim()) is not None]
    assert len(claimed) == CORES
    await bench.accepted(sender="other@example.org")
    other = await duties[CORES].claim()
    assert other is not None
    assert other[0].sender == "other@example.org"
    await duties[0].work(claimed[0])
    assert await duties[0].claim() is not None


async def test_the_places_are_told_whose_turn_it_is(bench: Bench, renderer: FakeRenderer) -> None:
    """A mail's pages, and covers, are made in its sender's turn."""
    await bench.accepted()
    assert await work(_preparer(bench, renderer).duty)
    assert renderer.senders == [SENDER]
