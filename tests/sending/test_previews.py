"""Mail to ``preview@`` is answered once with the pages it would be faxed as, or with the reason; nothing is faxed."""

from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path

import pytest

from bridge.document.options import CoverOptions
from bridge.document.renderer import ConverterDied, DocumentUnusable
from bridge.errors import LeaseLost
from bridge.fax.jobs import Message, Part, Preview
from bridge.sending.previews import Previewer
from bridge.store import correspondence, faxes, previews, tables
from tests.support.sending_stand import PARTS, FakeRenderer
from tests.support.store_bench import ADMIN, DIED, PAGES, SENDER, Bench, set_aside, work
from tests.support.store_carrier import MAIL

NUMBER = "+14155550123"
WRITTEN = b"From: Anna <anna@example.org>\r\nSubject: results\r\nMessage-ID: <7@example.org>\r\n\r\nx"
MOST = 1_000_000


@pytest.fixture
def renderer(tmp_path: Path) -> FakeRenderer:
    """One that notes what it was asked for."""
    return FakeRenderer(tmp_path)


def previewer(
    bench: Bench, renderer: FakeRenderer, covers: CoverOptions | None = None, *, most: int = MOST
) -> Previewer:
    """The worker, with these covers."""
    return Previewer(bench.desk, renderer.as_dresser(bench, covers), MAIL, most, "preview-0/x")


async def wanted(bench: Bench, number: str = NUMBER, *, pages_to: str = SENDER, person: str = "") -> Preview:
    """A mail that asks for a preview, as intake leaves it."""
    stored = await bench.blob(WRITTEN, "message")
    now = bench.clock.now()
    message = Message(bench.ids.new(), stored.id, now, "127.0.0.1", SENDER, None, "<7@example.org>", stored.size)
    address = f"preview+{number}@fax.local" if number else "preview@fax.local"
    preview = Preview(bench.ids.new(), message.id, address, number, person, "", SENDER, None, pages_to)
    await bench.store.write(partial(faxes.add_messages, taken=[(message, ())]))
    await bench.store.write(partial(previews.add, wanted=[preview], now=now))
    return preview


async def answers(bench: Bench) -> list[EmailMessage]:
    """The mails that are owed."""
    return [message_from_bytes(raw, policy=default) for raw in await bench.mail_bytes("preview")]


def words(mail: EmailMessage) -> str:
    """What a person reads of it."""
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


async def test_the_pages_go_back_and_nothing_is_faxed(bench: Bench, renderer: FakeRenderer) -> None:
    """The very pages, in a mail that says how many, of what, and what to do; no fax, and no second answer."""
    preview = await wanted(bench)
    working = previewer(bench, renderer)
    assert await work(working.duty)
    (mail,) = await answers(bench)
    (pdf,) = mail.iter_attachments()
    assert (pdf.get_content(), pdf.get_content_type()) == (PAGES, "application/pdf")
    assert (mail["To"], mail["X-Fax-Event"], mail["X-Fax-Id"]) == (SENDER, "preview", preview.id)
    assert (mail["In-Reply-To"], mail["Auto-Submitted"]) == ("<7@example.org>", "auto-replied")
    assert mail["Subject"] == "Preview of a fax to +1 415-555-0123, 2 pages: results"
    said = words(mail)
    for each in ("Nothing was faxed.", "2 pages", f"send the same mail to {NUMBER}@fax.local", "pages 1-2: a.pdf"):
        assert each in said
    assert await bench.rows(tables.fax) == []
    (row,) = await bench.rows(correspondence.preview)
    assert (row.due_at, row.lease_owner, row.result) == (None, None, "2 pages")
    (owed,) = await bench.rows(tables.outbox)
    assert (owed.envelope_sender, owed.kind) == ("", "preview")
    assert not await work(working.duty)


async def test_with_the_cover_that_number_would_get(bench: Bench, renderer: FakeRenderer) -> None:
    """The cover page names the number and the person, as on the fax itself."""
    await wanted(bench, person="Dr. Who")
    assert await work(previewer(bench, renderer, CoverOptions(site="standard")).duty)
    (cover,) = renderer.covers
    assert (cover.fields.to_name, cover.fields.to_number) == ("Dr. Who", "+1 415-555-0123")
    (mail,) = await answers(bench)
    assert "page 1: cover page" in words(mail)
    assert "preview+NUMBER" not in words(mail)


@pytest.mark.parametrize(("site", "told"), [("standard", True), ("", False)])
async def test_without_a_number(bench: Bench, renderer: FakeRenderer, site: str, *, told: bool) -> None:
    """The pages name nobody; where that leaves something empty, the answer says how to have it filled."""
    await wanted(bench, "")
    assert await work(previewer(bench, renderer, CoverOptions(site=site)).duty)
    (mail,) = await answers(bench)
    assert ("write to preview+NUMBER@fax.local" in words(mail)) is told
    assert "send the same mail to the fax number, with @fax.local behind it" in words(mail)
    assert [cover.fields.to_number for cover in renderer.covers] == ([""] if site else [])


async def test_what_cannot_be_faxed(bench: Bench, renderer: FakeRenderer) -> None:
    """The answer names the part and the reason, has no pages, and is no alarm."""
    renderer.fails = DocumentUnusable("a.pdf is locked with a password; send it without", (*PARTS, Part("b", "b", 0)))
    await wanted(bench)
    assert await work(previewer(bench, renderer).duty)
    (mail,) = await answers(bench)
    assert mail["Subject"] == "Preview: this cannot be faxed as it is: results"
    said = words(mail)
    for each in ("Nothing was faxed", "a.pdf is locked with a password; send it without.", "sheet.xyz: cannot be"):
        assert each in said
    assert list(mail.iter_attachments()) == []
    assert [row.recipient for row in await bench.rows(tables.outbox)] == [SENDER]


async def test_what_is_more_than_the_carrier_takes(bench: Bench, renderer: FakeRenderer) -> None:
    """It would not be faxed either, so its pages are not mailed, and the answer says how large they are."""
    await wanted(bench)
    assert await work(previewer(bench, renderer, most=len(PAGES) - 1).duty)
    (mail,) = await answers(bench)
    assert "the pages make" in words(mail)
    assert list(mail.iter_attachments()) == []


async def test_the_converter_dies_three_times(bench: Bench, renderer: FakeRenderer) -> None:
    """Two deaths are tried again after a pause; the third is the answer, of which the operator has a copy."""
    renderer.fails = ConverterDied("its pages could not be made (the converter stopped with status 3)")
    await wanted(bench)
    working = previewer(bench, renderer)
    for pause in (10, 20):
        assert await work(working.duty)
        assert await answers(bench) == []
        assert not await work(working.duty)
        bench.clock.forward(timedelta(seconds=pause))
    assert await work(working.duty)
    mails = await answers(bench)
    assert sorted(mail["To"] for mail in mails) == sorted([SENDER, ADMIN])
    assert all("3 times in a row" in words(mail) for mail in mails)
    assert await bench.rows(tables.suspect) == []
    assert not await work(working.duty)


async def test_a_converter_that_dies_once(bench: Bench, renderer: FakeRenderer) -> None:
    """A death that does not come again is forgotten: the pages come, and nobody else hears of it."""
    renderer.fails = ConverterDied("the converter stopped")
    await wanted(bench)
    working = previewer(bench, renderer)
    assert await work(working.duty)
    renderer.fails = None
    bench.clock.forward(timedelta(seconds=10))
    assert await work(working.duty)
    (mail,) = await answers(bench)
    assert len(list(mail.iter_attachments())) == 1
    assert await bench.rows(tables.suspect) == []


async def test_a_stored_copy_that_is_damaged(bench: Bench, renderer: FakeRenderer) -> None:
    """Sender and operator are told; nothing is made of bytes that are not those that came."""
    await wanted(bench)
    (message,) = await bench.rows(tables.message)
    bench.damage(message.blob_id)
    assert await work(previewer(bench, renderer).duty)
    assert sorted(mail["To"] for mail in await answers(bench)) == sorted([SENDER, ADMIN])
    assert renderer.given == []


async def test_what_the_daemon_died_of(bench: Bench, renderer: FakeRenderer) -> None:
    """Set aside, it is answered with that, and the operator told; it is not looked at again."""
    await wanted(bench)
    working = previewer(bench, renderer)
    assert await set_aside(working.duty)
    mails = await answers(bench)
    assert sorted(mail["To"] for mail in mails) == sorted([SENDER, ADMIN])
    assert all(DIED in words(mail) for mail in mails)
    assert renderer.given == []
    assert not await work(working.duty)


async def test_an_answer_for_somebody_else(bench: Bench, renderer: FakeRenderer) -> None:
    """Where an identity's mail goes elsewhere, the answer says who asked."""
    await wanted(bench, pages_to="desk@example.org")
    assert await work(previewer(bench, renderer).duty)
    (mail,) = await answers(bench)
    assert mail["To"] == "desk@example.org"
    assert f"by {SENDER}" in words(mail)


async def test_taken_over_meanwhile(bench: Bench, renderer: FakeRenderer) -> None:
    """A worker whose claim went to another writes no answer: there is one, the other's."""
    preview = await wanted(bench)
    first, second = previewer(bench, renderer), previewer(bench, renderer)
    claimed = await first.duty.claim()
    assert claimed == preview
    await bench.store.write(
        lambda connection: connection.execute(
            correspondence.preview.update().values(lease_owner=None, lease_until=None)
        )
    )
    assert await work(second.duty)
    with pytest.raises(LeaseLost):
        await first.answer(preview)
    assert len(await answers(bench)) == 1
