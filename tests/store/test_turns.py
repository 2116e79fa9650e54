"""Senders take turns: however many faxes one has, another's is not behind them all; and choosing stays cheap."""

import re
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st

from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState
from bridge.store import attempts, destinations, faxes, leases, tables, turns
from tests.support.store_bench import NUMBER, Bench

ANNA, BERT, CARL = "anna@example.org", "bert@example.org", "carl@example.org"


def number(last: int) -> str:
    """One of many numbers."""
    return f"+1415555{last:04}"


async def serve(bench: Bench, owner: str = "one") -> Fax | None:
    """The next call: claimed, begun, and at its end at once."""

    def claim(connection: sa.Connection) -> Fax | None:
        row = destinations.claim(connection, bench.desk.lease(owner))
        return None if row is None else faxes.from_row(row)

    fax = await bench.store.write(claim)
    if fax is None:
        return None
    attempt = bench.ids.new()
    await bench.store.write(lambda c: attempts.begin(c, fax, attempt, bench.desk.lease(owner)))
    sending = await bench.move(await bench.fax(fax.id), FaxState.SENDING)
    await bench.move(sending, FaxState.DELIVERED)
    return fax


async def served(bench: Bench, calls: int) -> list[str]:
    """Whose faxes the next calls are."""
    found = [await serve(bench) for _ in range(calls)]
    return [fax.sender for fax in found if fax is not None]


async def test_one_number(bench: Bench) -> None:
    """Behind twenty faxes of one sender to a number the one of another has the second call at the latest."""
    for _ in range(20):
        await bench.ready(NUMBER, sender=ANNA)
    assert await served(bench, 3) == [ANNA] * 3
    late = await bench.ready(NUMBER, sender=BERT)
    assert BERT in await served(bench, 2)
    assert (await bench.fax(late.id)).state is FaxState.DELIVERED
    assert await served(bench, 30) == [ANNA] * 16


async def test_over_all_numbers(bench: Bench) -> None:
    """Behind twenty numbers of one sender the one of another has the second call at the latest."""
    for last in range(20):
        await bench.ready(number(last), sender=CARL)
    bench.clock.forward(timedelta(minutes=5))
    await bench.ready(number(99), sender=BERT)
    assert BERT in await served(bench, 2)


async def test_a_sender_who_comes_again_and_again(bench: Bench) -> None:
    """One who always has a new fax gets every other call and not more, wherever its address stands."""
    for last in range(9):
        await bench.ready(number(last), sender=BERT)
    seen = []
    for last in range(8):
        await bench.ready(number(100 + last), sender=ANNA)
        seen += await served(bench, 1)
    assert Counter(seen) == {ANNA: 4, BERT: 4}


async def test_first_due_first_of_each(bench: Bench) -> None:
    """Of one sender's faxes the one that has been due longest goes first, to whatever number, and each once."""
    made = []
    for last in (3, 1, 2, 1):
        made.append(await bench.ready(number(last)))
        bench.clock.forward(timedelta(seconds=1))
    found = [await serve(bench) for _ in made]
    assert [fax.id for fax in found if fax is not None] == [fax.id for fax in made]


async def test_who_has_to_wait_is_passed_over(bench: Bench) -> None:
    """A sender whose faxes are due later loses no turn to others, and holds up nobody."""
    waiting = await bench.ready(NUMBER, sender=ANNA)
    held = await bench.move(waiting, FaxState.HELD)
    await bench.move(held, FaxState.READY, due_at=bench.clock.now() + timedelta(hours=1))
    await bench.ready(NUMBER, sender=BERT)
    await bench.ready(number(1), sender=CARL)
    assert sorted(await served(bench, 3)) == [BERT, CARL]
    bench.clock.forward(timedelta(hours=1))
    assert await served(bench, 2) == [ANNA]


ROW = st.tuples(st.sampled_from([ANNA, BERT, CARL, "Zoe@example.org"]), st.integers(min_value=0, max_value=3))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, min_size=1, max_size=10))
async def test_everybody_is_served_in_time(bench: Bench, waiting: list[tuple[str, int]]) -> None:
    """Whoever waits where: nothing is left over, and no sender with a number of its own waits for two of another."""
    for sender, last in waiting:
        await bench.ready(number(last), sender=sender)
    order = await served(bench, len(waiting) + 1)
    assert Counter(order) == Counter(sender for sender, _ in waiting)
    for sender in {sender for sender, _ in waiting}:
        alone = [last for who, last in waiting if who == sender]
        shared = {last for who, last in waiting if who != sender}
        if not shared & set(alone):
            assert max(Counter(order[: order.index(sender)]).values(), default=0) <= 2


def _plan(bench: Bench, query: sa.Select[tuple[object, ...]]) -> str:
    def explain(connection: sa.Connection) -> str:
        text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        return " / ".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))

    return bench.store.read_now(explain)


@pytest.mark.parametrize("which", ["line", "fax"])
async def test_no_row_is_sorted(bench: Bench, monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    """Both choices walk an index in its order and stop at the first row that fits: nothing is sorted."""
    asked: list[sa.Select[tuple[object, ...]]] = []

    def note(_: sa.Connection, query: sa.Select[tuple[object, ...]], column: sa.ColumnElement[str], after: str) -> None:
        asked.extend((query.where(column > after), query.where(column <= after)))

    monkeypatch.setattr(turns, "after", note)
    lease = bench.desk.lease("one")
    if which == "line":
        await bench.store.write(lambda c: destinations._next_line(c, lease, BERT))
    else:
        await bench.store.write(lambda c: destinations._turn(c, NUMBER, BERT, lease.now, tables.fax))
    index = {"line": "ix_destination_turn", "fax": "ix_fax_turn"}[which]
    for query in asked:
        plan = _plan(bench, query)
        assert re.search(rf"USING (COVERING )?INDEX {index}\b", plan), plan
        assert "TEMP B-TREE" not in plan


async def test_a_leased_line_is_nobody_elses(bench: Bench) -> None:
    """A claimed destination is passed over until its lease ends, and its sender's other numbers are not."""
    await bench.ready(number(1))
    await bench.ready(number(2))
    first = await bench.store.write(lambda c: destinations.claim(c, bench.desk.lease("one")))
    second = await bench.store.write(lambda c: destinations.claim(c, bench.desk.lease("two")))
    assert first is not None
    assert second is not None
    assert {first.number, second.number} == {number(1), number(2)}
    assert await bench.store.write(lambda c: destinations.claim(c, bench.desk.lease("three"))) is None
    await bench.store.write(lambda c: leases.end_all(c, bench.clock.steady() - timedelta(seconds=1), *tables.LEASED))
    assert await bench.store.write(lambda c: destinations.claim(c, bench.desk.lease("three"))) is not None


async def pages_made(bench: Bench, claims: int, *others_than: str) -> list[str]:
    """Whose mails the next claims for pages are; each stays in hand."""
    found = []
    for at in range(claims):
        lease = bench.desk.lease(f"prepare-{at}")
        batch = await bench.store.write(lambda c, lease=lease: faxes.claim_accepted(c, lease, others_than))  # type: ignore[misc]  # bound now
        found += [fax.sender for fax in batch[:1]]
    return found


async def test_pages_are_made_in_turns(bench: Bench) -> None:
    """Behind twenty mails of one sender two others have their pages made at once, and all have in the end."""
    for _ in range(20):
        await bench.accepted(sender=CARL)
    bench.clock.forward(timedelta(minutes=5))
    await bench.accepted(sender=BERT)
    await bench.accepted(sender=ANNA)
    first = await pages_made(bench, 3)
    assert sorted(first) == [ANNA, BERT, CARL]
    assert await pages_made(bench, 30) == [CARL] * 19


async def test_who_has_enough_in_hand_waits(bench: Bench) -> None:
    """A worker is left for another's mail; afterwards it is their turn again."""
    for sender in (ANNA, ANNA, BERT):
        await bench.accepted(sender=sender)
    assert await pages_made(bench, 3, ANNA) == [BERT]
    assert await pages_made(bench, 3, ANNA, BERT) == []
    assert await pages_made(bench, 3) == [ANNA] * 2
