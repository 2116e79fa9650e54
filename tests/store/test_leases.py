"""Claims: one row to one worker, until its lease ends; the line to a number is leased like any row."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bridge.errors import LeaseLost
from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState
from bridge.runtime.worker import LEASE_SECONDS
from bridge.store import attempts, destinations, faxes, leases, tables
from bridge.store.destinations import UNCONFIRMED_KEEPS_LINE
from tests.support.store_bench import NUMBER, OTHER, Bench

LEASE = timedelta(seconds=LEASE_SECONDS)
TICK = timedelta(milliseconds=1)


async def _claim(bench: Bench, owner: str) -> Fax | None:
    """Claim the next destination's fax, as a submitter does."""

    def unit(connection: sa.Connection) -> Fax | None:
        row = destinations.claim(connection, bench.desk.lease(owner))
        return None if row is None else faxes.from_row(row)

    return await bench.store.write(unit)


async def _begin(bench: Bench, fax: Fax, owner: str) -> Fax:
    attempt = bench.ids.new()
    await bench.store.write(lambda connection: attempts.begin(connection, fax, attempt, bench.desk.lease(owner)))
    return await bench.fax(fax.id)


async def _line(bench: Bench, number: str = NUMBER) -> sa.Row[object]:
    (row,) = await bench.rows(tables.destination, tables.destination.c.number == number)
    return row


async def test_one_row_one_worker(bench: Bench) -> None:
    """A claimed row is nobody else's until its lease ends; then it is another's."""
    await bench.accepted()

    async def claim(owner: str) -> tuple[Fax, ...]:
        return await bench.store.write(lambda connection: faxes.claim_accepted(connection, bench.desk.lease(owner)))

    assert len(await claim("one")) == 1
    assert await claim("two") == ()
    assert await claim("one") == ()
    bench.clock.forward(LEASE)
    assert await claim("two") == (), "not before the lease has ended"
    bench.clock.forward(TICK)
    assert len(await claim("two")) == 1


async def test_renew_and_release(bench: Bench) -> None:
    """Only the owner renews and releases, and a renewed lease lasts."""
    (fax,) = await bench.accepted()
    await bench.store.write(lambda connection: faxes.claim_accepted(connection, bench.desk.lease("one")))
    bench.clock.forward(LEASE / 2)
    for owner, wanted in (("two", False), ("one", True)):
        lease = bench.desk.lease(owner)
        assert await bench.store.write(lambda c, lease=lease: faxes.renew(c, [fax.id], lease)) is wanted  # type: ignore[misc]  # bound now
    bench.clock.forward(LEASE - TICK)
    assert await bench.store.write(lambda c: faxes.claim_accepted(c, bench.desk.lease("two"))) == ()
    with pytest.raises(LeaseLost):
        await bench.store.write(lambda c: leases.release(c, tables.fax, fax.id, "two", due_at=None))
    await bench.store.write(lambda c: leases.release(c, tables.fax, fax.id, "one", due_at=bench.clock.now()))
    assert len(await bench.store.write(lambda c: faxes.claim_accepted(c, bench.desk.lease("two")))) == 1


async def test_renewing_what_another_has_taken(bench: Bench) -> None:
    """A lease that ended and went to another is not got back by renewing."""
    (fax,) = await bench.accepted()
    await bench.store.write(lambda c: faxes.claim_accepted(c, bench.desk.lease("one")))
    bench.clock.forward(LEASE + TICK)
    await bench.store.write(lambda c: faxes.claim_accepted(c, bench.desk.lease("two")))
    assert not await bench.store.write(lambda c: faxes.renew(c, [fax.id], bench.desk.lease("one")))


async def test_not_before_its_time(bench: Bench) -> None:
    """What is due later is claimed later; what has been due longest comes first."""
    late, soon = await bench.ready(NUMBER), await bench.ready(OTHER)
    for fax, wait in ((late, 20), (soon, 10)):
        held = await bench.move(fax, FaxState.HELD)
        await bench.move(held, FaxState.READY, due_at=bench.clock.now() + timedelta(seconds=wait))
    assert await _claim(bench, "one") is None
    bench.clock.forward(timedelta(seconds=25))
    claimed = [await _claim(bench, owner) for owner in ("one", "two")]
    assert [fax.id for fax in claimed if fax] == [soon.id, late.id]


async def test_all_faxes_of_a_message(bench: Bench) -> None:
    """The accepted faxes of one message are claimed together, those of another are not."""
    first = await bench.accepted(NUMBER, OTHER)
    second = await bench.accepted(NUMBER)
    claimed = await bench.store.write(lambda c: faxes.claim_accepted(c, bench.desk.lease("one")))
    assert {fax.id for fax in claimed} == {fax.id for fax in first}
    claimed = await bench.store.write(lambda c: faxes.claim_accepted(c, bench.desk.lease("two")))
    assert {fax.id for fax in claimed} == {fax.id for fax in second}


async def test_one_call_at_a_time(bench: Bench) -> None:
    """While a fax to a number is leased, submitting or sending no other to it is claimed; then the next is due."""
    first, second, third = [await bench.ready() for _ in range(3)]
    claimed = await _claim(bench, "one")
    assert claimed is not None
    assert claimed.id == first.id
    assert await _claim(bench, "two") is None
    submitting = await _begin(bench, claimed, "one")
    assert await _claim(bench, "two") is None
    sending = await bench.move(submitting, FaxState.SENDING, due_at=bench.clock.now())
    bench.clock.forward(timedelta(hours=3))
    assert await _claim(bench, "two") is None
    await bench.move(sending, FaxState.DELIVERED)
    following = await _claim(bench, "two")
    assert following is not None
    assert following.id == second.id
    begun = await _begin(bench, following, "two")
    await bench.move(begun, FaxState.FAILED)
    last = await _claim(bench, "one")
    assert last is not None
    assert last.id == third.id


async def test_two_calls_cannot_be_forced(bench: Bench) -> None:
    """Even with the lease written over, a second call to a number does not begin."""
    first, second = await bench.ready(), await bench.ready()
    claimed = await _claim(bench, "one")
    assert claimed is not None
    await _begin(bench, first, "one")
    await bench.store.write(lambda c: c.execute(tables.destination.update().values(lease_owner="two")))
    with pytest.raises(sa.exc.IntegrityError):
        await _begin(bench, second, "two")
    assert (await bench.fax(second.id)).state is FaxState.READY
    assert await bench.attempts(second) == []


async def test_begin_needs_the_line(bench: Bench) -> None:
    """Without the lease on the number no call begins, and no attempt is left behind."""
    fax = await bench.ready()
    with pytest.raises(LeaseLost):
        await _begin(bench, fax, "one")
    claimed = await _claim(bench, "one")
    assert claimed is not None
    with pytest.raises(LeaseLost):
        await _begin(bench, claimed, "two")
    assert await bench.attempts(fax) == []
    assert (await bench.fax(fax.id)).state is FaxState.READY


async def test_begin_under_a_lease_that_has_ended(bench: Bench) -> None:
    """A worker that slept through its lease begins no call: it would be found abandoned while it is still calling."""
    await bench.ready()
    claimed = await _claim(bench, "one")
    assert claimed is not None
    bench.clock.forward(LEASE * 5)
    with pytest.raises(LeaseLost):
        await _begin(bench, claimed, "one")


async def test_other_numbers_go_on(bench: Bench) -> None:
    """A busy line holds up no other number."""
    await bench.ready(NUMBER)
    other = await bench.ready(OTHER)
    assert await _claim(bench, "one") is not None
    claimed = await _claim(bench, "two")
    assert claimed is not None
    assert claimed.id == other.id


async def test_unconfirmed_keeps_the_line(bench: Bench) -> None:
    """An unconfirmed fax keeps its number's line for fifteen minutes and not a moment longer."""
    first = await bench.submitting()
    await bench.move(first, FaxState.UNCONFIRMED)
    second = await bench.ready()
    assert await _claim(bench, "one") is None
    bench.clock.forward(UNCONFIRMED_KEEPS_LINE - TICK)
    assert await _claim(bench, "one") is None
    bench.clock.forward(TICK)
    claimed = await _claim(bench, "one")
    assert claimed is not None
    assert claimed.id == second.id
    assert timedelta(minutes=15) == UNCONFIRMED_KEEPS_LINE


async def test_unconfirmed_behind_a_waiting_fax(bench: Bench) -> None:
    """The same where the other fax was ready before, and was held and released meanwhile."""
    first = await bench.submitting()
    second = await bench.ready()
    await bench.move(first, FaxState.UNCONFIRMED)
    assert await _claim(bench, "one") is None
    held = await bench.move(second, FaxState.HELD)
    assert await _claim(bench, "one") is None
    await bench.move(held, FaxState.READY, due_at=bench.clock.now())
    assert await _claim(bench, "one") is None
    bench.clock.forward(UNCONFIRMED_KEEPS_LINE)
    assert await _claim(bench, "one") is not None


async def test_settled_frees_the_line(bench: Bench) -> None:
    """An unconfirmed fax that comes to its end gives the line up at once."""
    first = await bench.submitting()
    unconfirmed = await bench.move(first, FaxState.UNCONFIRMED)
    await bench.ready()
    await bench.move(unconfirmed, FaxState.DELIVERED)
    assert await _claim(bench, "one") is not None


async def test_held_never_keeps_the_line(bench: Bench) -> None:
    """A held fax holds up nobody."""
    await bench.move(await bench.ready(), FaxState.HELD)
    second = await bench.ready()
    claimed = await _claim(bench, "one")
    assert claimed is not None
    assert claimed.id == second.id


@pytest.mark.parametrize("begun", [False, True])
async def test_another_fax_leaves_the_lease_alone(bench: Bench, begun: bool) -> None:
    """A second fax to the number being prepared, held or cancelled doesn't touch the lease of the first."""
    await bench.ready()
    claimed = await _claim(bench, "one")
    assert claimed is not None
    if begun:
        claimed = await _begin(bench, claimed, "one")
    before = await _line(bench)
    second = await bench.ready()
    third = await bench.ready()
    await bench.move(await bench.move(second, FaxState.HELD), FaxState.CANCELLED)
    await bench.move(third, FaxState.FAILED)
    after = await _line(bench)
    mine = ("lease_owner", "lease_until", "current_fax")
    assert [getattr(after, name) for name in mine] == [getattr(before, name) for name in mine]
    assert await _claim(bench, "two") is None
    assert await bench.store.read(lambda c: destinations.abandoned(c, bench.clock.now())) == []
    if not begun:
        assert (await _begin(bench, claimed, "one")).state is FaxState.SUBMITTING


async def test_the_line_is_free_once_its_fax_is_cancelled(bench: Bench) -> None:
    """A claimed fax that is cancelled before its call begins gives the line to the next."""
    first, second = await bench.ready(), await bench.ready()
    assert await _claim(bench, "one") is not None
    await bench.move(first, FaxState.CANCELLED)
    claimed = await _claim(bench, "two")
    assert claimed is not None
    assert claimed.id == second.id


async def test_abandoned(bench: Bench) -> None:
    """A submitting fax is abandoned exactly when nobody holds its line: never leased, ended, or dropped."""
    assert await bench.store.read(lambda c: destinations.abandoned(c, bench.clock.now())) == []
    await bench.ready()
    claimed = await _claim(bench, "one")
    assert claimed is not None
    fax = await _begin(bench, claimed, "one")

    async def abandoned() -> str | None:
        rows = await bench.store.read(lambda c: destinations.abandoned(c, bench.clock.now()))
        return rows[0].id if rows else None

    assert await abandoned() is None
    bench.clock.forward(LEASE)
    assert await abandoned() is None
    bench.clock.forward(TICK)
    assert await abandoned() == fax.id
    assert await bench.store.write(lambda c: destinations.renew(c, NUMBER, bench.desk.lease("one")))
    assert await abandoned() is None
    await bench.store.write(lambda c: leases.end_all(c, bench.clock.steady() - timedelta(seconds=1), *tables.LEASED))
    assert await abandoned() == fax.id
    await bench.move(fax, FaxState.UNCONFIRMED)
    assert await abandoned() is None


async def test_hook_while_asking(bench: Bench) -> None:
    """A hook that comes between claim and ``ask_later`` keeps its due time; one that comes not leaves ours."""
    fax = await bench.sending()
    later = bench.clock.now() + timedelta(hours=1)

    async def claimed(owner: str) -> Fax:
        found = await bench.store.write(lambda c: faxes.claim_to_ask_after(c, bench.desk.lease(owner)))
        assert found is not None
        return found

    asked = await claimed("one")
    bench.clock.forward(timedelta(seconds=2))
    hooked = bench.clock.now()
    await bench.store.write(lambda c: faxes.ask_now(c, fax.id, hooked))
    await bench.store.write(lambda c: faxes.ask_later(c, asked, "one", later, asked.polls + 1))
    assert (await bench.fax(fax.id)).due_at == hooked
    asked = await claimed("two")
    with pytest.raises(LeaseLost):
        await bench.store.write(lambda c: faxes.ask_later(c, asked, "one", later, asked.polls + 1))
    await bench.store.write(lambda c: faxes.ask_later(c, asked, "two", later, asked.polls + 1))
    assert ((await bench.fax(fax.id)).due_at, (await bench.fax(fax.id)).polls) == (later, 2)


async def test_hooks_wake_only_what_waits(bench: Bench) -> None:
    """A hook about a fax that has ended, or that is not with the carrier, changes nothing."""
    ready = await bench.ready(OTHER)
    ended = await bench.move(await bench.sending(), FaxState.DELIVERED)
    for fax in (ready, ended):
        before = await bench.fax(fax.id)
        bench.clock.forward(timedelta(seconds=1))
        await bench.store.write(lambda c, one=fax: faxes.ask_now(c, one.id, bench.clock.now()))  # type: ignore[misc]  # bound now
        assert await bench.fax(fax.id) == before
