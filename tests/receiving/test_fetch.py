"""Fetching: "not yet" for a day, gone is told, invented hooks cost little and cause no mail."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from bridge.document.renderer import DocumentUnusable, Rendered, Renderer
from bridge.fax.arrivals import Received
from bridge.fax.options import Route, Target
from bridge.fax.states import ReceivedState
from bridge.ifax.answers import Answer
from bridge.ifax.errors import CarrierError
from bridge.ifax.strangers import STRANGERS_PER_MINUTE, StrangerBudget
from bridge.receiving.backlog import RELEASE, BacklogClerk
from bridge.receiving.fetch import Fetcher
from bridge.receiving.mails import Mailer
from bridge.receiving.options import ReceivingOptions
from bridge.receiving.route import Router
from bridge.store import arrivals, commands, tables, writing
from bridge.store.commands import Command
from tests.support.store_bench import ADMIN, DIED, Bench, FakeClock, set_aside, work
from tests.support.store_carrier import MAIL, FakeCarrier, answer

FALLBACK = "fallback@example.org"
DESK = "front-desk@example.org"
PDF = b"%PDF-1.7 a fax that came in %%EOF"
OPTIONS = ReceivingOptions(
    timedelta(minutes=5),
    (Target.mail(FALLBACK),),
    (Route("desk", "+14155550100", "", (Target.mail(DESK), Target.mail("second@example.org"), Target.mail(DESK))),),
)
NOT_YET = answer({"status": 1, "message": "Download Fax Response", "data": ""})
GONE = answer({"status": 0, "data": {"code": 12092}, "message": "gone"})
NEVER = answer({"status": 0, "code": -1005, "message": "no such fax"})


class Opening:
    """A renderer of received files that opens what begins like a PDF."""

    def __init__(self, folder: Path) -> None:
        self.made = folder / "opened.pdf"

    @asynccontextmanager
    async def from_received(self, file: BinaryIO) -> AsyncIterator[Rendered]:
        data = file.read()
        if not data.startswith(b"%PDF-1.7"):
            raise DocumentUnusable("the file does not open")
        self.made.write_bytes(data)
        yield Rendered(self.made, 3, ())


class Receiving:
    """The workers of the receiving side, with a carrier in the same process."""

    def __init__(self, bench: Bench, folder: Path, options: ReceivingOptions = OPTIONS) -> None:
        self.bench = bench
        self.carrier = FakeCarrier()
        self.budget = StrangerBudget(bench.clock)
        mailer = Mailer(bench.desk, MAIL)
        self.fetcher = Fetcher(
            bench.desk,
            carrier=self.carrier.client,
            renderer=cast("Renderer", Opening(folder)),
            mailer=mailer,
            options=options,
            budget=self.budget,
            name="fetch-0/x",
        )
        self.router = Router(bench.desk, mailer, options, "route-0/x")
        self.clerk = BacklogClerk(bench.desk, "backlog-0/x")

    async def fetch(self, *said: Any) -> None:
        """One try for each of these answers."""
        self.carrier.downloads += said
        for _ in said:
            assert await work(self.fetcher.duty)

    async def pause(self, fax: Received) -> timedelta:
        """How long until the next try; the clock is moved there."""
        due_at = (await self.bench.received(fax.id)).due_at
        assert due_at is not None
        pause = due_at - self.bench.clock.now()
        self.bench.clock.forward(pause)
        return pause


@pytest.fixture
def receiving(bench: Bench, tmp_path: Path) -> Receiving:
    """The receiving side on that bench."""
    return Receiving(bench, tmp_path)


async def test_a_file(bench: Bench, receiving: Receiving) -> None:
    """A file that opens is kept with its pages counted, and asked for with both ids."""
    fax = await bench.announced(pages=3)
    await receiving.fetch(PDF)
    after = await bench.received(fax.id)
    assert (after.state, after.pages, after.due_at) == (ReceivedState.FETCHED, 3, bench.clock.now())
    assert after.blob_id is not None
    assert await bench.store.read_blob(after.blob_id) == PDF
    assert receiving.carrier.asked == [("download", "7001122", "8600991")]
    assert [row.kind for row in await bench.rows(tables.evidence)] == ["download"]


@pytest.mark.parametrize(("told", "pages"), [(None, 3), (2, 2), (0, 0), (3, 3)])
async def test_pages(bench: Bench, receiving: Receiving, told: int | None, pages: int) -> None:
    """The carrier's count of pages stands if it told one, else the file's; what the file holds is known either way."""
    fax = await bench.announced(pages=told, pages_total=5)
    await receiving.fetch(PDF)
    after = await bench.received(fax.id)
    assert (after.pages, after.file_pages, after.damaged) == (pages, 3, False)
    assert after.partial


async def test_pages_told_during_the_download(bench: Bench, receiving: Receiving) -> None:
    """The carrier's count stands also where the list tells it while we fetch."""
    fax = await bench.announced(listed=False)

    async def listed() -> None:
        await bench.announced(pages=2, pages_total=5)

    receiving.carrier.meanwhile = listed
    await receiving.fetch(PDF)
    after = await bench.received(fax.id)
    assert (after.state, after.pages, after.file_pages) == (ReceivedState.FETCHED, 2, 3)


async def test_not_yet(bench: Bench, receiving: Receiving) -> None:
    """Whatever is no file yet is asked for again after pauses that grow to a quarter of an hour, without mail."""
    fax = await bench.announced()
    not_yet = [NOT_YET, answer({}, 500), CarrierError("no answer"), NEVER, answer([1]), NOT_YET]
    pauses = []
    for said in [*not_yet, *not_yet]:
        await receiving.fetch(said)
        assert (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED
        assert not await work(receiving.fetcher.duty)
        pauses.append((await receiving.pause(fax)).total_seconds())
    assert pauses == [min(5 * 2**n, 900) for n in range(12)]
    assert await bench.rows(tables.outbox) == []
    await receiving.fetch(PDF)
    assert (await bench.received(fax.id)).state is ReceivedState.FETCHED


async def test_a_file_that_does_not_open(bench: Bench, receiving: Receiving) -> None:
    """A file that does not open is asked for again, lest it was half written, then passed on as it is, and said so."""
    broken = b"%PDF-2 does not open"
    fax = await bench.announced(called="")
    for _ in range(2):
        await receiving.fetch(broken)
        assert (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED
        await receiving.pause(fax)
    await receiving.fetch(broken)
    after = await bench.received(fax.id)
    assert (after.state, after.damaged, after.pages, after.file_pages) == (ReceivedState.FETCHED, True, None, None)
    assert after.blob_id is not None
    assert await bench.store.read_blob(after.blob_id) == broken
    assert await work(receiving.router.duty)
    assert await bench.events() == [("received", FALLBACK)]
    (mail,) = await bench.mail_bytes("received")
    assert base64.b64encode(broken)[:20] in mail
    assert b"damaged" in mail


async def test_a_half_written_file_after_a_wait(bench: Bench, receiving: Receiving) -> None:
    """A file that was only half written is asked for again, however often there was none before it."""
    fax = await bench.announced()
    for said in (NOT_YET, CarrierError("no answer"), NOT_YET, b"%PDF-2 does not open"):
        await receiving.fetch(said)
        assert (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED
        await receiving.pause(fax)
    await receiving.fetch(PDF)
    after = await bench.received(fax.id)
    assert (after.state, after.damaged) == (ReceivedState.FETCHED, False)


async def test_a_broken_file_after_a_day(bench: Bench, receiving: Receiving) -> None:
    """A file that does not open is worth more than none: it is passed on, also where it came only after a day."""
    broken = b"%PDF-2 does not open"
    fax = await bench.announced()
    bench.clock.forward(timedelta(hours=25))
    while (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED:
        await receiving.fetch(broken)
        if (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED:
            await receiving.pause(fax)
    after = await bench.received(fax.id)
    assert (after.state, after.damaged) == (ReceivedState.FETCHED, True)


async def test_a_day_of_not_yet(bench: Bench, receiving: Receiving) -> None:
    """A day of "not yet" is mail to the fallback with all that is known, once, and the end."""
    fax = await bench.announced()
    tries = 0
    while (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED:
        await receiving.fetch(NOT_YET)
        tries += 1
        if (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED:
            await receiving.pause(fax)
    assert timedelta(days=1) < timedelta(seconds=bench.clock.seconds) < timedelta(days=1, minutes=16)
    assert 90 < tries < 120
    assert (await bench.received(fax.id)).state is ReceivedState.LOST
    assert await bench.events() == [("received-lost", FALLBACK)]
    (owed,) = await bench.rows(tables.outbox)
    (delivery,) = await bench.rows(tables.delivery)
    assert (delivery.target, delivery.state, delivery.received_id) == (FALLBACK, "waiting", fax.id)
    assert (owed.delivery_id, owed.kind) == (delivery.id, "received")
    assert owed.envelope_sender == f"bounce+{delivery.token}@fax.local", "a bounce of it finds its way"
    (mail,) = await bench.mail_bytes("received-lost")
    assert b"X-Fax-Number: +12125550177" in mail
    assert b"X-Fax-To: +14155550100" in mail
    assert not await work(receiving.fetcher.duty)


async def test_a_day_without_any_answer(bench: Bench, receiving: Receiving) -> None:
    """While the carrier does not answer at all nothing is given up, however long that lasts, listed or not."""
    made = [await bench.announced(), await bench.announced("9", "9", listed=False)]
    for _ in range(30):
        await receiving.fetch(CarrierError("no answer"), CarrierError("no answer"))
        bench.clock.forward(timedelta(hours=2))
    assert {(await bench.received(fax.id)).state for fax in made} == {ReceivedState.ANNOUNCED}
    assert await bench.rows(tables.outbox) == []
    await receiving.fetch(PDF, PDF)
    assert {(await bench.received(fax.id)).state for fax in made} == {ReceivedState.FETCHED}


async def test_an_outage_is_not_a_day_of_answers(bench: Bench, receiving: Receiving) -> None:
    """After days of server errors the first proper "not yet" begins the day, and doesn't end it."""
    fax = await bench.announced()
    for _ in range(3):
        await receiving.fetch(Answer.read(502, b"<html>bad gateway</html>"))
        bench.clock.forward(timedelta(days=1))
    await receiving.fetch(NOT_YET)
    assert (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED
    assert await bench.rows(tables.outbox) == []
    bench.clock.forward(timedelta(days=1, minutes=1))
    await receiving.fetch(NOT_YET)
    assert (await bench.received(fax.id)).state is ReceivedState.LOST


async def test_a_day_counts_from_the_last_change(bench: Bench, receiving: Receiving) -> None:
    """A fax that was set aside for weeks and is wanted again has its whole day of answers."""
    fax = await bench.announced()
    await bench.moved(fax, ReceivedState.QUARANTINED)
    bench.clock.forward(timedelta(weeks=2))
    await bench.moved(await bench.received(fax.id), ReceivedState.ANNOUNCED, due_at=bench.clock.now())
    await receiving.fetch(NOT_YET)
    bench.clock.forward(timedelta(days=1))
    await receiving.fetch(NOT_YET)
    assert (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED, "the day is not over yet"
    bench.clock.forward(timedelta(minutes=15))
    await receiving.fetch(NOT_YET)
    assert (await bench.received(fax.id)).state is ReceivedState.LOST


async def test_a_day_of_not_yet_for_a_stranger(bench: Bench, receiving: Receiving) -> None:
    """What the list has never shown is set aside after a day of answers without a file: nobody gets a mail of it."""
    fax = await bench.announced(listed=False)
    await receiving.fetch(NOT_YET)
    bench.clock.forward(timedelta(days=1))
    await receiving.fetch(NOT_YET)
    assert (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED
    bench.clock.forward(timedelta(minutes=15))
    await receiving.fetch(NOT_YET)
    assert (await bench.received(fax.id)).state is ReceivedState.QUARANTINED
    assert await bench.rows(tables.outbox) == []
    assert await bench.rows(tables.delivery) == []
    bench.clock.forward(timedelta(days=9))
    assert not await work(receiving.fetcher.duty)


def _no_file(code: int) -> Answer:
    return answer({"status": 0, "data": {"code": code}, "message": "no file"})


async def _with_file_of_hook(bench: Bench, fax: Received) -> None:
    brought = await bench.blob(PDF, "evidence")
    await bench.store.write(
        lambda connection: connection.execute(
            tables.received.update().where(tables.received.c.id == fax.id).values(hook_blob_id=brought.id)
        )
    )


GONE_FOR = [(12092, True), (12094, True), (-1011, True), (-3003, True), (-1011, False), (-3003, False)]


@pytest.mark.parametrize(("code", "listed"), GONE_FOR)
async def test_gone(bench: Bench, receiving: Receiving, code: int, listed: bool) -> None:
    """The carrier saying that the file is gone is told to the fallback at once, with the file its hook brought."""
    fax = await bench.announced(listed=listed)
    await _with_file_of_hook(bench, fax)
    await receiving.fetch(_no_file(code))
    assert (await bench.received(fax.id)).state is ReceivedState.LOST
    assert await bench.events() == [("received-lost", FALLBACK)]
    (mail,) = await bench.mail_bytes("received-lost")
    assert b"application/pdf" in mail
    assert not await work(receiving.fetcher.duty)


@pytest.mark.parametrize("code", [12092, 12094])
async def test_file_not_found_for_a_stranger(bench: Bench, receiving: Receiving, code: int) -> None:
    """A file "not found" under ids the list has never shown is an invented hook: set aside without a word by mail."""
    fax = await bench.announced(listed=False)
    await _with_file_of_hook(bench, fax)
    await receiving.fetch(_no_file(code))
    assert (await bench.received(fax.id)).state is ReceivedState.QUARANTINED
    assert await bench.rows(tables.outbox) == []
    assert await bench.rows(tables.delivery) == []


LISTED_WHILE = [("never", NEVER, 0), ("not found", GONE, 0), ("a day of not yet", NOT_YET, 25)]


@pytest.mark.parametrize(("name", "said", "hours"), LISTED_WHILE, ids=[case[0] for case in LISTED_WHILE])
async def test_listed_while_it_is_set_aside(
    bench: Bench, receiving: Receiving, name: str, said: Answer, hours: int
) -> None:
    """A fax that the list shows while we ask is real: it is not set aside but soon asked for again, and fetched."""
    fax = await bench.announced(listed=False)
    bench.clock.forward(timedelta(hours=hours))

    async def listed() -> None:
        await bench.announced(listed=True)

    receiving.carrier.meanwhile = listed
    await receiving.fetch(said)
    after = await bench.received(fax.id)
    assert (after.state, after.listed) == (ReceivedState.ANNOUNCED, True)
    assert await bench.rows(tables.outbox) == []
    assert len(await bench.rows(tables.evidence)) == 1
    assert await receiving.pause(fax) == timedelta(seconds=5)
    await receiving.fetch(PDF)
    assert (await bench.received(fax.id)).state is ReceivedState.FETCHED


async def test_a_damaged_hook_file(bench: Bench, receiving: Receiving) -> None:
    """That a fax is lost is told even where the file its hook brought is damaged."""
    fax = await bench.announced()
    await _with_file_of_hook(bench, fax)
    (brought,) = bench.blob_files()
    bench.damage(brought)
    await receiving.fetch(GONE)
    assert (await bench.received(fax.id)).state is ReceivedState.LOST
    assert await bench.events() == [("received-lost", FALLBACK)]


async def test_two_fallbacks(bench: Bench, tmp_path: Path) -> None:
    """Two fallback mailboxes are two mails, one named twice is one."""
    twice = ReceivingOptions(timedelta(minutes=5), tuple(Target.mail(m) for m in (FALLBACK, DESK, FALLBACK)), ())
    await bench.announced()
    await Receiving(bench, tmp_path, twice).fetch(GONE)
    assert await bench.events() == sorted([("received-lost", FALLBACK), ("received-lost", DESK)])


async def test_an_invented_hook(bench: Bench, receiving: Receiving) -> None:
    """Ids that only a hook spoke of and the carrier never knew are quarantined, without any mail, and left alone."""
    fax = await bench.announced(listed=False)
    await receiving.fetch(NEVER)
    assert (await bench.received(fax.id)).state is ReceivedState.QUARANTINED
    assert await bench.rows(tables.outbox) == []
    bench.clock.forward(timedelta(days=9))
    assert not await work(receiving.fetcher.duty)


async def test_quarantined_and_then_listed(bench: Bench, receiving: Receiving) -> None:
    """A quarantined fax that the list shows later, even days later, is fetched like any other and has a day for it."""
    fax = await bench.announced(listed=False)
    await receiving.fetch(NEVER)
    bench.clock.forward(timedelta(days=2))
    await bench.announced(listed=True)
    await receiving.fetch(NOT_YET)
    assert (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED
    assert await bench.rows(tables.outbox) == []
    await receiving.pause(fax)
    await receiving.fetch(PDF)
    assert (await bench.received(fax.id)).state is ReceivedState.FETCHED


async def test_released_backlog(bench: Bench, receiving: Receiving) -> None:
    """Backlog that an operator lets go after weeks begins anew: "not yet" does not lose it, nor tries made before."""
    fax = await bench.announced()
    await receiving.fetch(NOT_YET)
    await bench.moved(await bench.received(fax.id), ReceivedState.QUARANTINED, tries=12)
    bench.clock.forward(timedelta(weeks=2))
    asked = Command(bench.ids.new(), RELEASE, None, "anna")
    await bench.store.write(lambda connection: commands.ask(connection, asked, bench.clock.now()))
    assert await work(receiving.clerk.duty)
    assert not await work(receiving.clerk.duty)
    told = await bench.store.read(lambda connection: commands.answer_to(connection, asked.id))
    assert told is not None
    assert told.text == "1 received fax released"
    after = await bench.received(fax.id)
    assert (after.state, after.tries, after.due_at) == (ReceivedState.ANNOUNCED, 0, bench.clock.now())
    for said, seconds in ((CarrierError("no answer"), 5), (NOT_YET, 10)):
        await receiving.fetch(said)
        assert (await bench.received(fax.id)).state is ReceivedState.ANNOUNCED
        assert await receiving.pause(fax) == timedelta(seconds=seconds)
    assert await bench.rows(tables.outbox) == []
    await receiving.fetch(PDF)
    assert (await bench.received(fax.id)).state is ReceivedState.FETCHED


BEGAN = [
    ("after the first look", timedelta(minutes=1), True),
    ("while it was looked", timedelta(minutes=-59), True),
    ("an hour before", timedelta(hours=-1), False),
    ("long before", timedelta(days=-3), False),
    ("nobody says when", None, False),
]


@pytest.mark.parametrize(("name", "began", "new"), BEGAN, ids=[case[0] for case in BEGAN])
async def test_a_hook_about_the_backlog(
    bench: Bench, receiving: Receiving, name: str, began: timedelta | None, new: bool
) -> None:
    """Backlog whose call began after the first look, less an hour, was just coming in: its hook has it fetched."""
    fax = await bench.announced()
    await bench.moved(fax, ReceivedState.QUARANTINED, tries=7)
    looked = bench.clock.now()
    bench.clock.forward(timedelta(minutes=5))
    await bench.announced(listed=False, started_at=None if began is None else looked + began)
    after = await bench.received(fax.id)
    assert after.state is (ReceivedState.ANNOUNCED if new else ReceivedState.QUARANTINED)
    if new:
        assert (after.tries, after.due_at) == (0, bench.clock.now())
        await receiving.fetch(PDF)
        assert (await bench.received(fax.id)).state is ReceivedState.FETCHED
    assert not await work(receiving.fetcher.duty)


async def test_a_hook_about_a_stranger_set_aside(bench: Bench, receiving: Receiving) -> None:
    """A hook said again, with whatever time, does not bring back what the carrier does not know."""
    fax = await bench.announced(listed=False)
    await receiving.fetch(NEVER)
    bench.clock.forward(timedelta(minutes=5))
    await bench.announced(listed=False, started_at=bench.clock.now())
    assert (await bench.received(fax.id)).state is ReceivedState.QUARANTINED
    assert not await work(receiving.fetcher.duty)


async def test_strangers_are_asked_after_slowly(bench: Bench, receiving: Receiving) -> None:
    """Ids known by hook alone cost ten calls a minute in all; those that wait are neither tried nor given up for it."""
    made = [await bench.announced(str(n), str(n), listed=False) for n in range(25)]
    receiving.carrier.downloads = [NEVER] * 25
    asked = []
    for _ in range(4):
        before = len(receiving.carrier.asked)
        while await work(receiving.fetcher.duty):
            pass
        asked.append(len(receiving.carrier.asked) - before)
        bench.clock.forward(timedelta(minutes=1))
    assert asked == [10, 10, 5, 0]
    assert STRANGERS_PER_MINUTE == 10
    states = {(await bench.received(fax.id)).state for fax in made}
    assert states == {ReceivedState.QUARANTINED}


async def test_strangers_hold_up_no_listed_fax(bench: Bench, receiving: Receiving) -> None:
    """A fax on the list is fetched while the strangers' budget is spent."""
    for number in range(12):
        await bench.announced(str(number), str(number), listed=False)
    receiving.carrier.downloads = [NEVER] * 10
    while await work(receiving.fetcher.duty):
        pass
    fax = await bench.announced(listed=True)
    await receiving.fetch(PDF)
    assert (await bench.received(fax.id)).state is ReceivedState.FETCHED


async def test_a_flood_of_invented_hooks_causes_no_mail(bench: Bench, receiving: Receiving) -> None:
    """An invented hook that the budget does not let us ask about is no mail after a day, nor tried, nor set aside."""
    fax = await bench.announced(listed=False)
    bench.clock.forward(timedelta(days=1, minutes=1))
    while receiving.budget.take():
        pass
    assert await work(receiving.fetcher.duty)
    assert receiving.carrier.asked == []
    after = await bench.received(fax.id)
    assert (after.state, after.tries) == (ReceivedState.ANNOUNCED, 0)
    assert after.due_at == bench.clock.now() + timedelta(minutes=1)
    assert await bench.rows(tables.outbox) == []


def test_budget() -> None:
    """Ten in any minute, not ten in each: a minute later one place is free for each that was taken."""
    clock = FakeClock()
    budget = StrangerBudget(clock)
    assert [budget.take() for _ in range(11)] == [True] * 10 + [False]
    clock.seconds = 59.9
    assert not budget.take()
    clock.seconds = 60.0
    assert [budget.take() for _ in range(11)] == [True] * 10 + [False]


SAID = [("file", PDF), ("gone", GONE), ("never", NEVER), ("not yet", NOT_YET), ("no answer", CarrierError("no answer"))]


@pytest.mark.parametrize(("name", "said"), SAID, ids=[case[0] for case in SAID])
async def test_stale_premise(bench: Bench, receiving: Receiving, name: str, said: Any) -> None:
    """A fax that was taken over while it was fetched is left as it is: no mail, no state, no file left behind."""
    fax = await bench.announced(listed=name != "never")
    files: list[set[str]] = []

    async def taken_over() -> None:
        bench.clock.forward(timedelta(minutes=2))
        lease = bench.desk.lease("fetch-1/y")
        await bench.store.write(lambda connection: arrivals.claim(connection, lease, ReceivedState.ANNOUNCED))
        files.append(bench.blob_files())

    receiving.carrier.meanwhile = taken_over
    receiving.carrier.downloads = [said]
    with pytest.raises(Exception, match=r"taken over|no longer"):
        await work(receiving.fetcher.duty)
    after = await bench.received(fax.id)
    assert (after.state, after.version) == (ReceivedState.ANNOUNCED, fax.version)
    assert await bench.rows(tables.outbox) == []
    assert bench.blob_files() == files[0]


async def _fetched(bench: Bench, receiving: Receiving, **heard: Any) -> Received:
    fax = await bench.announced(**heard)
    await receiving.fetch(PDF)
    return fax


async def test_routed(bench: Bench, receiving: Receiving) -> None:
    """Each mailbox of the first route that fits is a delivery and a mail of its own, one named twice is one."""
    fax = await _fetched(bench, receiving, pages_total=3)
    assert await work(receiving.router.duty)
    assert (await bench.received(fax.id)).state is ReceivedState.ROUTED
    assert await bench.events() == sorted([("received", DESK), ("received", "second@example.org")])
    deliveries = await bench.rows(tables.delivery)
    assert {row.target for row in deliveries} == {DESK, "second@example.org"}
    senders = {row.envelope_sender for row in await bench.rows(tables.outbox)}
    assert senders == {f"bounce+{row.token}@fax.local" for row in deliveries}
    assert not await work(receiving.router.duty)


@pytest.mark.parametrize("called", ["", "+12125550100", "odd"])
async def test_fallback(bench: Bench, receiving: Receiving, called: str) -> None:
    """What no route fits goes to the fallback."""
    await _fetched(bench, receiving, called=called)
    assert await work(receiving.router.duty)
    assert await bench.events() == [("received", FALLBACK)]


async def test_fewer_pages_than_were_sent(bench: Bench, receiving: Receiving) -> None:
    """Fewer pages than the caller sent is said in the mail's event."""
    await _fetched(bench, receiving, pages=2, pages_total=5, called="")
    assert await work(receiving.router.duty)
    assert await bench.events() == [("received-partial", FALLBACK)]


@pytest.mark.parametrize("missing", [False, True], ids=["damaged", "missing"])
async def test_a_damaged_file(
    bench: Bench, receiving: Receiving, missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A received file that is damaged on our disk is told to every mailbox of its route as a fax that is lost."""
    monkeypatch.setattr(writing, "INLINE_LIMIT", -1)
    fax = await _fetched(bench, receiving)
    blob = (await bench.received(fax.id)).blob_id
    assert blob is not None
    if missing:
        bench.store.blobs.remove(blob)
    else:
        bench.damage(blob)
    assert await work(receiving.router.duty)
    assert (await bench.received(fax.id)).state is ReceivedState.ROUTED
    assert await bench.events() == sorted([("received-lost", DESK), ("received-lost", "second@example.org")])
    deliveries = {row.id: row.target for row in await bench.rows(tables.delivery)}
    assert sorted(deliveries.values()) == sorted([DESK, "second@example.org"])
    for owed in await bench.rows(tables.outbox):
        assert (owed.kind, deliveries[owed.delivery_id]) == ("received", owed.recipient)
    for mail in await bench.mail_bytes("received-lost"):
        assert b"X-Fax-Number: +12125550177" in mail
        assert b"application/pdf" not in mail
    assert not await work(receiving.router.duty)


async def test_routing_stale(bench: Bench, receiving: Receiving) -> None:
    """A router that lost its lease writes nothing and leaves no file behind."""
    fax = await _fetched(bench, receiving)
    piece = await receiving.router.duty.claim()
    assert piece is not None
    files = bench.blob_files()
    bench.clock.forward(timedelta(minutes=2))
    lease = bench.desk.lease("route-1/y")
    await bench.store.write(lambda connection: arrivals.claim(connection, lease, ReceivedState.FETCHED))
    with pytest.raises(arrivals.Stale):
        await receiving.router.duty.work(piece)
    assert (await bench.received(fax.id)).state is ReceivedState.FETCHED
    assert await bench.rows(tables.outbox) == []
    assert await bench.rows(tables.delivery) == []
    assert bench.blob_files() == files


async def test_what_the_daemon_died_of_is_not_fetched(bench: Bench, receiving: Receiving) -> None:
    """It is set aside and the operator told; ``backlog --release`` lets it be fetched after all."""
    fax = await bench.announced()
    assert await set_aside(receiving.fetcher.duty)
    assert (await bench.received(fax.id)).state is ReceivedState.QUARANTINED
    assert receiving.carrier.asked == []
    (alarm,) = await bench.mail_bytes("alarm")
    for word in (fax.id, DIED, "job 7001122", "backlog --release"):
        assert word in alarm.decode().replace("=\r\n", "")
    await bench.store.write(
        lambda c: commands.ask(c, Command(bench.ids.new(), RELEASE, None, "maria", {}), bench.clock.now())
    )
    assert await work(receiving.clerk.duty)
    await receiving.fetch(PDF)
    assert (await bench.received(fax.id)).state is ReceivedState.FETCHED


async def test_what_the_daemon_died_of_when_it_was_to_be_mailed(bench: Bench, receiving: Receiving) -> None:
    """Whoever was to get it learns that there is one, without its file, and the operator is told."""
    fax = await bench.announced(called="+14155550199")
    await receiving.fetch(PDF)
    assert await set_aside(receiving.router.duty)
    assert (await bench.received(fax.id)).state is ReceivedState.ROUTED
    assert await bench.events() == [("alarm", ADMIN), ("received-lost", FALLBACK)]
    (lost,) = await bench.mail_bytes("received-lost")
    assert DIED in lost.decode()
    assert b"application/pdf" not in lost


async def test_a_release_the_daemon_died_of(bench: Bench, receiving: Receiving) -> None:
    """The operator is answered that it is not done."""
    asked = Command(bench.ids.new(), RELEASE, None, "maria", {})
    await bench.store.write(lambda c: commands.ask(c, asked, bench.clock.now()))
    assert await set_aside(receiving.clerk.duty)
    answered = await bench.store.read(lambda c: commands.answer_to(c, asked.id))
    assert answered is not None
    assert (answered.refused, answered.text) == (True, f"this is not done: {DIED}")
