"""The state tables in force: nothing beside them, and no change on a premise that no longer holds."""

from datetime import timedelta
from itertools import product

import pytest
import sqlalchemy as sa

from bridge.fax.arrivals import Delivery, DeliveryState, Mail, MailKind, MailState
from bridge.fax.jobs import Outcome
from bridge.fax.options import Target
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import NEXT, ON_THE_LINE, RECEIVED_NEXT, FaxState, ReceivedState
from bridge.store import arrivals, faxes, outbox, tables
from bridge.store.arrivals import Stale as ReceivedStale
from bridge.store.faxes import Stale, Untold
from tests.support.store_bench import OTHER, Bench
from tests.support.unit_clock import START

CONTRACT = {
    "accepted": "ready held failed cancelled",
    "ready": "submitting held failed cancelled",
    "submitting": "sending ready failed unconfirmed",
    "unconfirmed": "sending delivered failed ready cancelled",
    "sending": "delivered failed ready unconfirmed cancelled",
    "held": "accepted ready cancelled",
    "delivered": "",
    "failed": "",
    "cancelled": "",
}
CONTRACT_RECEIVED = {
    "announced": "fetched lost quarantined",
    "fetched": "routed",
    "routed": "delivered",
    "quarantined": "announced",
    "delivered": "",
    "lost": "",
}


def test_tables_as_in_the_contract() -> None:
    """Both state tables are the contract's, word for word."""
    assert {str(state): {str(each) for each in after} for state, after in NEXT.items()} == {
        state: set(after.split()) for state, after in CONTRACT.items()
    }
    assert {str(state): {str(each) for each in after} for state, after in RECEIVED_NEXT.items()} == {
        state: set(after.split()) for state, after in CONTRACT_RECEIVED.items()
    }


async def _everything(bench: Bench) -> dict[str, list[sa.Row[object]]]:
    return {table.name: await bench.rows(table) for table in (tables.fax, tables.destination, tables.history)}


@pytest.mark.parametrize("state", FaxState)
async def test_every_step(bench: Bench, state: FaxState) -> None:
    """From each state every target outside the table raises Stale and changes nothing; those inside go through."""
    for target in FaxState:
        (fax,) = await bench.accepted(OTHER)
        await bench.store.write(
            lambda connection, one=fax: connection.execute(  # type: ignore[misc]  # bound now
                tables.fax.update().where(tables.fax.c.id == one.id).values(state=state)
            )
        )
        fax = await bench.fax(fax.id)
        before = await _everything(bench)
        if target in NEXT[state]:
            assert (await bench.move(fax, target)).state is target
        else:
            with pytest.raises(Stale):
                await bench.move(fax, target)
            assert await _everything(bench) == before
        await bench.store.write(
            lambda connection, one=fax: connection.execute(  # type: ignore[misc]  # bound now
                tables.fax.update().where(tables.fax.c.id == one.id).values(state=FaxState.FAILED)
            )
        )


@pytest.mark.parametrize(("state", "target"), list(product(ReceivedState, ReceivedState)))
async def test_every_step_of_received_faxes(bench: Bench, state: ReceivedState, target: ReceivedState) -> None:
    """The same for received faxes."""
    fax = await bench.announced()
    await bench.store.write(lambda connection: connection.execute(tables.received.update().values(state=state)))
    fax = await bench.received(fax.id)
    if target in RECEIVED_NEXT[state]:
        assert (await bench.moved(fax, target)).state is target
        return
    before = await bench.rows(tables.received), await bench.rows(tables.history)
    with pytest.raises(ReceivedStale):
        await bench.moved(fax, target)
    assert (await bench.rows(tables.received), await bench.rows(tables.history)) == before


async def test_version_fence(bench: Bench) -> None:
    """What was decided on an older version is not written, even where the state would allow it."""
    old = await bench.ready()
    held = await bench.move(old, FaxState.HELD)
    new = await bench.move(held, FaxState.READY, due_at=bench.clock.now())
    before = await _everything(bench)
    for target in FaxState:
        with pytest.raises(Stale):
            await bench.move(old, target)
    assert await _everything(bench) == before
    assert new.version == old.version + 2


async def test_lease_fence(bench: Bench) -> None:
    """A worker whose lease went to another writes nothing."""
    await bench.accepted()
    (fax,) = await bench.store.write(lambda connection: faxes.claim_accepted(connection, bench.desk.lease("one")))
    for owner in ("two", ""):
        with pytest.raises(Stale):
            await bench.move(fax, FaxState.READY, owner=owner)
    assert (await bench.move(fax, FaxState.READY, owner="one")).state is FaxState.READY


async def test_history_and_version(bench: Bench) -> None:
    """Every change raises the version by one, dates the state and leaves one line."""
    fax = await bench.ready()
    bench.clock.forward(timedelta(seconds=7))
    after = await bench.move(fax, FaxState.CANCELLED)
    assert (after.version, after.state_since, after.due_at) == (fax.version + 1, bench.clock.now(), None)
    assert [line.event for line in await bench.history(fax)] == ["accepted", "ready", "cancelled"]


@pytest.mark.parametrize("line", sorted(ON_THE_LINE))
async def test_index_behind_the_line(bench: Bench, line: FaxState) -> None:
    """Two faxes to one number are never with the carrier together: the database itself refuses the second."""
    await bench.submitting()
    other = await bench.ready()
    force = tables.fax.update().where(tables.fax.c.id == other.id).values(state=line)
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)unique"):
        await bench.store.write(lambda connection: connection.execute(force))


async def test_received_rows_are_unique(bench: Bench) -> None:
    """A pair of ids has one row, whoever speaks of it how often; what was not known is learnt."""
    first = await bench.announced(listed=False, caller="", pages=None)
    second = await bench.announced(listed=True, caller="+12125550177", pages=3)
    assert first.id == second.id
    assert (second.caller, second.pages, second.listed) == ("+12125550177", 3, True)
    third = await bench.announced(listed=False, caller="+12125550178", pages=9)
    assert (third.caller, third.pages, third.listed) == ("+12125550177", 3, True)
    assert len(await bench.rows(tables.received)) == 1
    await bench.announced("7001122", "1")
    await bench.announced("1", "8600991")
    assert len(await bench.rows(tables.received)) == 3


async def test_the_list_wakes_what_was_set_aside(bench: Bench) -> None:
    """A fax that only a hook knew and that was quarantined is announced once the list shows it, and only then."""
    fax = await bench.announced(listed=False)
    await bench.moved(fax, ReceivedState.QUARANTINED)
    assert (await bench.announced(listed=False)).state is ReceivedState.QUARANTINED
    woken = await bench.announced(listed=True)
    assert (woken.state, woken.due_at) == (ReceivedState.ANNOUNCED, bench.clock.now())
    await bench.moved(woken, ReceivedState.QUARANTINED)
    again = await bench.announced(listed=True)
    assert again.state is ReceivedState.QUARANTINED, "what the list has shown before stays where it was put"


async def test_deliveries_make_a_fax_delivered(bench: Bench) -> None:
    """A received fax is delivered when all its deliveries have arrived, and not with one that failed."""
    for ends, state in (
        ((DeliveryState.DELIVERED, DeliveryState.DELIVERED), ReceivedState.DELIVERED),
        ((DeliveryState.DELIVERED, DeliveryState.FAILED), ReceivedState.ROUTED),
        ((DeliveryState.FAILED, DeliveryState.DELIVERED), ReceivedState.ROUTED),
    ):
        fax = await bench.announced(job=bench.ids.new())
        fax = await bench.moved(await bench.moved(fax, ReceivedState.FETCHED), ReceivedState.ROUTED)
        now = bench.clock.now()
        made = [
            Delivery(
                bench.ids.new(), fax.id, Target.mail(f"m{n}@example.org"), bench.ids.token(), DeliveryState.WAITING, now
            )
            for n in range(2)
        ]
        await bench.store.write(lambda connection, rows=made: arrivals.add_deliveries(connection, rows))  # type: ignore[misc]  # bound now
        for number, (row, end) in enumerate(zip(made, ends, strict=True)):
            await bench.store.write(
                lambda connection, row=row, end=end: arrivals.end_delivery(connection, row.id, end, START, "")  # type: ignore[misc]  # bound now
            )
            if number == 0:
                assert (await bench.received(fax.id)).state is ReceivedState.ROUTED
        assert (await bench.received(fax.id)).state is state


async def test_no_fax_ends_untold(bench: Bench) -> None:
    """Without the row of its final notice a fax does not end; another fax's, or an earlier word, is none."""
    fax, other = await bench.ready(), await bench.ready()
    outcome = Outcome(OutcomeClass.BUSY, "busy")

    def end(connection: sa.Connection) -> None:
        faxes.end(connection, fax, FaxState.FAILED, outcome, now=bench.clock.now(), detail="busy")

    def told(of: str, which: str) -> Mail:
        row_id = bench.ids.new()
        return Mail(
            id=row_id,
            kind=MailKind.NOTICE,
            purpose=f"fax/{of}/{which}/anna@example.org",
            event="failed",
            envelope_sender="",
            recipient="anna@example.org",
            message_id=f"<{row_id}@fax.local>",
            state=MailState.SUPPRESSED,
            reason="NOTIFY=NEVER",
            fax_id=of,
        )

    for mail in (None, told(other.id, "final"), told(fax.id, "held/1")):
        if mail is not None:
            await bench.store.write(lambda connection, one=mail: outbox.add(connection, one, None, START))  # type: ignore[misc]  # bound now
        with pytest.raises(Untold):
            await bench.store.write(end)
        assert (await bench.fax(fax.id)).state is FaxState.READY
    await bench.store.write(lambda connection: outbox.add(connection, told(fax.id, "final"), None, START))
    await bench.store.write(end)
    assert (await bench.fax(fax.id)).state is FaxState.FAILED
