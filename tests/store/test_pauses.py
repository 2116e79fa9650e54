"""What an operator paused stays paused, whoever looks."""

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.store import Store, pauses
from bridge.store.pauses import Pause, Watch, Work
from tests.support.store_bench import Bench, options
from tests.support.unit_clock import START

WHO = "operator maria"


async def test_a_pause_outlives_the_daemon(tmp_path: Path) -> None:
    """A pause is there when the store is opened again, with who and since when; nothing else is paused."""
    store = Store.open_alone(options(tmp_path))
    await store.write(lambda connection: pauses.begin(connection, Work.SENDING, WHO, START))
    store.close()
    store = Store.open_alone(options(tmp_path))
    assert store.read_now(pauses.current) == [Pause(Work.SENDING, WHO, START)]
    store.close()


async def test_the_first_pause_counts(bench: Bench) -> None:
    """Pausing twice leaves who paused and since when; one resumption ends it."""
    later = START + timedelta(hours=1)
    first = await bench.store.write(lambda connection: pauses.begin(connection, Work.INTAKE, WHO, START))
    again = await bench.store.write(lambda connection: pauses.begin(connection, Work.INTAKE, "operator jo", later))
    assert (first, again) == (None, Pause(Work.INTAKE, WHO, START))
    ended = await bench.store.write(lambda connection: pauses.end(connection, Work.INTAKE, later))
    assert ended == again
    assert bench.store.read_now(pauses.current) == []
    assert await bench.store.write(lambda connection: pauses.end(connection, Work.INTAKE, later)) is None


@pytest.mark.parametrize("work", Work)
async def test_a_watch_sees_it_within_a_second(bench: Bench, work: Work) -> None:
    """Who asks often learns of a pause and of its end within a second, and of no other."""
    watch = Watch(bench.store, bench.clock)
    for change in (lambda c: pauses.begin(c, work, WHO, START), lambda c: pauses.end(c, work, START)):
        await bench.store.write(change)
        bench.clock.forward(timedelta(seconds=1))
        seen = {each: await watch.paused(each) for each in Work}
        paused = bool(bench.store.read_now(pauses.current))
        assert seen == {each: paused and each is work for each in Work}


async def test_without_a_store_it_is_as_it_was(bench: Bench) -> None:
    """While the store does not answer, what was paused stays so."""
    watch = Watch(bench.store, bench.clock)
    await bench.store.write(lambda connection: pauses.begin(connection, Work.INTAKE, WHO, START))
    assert await watch.paused(Work.INTAKE)
    bench.store.close()
    bench.clock.forward(timedelta(seconds=1))
    assert await watch.paused(Work.INTAKE)
