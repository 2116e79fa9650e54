"""What follows on a call that failed: another one in its time, or the end; never a second where one may have worked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from bridge.fax.jobs import AttemptResult, Fax
from bridge.fax.options import REDIALS, RetryOptions
from bridge.fax.states import FaxState
from bridge.ifax.answers import Answer
from bridge.ifax.errors import CallRefused, NotTaken
from bridge.runtime.worker import LEASE_SECONDS
from bridge.sending.deadline import DeadlineKeeper
from bridge.sending.report import Reporter
from bridge.sending.retry import Retrier
from bridge.sending.settle import Calls
from bridge.sending.submit import Submitter
from bridge.sending.track import Tracker
from bridge.store import faxes, pauses
from bridge.store.clockwatch import ClockWatch
from bridge.store.pauses import Work
from tests.support.store_bench import ADMIN, SENDER, Bench, work
from tests.support.store_carrier import MAIL, OPTIONS, FakeCarrier, answer, status, taken

BUSY = status("failed", 263, "USER_BUSY")
DEAD = status("failed", 3912, "NO_ROUTE_DESTINATION")


@dataclass
class Line:
    """Both workers of the line, and the one that ends what waits too long, with a carrier in the same process."""

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
        self.tracker = Tracker(self.bench.desk, self.carrier.client, reporter, OPTIONS, "track-0/x")
        self.keeper = DeadlineKeeper(
            self.bench.desk, Retrier(self.bench.desk, reporter, RetryOptions()), ClockWatch(self.bench.desk)
        )
        self._jobs = 5000

    async def call(self, fax: Fax, said: Answer) -> Fax:
        """One call for the fax, as soon as it is due, and what iFax says of it in the end."""
        due_at = (await self.bench.fax(fax.id)).due_at
        assert due_at is not None
        self.bench.clock.forward(max(due_at - self.bench.clock.now(), timedelta()))
        self._jobs += 1
        self.carrier.sends = [taken(str(self._jobs))]
        assert await work(self.submitter.duty)
        self.bench.clock.forward(timedelta(seconds=30))
        self.carrier.statuses = [Answer.read(said.http_status, said.body.replace(b"4100217", str(self._jobs).encode()))]
        assert await work(self.tracker.duty)
        return await self.bench.fax(fax.id)


@pytest.fixture
def line(bench: Bench) -> Line:
    """The line on that bench."""
    return Line(bench)


async def test_busy_until_its_tries_are_used_up(bench: Bench, line: Line) -> None:
    """A busy number is called again at growing distances, each call on record; then one notice tells how often."""
    fax = await bench.ready()
    distances = []
    for made in range(1, 5):
        after = await line.call(fax, BUSY)
        assert (after.state, after.outcome, after.version) == (FaxState.READY, None, 2 + 3 * made)
        assert after.due_at is not None
        distances.append(after.due_at - bench.clock.now())
        assert await bench.events() == []
        assert not await work(line.submitter.duty), "not before its time"
    assert distances == list(REDIALS["busy"].delays)
    after = await line.call(fax, BUSY)
    assert after.state is FaxState.FAILED
    assert after.outcome is not None
    assert (after.outcome.cause, after.outcome.code) == ("busy", 263)
    assert await bench.events() == [("failed", SENDER)]
    (notice,) = await bench.mail_bytes("failed")
    assert b"It was tried 5 times" in notice
    calls = await bench.attempts(fax)
    assert [(each.result, each.cause, each.code) for each in calls] == [(AttemptResult.FAILED, "busy", 263)] * 5
    assert len({each.carrier_job_id for each in calls}) == 5
    lines = [line.detail for line in await bench.history(fax) if line.event == "call_failed"]
    assert len(lines) == 4
    assert lines[0].startswith(
        "iFax says failed, code 263: USER_BUSY; try 1 of 5, the next 23 November 2026, 08:17 UTC"
    )


async def test_busy_and_then_delivered(bench: Bench, line: Line) -> None:
    """A later call that works ends the fax as if nothing had been, and nobody hears of the busy line."""
    fax = await bench.ready()
    await line.call(fax, BUSY)
    after = await line.call(fax, status("delivered", faxTransferredPages=2))
    assert after.state is FaxState.DELIVERED
    assert await bench.events() == [("delivered", SENDER)]
    assert [each.result for each in await bench.attempts(fax)] == [AttemptResult.FAILED, AttemptResult.DELIVERED]


async def test_the_line_is_free_while_a_fax_waits_for_its_next_call(bench: Bench, line: Line) -> None:
    """Another fax to the same number goes in between."""
    fax, other = await bench.ready(), await bench.ready()
    await line.call(fax, BUSY)
    after = await line.call(other, status("delivered", faxTransferredPages=2))
    assert after.state is FaxState.DELIVERED
    assert (await bench.fax(fax.id)).state is FaxState.READY


NEVER = [
    ("a dead number", DEAD, "failed"),
    ("partial", status("delivered", faxTotalPages=2, faxTransferredPages=1), "partial"),
    ("busy after a page", status("failed", 263, "USER_BUSY", faxTransferredPages=1), "partial"),
    ("the confirmation is missing", status("failed", 9012, "x", faxTransferredPages=2), "failed"),
    ("cancelled", status("canceled", 403, "Fax canceled."), "cancelled"),
    ("blocked", status("blocked", 263, "USER_BUSY"), "failed"),
]


@pytest.mark.parametrize(("said", "event"), [case[1:] for case in NEVER], ids=[case[0] for case in NEVER])
async def test_never_again(bench: Bench, line: Line, said: Answer, event: str) -> None:
    """What cannot work, and what went over in part or as a whole, is not called again, and said at once."""
    fax = await bench.ready()
    after = await line.call(fax, said)
    assert after.state.final
    assert await bench.events() == [(event, SENDER)]
    bench.clock.forward(timedelta(days=1))
    assert not await work(line.submitter.duty)


async def test_a_refusal_for_now(bench: Bench, line: Line) -> None:
    """A refused call whose cause passes is made again; one that does not is not (tests/sending/test_submit.py)."""
    fax = await bench.ready()
    said = answer({"status": 0, "code": 7200, "message": "busy circuits"})
    line.carrier.sends = [CallRefused("busy circuits", "lines-full", said)]
    assert await work(line.submitter.duty)
    after = await bench.fax(fax.id)
    assert (after.state, after.due_at) == (FaxState.READY, bench.clock.now() + REDIALS["carrier"].delays[0])
    (attempt,) = await bench.attempts(fax)
    assert (attempt.result, attempt.cause, attempt.code) == (AttemptResult.REFUSED, "lines-full", 7200)
    assert await bench.events() == []


async def test_a_hook_about_an_earlier_call(bench: Bench, line: Line) -> None:
    """While a later call's outcome is unknown, what is heard of an earlier one settles nothing and asks nothing."""
    fax = await bench.ready()
    after = await line.call(fax, BUSY)
    assert after.due_at is not None
    bench.clock.forward(after.due_at - bench.clock.now())
    piece = await line.submitter.duty.claim()
    assert piece is not None
    begun = await bench.move(piece, FaxState.SUBMITTING)
    await bench.store.write(
        lambda connection: connection.exec_driver_sql(
            "INSERT INTO attempt (id, fax_id, ordinal, started_at, result) SELECT 'LATER', fax_id, 2, started_at,"
            " 'unknown' FROM attempt"
        )
    )
    await bench.move(begun, FaxState.UNCONFIRMED)
    await bench.store.write(lambda connection: faxes.ask_now(connection, fax.id, bench.clock.now()))
    assert not await work(line.tracker.duty)
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED


async def test_no_time_left_behind_a_busy_line(bench: Bench, line: Line) -> None:
    """Faxes that never got their turn fail when their time is out; each sender is told why, the operator once."""
    first = await bench.sending()
    fax, other = await bench.ready(), await bench.ready()
    bench.clock.forward(timedelta(hours=24) - timedelta(seconds=1))
    assert not await work(line.keeper.duty), "not before its time"
    bench.clock.forward(timedelta(seconds=1))
    assert await work(line.keeper.duty)
    after = await bench.fax(fax.id)
    assert after.state is FaxState.FAILED
    assert after.outcome is not None
    assert (after.outcome.cause, after.pages_sent) == ("no-turn", 0)
    assert await bench.events(fax_id=fax.id) == [("failed", SENDER)]
    (notice,) = await bench.mail_bytes("failed")
    assert b"no call began within 24 hours" in notice
    assert await work(line.keeper.duty)
    assert (await bench.fax(other.id)).state is FaxState.FAILED
    assert await bench.events() == [("alarm", ADMIN), ("failed", SENDER), ("failed", SENDER)]
    (alarm,) = await bench.mail_bytes("alarm")
    assert b"Faxes fail for want of time" in alarm
    assert (await bench.fax(first.id)).state is FaxState.SENDING
    assert not await work(line.keeper.duty)


async def test_no_time_left_after_a_busy_line(bench: Bench, line: Line) -> None:
    """Where calls were made it fails as the last of them did."""
    fax = await bench.ready()
    await line.call(fax, BUSY)
    bench.clock.forward(timedelta(hours=24))
    assert await work(line.keeper.duty)
    after = await bench.fax(fax.id)
    assert after.outcome is not None
    assert (after.state, after.outcome.cause, after.outcome.code) == (FaxState.FAILED, "busy", 263)
    assert await bench.events() == [("failed", SENDER)]


async def test_the_claim_finds_it_too(bench: Bench, line: Line) -> None:
    """A submitter that comes first makes no call any more: the daemon may have been down for days."""
    fax = await bench.ready()
    bench.clock.forward(timedelta(days=2))
    assert await work(line.submitter.duty)
    assert (await bench.fax(fax.id)).state is FaxState.FAILED
    assert line.carrier.asked == []
    assert await bench.attempts(fax) == []


async def test_a_fax_that_is_being_claimed_is_left_alone(bench: Bench, line: Line) -> None:
    """Who holds the line to call for a fax decides about it; once that lease has ended it is found again."""
    fax = await bench.ready()
    bench.clock.forward(timedelta(hours=24) - timedelta(seconds=1))
    assert await line.submitter.duty.claim() is not None
    bench.clock.forward(timedelta(seconds=2))
    assert not await work(line.keeper.duty)
    bench.clock.forward(timedelta(seconds=LEASE_SECONDS))
    assert await work(line.keeper.duty)
    assert (await bench.fax(fax.id)).state is FaxState.FAILED


async def test_time_paused_does_not_count(bench: Bench, line: Line) -> None:
    """While sending is paused no fax is ended for want of time; afterwards each has what it had left before."""
    old = await bench.ready()
    bench.clock.forward(timedelta(hours=23))
    began = bench.clock.now()
    await bench.store.write(lambda connection: pauses.begin(connection, Work.SENDING, "operator maria", began))
    bench.clock.forward(timedelta(hours=30))
    young = await bench.ready("+14155550177")
    bench.clock.forward(timedelta(hours=30))
    assert not await work(line.keeper.duty)
    assert not await work(line.submitter.duty)
    ended = bench.clock.now()
    await bench.store.write(lambda connection: pauses.end(connection, Work.SENDING, ended))
    assert (await bench.fax(old.id)).counts_from == ended - timedelta(hours=23)
    assert (await bench.fax(young.id)).counts_from == ended
    bench.clock.forward(timedelta(minutes=59))
    assert not await work(line.keeper.duty)
    bench.clock.forward(timedelta(minutes=1))
    assert await work(line.keeper.duty)
    assert not await work(line.keeper.duty)
    assert (await bench.fax(old.id)).state is FaxState.FAILED
    assert (await bench.fax(young.id)).state is FaxState.READY


@pytest.mark.parametrize("through", [FaxState.READY, FaxState.ACCEPTED])
async def test_time_held_does_not_count(bench: Bench, line: Line, through: FaxState) -> None:
    """A fax that a person lets go on has its whole time before it, however long it was held."""
    (fax,) = await bench.accepted()
    if through is FaxState.READY:
        fax = await bench.prepared(fax)
    held = await bench.move(fax, FaxState.HELD)
    bench.clock.forward(timedelta(days=3))
    freed = await bench.move(held, through, due_at=bench.clock.now())
    if through is FaxState.ACCEPTED:
        bench.clock.forward(timedelta(hours=1))
        freed = await bench.prepared(freed)
    assert not await work(line.keeper.duty)
    after = await line.call(freed, BUSY)
    assert after.state is FaxState.READY
    bench.clock.forward(timedelta(hours=24))
    assert await work(line.keeper.duty)


async def test_one_that_cannot_be_ended_holds_up_no_other(
    bench: Bench, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late fax whose end cannot be written is tried again only after all the others were."""
    made = [await bench.ready(f"+1415555010{number}") for number in range(3)]
    bench.clock.forward(timedelta(hours=25))
    end_late, broken = Retrier.end_late, made[0].id

    async def failing(self: Retrier, fax: Fax, now: datetime) -> None:
        if fax.id == broken:
            raise ValueError("this one will not do")
        await end_late(self, fax, now)

    monkeypatch.setattr(Retrier, "end_late", failing)
    with pytest.raises(ValueError, match="will not do"):
        await work(line.keeper.duty)
    assert [await work(line.keeper.duty) for _ in range(3)] == [True, True, False]
    assert {(await bench.fax(fax.id)).state for fax in made[1:]} == {FaxState.FAILED}


async def test_overdue(bench: Bench, line: Line) -> None:
    """A fax that is with iFax for longer than its pages can take is asked after more often, and shown as such once."""
    fax = await bench.sending(pages=5)
    seen = list[tuple[float, float]]()
    while bench.clock.seconds < 3 * 3600:
        line.carrier.statuses = [status("sending", -3)]
        assert await work(line.tracker.duty)
        due_at = (await bench.fax(fax.id)).due_at
        assert due_at is not None
        pause = due_at - bench.clock.now()
        seen.append((bench.clock.seconds, pause.total_seconds()))
        bench.clock.forward(pause)
    anew = [number for number in range(1, len(seen)) if seen[number][1] < seen[number - 1][1]]
    assert len(anew) == 1
    at, shortest = seen[anew[0]]
    assert shortest == 30
    assert 20 * 60 < at < 27 * 60, "ten minutes and two for each page, and then the next question"
    (overdue,) = [line for line in await bench.history(fax) if line.event == "overdue"]
    assert overdue.detail.startswith("no final word from iFax after 2")
    assert await bench.events() == []


async def test_rate_limited_then_due_when_the_carrier_wishes(bench: Bench, line: Line) -> None:
    """A call that was not taken keeps its counts apart: a busy line afterwards is that class's first."""
    fax = await bench.ready()
    line.carrier.sends = [NotTaken("not now", "rate-limited", answer({}, 429), 120.0)]
    assert await work(line.submitter.duty)
    after = await bench.fax(fax.id)
    assert after.due_at == bench.clock.now() + timedelta(seconds=120)
    await line.call(fax, BUSY)
    lines = [entry.detail for entry in await bench.history(fax) if entry.event == "call_failed"]
    assert "try 1 of 5" in lines[0]
