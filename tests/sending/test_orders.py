"""What an operator asks of a fax is done with its notice and its line in the history, or refused in plain words."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bridge.fax.jobs import Fax
from bridge.fax.orders import Order
from bridge.fax.states import FaxState, HoldReason
from bridge.store import destinations, faxes, tables
from tests.support.orders_stand import OPERATOR, Counter
from tests.support.sending_stand import conclude, taken_on
from tests.support.store_bench import NUMBER, OTHER, SENDER, Bench, work


@pytest.fixture
def counter(bench: Bench) -> Counter:
    """Where orders are put."""
    return Counter(bench)


async def _last_line(bench: Bench, fax: Fax) -> tuple[str, str]:
    line = (await bench.history(fax))[-1]
    return line.event, line.actor


async def _later(bench: Bench, fax: Fax) -> None:
    """The fax waits an hour for its next try."""
    later = bench.clock.now() + timedelta(hours=1)

    def unit(connection: sa.Connection) -> None:
        connection.execute(tables.fax.update().where(tables.fax.c.id == fax.id).values(due_at=later))
        destinations.look_again(connection, fax.number, bench.clock.now())

    await bench.store.write(unit)


async def test_retry_makes_a_waiting_fax_due(bench: Bench, counter: Counter) -> None:
    """A fax that waits for a later try can be claimed at once, and its history says who wanted that."""
    fax = await bench.ready()
    await _later(bench, fax)
    assert await bench.store.write(lambda connection: destinations.claim(connection, bench.desk.lease("w"))) is None
    answer = await counter.ask(Order.RETRY, fax.id)
    assert (answer.text, answer.refused) == (f"{fax.id} is due now", False)
    row = await bench.store.write(lambda connection: destinations.claim(connection, bench.desk.lease("w")))
    assert row is not None
    assert row.id == fax.id
    assert await _last_line(bench, fax) == ("retry", OPERATOR)


async def test_retry_leaves_the_line_to_who_has_it(bench: Bench, counter: Counter) -> None:
    """A fax whose call is being made ready by a worker stays in that worker's hand."""
    fax = await bench.ready()
    await bench.store.write(lambda connection: destinations.claim(connection, bench.desk.lease("w")))
    assert not (await counter.ask(Order.RETRY, fax.id)).refused
    held = await bench.store.read(lambda connection: destinations.held_by(connection, NUMBER, bench.desk.lease("w")))
    assert held


@pytest.mark.parametrize("prepared", [False, True])
async def test_hold_and_release(bench: Bench, counter: Counter, prepared: bool) -> None:
    """A held fax is told to its sender and goes nowhere; released it goes on where it stood."""
    (fax,) = await bench.accepted()
    before = await bench.prepared(fax) if prepared else fax
    assert not (await counter.ask(Order.HOLD, fax.id)).refused
    held = await bench.fax(fax.id)
    assert (held.state, held.hold_reason, held.due_at) == (FaxState.HELD, HoldReason.OPERATOR, None)
    assert await _last_line(bench, fax) == ("held", OPERATOR)
    assert await bench.events(fax_id=fax.id) == [("held", SENDER)]
    (notice,) = await bench.mail_bytes("held")
    assert b"your administrator stopped it" not in notice.partition(b"\r\n\r\n")[0]
    assert b"keeps it back for now" in notice
    assert not (await counter.ask(Order.RELEASE, fax.id)).refused
    after = await bench.fax(fax.id)
    assert (after.state, after.hold_reason, after.due_at) == (before.state, None, bench.clock.now())
    assert await _last_line(bench, fax) == ("released", OPERATOR)
    assert await bench.rows(tables.usage) == []


async def test_each_hold_is_told(bench: Bench, counter: Counter) -> None:
    """A fax that is held a second time has a second notice; asking for the same hold twice has none."""
    fax = await bench.ready()
    for order in (Order.HOLD, Order.HOLD, Order.RELEASE, Order.HOLD):
        assert not (await counter.ask(order, fax.id)).refused
    assert await bench.events(fax_id=fax.id) == [("held", SENDER)] * 2


async def test_release_goes_past_the_limit(bench: Bench, counter: Counter) -> None:
    """What a limit of pages holds goes on when the operator says so, and its pages count for the day."""
    (fax,) = await taken_on(bench, identity="lab")
    held = await bench.move(await bench.prepared(fax, pages=7), FaxState.HELD, hold_reason=HoldReason.LIMIT)
    assert not (await counter.ask(Order.RELEASE, held.id)).refused
    assert (await bench.fax(fax.id)).state is FaxState.READY
    assert {(row.scope, row.pages) for row in await bench.rows(tables.usage)} == {("lab", 7), ("", 7)}


async def test_cancel(bench: Bench, counter: Counter) -> None:
    """A waiting fax is cancelled, its sender is told why, and its line is free for the next."""
    fax, other = await bench.ready(), await bench.ready()
    assert not (await counter.ask(Order.CANCEL, fax.id)).refused
    after = await bench.fax(fax.id)
    assert after.outcome is not None
    assert (after.state, after.outcome.cause) == (FaxState.CANCELLED, "cancelled")
    assert await _last_line(bench, fax) == ("cancelled", OPERATOR)
    assert await bench.events(fax_id=fax.id) == [("cancelled", SENDER)]
    row = await bench.store.write(lambda connection: destinations.claim(connection, bench.desk.lease("w")))
    assert row is not None
    assert row.id == other.id


async def test_too_late_to_cancel(bench: Bench, counter: Counter) -> None:
    """A fax that iFax has is not cancelled: the operator is told so, and nothing else happens."""
    fax = await bench.sending()
    answer = await counter.ask(Order.CANCEL, fax.id)
    assert answer.refused
    assert "too late" in answer.text
    assert (await bench.fax(fax.id)).state is FaxState.SENDING
    assert await bench.events() == []


async def test_a_fax_that_changes_meanwhile(bench: Bench, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order meets the fax as it is when it is written: one that went to the carrier meanwhile is not cancelled."""
    fax = await bench.ready()
    drafts = counter.reporter.drafts
    moved: list[Fax] = []

    async def meanwhile(*args: object, **kwargs: object) -> object:
        if not moved:
            moved.append(await bench.move(fax, FaxState.SUBMITTING))
        return await drafts(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(counter.reporter, "drafts", meanwhile)
    files = bench.blob_files()
    answer = await counter.ask(Order.CANCEL, fax.id)
    assert answer.refused
    assert (await bench.fax(fax.id)).state is FaxState.SUBMITTING
    assert bench.blob_files() == files


@pytest.mark.parametrize("end", ["delivered", "failed-no-reason", "partial", "cancelled"])
async def test_resend(bench: Bench, counter: Counter, end: str) -> None:
    """From any end a new fax is made with the old one's pages; each names the other, and the old one stays ended."""
    (fax,) = await bench.accepted()
    await conclude(bench, counter.reporter, fax, end)
    old = await bench.fax(fax.id)
    answer = await counter.ask(Order.RESEND, fax.id)
    assert not answer.refused
    (row,) = await bench.rows(tables.fax, tables.fax.c.resend_of == fax.id)
    new = await bench.fax(row.id)
    assert answer.text.startswith(new.id)
    assert (new.number, new.document_id, new.pages, new.message_id) == (
        NUMBER,
        old.document_id,
        old.pages,
        old.message_id,
    )
    assert new.state is (FaxState.ACCEPTED if old.document_id is None else FaxState.READY)
    assert (new.outcome, new.pages_sent, new.due_at) == (None, None, bench.clock.now())
    assert await bench.fax(fax.id) == old
    lines = await bench.history(new)
    assert [(line.event, line.actor) for line in lines] == [("accepted", OPERATOR)]
    assert fax.id in lines[0].detail
    assert new.id in (await bench.history(fax))[-1].detail
    assert await _last_line(bench, fax) == ("resent", OPERATOR)
    (used,) = await bench.rows(tables.usage)
    assert (used.faxes, used.pages) == (1, old.pages or 0)


async def test_a_resent_fax_goes_out(bench: Bench, counter: Counter) -> None:
    """The new fax is claimed for its number like any other."""
    (fax,) = await bench.accepted()
    await conclude(bench, counter.reporter, fax, "partial")
    await counter.ask(Order.RESEND, fax.id)
    row = await bench.store.write(lambda connection: destinations.claim(connection, bench.desk.lease("w")))
    assert row is not None
    assert (row.resend_of, row.number, row.recipient) == (fax.id, fax.number, fax.recipient)


async def test_a_fax_resent_elsewhere_gets_its_pages_anew(bench: Bench, counter: Counter) -> None:
    """Its cover page would name somebody else: so it is prepared like any other, and then goes out."""
    (fax,) = await bench.accepted()
    await conclude(bench, counter.reporter, fax, "partial")
    await counter.ask(Order.RESEND, fax.id, to=OTHER)
    (row,) = await bench.store.write(lambda connection: faxes.claim_accepted(connection, bench.desk.lease("w")))
    assert (row.resend_of, row.number, row.recipient) == (fax.id, OTHER, f"{OTHER}@fax.local")
    assert (row.document_id, row.pages) == (None, None)


async def test_one_that_is_on_its_way_is_not_doubled(bench: Bench, counter: Counter) -> None:
    """Asking twice makes one fax; once that has ended, another may be made."""
    (fax,) = await bench.accepted()
    await conclude(bench, counter.reporter, fax, "delivered")
    first = (await counter.ask(Order.RESEND, fax.id)).text.split()[0]
    again = await counter.ask(Order.RESEND, fax.id)
    assert again.refused
    assert first in again.text
    assert not (await counter.ask(Order.CANCEL, first)).refused
    assert not (await counter.ask(Order.RESEND, fax.id)).refused
    assert len(await bench.rows(tables.fax)) == 3


@pytest.mark.parametrize(
    ("identity", "to", "why"),
    [
        (None, "+442079460123", "policy.countries"),
        ("lab", "(415) 555-0102", "the countries of this identity"),
        (None, "anna", "not a fax number"),
        (None, "+19005550123", "premium"),
    ],
)
async def test_a_number_that_may_not_be_faxed_to(
    bench: Bench, counter: Counter, identity: str | None, to: str, why: str
) -> None:
    """Another number must be one, and one that this sender may fax to."""
    (fax,) = await taken_on(bench, identity=identity)
    await conclude(bench, counter.reporter, fax, "delivered")
    answer = await counter.ask(Order.RESEND, fax.id, to=to)
    assert answer.refused
    assert why in answer.text
    assert len(await bench.rows(tables.fax)) == 1


async def test_an_order_is_carried_out_once(bench: Bench, counter: Counter) -> None:
    """Deed and answer are one transaction: where the answer can't be written, nothing is done; it is done later."""
    (fax,) = await bench.accepted()
    await conclude(bench, counter.reporter, fax, "delivered")
    asked = await counter.put(Order.RESEND, fax.id)
    piece = await counter.clerk.duty.claim()
    assert piece is not None
    bench.clock.forward(timedelta(minutes=2))
    other = Counter(bench)
    other.clerk._owner = "orders-0/y"
    assert await work(other.clerk.duty)
    with pytest.raises(Exception, match="taken over meanwhile"):
        await counter.clerk.duty.work(piece)
    assert len(await bench.rows(tables.fax)) == 2
    assert not (await counter.answer(asked)).refused


async def test_a_fax_that_is_not_there(counter: Counter) -> None:
    """An order for no fax is answered."""
    answer = await counter.ask(Order.HOLD, "NOSUCHFAX000")
    assert (answer.text, answer.refused) == ("there is no fax NOSUCHFAX000", True)


async def test_a_claim_of_a_released_fax(bench: Bench, counter: Counter) -> None:
    """A fax released before it had pages gets them like any accepted one."""
    (fax,) = await bench.accepted()
    await counter.ask(Order.HOLD, fax.id)
    claim = bench.desk.lease("p")
    assert await bench.store.write(lambda connection: faxes.claim_accepted(connection, claim)) == ()
    await counter.ask(Order.RELEASE, fax.id)
    batch = await bench.store.write(lambda connection: faxes.claim_accepted(connection, claim))
    assert [each.id for each in batch] == [fax.id]


@pytest.mark.parametrize(
    ("sent", "state", "events"),
    [(True, FaxState.DELIVERED, [("delivered", SENDER)]), (False, FaxState.READY, [])],
)
async def test_settle(
    bench: Bench, counter: Counter, sent: bool, state: FaxState, events: list[tuple[str, str]]
) -> None:
    """A person's word ends an unconfirmed fax as delivered, or has it sent again; it is carried out once."""
    fax = await bench.move(await bench.submitting(), FaxState.UNCONFIRMED)
    answer = await counter.ask(Order.SETTLE, fax.id, sent=sent)
    assert (answer.refused, "on your word" in answer.text) == (False, True)
    assert (await bench.fax(fax.id)).state is state
    assert (await bench.history(fax))[-1].actor == OPERATOR
    assert await bench.events(fax_id=fax.id) == events
    again = await counter.ask(Order.SETTLE, fax.id, sent=sent)
    assert again.refused
    assert await bench.events(fax_id=fax.id) == events


async def test_only_what_is_unconfirmed_is_settled(bench: Bench, counter: Counter) -> None:
    """A fax whose state is known is not decided by a person."""
    fax = await bench.sending()
    answer = await counter.ask(Order.SETTLE, fax.id, sent=False)
    assert answer.refused
    assert "only an unconfirmed fax" in answer.text
