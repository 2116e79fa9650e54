"""The relay or the carrier is away for hours and comes back: nothing is lost, nothing goes twice, nobody restarts."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from bridge.fax.arrivals import Delivery, DeliveryState, Mail, MailKind
from bridge.fax.options import Target
from bridge.fax.states import FaxState, ReceivedState
from bridge.ifax.client import FaxRequest, Taken
from bridge.ifax.errors import NotTaken, OutcomeUnknown
from bridge.posting.alarms import Alarms
from bridge.posting.courier import Courier
from bridge.posting.options import RelayOptions
from bridge.posting.undeliverable import Undeliverable
from bridge.runtime.worker import Duty
from bridge.sending.deadline import DeadlineKeeper
from bridge.sending.retry import Retrier
from bridge.store import arrivals, tables
from bridge.store.clockwatch import ClockWatch
from tests.support.evidence_stand import Stand
from tests.support.fake_relay import FakeRelay, a_relay
from tests.support.sending_stand import conclude
from tests.support.store_bench import ADMIN, SENDER, Bench, work
from tests.support.store_carrier import MAIL, OPTIONS, FakeCarrier, status, taken

DESK = "front-desk@example.org"
NUMBERS = [f"+1415555010{digit}" for digit in range(6)]
STEP = timedelta(minutes=1)


async def _live(bench: Bench, duties: Iterable[Duty[Any]], span: timedelta, step: timedelta = STEP) -> None:
    """So much time goes by, in which the workers do all that is due."""
    duties = tuple(duties)
    until = bench.clock.now() + span
    while True:
        busy = True
        while busy:
            busy = any([await work(duty) for duty in duties])
        if bench.clock.now() >= until:
            return
        bench.clock.forward(step)


def _posting(bench: Bench, made: FakeRelay) -> list[Duty[Any]]:
    """All that mails: two couriers and what tells the operator of mail that cannot be delivered."""
    undeliverable = Undeliverable(bench.desk, MAIL, (Target.mail("office@example.org"),))
    options = RelayOptions("127.0.0.1", made.port, "none", "fax.local")
    couriers = [Courier(bench.desk, options, undeliverable, f"post-{number}/x") for number in range(2)]
    return [*(courier.duty for courier in couriers), Alarms(bench.desk, MAIL).duty]


async def _owe_a_received_fax(bench: Bench, content: bytes) -> None:
    fax = await bench.moved(await bench.announced(), ReceivedState.FETCHED)
    fax = await bench.moved(fax, ReceivedState.ROUTED)
    row, now = bench.ids.new(), bench.clock.now()
    delivery = Delivery(bench.ids.new(), fax.id, Target.mail(DESK), bench.ids.token(), DeliveryState.WAITING, now)
    mail = Mail(
        row,
        MailKind.RECEIVED,
        f"received/{fax.id}/{delivery.id}",
        "received",
        f"bounce+{delivery.token}@fax.local",
        DESK,
        f"<{row}@fax.local>",
        received_id=fax.id,
        delivery_id=delivery.id,
    )
    draft = await bench.desk.draft(mail, content)
    await bench.store.write(lambda connection: arrivals.add_deliveries(connection, [delivery]))
    await bench.store.write(lambda connection: draft.write(connection, now))


async def test_a_relay_that_is_away_for_hours(bench: Bench) -> None:
    """Notices and received faxes wait, within the hour after it is back each is there once, and nobody was alarmed."""
    stand = Stand(bench)
    ended = [(await bench.accepted(number))[0] for number in NUMBERS]
    for fax, slug in zip(ended, ["delivered", "cancelled", "busy"] * 2, strict=True):
        await conclude(bench, stand.reporter, fax, slug)
    content = b"Subject: a fax came in\r\n\r\nits pages\r\n"
    await _owe_a_received_fax(bench, content)
    owed = {mail.id: await bench.store.read_blob(mail.blob_id) for mail in await bench.rows(tables.outbox)}
    assert len(owed) == len(NUMBERS) + 1
    async with a_relay(greeting=b"421 4.3.2 down") as made:
        posting = _posting(bench, made)
        await _live(bench, posting, timedelta(hours=3))
        made.replies = {"greeting": None}
        await _live(bench, posting, timedelta(hours=3))
        assert made.mails == []
        rows = await bench.rows(tables.outbox)
        assert {mail.id for mail in rows} == set(owed), "nothing was written besides, to the operator or anybody"
        assert {mail.state for mail in rows} == {"waiting"}
        assert all(mail.tries < 15 for mail in rows), "the pauses grew"
        made.replies = {}
        await _live(bench, posting, timedelta(hours=1))
        assert sorted(body.removesuffix(b".\r\n") for _, _, body in made.mails) == sorted(owed.values())
        await _live(bench, posting, timedelta(days=1), step=timedelta(hours=1))
        assert len(made.mails) == len(owed), "none goes a second time"
    assert {mail.state for mail in await bench.rows(tables.outbox)} == {"sent"}
    assert [row.state for row in await bench.rows(tables.delivery)] == ["delivered"]


class Away(FakeCarrier):
    """A carrier that cannot be reached until it is ``back``; it was still taking a call when it went."""

    def __init__(self) -> None:
        super().__init__()
        self.back = False
        self.took: list[str] = []

    async def fax_send(self, request: FaxRequest) -> Taken:
        await self._note("send", request.number)
        if not self.took:
            self.took.append(request.number)
            raise OutcomeUnknown("the line broke while iFax was to answer")
        if not self.back:
            raise NotTaken("iFax cannot be reached", "not-reached")
        self.took.append(request.number)
        return taken(str(4_100_000 + len(self.took)))

    async def fax_status(self, job_id: str) -> Any:
        self.statuses = [status("delivered", jobId=int(job_id), faxTotalPages=2, faxTransferredPages=2)]
        return await super().fax_status(job_id)


async def test_a_carrier_that_is_away_for_hours(bench: Bench) -> None:
    """Faxes wait, each goes once when it is back and its sender is told; what went as it broke off is asked about."""
    carrier = Away()
    stand = Stand(bench, client=carrier.client)
    keeper = DeadlineKeeper(bench.desk, Retrier(bench.desk, stand.reporter, OPTIONS.retry), ClockWatch(bench.desk))
    faxes = [await bench.ready(number) for number in NUMBERS]
    workers = [stand.submitter.duty, stand.tracker.duty, stand.settler.duty, keeper.duty]
    async with a_relay() as made:
        everything = [*workers, *_posting(bench, made)]
        await _live(bench, everything, timedelta(hours=6))
        tried = len(carrier.asked)
        assert tried < 60, "a carrier that is down is left alone"
        assert [(await bench.fax(fax.id)).state for fax in faxes[1:]] == [FaxState.READY] * 5
        carrier.back = True
        await _live(bench, everything, timedelta(hours=1))
        await _live(bench, everything, timedelta(hours=30), step=timedelta(minutes=10))
        told = sorted(recipient.split("<")[1].split(">")[0] for _, recipient, _ in made.mails)
    assert sorted(carrier.took) == sorted(NUMBERS), "each number was handed over once"
    states = [(await bench.fax(fax.id)).state for fax in faxes]
    assert states == [FaxState.UNCONFIRMED, *[FaxState.DELIVERED] * 5]
    assert await bench.events(recipient=SENDER) == [*[("delivered", SENDER)] * 5, ("unconfirmed", SENDER)]
    assert await bench.events(recipient=ADMIN) == [("alarm", ADMIN), ("alarm", ADMIN), ("unconfirmed", ADMIN)]
    assert told == sorted([*[SENDER] * 6, *[ADMIN] * 3])
    (down, back) = await bench.mail_bytes("alarm")
    assert b"Subject: iFax does not answer; faxes wait\r\n" in down
    assert b"Subject: iFax answers again\r\n" in back
    assert {mail.state for mail in await bench.rows(tables.outbox)} == {"sent"}
