import asyncio
from collections import deque
from collections.abc import Callable

import pytest

from bridge.errors import LeaseLost, Unavailable
from bridge.runtime import worker
from bridge.runtime.events import Events
from bridge.runtime.floor import Floor
from bridge.runtime.worker import Bell, Bells, Duty, run_duty
from bridge.store import arrivals, faxes, outbox

PATIENCE = 5.0
AGES = 3600.0


class Heard(Events):
    """Events that are kept, not logged."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[str] = []
        self.lost = 0

    def worker_failed(self, *, worker: str, error: BaseException) -> None:
        assert worker == "fake"
        self.failures.append(str(error))

    def lease_lost(self, *, worker: str) -> None:
        assert worker == "fake"
        self.lost += 1


class Fake:
    """A duty whose pieces are given; an exception among them is what the claim raises."""

    def __init__(self, *pieces: object) -> None:
        self.pieces = deque(pieces)
        self.done: list[object] = []
        self.claims = 0
        self.renewals = 0
        self.claimed = asyncio.Event()
        self.idle = asyncio.Event()
        self.at_work: Callable[[object], object] = lambda _: None
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.renew_says: Callable[[int], bool] = lambda _: True

    @property
    def duty(self) -> Duty[object]:
        return Duty("fake", Bell.POST, self.claim, self.work, self.renew)

    async def claim(self) -> object | None:
        self.claims += 1
        if not self.pieces:
            self.idle.set()
            return None
        piece = self.pieces.popleft()
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def work(self, piece: object) -> None:
        self.claimed.set()
        self.at_work(piece)
        await self.may_end.wait()
        self.done.append(piece)

    async def renew(self, piece: object) -> bool:
        assert piece is not None
        self.renewals += 1
        return self.renew_says(self.renewals)


class Run:
    """One worker at work."""

    def __init__(self, fake: Fake) -> None:
        self.fake, self.bells, self.stop, self.heard = fake, Bells(), asyncio.Event(), Heard()
        self.task = asyncio.create_task(run_duty(fake.duty, self.bells, Floor(), self.stop, self.heard))

    async def end(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, PATIENCE)


async def until(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), PATIENCE)


async def until_true(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - counts are waited for, which have no event
            await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happens by the mere passing of time, unless a test says so."""
    for name in ("IDLE_SECONDS", "FAILURE_PAUSE_SECONDS", "LEASE_SECONDS"):
        monkeypatch.setattr(worker, name, AGES)


async def test_pieces_are_worked_off_in_order() -> None:
    """A worker goes on from piece to piece without being told."""
    run = Run(Fake(1, 2, 3))
    await until(run.fake.idle)
    assert run.fake.done == [1, 2, 3]
    await run.end()


async def test_stop_ends_an_idle_worker() -> None:
    """A worker with nothing to do ends at once when told to stop, and leaves no task behind."""
    before = asyncio.all_tasks()
    run = Run(Fake())
    await until(run.fake.idle)
    await run.end()
    assert asyncio.all_tasks() == before


async def test_stop_lets_the_piece_in_hand_finish() -> None:
    """A worker told to stop finishes what it has in hand and claims nothing more."""
    fake = Fake("in hand", "next")
    fake.may_end.clear()
    run = Run(fake)
    await until(fake.claimed)
    run.stop.set()
    await asyncio.sleep(0)
    assert not run.task.done()
    fake.may_end.set()
    await run.end()
    assert (fake.done, fake.claims) == (["in hand"], 1)


async def test_stopped_before_it_began() -> None:
    """A worker that is told to stop before it began claims nothing."""
    fake, stop = Fake(1), asyncio.Event()
    stop.set()
    await asyncio.wait_for(run_duty(fake.duty, Bells(), Floor(), stop, Heard()), PATIENCE)
    assert fake.claims == 0


@pytest.mark.parametrize("error", [RuntimeError("broken"), Unavailable("broken"), TimeoutError("broken")])
async def test_a_failed_piece_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """An error at work is said, and after a pause the next piece is worked on."""
    monkeypatch.setattr(worker, "FAILURE_PAUSE_SECONDS", 0.01)
    fake = Fake("bad", "good")

    def fail(piece: object) -> None:
        if piece == "bad":
            raise error

    fake.at_work = fail
    run = Run(fake)
    await until(fake.idle)
    assert (run.heard.failures, fake.done) == (["broken"], ["good"])
    await run.end()


async def test_a_failed_claim_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in claiming is said, and after a pause claiming is tried again."""
    monkeypatch.setattr(worker, "FAILURE_PAUSE_SECONDS", 0.01)
    run = Run(Fake(Unavailable("no database"), "good"))
    await until(run.fake.idle)
    assert (run.heard.failures, run.fake.done) == (["no database"], ["good"])
    await run.end()


async def test_stop_ends_the_pause_after_a_failure() -> None:
    """A worker that pauses after an error ends at once when told to stop."""
    run = Run(Fake(RuntimeError("broken"), 2))
    await until_true(lambda: bool(run.heard.failures))
    await run.end()
    assert run.fake.done == []


async def test_a_lost_lease_is_no_failure() -> None:
    """Work that finds its lease lost is said as that, and the next piece follows without a pause."""
    fake = Fake("lost", "kept")

    def lose(piece: object) -> None:
        if piece == "lost":
            raise LeaseLost("gone")

    fake.at_work = lose
    run = Run(fake)
    await until(fake.idle)
    assert (run.heard.lost, run.heard.failures, fake.done) == (1, [], ["kept"])
    await run.end()


@pytest.mark.parametrize("stale", [faxes.Stale, arrivals.Stale, outbox.Stale], ids=["fax", "received", "mail"])
async def test_a_row_that_changed_meanwhile_is_no_failure(stale: type[Exception]) -> None:
    """Who finds that somebody else was first, a hook's evidence or another daemon, goes on at once, and quietly."""
    fake = Fake("changed", "kept")

    def come_late(piece: object) -> None:
        if piece == "changed":
            raise stale("no longer as it was")

    fake.at_work = come_late
    run = Run(fake)
    await until(fake.idle)
    assert (run.heard.lost, run.heard.failures, fake.done) == (1, [], ["kept"])
    await run.end()


async def test_the_bell_wakes() -> None:
    """An idle worker claims at once when its bell rings, and at no other bell."""
    run = Run(Fake())
    await until(run.fake.idle)
    run.fake.pieces.append("new")
    run.bells.ring(Bell.FETCH, Bell.SUBMIT)
    for _ in range(20):
        await asyncio.sleep(0)
    assert run.fake.done == []
    run.bells.ring(Bell.POST)
    await until_true(lambda: run.fake.done == ["new"])
    await run.end()


async def test_a_bell_that_rings_at_work_is_not_lost() -> None:
    """A bell that rings while a worker is busy or claims in vain makes it look once more."""
    run = Run(Fake("first"))
    run.fake.at_work = lambda _: run.bells.ring(Bell.POST)
    await until_true(lambda: run.fake.claims >= 3)
    await run.end()


async def test_the_bell_wakes_all_who_share_it() -> None:
    """Workers that share a bell are all woken by it."""
    bells, stop = Bells(), asyncio.Event()
    fakes = [Fake(), Fake()]
    tasks = [asyncio.create_task(run_duty(fake.duty, bells, Floor(), stop, Heard())) for fake in fakes]
    for fake in fakes:
        await until(fake.idle)
    for _ in range(5):
        await asyncio.sleep(0)
    bells.ring(Bell.POST)
    await until_true(lambda: all(fake.claims >= 2 for fake in fakes))
    stop.set()
    await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)


async def test_work_is_found_without_a_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a bell the worker looks again by itself after the idle time."""
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.005)
    run = Run(Fake())
    await until(run.fake.idle)
    run.fake.pieces.append("found")
    await until_true(lambda: run.fake.done == ["found"])
    await run.end()


async def test_the_lease_is_renewed_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a piece is worked on its lease is renewed again and again, and no longer than that."""
    monkeypatch.setattr(worker, "LEASE_SECONDS", 0.006)
    fake = Fake("long")
    fake.may_end.clear()
    run = Run(fake)
    await until_true(lambda: fake.renewals >= 3)
    fake.may_end.set()
    await until(fake.idle)
    renewals = fake.renewals
    await asyncio.sleep(0.02)
    assert (fake.renewals, run.heard.lost) == (renewals, 0)
    await run.end()


async def test_a_lease_that_cannot_be_renewed_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease lost at work is said once and not renewed any more; the work goes on, what it writes is fenced."""
    monkeypatch.setattr(worker, "LEASE_SECONDS", 0.006)
    fake = Fake("long")
    fake.may_end.clear()
    fake.renew_says = lambda _: False
    run = Run(fake)
    await until_true(lambda: run.heard.lost == 1)
    await asyncio.sleep(0.02)
    fake.may_end.set()
    await until(fake.idle)
    assert (fake.renewals, run.heard.lost, fake.done) == (1, 1, ["long"])
    await run.end()


async def test_a_failed_renewal_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that fails for want of a database is said and tried again."""
    monkeypatch.setattr(worker, "LEASE_SECONDS", 0.006)
    fake = Fake("long")
    fake.may_end.clear()

    def once(renewals: int) -> bool:
        if renewals == 1:
            raise Unavailable("no database")
        return True

    fake.renew_says = once
    run = Run(fake)
    await until_true(lambda: fake.renewals >= 2)
    fake.may_end.set()
    await run.end()
    assert (run.heard.failures, fake.done) == (["no database"], ["long"])


async def test_cancelling_leaves_nothing_behind() -> None:
    """A worker that is cancelled at work takes its renewal with it."""
    before = asyncio.all_tasks()
    fake = Fake("long")
    fake.may_end.clear()
    run = Run(fake)
    await until(fake.claimed)
    run.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run.task
    assert asyncio.all_tasks() == before


async def test_who_waited_for_the_floor_begins_nothing_after_the_stop() -> None:
    """A worker that was kept out while somebody worked alone claims nothing when it was stopped meanwhile."""
    fake, stop, floor = Fake("piece"), asyncio.Event(), Floor()
    async with floor.alone(0):
        task = asyncio.create_task(run_duty(fake.duty, Bells(), floor, stop, Heard()))
        await asyncio.sleep(0)
        stop.set()
    await asyncio.wait_for(task, PATIENCE)
    assert (fake.claims, fake.done) == (0, [])
