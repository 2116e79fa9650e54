"""A fax whose number may not be called at this hour waits for one, without loss of time, and others go meanwhile."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bridge.errors import LeaseLost
from bridge.fax.jobs import Fax
from bridge.fax.options import QuietHours, RetryOptions
from bridge.fax.states import FaxState
from bridge.ifax.errors import NotTaken
from bridge.sending.deadline import DeadlineKeeper
from bridge.sending.report import Reporter
from bridge.sending.retry import Retrier
from bridge.sending.settle import Calls
from bridge.sending.submit import Submitter
from bridge.store import waits
from bridge.store.clockwatch import ClockWatch
from tests.support.store_bench import Bench, work
from tests.support.store_carrier import MAIL, OPTIONS, FakeCarrier, taken
from tests.support.unit_clock import START

NEW_YORK = "+12125550199"
NOON = QuietHours.read("02:00-07:00")
"""It is 03:15 in New York when these tests begin."""

OPENS = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Line:
    """The worker that calls, and the one that ends what waits too long."""

    bench: Bench

    def __post_init__(self) -> None:
        self.carrier = FakeCarrier()
        reporter = Reporter(self.bench.desk, OPTIONS, MAIL)
        self.submitter = Submitter(
            self.bench.desk,
            carrier=self.carrier.client,
            reporter=reporter,
            calls=Calls(),
            options=OPTIONS,
            name="submit-0/x",
        )
        retrier = Retrier(self.bench.desk, reporter, RetryOptions(give_up_after=timedelta(hours=4)))
        self.keeper = DeadlineKeeper(self.bench.desk, retrier, ClockWatch(self.bench.desk))

    async def turn(self) -> bool:
        """One piece of the caller's work."""
        return await work(self.submitter.duty)


@pytest.fixture
def line(bench: Bench) -> Line:
    """The line on that bench."""
    return Line(bench)


async def test_a_fax_waits_for_its_hour(bench: Bench, line: Line) -> None:
    """In quiet hours no call is made; the fax is due at their end, its history says why, and then it goes."""
    fax = await bench.ready(NEW_YORK, quiet_hours=NOON)
    assert await line.turn()
    waiting = await bench.fax(fax.id)
    assert (waiting.state, waiting.due_at, waiting.version) == (FaxState.READY, OPENS, fax.version)
    assert await bench.attempts(fax) == []
    last = (await bench.history(fax))[-1]
    assert (last.event, last.actor) == ("put_off", "daemon")
    assert last.detail == (
        "it waits until 23 November 2026, 12:00 UTC: 02:00-07:00 are quiet hours at that number (America/New_York)"
    )
    assert not await line.turn(), "it is not due"
    bench.clock.forward(OPENS - bench.clock.now())
    line.carrier.sends = [taken("5001")]
    assert await line.turn()
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


async def test_a_fax_is_not_sent_before_its_sender_wished(bench: Bench, line: Line) -> None:
    """The same holds for a time that its sender asked for."""
    later = START + timedelta(days=3)
    fax = await bench.ready(NEW_YORK, not_before=later)
    assert await line.turn()
    assert (await bench.fax(fax.id)).due_at == later
    assert (await bench.history(fax))[-1].detail == (
        "it waits until 26 November 2026, 08:15 UTC: its sender asked for it not to be sent before"
    )


async def test_others_to_the_same_number_go_meanwhile(bench: Bench, line: Line) -> None:
    """The line is free for a fax that may be called for at this hour."""
    waiting = await bench.ready(NEW_YORK, quiet_hours=NOON)
    other = await bench.ready(NEW_YORK)
    line.carrier.sends = [taken("5001")]
    assert await line.turn()
    assert await line.turn()
    assert (await bench.fax(waiting.id)).due_at == OPENS
    assert (await bench.fax(other.id)).state is FaxState.SENDING


async def test_the_time_for_trying_does_not_run(bench: Bench, line: Line) -> None:
    """A fax that may wait four hours and is kept for longer by its hour is not given up; then it has its four hours."""
    fax = await bench.ready(NEW_YORK, not_before=START + timedelta(days=3))
    assert await line.turn()
    bench.clock.forward(timedelta(days=3, hours=3))
    assert not await work(line.keeper.duty)
    bench.clock.forward(timedelta(hours=2))
    assert await work(line.keeper.duty)
    assert (await bench.fax(fax.id)).state is FaxState.FAILED


async def test_a_later_call_waits_for_its_hour_too(bench: Bench, line: Line) -> None:
    """What holds for the first call holds for each."""
    fax = await bench.ready(NEW_YORK, quiet_hours=QuietHours.read("03:16-07:00"))
    line.carrier.sends = [NotTaken("not now", "rate-limited")]
    assert await line.turn()
    assert (await bench.fax(fax.id)).state is FaxState.READY
    bench.clock.forward(timedelta(minutes=1))
    assert await line.turn()
    assert (await bench.fax(fax.id)).due_at == OPENS
    assert len(await bench.attempts(fax)) == 1


async def test_the_operators_retry_stands_over_every_hour(bench: Bench, line: Line) -> None:
    """A fax that is told to go goes, whatever its sender and the hour say."""
    fax = await bench.ready(NEW_YORK, quiet_hours=NOON, not_before=START + timedelta(days=3))
    assert await line.turn()
    waiting = await bench.fax(fax.id)
    await bench.store.write(lambda connection: waits.due_now(connection, waiting, START, "operator maria"))
    line.carrier.sends = [taken("5001")]
    assert await line.turn()
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


async def test_a_line_that_was_lost_changes_nothing(bench: Bench, line: Line) -> None:
    """Where another worker has the line by now, the fax is left to that one."""
    fax = await bench.ready(NEW_YORK, quiet_hours=NOON)
    claimed: Fax | None = await line.submitter.duty.claim()
    assert claimed is not None
    bench.clock.forward(timedelta(hours=1))
    with pytest.raises(LeaseLost):
        await line.submitter.duty.work(claimed)
    assert (await bench.fax(fax.id)).due_at == START
