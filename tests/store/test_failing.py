"""Numbers that fail are remembered in the change that ends a fax, and forgotten when one arrives, or in time."""

from datetime import timedelta
from functools import partial

import pytest

from bridge.fax import failing as rules, outcomes
from bridge.fax.failing import ANSWERED, COUNTED, FORGOTTEN_AFTER, Failing, NumberFails
from bridge.fax.jobs import Outcome
from bridge.fax.outcomes import OutcomeClass
from bridge.store import failing
from bridge.store.failing import FailingWatch
from tests.support.store_bench import NUMBER, OTHER, Bench
from tests.support.unit_clock import START

DEAD = Outcome(OutcomeClass.NUMBER, "number-not-in-use", 3912, "unassigned")
PASSING = {cause.outcome_class for cause in outcomes.causes()} - COUNTED - ANSWERED
VOICE = next(cause for cause in outcomes.causes() if cause.outcome_class is OutcomeClass.VOICE)


def an_outcome(of: OutcomeClass) -> Outcome:
    """Some outcome of that class."""
    return Outcome(of, next(cause.slug for cause in outcomes.causes() if cause.outcome_class is of))


async def ended(bench: Bench, *ends: Outcome, number: str = NUMBER) -> Failing | None:
    """What is remembered of a number after faxes to it ended so."""
    now = bench.clock.now()
    for outcome in ends:
        await bench.store.write(partial(failing.note, number=number, outcome=outcome, now=now))
    return bench.store.read_now(lambda connection: failing.of(connection, number))


async def test_failures_in_a_row_are_counted(bench: Bench) -> None:
    """For each number by itself, with the last cause, the first time and the last."""
    await ended(bench, DEAD)
    bench.clock.forward(timedelta(hours=1))
    known = await ended(bench, Outcome(OutcomeClass.VOICE, VOICE.slug))
    assert known == Failing(NUMBER, 2, VOICE.slug, START, START + timedelta(hours=1))
    assert await ended(bench, number=OTHER) is None


@pytest.mark.parametrize("outcome_class", sorted(PASSING))
async def test_what_passes_counts_for_nothing(bench: Bench, outcome_class: OutcomeClass) -> None:
    """Busy lines, carriers in trouble, bad documents, empty accounts: neither counted, nor a sign of life."""
    before = await ended(bench, DEAD)
    assert await ended(bench, an_outcome(outcome_class)) == before


@pytest.mark.parametrize("outcome_class", sorted(ANSWERED))
async def test_an_answer_ends_it(bench: Bench, outcome_class: OutcomeClass) -> None:
    """A fax machine is there after all, be it that not all pages arrived."""
    assert await ended(bench, DEAD, DEAD, an_outcome(outcome_class)) is None


async def test_it_is_forgotten_in_time(bench: Bench) -> None:
    """After thirty days without a failure nothing is held against a number, and the next failure is the first."""
    await ended(bench, DEAD, DEAD, DEAD)
    bench.clock.forward(FORGOTTEN_AFTER)
    assert bench.store.read_now(lambda connection: failing.all_of(connection, bench.clock.now())) == []
    known = await ended(bench, DEAD)
    assert known is not None
    assert (known.times, known.since) == (1, bench.clock.now())


async def test_the_latest_come_first(bench: Bench) -> None:
    """Those with fewer failures than asked for are left out."""
    await ended(bench, DEAD, DEAD)
    bench.clock.forward(timedelta(minutes=1))
    await ended(bench, DEAD, number=OTHER)

    def numbers(times: int) -> list[str]:
        rows = bench.store.read_now(lambda connection: failing.all_of(connection, bench.clock.now(), times))
        return [row.number for row in rows]

    assert numbers(1) == [OTHER, NUMBER]
    assert numbers(2) == [NUMBER]


async def test_a_watch_sees_it_within_a_second(bench: Bench) -> None:
    """Who asks often learns of a number that fails, and that it is forgotten, within a second, and reads no more."""
    watch = FailingWatch(bench.store, bench.clock)
    assert await watch.numbers() == {}
    await ended(bench, DEAD, DEAD)
    assert await watch.numbers() == {}
    bench.clock.forward(timedelta(seconds=1))
    assert set(await watch.numbers()) == {NUMBER}
    assert await bench.store.write(lambda connection: failing.forget(connection, NUMBER))
    assert not await bench.store.write(lambda connection: failing.forget(connection, NUMBER))
    bench.clock.forward(timedelta(seconds=1))
    assert await watch.numbers() == {}


def known(times: int) -> dict[str, Failing]:
    """A number that failed so many times."""
    return {NUMBER: Failing(NUMBER, times, DEAD.cause, START, START)}


def test_the_sender_is_warned_and_then_refused() -> None:
    """From the second failure on in the answer, from the fifth on by a refusal; never with 0."""
    told = "the last {} faxes to this number failed: The number is not in service"
    assert rules.check(NUMBER, known(1), 5, START) == ""
    assert rules.check(NUMBER, known(2), 5, START) == "; " + told.format(2)
    assert rules.check(OTHER, known(9), 5, START) == ""
    assert rules.check(NUMBER, known(9), 0, START) == ""
    assert rules.check(NUMBER, known(9), 5, START + FORGOTTEN_AFTER) == ""
    with pytest.raises(NumberFails) as refused:
        rules.check(NUMBER, known(5), 5, START)
    assert refused.value.smtp.startswith("550 5.1.1 " + told.format(5))
    assert len(refused.value.smtp) < 500
