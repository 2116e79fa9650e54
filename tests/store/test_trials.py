"""What a daemon had in hand when it died is tried alone by the next, and only what kills it again is set aside."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.errors import Unavailable
from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState
from bridge.runtime.worker import LEASE_SECONDS, Bell, Duty, run_duty
from bridge.store import destinations, faxes, pauses, tables, trials
from bridge.store.desk import Desk
from bridge.store.leases import Lease
from bridge.store.pauses import Work
from bridge.store.trials import Trials
from tests.support.store_bench import NUMBER, OTHER, SENDER, Bench

THIRD = "+14155550103"
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "LOOK_EVERY_SECONDS", 0.01)
    monkeypatch.setattr("bridge.runtime.worker.IDLE_SECONDS", 0.01)


class Life:
    """A process that makes pages and calls. What it has in hand when it dies stays so, as a kill leaves it."""

    def __init__(self, bench: Bench, name: str, deadly: Callable[[Fax], bool]) -> None:
        self.bench = bench
        self.desk: Desk = replace(bench.desk, process=name, floor=type(bench.desk.floor)())
        self.deadly = deadly
        self.begun: list[str] = []
        self.most = self._now = 0
        self.dying = asyncio.Event()
        self.sets_aside_deadly = False

    @property
    def duties(self) -> list[Duty[tuple[Fax, ...]]]:
        return [self._duty("prepare"), self._duty("submit", 0), self._duty("submit", 1)]

    def _duty(self, role: str, number: int = 0) -> Duty[tuple[Fax, ...]]:
        owner = f"{role}-{number}/{self.desk.process}"

        async def claim() -> tuple[Fax, ...] | None:
            if role == "prepare":
                lease = self.desk.lease(owner)
                return await self.desk.store.write(lambda c: faxes.claim_accepted(c, lease)) or None
            if await self.desk.store.read(lambda c: pauses.of(c, Work.SENDING)) is not None:
                return None
            row = await self.desk.store.write(lambda c: destinations.claim(c, self.desk.lease(owner)))
            return None if row is None else (faxes.from_row(row),)

        async def work(batch: tuple[Fax, ...]) -> None:
            self.begun.append(batch[0].number)
            self._now += 1
            self.most = max(self.most, self._now)
            await self._die_of(batch)
            held = owner if role == "prepare" else None
            for fax in batch:
                await self._end(fax, FaxState.READY if role == "prepare" else FaxState.HELD, held)
            self._now -= 1

        async def set_aside(batch: tuple[Fax, ...], why: str) -> None:
            assert "died 3 times" in why
            if self.sets_aside_deadly:
                await self._die_of(batch)
            for fax in batch:
                await self._end(fax, FaxState.CANCELLED, owner if role == "prepare" else None)

        async def renew(_: tuple[Fax, ...]) -> bool:
            return True

        return Duty(role, Bell.PREPARE, claim, work, renew, set_aside)

    async def _die_of(self, batch: tuple[Fax, ...]) -> None:
        await asyncio.sleep(0)
        if any(self.deadly(fax) for fax in batch):
            self.dying.set()
            await asyncio.Event().wait()

    async def _end(self, fax: Fax, state: FaxState, owner: str | None) -> None:
        now, due = self.bench.clock.now(), self.bench.clock.now() if state is FaxState.READY else None
        await self.desk.store.write(
            lambda c: faxes.change(c, fax, state, now=now, event="test", detail="", owner=owner, due_at=due)
        )

    @asynccontextmanager
    async def lived(self) -> AsyncIterator[None]:
        """At its end it is killed, whatever it has in hand, and a lease's time goes by."""
        stop = asyncio.Event()
        self.trials = Trials(self.desk, self.duties, random.Random(7))
        tasks = [asyncio.create_task(self.trials.run(stop))]
        tasks += [
            asyncio.create_task(run_duty(duty, self.desk.bells, self.desk.floor, stop, self.desk.events))
            for duty in self.duties
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.bench.store.write(lambda _: None)  # what it had handed in is written by then
            self.bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))

    async def lives_on(self, seconds: float) -> None:
        """So much time goes by once it has seen what was left, and has not died of it."""
        for _ in range(int(PATIENCE / 0.01)):
            if self.trials._due:
                break
            await asyncio.sleep(0.01)
        assert not self.dying.is_set(), "not before the daemon has lived for a while"
        self.bench.clock.forward(timedelta(seconds=seconds))

    async def until_it_dies(self) -> None:
        async with self.lived():
            await asyncio.wait_for(self.dying.wait(), PATIENCE)


async def _states(bench: Bench) -> dict[str, str]:
    return {row.number: row.state for row in await bench.rows(tables.fax)}


async def _until(bench: Bench, number: str, state: FaxState) -> None:
    for _ in range(int(PATIENCE / 0.01)):
        if (await _states(bench))[number] == state:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(await _states(bench))


async def _nothing_suspected(bench: Bench) -> None:
    for _ in range(int(PATIENCE / 0.01)):
        if not await bench.rows(tables.suspect):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(await bench.rows(tables.suspect))


async def _until_not_alone(bench: Bench) -> None:
    for _ in range(int(PATIENCE / 0.01)):
        rows = await bench.rows(tables.suspect)
        if rows and not any(row.alone for row in rows):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(await bench.rows(tables.suspect))


async def _until_held_by_nobody(bench: Bench) -> None:
    for _ in range(int(PATIENCE / 0.01)):
        if all(line.lease_owner is None for line in await bench.rows(tables.destination)):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(await bench.rows(tables.destination))


def _of(*numbers: str) -> Callable[[Fax], bool]:
    return lambda fax: fax.number in numbers


async def _killed_with_in_hand(bench: Bench, *numbers: str) -> None:
    """The faxes of these numbers are ready, and a process had all of them in hand when it was killed."""
    for number in numbers:
        await bench.ready(number)
        held = replace(bench.desk.lease(f"submit-0/{number}"), process="dead")
        await bench.store.write(lambda c, lease=held: destinations.claim(c, lease))  # type: ignore[misc]  # bound now
    bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))


async def test_what_was_in_hand_is_tried_one_by_one_and_first(bench: Bench) -> None:
    """What the dead had in hand is worked on at once, each alone, and only then what else waits."""
    await _killed_with_in_hand(bench, NUMBER, OTHER)
    await bench.accepted(THIRD)
    life = Life(bench, "b", _of())
    async with life.lived():
        for number in (NUMBER, OTHER, THIRD):
            await _until(bench, number, FaxState.HELD)
        await _nothing_suspected(bench)
    assert sorted(life.begun[:2]) == [NUMBER, OTHER]
    assert life.begun[2:] == [THIRD, THIRD], "its pages, and its call"


async def test_nobody_else_takes_it(bench: Bench) -> None:
    """What another process held when it died is for no ordinary claim; what a worker's own process let end, is."""
    await _killed_with_in_hand(bench, NUMBER)
    stranger = replace(bench.desk, process="b")
    assert await bench.store.write(lambda c: destinations.claim(c, stranger.lease("submit-0/b"))) is None
    mate = replace(bench.desk, process=NUMBER)
    assert await bench.store.write(lambda c: destinations.claim(c, mate.lease(f"submit-1/{NUMBER}"))) is not None


async def test_what_kills_three_times_alone_is_set_aside(bench: Bench) -> None:
    """Of two that were in hand one kills: the other goes on at once, that one after three deaths is set aside."""
    await _killed_with_in_hand(bench, NUMBER, OTHER)
    for life_number, wait in enumerate((0, 6, 30)):
        life = Life(bench, f"life{life_number}", _of(OTHER))
        async with life.lived():
            if wait:
                await life.lives_on(wait)
            await asyncio.wait_for(life.dying.wait(), PATIENCE)
        assert (await _states(bench))[OTHER] == FaxState.READY
    assert (await _states(bench))[NUMBER] == FaxState.HELD
    life = Life(bench, "last", _of(OTHER))
    async with life.lived():
        await _until(bench, OTHER, FaxState.CANCELLED)
        await _nothing_suspected(bench)
    assert life.begun == []


async def test_kills_from_outside_blame_nobody(bench: Bench) -> None:
    """However often the daemon is killed with a fax alone in hand, soon after its start, the fax is not set aside."""
    await _killed_with_in_hand(bench, NUMBER)
    for life_number in range(8):
        life = Life(bench, f"life{life_number}", _of(NUMBER))
        async with life.lived():
            if life_number:
                await life.lives_on(1)
            else:
                await asyncio.wait_for(life.dying.wait(), PATIENCE)
    bench.clock.forward(timedelta(hours=1))
    life = Life(bench, "last", _of())
    async with life.lived():
        await life.lives_on(6)
        await _until(bench, NUMBER, FaxState.HELD)
    assert life.begun == [NUMBER], "it was worked on, not set aside"


async def test_progress_clears_a_name(bench: Bench) -> None:
    """A fax that was once alone when the daemon died, and then got on, is as good as any other."""
    await bench.accepted(NUMBER)
    dies = {"prepare": True}
    for name in ("a", "b"):
        await Life(bench, name, lambda fax: fax.state is FaxState.ACCEPTED and dies["prepare"]).until_it_dies()
    (suspect,) = await bench.rows(tables.suspect)
    assert (suspect.what, suspect.alone) == ("fax", True)
    dies["prepare"] = False
    life = Life(bench, "c", lambda fax: fax.state is FaxState.READY)
    async with life.lived():
        await life.lives_on(6)
        await asyncio.wait_for(life.dying.wait(), PATIENCE)
    await Life(bench, "d", _of(NUMBER)).until_it_dies()
    last = Life(bench, "e", _of(NUMBER))
    async with last.lived():
        await last.lives_on(0)
        (suspect,) = await bench.rows(tables.suspect)
    assert (suspect.what, suspect.tries) == ("destination", 1), "only what it did since counts"


async def test_a_trial_that_breaks_off_blames_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store fails in the middle of a trial the row is the process's own again, and its name is clear."""
    await _killed_with_in_hand(bench, NUMBER)
    life, failed = Life(bench, "b", _of()), False
    whole = destinations.claim

    def fail_once(connection: sa.Connection, lease: Lease) -> sa.Row[Any] | None:
        nonlocal failed
        if lease.heir_of and not failed:
            failed = True
            raise Unavailable("the database does not answer")
        return whole(connection, lease)

    monkeypatch.setattr(destinations, "claim", fail_once)
    async with life.lived():
        await _until_not_alone(bench)
        assert failed
        bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))
        await _until(bench, NUMBER, FaxState.HELD)
        await _nothing_suspected(bench)


async def test_long_work_does_not_keep_the_others_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer than a trial may is gone on with, others beside it; a death then blames nobody."""
    monkeypatch.setattr(trials, "ALONE_SECONDS", (0.05, 0.05, 0.05, 0.05))
    await _killed_with_in_hand(bench, NUMBER)
    await bench.ready(OTHER)
    life = Life(bench, "b", _of(NUMBER))
    async with life.lived():
        await _until(bench, OTHER, FaxState.HELD)
        assert life.most == 2
    async with Life(bench, "c", _of()).lived():
        await _until(bench, NUMBER, FaxState.HELD)
        await _nothing_suspected(bench)


async def test_what_cannot_be_worked_on_just_now(bench: Bench) -> None:
    """While sending is paused the line of a dead worker waits, held by nobody, and goes on with the others after."""
    await _killed_with_in_hand(bench, NUMBER)
    await bench.store.write(lambda c: pauses.begin(c, Work.SENDING, "operator", bench.clock.now()))
    async with Life(bench, "b", _of()).lived():
        await _until_held_by_nobody(bench)
        await bench.store.write(lambda c: pauses.end(c, Work.SENDING, bench.clock.now()))
        await _until(bench, NUMBER, FaxState.HELD)
        await _nothing_suspected(bench)


async def test_the_fax_that_was_to_go_out_is_tried(bench: Bench) -> None:
    """Of several senders' faxes to one number the one is tried that was in hand, not whose turn it is."""
    await bench.ready(NUMBER, sender="berta@example.org")
    await bench.ready(NUMBER, sender=SENDER)
    first = Life(bench, "a", lambda fax: fax.sender == SENDER)
    await first.until_it_dies()
    second = Life(bench, "b", lambda fax: fax.sender == SENDER)
    await second.until_it_dies()
    (suspect,) = await bench.rows(tables.suspect)
    (fax,) = await bench.rows(tables.fax, tables.fax.c.sender == SENDER)
    assert suspect.key == fax.id


async def test_the_faxes_of_a_mail_are_tried_together(bench: Bench) -> None:
    """Pages are made once for all faxes of a mail: so they are tried, and set aside."""
    await bench.accepted(NUMBER, OTHER)
    for life_number, wait in enumerate((0, 0, 6, 30)):
        life = Life(bench, f"life{life_number}", _of(NUMBER, OTHER))
        async with life.lived():
            if wait:
                await life.lives_on(wait)
            await asyncio.wait_for(life.dying.wait(), PATIENCE)
    async with Life(bench, "last", _of(NUMBER, OTHER)).lived():
        await _until(bench, NUMBER, FaxState.CANCELLED)
        await _until(bench, OTHER, FaxState.CANCELLED)


async def test_what_kills_even_when_set_aside_is_left_alone(bench: Bench) -> None:
    """If setting it aside kills, too, it is not touched any more after three times; everything else goes on."""
    await _killed_with_in_hand(bench, OTHER)
    for life_number in range(6):
        life = Life(bench, f"life{life_number}", _of(OTHER))
        life.sets_aside_deadly = True
        async with life.lived():
            if life_number in {1, 2}:
                await life.lives_on(31)
            await asyncio.wait_for(life.dying.wait(), PATIENCE)
    await bench.ready(NUMBER)
    async with Life(bench, "last", _of(OTHER)).lived():
        await _until(bench, NUMBER, FaxState.HELD)
        bench.clock.forward(timedelta(hours=1))
        await asyncio.sleep(0.1)
    assert (await _states(bench))[OTHER] == FaxState.READY
