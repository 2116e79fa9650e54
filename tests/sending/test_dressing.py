"""A fax is dressed as its site, its identity and its sender wish, each with its own cover page."""

from pathlib import Path
from typing import Any

import pytest

from bridge.document.options import CoverOptions
from bridge.document.renderer import ConverterDied, DocumentUnusable
from bridge.fax.asked import Asked, Unheeded, write
from bridge.fax.jobs import Fax
from bridge.fax.options import PaperUse
from bridge.fax.states import FaxState
from bridge.sending.prepare import Preparer
from bridge.sending.report import Reporter
from bridge.store import tables
from tests.support.sending_stand import FakeRenderer, taken_on
from tests.support.store_bench import Bench, work
from tests.support.store_carrier import MAIL, OPTIONS

ANNA, BEN = "+12125550177", "+12125550178"
WRITTEN = b"From: Anna Example <anna@example.org>\r\nSubject: results\r\n\r\nx"


@pytest.fixture
def renderer(tmp_path: Path) -> FakeRenderer:
    """One that notes what it was asked for."""
    return FakeRenderer(tmp_path)


def preparer(bench: Bench, renderer: FakeRenderer, covers: CoverOptions | None = None, **document: object) -> Preparer:
    """With these covers and this way with documents."""
    dresser = renderer.as_dresser(bench, covers, **document)
    return Preparer(bench.desk, dresser, Reporter(bench.desk, OPTIONS, MAIL), OPTIONS, "prepare-0/x")


async def prepared(working: Preparer) -> None:
    """What waits gets its pages."""
    assert await work(working.duty)


async def asking(bench: Bench, asked: Asked, *numbers: str, **wishes: Any) -> list[Fax]:
    """Faxes of a mail that asks for something."""
    found = await taken_on(bench, *numbers, mail=WRITTEN, **wishes)
    change = tables.message.update().where(tables.message.c.id == found[0].message_id).values(asked=write(asked))
    await bench.store.write(lambda connection: connection.execute(change))
    return found


async def test_without_a_cover_all_share_their_pages(bench: Bench, renderer: FakeRenderer) -> None:
    """One document, and the text of the mail, which has nowhere to stand, is left out."""
    first, second = await asking(bench, Asked(), ANNA, BEN)
    await prepared(preparer(bench, renderer, body="cover"))
    assert renderer.options is not None
    assert renderer.options.body == "ignore"
    assert (await bench.fax(first.id)).document_id == (await bench.fax(second.id)).document_id
    assert renderer.covers == []


async def test_with_a_cover_each_has_its_own(bench: Bench, renderer: FakeRenderer) -> None:
    """To its own name and number, from whoever wrote, and with a page more."""
    first, second = await asking(bench, Asked(), ANNA, BEN, person="Dr. Who", caller_id="+14155550100")
    await prepared(preparer(bench, renderer, CoverOptions(site="standard", company="Surgery"), body="cover"))
    one, two = await bench.fax(first.id), await bench.fax(second.id)
    assert (one.state, one.pages, two.state, two.pages) == (FaxState.READY, 3, FaxState.READY, 3)
    assert one.document_id != two.document_id
    assert renderer.options is not None
    assert renderer.options.body == "cover"
    fields = [cover.fields for cover in renderer.covers]
    assert sorted(each.to_number for each in fields) == ["+1 212-555-0177", "+1 212-555-0178"]
    assert {(each.to_name, each.from_name, each.from_number) for each in fields} == {
        ("Dr. Who", "Anna Example", "+1 415-555-0100")
    }
    assert {(each.subject, each.company) for each in fields} == {("results", "Surgery")}


@pytest.mark.parametrize(
    ("asked", "site", "covers"),
    [(False, "standard", 0), (True, "", 1), (None, "standard", 1), (None, "", 0)],
)
async def test_the_sender_has_the_last_word(
    asked: bool | None, site: str, covers: int, bench: Bench, renderer: FakeRenderer
) -> None:
    """On a cover page, on what becomes of the text, and on which pages are made black and white."""
    await asking(bench, Asked(cover=asked, body="page", pages="original"), ANNA)
    await prepared(preparer(bench, renderer, CoverOptions(site=site), body="cover"))
    assert len(renderer.covers) == covers
    assert renderer.options is not None
    assert (renderer.options.body, renderer.options.pages) == ("page", "original")


BERLIN = "+493023125123"
"""In Germany, whose regulator keeps 030 23125 for fiction."""


@pytest.mark.parametrize(
    ("asked", "site", "papers"),
    [
        (None, "auto", {"letter", "a4"}),
        ("auto", "a4", {"letter", "a4"}),
        (None, "a4", {"a4"}),
        ("letter", "auto", {"letter"}),
        ("a4", "letter", {"a4"}),
    ],
)
async def test_each_number_gets_the_paper_that_lies_there(
    asked: PaperUse | None, site: str, papers: set[str], bench: Bench, renderer: FakeRenderer
) -> None:
    """Its country decides, unless sender or site do; faxes of a mail share their pages where the paper is the same."""
    first, abroad, second = await asking(bench, Asked(paper=asked), ANNA, BERLIN, BEN)
    await prepared(preparer(bench, renderer, paper=site))
    one, other, two = [(await bench.fax(fax.id)).document_id for fax in (first, abroad, second)]
    assert one == two
    assert (one == other) is (len(papers) == 1)
    assert sorted(renderer.papers) == sorted(papers)
    assert None not in {one, other}


async def test_a_cover_is_on_the_paper_of_its_own_fax(bench: Bench, renderer: FakeRenderer) -> None:
    """And the pages behind it are too."""
    await asking(bench, Asked(), ANNA, BERLIN)
    await prepared(preparer(bench, renderer, CoverOptions(site="standard")))
    assert renderer.papers == renderer.cover_papers
    assert sorted(renderer.papers) == ["a4", "letter"]


async def test_what_cannot_be_made_on_one_paper_fails_there_alone(bench: Bench, renderer: FakeRenderer) -> None:
    """The others of the mail go on, and nothing is left on the disk of what was not kept."""
    first, abroad = await asking(bench, Asked(), ANNA, BERLIN)
    renderer.fails_on = {"a4": DocumentUnusable("a.txt: makes more than 200 pages")}
    await prepared(preparer(bench, renderer))
    assert (await bench.fax(first.id)).state is FaxState.READY
    assert (await bench.fax(abroad.id)).state is FaxState.FAILED


async def test_what_was_made_before_the_converter_died_is_not_kept(bench: Bench, renderer: FakeRenderer) -> None:
    """All of the mail is tried again."""
    before = bench.blob_files()
    first, abroad = await asking(bench, Asked(), ANNA, BERLIN)
    renderer.fails_on = {"a4": ConverterDied("its pages could not be made")}
    await prepared(preparer(bench, renderer))
    assert {(await bench.fax(fax.id)).state for fax in (first, abroad)} == {FaxState.ACCEPTED}
    assert len(bench.blob_files() - before) <= 1, "the mail itself, if it is not in the database"


@pytest.mark.parametrize(
    ("asked", "names", "by_carrier"),
    [
        (None, ("carrier", ""), True),
        (True, ("carrier", ""), True),
        (False, ("carrier", ""), False),
        (None, ("", "carrier"), True),
        (None, ("carrier", "none"), False),
        (None, ("carrier", "standard"), False),
        (None, ("standard", ""), False),
        (None, ("", ""), False),
    ],
)
async def test_whether_the_carrier_makes_the_cover(
    asked: bool | None, names: tuple[str, str], by_carrier: bool, bench: Bench, renderer: FakeRenderer
) -> None:
    """Only where site or identity say so, and the sender does not say no."""
    (fax,) = await asking(bench, Asked(cover=asked), ANNA, identity="desk")
    site, own = names
    covers = CoverOptions(site=site, identities={"desk": own} if own else {})
    await prepared(preparer(bench, renderer, covers, body="cover"))
    (document,) = await bench.rows(tables.document)
    assert document.cover_text == ("" if by_carrier else None)
    assert (await bench.fax(fax.id)).carrier_cover is by_carrier
    assert renderer.options is not None
    assert (renderer.options.body == "cover") is (by_carrier or bool(renderer.covers))


async def test_what_is_not_heeded_is_a_line_among_the_parts(bench: Bench, renderer: FakeRenderer) -> None:
    """So that the notice and ``show`` answer it; also where the fax fails."""
    unheeded = (Unheeded("X-Fax-Option: colour=red", "is no option here"),)
    (fax,) = await asking(bench, Asked(unheeded=unheeded), ANNA)
    await prepared(preparer(bench, renderer))
    (document,) = await bench.rows(tables.document)
    assert document.parts[-1] == {
        "name": "X-Fax-Option: colour=red",
        "type": "option",
        "pages": 0,
        "left_out": "is no option here",
    }
    (other,) = await asking(bench, Asked(unheeded=unheeded), BEN)
    renderer.fails = DocumentUnusable("a.pdf: is damaged")
    await prepared(preparer(bench, renderer))
    assert (await bench.fax(other.id)).state is FaxState.FAILED
    assert (await bench.fax(fax.id)).state is FaxState.READY
    (notice,) = await bench.mail_bytes("failed")
    assert b"colour=3Dred" in notice


async def test_a_cover_that_cannot_be_made_fails_its_fax_alone(bench: Bench, renderer: FakeRenderer) -> None:
    """A name in letters that no font has is no reason to keep back what goes to others."""
    found = await asking(bench, Asked(), ANNA, BEN)
    renderer.cover_fails = DocumentUnusable("cover page: the fonts for its letters are not installed here")
    await prepared(preparer(bench, renderer, CoverOptions(site="standard")))
    states = sorted([(await bench.fax(fax.id)).state for fax in found])
    assert states == sorted([FaxState.FAILED, FaxState.READY])


async def test_a_line_at_the_head_needs_no_cover(bench: Bench, renderer: FakeRenderer) -> None:
    """It names each recipient, so each fax has its pages; without a company it is from whoever wrote."""
    await asking(bench, Asked(cover=False), ANNA, BEN, caller_id="+14155550100")
    await prepared(preparer(bench, renderer, CoverOptions(site="standard", headline=True)))
    assert [cover.template for cover in renderer.covers] == ["", ""]
    lines = [cover.headline for cover in renderer.covers]
    assert {line.sender for line in lines if line} == {"Anna Example +1 415-555-0100"}
    assert {line.recipient for line in lines if line} == {"+1 212-555-0177", "+1 212-555-0178"}
