"""A clock that is set while we run: no live work loses its lease, nothing is claimed twice, nothing waits longer."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from bridge.fax.arrivals import Mail, MailKind
from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState
from bridge.runtime.clock import SystemClock
from bridge.runtime.worker import LEASE_SECONDS
from bridge.store import attempts, destinations, faxes, outbox, tables
from bridge.store.clockwatch import ClockWatch
from tests.support.store_bench import NUMBER, OTHER, Bench

HOURS = timedelta(hours=3)
YEAR = timedelta(days=365)


async def _claim(bench: Bench, owner: str) -> Fax | None:
    row = await bench.store.write(lambda connection: destinations.claim(connection, bench.desk.lease(owner)))
    return None if row is None else faxes.from_row(row)


async def _owe(bench: Bench) -> None:
    mail = Mail(bench.ids.new(), MailKind.NOTICE, "test", "failed", "", "anna@example.org", "<1@fax.local>")
    draft = await bench.desk.draft(mail, b"Subject: x\r\n\r\nx\r\n")
    await bench.store.write(partial(draft.write, now=bench.clock.now()))


@pytest.mark.parametrize("jump", [HOURS, YEAR, -HOURS, -YEAR], ids=str)
async def test_work_in_hand_stays_in_hand(bench: Bench, jump: timedelta) -> None:
    """However the clock is set, a mail and a line in hand are nobody else's until a lease's real time has gone by."""
    await _owe(bench)
    await bench.ready()
    post = bench.desk.lease("post-0/x")
    assert await bench.store.write(lambda connection: outbox.claim(connection, post)) is not None
    assert await _claim(bench, "submit-0/x") is not None
    bench.clock.wrong = jump
    watch = ClockWatch(bench.desk)

    async def another_takes(owner: str) -> tuple[bool, bool]:
        await watch.look()
        mail = await bench.store.write(lambda connection: outbox.claim(connection, bench.desk.lease(owner)))
        return mail is not None, await _claim(bench, owner) is not None

    watch._ahead = timedelta()
    assert await another_takes("y") == (False, False)
    bench.clock.forward(timedelta(seconds=LEASE_SECONDS))
    assert await another_takes("y") == (False, False)
    bench.clock.forward(timedelta(seconds=1))
    assert await another_takes("y") == (True, True), "then it is"


@pytest.mark.parametrize("jump", [HOURS, -HOURS], ids=str)
async def test_calls_begin_and_are_not_given_up(bench: Bench, jump: timedelta) -> None:
    """After the clock was set calls begin as before, and one in hand is not found abandoned before its lease ends."""
    await bench.ready()
    watch = ClockWatch(bench.desk)
    bench.clock.wrong = jump
    await watch.look()
    fax = await _claim(bench, "submit-0/x")
    assert fax is not None
    lease = bench.desk.lease("submit-0/x")
    await bench.store.write(lambda connection: attempts.begin(connection, fax, bench.ids.new(), lease))
    bench.clock.wrong = -jump
    await watch.look()

    async def abandoned() -> int:
        return len(await bench.store.read(lambda connection: destinations.abandoned(connection, bench.clock.steady())))

    assert await abandoned() == 0
    bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))
    assert await abandoned() == 1


async def test_nothing_waits_longer_when_the_clock_is_set_back(bench: Bench) -> None:
    """What was due in a minute is due in a minute, though the clock was a year ahead when that was written down."""
    bench.clock.wrong = YEAR
    watch = ClockWatch(bench.desk)
    for number in (NUMBER, OTHER):
        await bench.ready(number)
    held = await bench.move((await bench.ready("+14155550103")), FaxState.HELD)
    await bench.move(held, FaxState.READY, due_at=bench.clock.now() + timedelta(minutes=1))
    bench.clock.wrong = timedelta()
    assert await _claim(bench, "a") is None
    await watch.look()
    assert await _claim(bench, "a") is not None
    assert await _claim(bench, "b") is not None
    assert await _claim(bench, "c") is None
    bench.clock.forward(timedelta(minutes=1))
    assert await _claim(bench, "c") is not None


async def test_a_clock_set_forward_hurries_nothing(bench: Bench) -> None:
    """Due times of rows stay as they are when the clock is set forward, or by less than half a minute."""
    await bench.ready()
    before = [row.due_at for row in await bench.rows(tables.fax)]
    watch = ClockWatch(bench.desk)
    for jump in (HOURS, HOURS - timedelta(seconds=29)):
        bench.clock.wrong = jump
        await watch.look()
    assert [row.due_at for row in await bench.rows(tables.fax)] == before


@pytest.mark.parametrize("jump", [HOURS, YEAR, -HOURS, -YEAR], ids=str)
async def test_a_fax_has_the_time_it_had(bench: Bench, jump: timedelta) -> None:
    """However the clock is set, a waiting fax has as much time left as before, and an unknown outcome waits as long."""
    fax = await bench.ready()
    asked = bench.clock.now() + HOURS
    await bench.store.write(
        lambda connection: connection.execute(tables.fax.update().values(settle_at=asked, counts_from=fax.created_at))
    )
    watch = ClockWatch(bench.desk)
    assert not watch.is_due
    bench.clock.wrong = jump
    assert watch.is_due, "nothing is ended before it was reckoned with"
    await watch.look()
    assert not watch.is_due
    (row,) = await bench.rows(tables.fax)
    assert row.counts_from == fax.created_at + jump
    assert row.settle_at == asked + jump


async def test_what_has_ended_is_not_touched(bench: Bench) -> None:
    """The moments of a fax that has ended are its history, and stay."""
    fax = await bench.ready()
    await bench.move(fax, FaxState.FAILED)
    before = await bench.rows(tables.fax)
    watch = ClockWatch(bench.desk)
    bench.clock.wrong = -HOURS
    await watch.look()
    assert await bench.rows(tables.fax) == before


async def test_a_jump_is_moved_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One jump moves what waits once, and what cannot be written then is moved at the next look."""
    await bench.ready()
    (before,) = await bench.rows(tables.fax)
    watch = ClockWatch(bench.desk)
    bench.clock.wrong = -HOURS
    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "write", _no)
        with pytest.raises(OSError, match="no"):
            await watch.look()
    for _ in range(2):
        await watch.look()
    (after,) = await bench.rows(tables.fax)
    assert after.due_at == before.due_at - HOURS


async def _no(_: object) -> None:
    raise OSError("no")


async def test_it_ends_with_the_daemon(bench: Bench) -> None:
    """Told to stop it stops at once."""
    stop = asyncio.Event()
    running = asyncio.create_task(ClockWatch(bench.desk).run(stop))
    stop.set()
    async with asyncio.timeout(5):
        await running


def test_the_machines_own() -> None:
    """The clock that leases end by begins with the wall's time and goes with the monotonic one."""
    clock = SystemClock()
    before = clock.steady()
    assert abs(clock.now() - before) < timedelta(seconds=5)
    assert before <= clock.steady()
