"""What kills the converter three times is held with a notice and an alarm, and can be let go again."""

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.document.renderer import ConverterDied
from bridge.fax.orders import Order
from bridge.fax.states import FaxState, HoldReason
from bridge.sending.prepare import Preparer
from bridge.store import tables
from tests.support.evidence_stand import Stand
from tests.support.orders_stand import Counter
from tests.support.sending_stand import FakeRenderer
from tests.support.store_bench import ADMIN, DIED, NUMBER, OTHER, SENDER, Bench, set_aside, work
from tests.support.store_carrier import OPTIONS

THIRD = "+14155550103"


@pytest.fixture
def counter(bench: Bench) -> Counter:
    """Where an operator lets things go."""
    return Counter(bench)


async def test_the_converter_dies_three_times(bench: Bench, counter: Counter, tmp_path: Path) -> None:
    """Two deaths are tried again after a pause; the third holds all faxes of the mail, with one alarm."""
    renderer = FakeRenderer(tmp_path)
    preparer = Preparer(bench.desk, renderer.as_dresser(bench), counter.reporter, OPTIONS, "prepare-0/x")
    made = await bench.accepted(NUMBER, OTHER)
    renderer.fails = ConverterDied("its pages could not be made (the converter stopped with status 3)")
    for pause in (10, 20):
        assert await work(preparer.duty)
        assert {(await bench.fax(fax.id)).state for fax in made} == {FaxState.ACCEPTED}
        assert not await work(preparer.duty)
        bench.clock.forward(timedelta(seconds=pause))
    assert await work(preparer.duty)
    for fax in made:
        after = await bench.fax(fax.id)
        assert (after.state, after.hold_reason) == (FaxState.HELD, HoldReason.POISON)
        assert await bench.events(fax_id=fax.id) == [("held", SENDER)]
    assert [event for event in await bench.events() if event[1] == ADMIN] == [("alarm", ADMIN)]
    (alarm,) = await bench.mail_bytes("alarm")
    assert b"3 times in a row" in alarm
    assert await bench.rows(tables.suspect) == []

    assert not (await counter.ask(Order.RELEASE, made[0].id)).refused
    renderer.fails = None
    assert await work(preparer.duty)
    assert (await bench.fax(made[0].id)).state is FaxState.READY


async def test_a_converter_that_dies_once(bench: Bench, counter: Counter, tmp_path: Path) -> None:
    """A death that does not come again is forgotten, and nobody hears of it."""
    renderer = FakeRenderer(tmp_path)
    preparer = Preparer(bench.desk, renderer.as_dresser(bench), counter.reporter, OPTIONS, "prepare-0/x")
    (fax,) = await bench.accepted()
    renderer.fails = ConverterDied("the converter stopped")
    assert await work(preparer.duty)
    renderer.fails = None
    bench.clock.forward(timedelta(seconds=10))
    assert await work(preparer.duty)
    assert (await bench.fax(fax.id)).state is FaxState.READY
    assert await bench.events() == []
    assert await bench.rows(tables.suspect) == []


async def test_what_the_daemon_died_of_before_any_call(bench: Bench, tmp_path: Path) -> None:
    """Faxes of a mail whose pages are being made, and one about to be called, are held: certainly not sent."""
    stand = Stand(bench)
    preparer = Preparer(bench.desk, FakeRenderer(tmp_path).as_dresser(bench), stand.reporter, OPTIONS, "prepare-0/x")
    made = [*await bench.accepted(NUMBER, OTHER), await bench.ready(THIRD)]
    assert await set_aside(preparer.duty)
    assert await set_aside(stand.submitter.duty)
    for fax in made:
        after = await bench.fax(fax.id)
        assert (after.state, after.hold_reason) == (FaxState.HELD, HoldReason.POISON)
        assert await bench.events(fax_id=fax.id) == [("held", SENDER)]
    assert stand.carrier.asked == []
    alarms = [alarm.decode() for alarm in await bench.mail_bytes("alarm")]
    assert len(alarms) == 2, "one for a mail"
    assert all(DIED in alarm for alarm in alarms)
    assert {(line.due_at, line.lease_owner) for line in await bench.rows(tables.destination)} == {(None, None)}
    assert not await work(preparer.duty)
    assert not await work(stand.submitter.duty)


async def test_what_the_daemon_died_of_while_the_carrier_has_it(bench: Bench) -> None:
    """Sender and operator are asked; the carrier is not any more, unless a hook speaks of it."""
    stand = Stand(bench)
    fax = await bench.sending()
    assert await set_aside(stand.tracker.duty)
    after = await bench.fax(fax.id)
    assert (after.state, after.due_at) == (FaxState.UNCONFIRMED, None)
    assert sorted(await bench.events(fax_id=fax.id)) == [("unconfirmed", SENDER), ("unconfirmed", ADMIN)]
    await stand.hook(job="4100217")
    assert await set_aside(stand.tracker.duty)
    assert (await bench.fax(fax.id)).due_at is None
    assert len(await bench.events(fax_id=fax.id)) == 2, "nobody is asked twice"


async def test_an_order_the_daemon_died_of(bench: Bench, counter: Counter) -> None:
    """The operator is answered that it is not done, and why; the fax stays as it is."""
    fax = await bench.ready()
    asked = await counter.put(Order.HOLD, fax.id)
    assert await set_aside(counter.clerk.duty)
    answer = await counter.answer(asked)
    assert (answer.refused, answer.text) == (True, f"this is not done: {DIED}")
    assert (await bench.fax(fax.id)).state is FaxState.READY


async def test_a_strange_job_the_daemon_died_of(bench: Bench) -> None:
    """It is asked after no more; the fax that it may be waits for its window as before."""
    stand = Stand(bench)
    fax = await stand.unknown()
    await stand.hook()
    assert await set_aside(stand.inquirer.duty)
    assert await stand.inquiries() == []
    after = await bench.fax(fax.id)
    assert (after.state, after.settle_at is None) == (FaxState.UNCONFIRMED, False)
