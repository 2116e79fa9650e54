"""What kills the converter three times is held with a notice and an alarm, and can be let go again."""

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.document.renderer import ConverterDied
from bridge.fax.orders import Order
from bridge.fax.states import FaxState, HoldReason
from bridge.sending.prepare import Preparer
from bridge.store import tables
from tests.support.orders_stand import Counter
from tests.support.sending_stand import FakeRenderer
from tests.support.store_bench import ADMIN, NUMBER, OTHER, SENDER, Bench, work
from tests.support.store_carrier import OPTIONS


@pytest.fixture
def counter(bench: Bench) -> Counter:
    """Where an operator lets things go."""
    return Counter(bench)


async def test_the_converter_dies_three_times(bench: Bench, counter: Counter, tmp_path: Path) -> None:
    """Two deaths are tried again after a pause; the third holds all faxes of the mail, with one alarm."""
    renderer = FakeRenderer(tmp_path)
    preparer = Preparer(bench.desk, renderer.as_renderer(), counter.reporter, OPTIONS, "prepare-0/x")
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
    preparer = Preparer(bench.desk, renderer.as_renderer(), counter.reporter, OPTIONS, "prepare-0/x")
    (fax,) = await bench.accepted()
    renderer.fails = ConverterDied("the converter stopped")
    assert await work(preparer.duty)
    renderer.fails = None
    bench.clock.forward(timedelta(seconds=10))
    assert await work(preparer.duty)
    assert (await bench.fax(fax.id)).state is FaxState.READY
    assert await bench.events() == []
    assert await bench.rows(tables.suspect) == []
