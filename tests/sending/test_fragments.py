"""Mails that a machine divided: joined when all pieces have come within a day, else one notice for all of them."""

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.document.renderer import DocumentUnusable
from bridge.fax.jobs import Fax
from bridge.fax.orders import Order
from bridge.fax.states import FaxState
from bridge.mail.partial import Fragment, fragment_of
from bridge.sending.fragments import PATIENCE
from bridge.sending.prepare import Preparer
from bridge.sending.report import Reporter
from bridge.store import tables
from tests.support.orders_stand import Counter
from tests.support.sending_stand import FakeRenderer
from tests.support.store_bench import NUMBER, OTHER, SENDER, Bench, work
from tests.support.store_carrier import MAIL, OPTIONS
from tests.support.unit_mail import parts_of, text_of

WHOLE = b"Subject: scan\r\nContent-Type: text/plain\r\n\r\n" + b"".join(
    b"line %03d of the scanned page\r\n" % at for at in range(60)
)


def piece(number: int, total: int | None = 3, of: int = 3, identity: str = "abc@scanner") -> bytes:
    """One of the pieces into which a machine divides that mail."""
    lines = WHOLE.splitlines(keepends=True)
    size = -(-len(lines) // of)
    said = f'Content-Type: message/partial; id="{identity}"; number={number}' + (f"; total={total}" if total else "")
    head = f"From: {SENDER}\r\nSubject: scan ({number})\r\n{said}\r\n\r\n".encode()
    return head + b"".join(lines[(number - 1) * size : number * size])


@pytest.fixture
def renderer(tmp_path: Path) -> FakeRenderer:
    """A renderer that makes two pages."""
    return FakeRenderer(tmp_path)


def _preparer(bench: Bench, renderer: FakeRenderer, name: str = "prepare-0/x") -> Preparer:
    return Preparer(bench.desk, renderer.as_dresser(bench), Reporter(bench.desk, OPTIONS, MAIL), OPTIONS, name)


async def _states(bench: Bench, faxes: list[Fax]) -> list[str]:
    return [str((await bench.fax(fax.id)).state) for fax in faxes]


async def _told(bench: Bench) -> list[bytes]:
    """The mails that are owed."""
    mails = await bench.rows(tables.outbox, tables.outbox.c.blob_id.is_not(None))
    return [await bench.store.read_blob(mail.blob_id) for mail in mails]


async def _work_on(preparer: Preparer) -> None:
    while await work(preparer.duty):
        pass


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
async def test_pieces_are_joined_when_all_have_come(
    order: tuple[int, ...], bench: Bench, renderer: FakeRenderer
) -> None:
    """In whatever order they came: one fax has the pages of the whole, and nobody is told of the others."""
    preparer = _preparer(bench, renderer)
    made: list[Fax] = []
    for number in order:
        made += await bench.accepted(mail=piece(number, 3 if number == 3 else None))
        await _work_on(preparer)
        bench.clock.forward(timedelta(hours=7))
    assert await _states(bench, made) == ["cancelled", "cancelled", "ready"]
    assert renderer.given == [WHOLE]
    assert await _told(bench) == []


async def test_a_mail_to_several_numbers_is_joined_for_each(bench: Bench, renderer: FakeRenderer) -> None:
    """Each number gets one fax."""
    made = [fax for number in (1, 2) for fax in await bench.accepted(NUMBER, OTHER, mail=piece(number, 2, 2))]
    await _work_on(_preparer(bench, renderer))
    assert sorted(await _states(bench, made)) == ["cancelled", "cancelled", "ready", "ready"]
    ready = [fax for fax in made if (await bench.fax(fax.id)).state is FaxState.READY]
    assert {fax.number for fax in ready} == {NUMBER, OTHER}


async def test_only_what_belongs_together_is_joined(bench: Bench, renderer: FakeRenderer) -> None:
    """Not a piece from another sender, to another number, or of another mail."""
    made = await bench.accepted(mail=piece(1, 2, 2))
    made += await bench.accepted(mail=piece(2, 2, 2), sender="other@example.org")
    made += await bench.accepted(OTHER, mail=piece(2, 2, 2))
    made += await bench.accepted(mail=piece(2, 2, 2, "another@scanner"))
    await _work_on(_preparer(bench, renderer))
    assert await _states(bench, made) == ["accepted"] * 4
    lines = [line.detail for line in await bench.rows(tables.history, tables.history.c.event == "waiting")]
    assert len(lines) == 4
    assert "waits for the others" in lines[0]
    assert renderer.given == []


async def test_what_has_not_come_within_a_day_is_told_once(bench: Bench, renderer: FakeRenderer) -> None:
    """All pieces end, and one notice says which switch of the machine to turn off."""
    preparer = _preparer(bench, renderer)
    made = await bench.accepted(mail=piece(1))
    await _work_on(preparer)
    bench.clock.forward(timedelta(hours=1))
    made += await bench.accepted(mail=piece(3))
    await _work_on(preparer)
    bench.clock.forward(PATIENCE - timedelta(hours=1, minutes=1))
    await _work_on(preparer)
    assert await _states(bench, made) == ["accepted", "accepted"]
    bench.clock.forward(timedelta(minutes=2))
    await _work_on(preparer)
    assert await _states(bench, made) == ["failed", "failed"]
    [notice] = await _told(bench)
    said = text_of(parts_of(notice)[0])
    assert "only 2 of the pieces" in " ".join(said.split())
    assert "page division" in said


async def test_pieces_that_all_came_are_joined_however_late_they_are_looked_at(
    bench: Bench, renderer: FakeRenderer
) -> None:
    """A daemon that stood still for a week gives up nothing that had come in time."""
    made = [fax for number in (1, 2, 3) for fax in await bench.accepted(mail=piece(number))]
    bench.clock.forward(timedelta(days=7))
    await _work_on(_preparer(bench, renderer))
    assert sorted(await _states(bench, made)) == ["cancelled", "cancelled", "ready"]


@pytest.mark.parametrize("which", [0, 1], ids=["a piece that was joined", "the fax of the whole"])
async def test_a_joined_mail_is_sent_once_more_as_a_whole(which: int, bench: Bench, renderer: FakeRenderer) -> None:
    """To another number too, for which the pages are made anew; the pieces that have ended are left alone."""
    made = [fax for number in (1, 2) for fax in await bench.accepted(mail=piece(number, 2, 2))]
    await bench.accepted(mail=piece(1, 2, 2, "another@scanner"))
    preparer = _preparer(bench, renderer)
    await _work_on(preparer)
    bench.clock.forward(timedelta(days=3))
    old = sorted([await bench.fax(fax.id) for fax in made], key=lambda fax: fax.state is FaxState.READY)[which]
    if old.state is FaxState.READY:
        old = await bench.move(old, FaxState.CANCELLED)
    answer = await Counter(bench).ask(Order.RESEND, old.id, to=OTHER)
    assert not answer.refused, answer.text
    await _work_on(preparer)
    [again] = await bench.rows(tables.fax, tables.fax.c.number == OTHER)
    assert (again.state, again.pages) == (FaxState.READY, 2)
    assert renderer.given == [WHOLE, WHOLE]
    assert await _states(bench, made) == ["cancelled"] * 2 if which else ["cancelled", "ready"]


async def test_a_mail_that_never_came_whole_is_not_sent_once_more(bench: Bench, renderer: FakeRenderer) -> None:
    """It fails again, at once and with the same advice."""
    [fax] = await bench.accepted(mail=piece(1, 2, 2))
    preparer = _preparer(bench, renderer)
    bench.clock.forward(PATIENCE)
    await _work_on(preparer)
    await Counter(bench).ask(Order.RESEND, fax.id)
    await _work_on(preparer)
    [again] = await bench.rows(tables.fax, tables.fax.c.resend_of == fax.id)
    assert again.state == FaxState.FAILED
    assert len(await _told(bench)) == 2


async def test_a_whole_that_cannot_be_faxed_is_told_once(bench: Bench, renderer: FakeRenderer) -> None:
    """Its pieces end with it."""
    renderer.fails = DocumentUnusable("a.pdf: is damaged", ())
    made = [fax for number in (1, 2, 3) for fax in await bench.accepted(mail=piece(number))]
    await _work_on(_preparer(bench, renderer))
    assert await _states(bench, made) == ["failed"] * 3
    assert len(await _told(bench)) == 1


async def test_two_workers_join_a_mail_once(bench: Bench, renderer: FakeRenderer) -> None:
    """Each has a piece in hand when all have come; whichever writes first has the pages."""
    made = [fax for number in (1, 2) for fax in await bench.accepted(mail=piece(number, 2, 2))]
    workers = [_preparer(bench, renderer, f"prepare-{at}/x") for at in range(2)]
    batches = [await worker.duty.claim() for worker in workers]
    assert None not in batches
    ends = await asyncio.gather(
        *(worker.prepare(batch) for worker, batch in zip(workers, batches, strict=True) if batch),
        return_exceptions=True,
    )
    assert sorted(await _states(bench, made)) == ["cancelled", "ready"]
    assert sum(end is None for end in ends) == 1


FIELDS = {
    'message/partial; id="a@b"; number=2; total=3': Fragment("a@b", 2, 3),
    "Message/Partial;\r\n number=2;\r\n id=a": Fragment("a", 2, None),
    "message/partial; id=a; number=0": None,
    "message/partial; id=a; number=4; total=3": None,
    "message/partial; id=a; number=x": None,
    "message/partial; number=1; total=3": None,
    "message/partial; id=a; number=1; total=100000": None,
    "message/partial": None,
    "text/plain; name=message/partial": None,
}


@pytest.mark.parametrize(("field", "wanted"), FIELDS.items())
def test_what_piece_a_mail_is(field: str, wanted: Fragment | None) -> None:
    """It says so in its type; what makes no sense is no piece, and fails by name when its pages are made."""
    assert fragment_of(f"Subject: x\r\nContent-Type: {field}\r\n\r\nbody".encode()) == wanted
