"""Asking after faxes: growing intervals, no hook lost, only the carrier's own final word ends anything."""

from datetime import timedelta

import pytest

from bridge.fax.jobs import AttemptResult, Fax
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.ifax.answers import Answer
from bridge.ifax.errors import CarrierError
from bridge.sending.options import SendingOptions
from bridge.sending.report import Reporter
from bridge.sending.track import Tracker
from bridge.store import faxes, tables
from bridge.store.faxes import Stale
from tests.support.store_bench import ADMIN, OTHER, SENDER, Bench, work
from tests.support.store_carrier import MAIL, OPTIONS, FakeCarrier, answer, status

SENDING = status("sending", -3)


class Tracking:
    """The tracker, with a carrier in the same process."""

    def __init__(self, bench: Bench, options: SendingOptions = OPTIONS) -> None:
        self.carrier = FakeCarrier()
        reporter = Reporter(bench.desk, options, MAIL)
        self.tracker = Tracker(bench.desk, self.carrier.client, reporter, options, "track-0/x")

    async def track(self) -> None:
        """One question."""
        assert await work(self.tracker.duty)


@pytest.fixture
def tracking(bench: Bench) -> Tracking:
    """The tracker on that bench."""
    return Tracking(bench)


async def test_intervals_grow(bench: Bench, tracking: Tracking) -> None:
    """Without a final word the pause is half a minute, then half as long again each time, up to 15 minutes."""
    fax = await bench.sending(pages=200)  # so many take long: it is not overdue
    pauses: list[float] = []
    for number in range(14):
        tracking.carrier.statuses = [SENDING if number % 2 else CarrierError("no answer")]
        await tracking.track()
        due_at = (await bench.fax(fax.id)).due_at
        assert due_at is not None
        pause = due_at - bench.clock.now()
        pauses.append(pause.total_seconds())
        bench.clock.forward(pause - timedelta(milliseconds=1))
        assert not await work(tracking.tracker.duty), "not before its time"
        bench.clock.forward(timedelta(milliseconds=1))
    assert pauses == pytest.approx([min(30 * 1.5**n, 900) for n in range(14)], abs=0.001)
    assert await bench.events() == []


async def test_first_poll_is_configured(bench: Bench) -> None:
    """The first interval is the configured one."""
    short = Tracking(bench, SendingOptions(uploads=1, max_document=1, first_poll=timedelta(seconds=2)))
    fax = await bench.sending()
    short.carrier.statuses = [SENDING]
    await short.track()
    assert (await bench.fax(fax.id)).due_at == bench.clock.now() + timedelta(seconds=2)


async def test_a_hook_during_the_question(bench: Bench, tracking: Tracking) -> None:
    """A hook that comes while we ask is not lost: the fax is due again at once."""
    fax = await bench.sending()

    async def hook() -> None:
        bench.clock.forward(timedelta(seconds=1))
        await bench.store.write(lambda connection: faxes.ask_now(connection, fax.id, bench.clock.now()))

    tracking.carrier.meanwhile = hook
    tracking.carrier.statuses = [SENDING, status("delivered", faxTransferredPages=2)]
    await tracking.track()
    await tracking.track()
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED


ENDS = [
    ("delivered", status("Delivered", 0, "NORMAL_CLEARING", faxTransferredPages=2), FaxState.DELIVERED, "delivered"),
    ("failed", status("failed", 3912, "NO_ROUTE_DESTINATION"), FaxState.FAILED, "failed"),
    ("partial", status("delivered", 0, faxTotalPages=2, faxTransferredPages=1), FaxState.FAILED, "partial"),
    ("cancelled", status("canceled", 403, "Fax canceled."), FaxState.CANCELLED, "cancelled"),
]


@pytest.mark.parametrize(("said", "state", "event"), [case[1:] for case in ENDS], ids=[case[0] for case in ENDS])
async def test_final_words(bench: Bench, tracking: Tracking, said: Answer, state: FaxState, event: str) -> None:
    """A final word ends fax and attempt, with evidence and one notice to the sender, and frees the line."""
    fax = await bench.sending()
    tracking.carrier.statuses = [said]
    await tracking.track()
    after = await bench.fax(fax.id)
    assert (after.state, after.due_at) == (state, None)
    assert await bench.events() == [(event, SENDER)]
    (attempt,) = await bench.attempts(fax)
    assert attempt.result is not None
    assert (str(attempt.result), attempt.ended_at, attempt.transaction_id) == (str(state), bench.clock.now(), "8600777")
    assert [row.kind for row in await bench.rows(tables.evidence)] == ["status"]
    (line,) = await bench.rows(tables.destination)
    assert (line.lease_owner, line.current_fax, line.due_at) == (None, None, None)
    if event == "partial":
        assert after.outcome is not None
        assert (after.outcome.outcome_class, after.pages_sent) == (OutcomeClass.PARTIAL, 1)
    assert not await work(tracking.tracker.duty)


async def test_delivered_not_wanted(bench: Bench) -> None:
    """Where success is not to be told the notice is a suppressed row with its reason, and no file."""
    quiet = Tracking(
        bench, SendingOptions(uploads=1, max_document=1, first_poll=timedelta(seconds=30), delivered=False)
    )
    await bench.sending()
    quiet.carrier.statuses = [status("delivered", faxTransferredPages=2)]
    await quiet.track()
    (mail,) = await bench.rows(tables.outbox)
    assert (mail.state, mail.blob_id, mail.due_at) == ("suppressed", None, None)
    assert mail.reason


async def _without_a_word(bench: Bench, tracking: Tracking) -> Fax:
    fax = await bench.sending()
    bench.clock.forward(timedelta(hours=24))
    tracking.carrier.statuses = [SENDING]
    await tracking.track()
    assert (await bench.fax(fax.id)).state is FaxState.SENDING, "a day is not over yet"
    bench.clock.forward(timedelta(minutes=16))
    tracking.carrier.statuses = [SENDING]
    await tracking.track()
    return await bench.fax(fax.id)


async def test_a_day_without_a_final_word(bench: Bench, tracking: Tracking) -> None:
    """After a day without a final word the fax is unconfirmed rather than failed; sender and admin are told."""
    fax = await _without_a_word(bench, tracking)
    assert (fax.state, fax.outcome, fax.due_at) == (FaxState.UNCONFIRMED, None, None)
    assert await bench.events() == sorted([("unconfirmed", SENDER), ("unconfirmed", ADMIN)])
    bench.clock.forward(timedelta(days=3))
    assert not await work(tracking.tracker.duty), "it is asked after again only when a hook speaks of it"


async def test_a_day_without_any_answer(bench: Bench, tracking: Tracking) -> None:
    """The same where the carrier never answered at all."""
    fax = await bench.sending()
    bench.clock.forward(timedelta(hours=25))
    tracking.carrier.statuses = [CarrierError("no answer")]
    await tracking.track()
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED


async def test_a_hook_during_the_last_question(bench: Bench, tracking: Tracking) -> None:
    """A hook that comes while a fax becomes unconfirmed for want of a final word is not lost: it is asked again."""
    fax = await bench.sending()
    bench.clock.forward(timedelta(hours=25))

    async def hook() -> None:
        bench.clock.forward(timedelta(seconds=1))
        await bench.store.write(lambda connection: faxes.ask_now(connection, fax.id, bench.clock.now()))

    tracking.carrier.meanwhile = hook
    tracking.carrier.statuses = [SENDING, status("delivered", faxTransferredPages=2)]
    await tracking.track()
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED
    bench.clock.forward(timedelta(minutes=16))
    await tracking.track()
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED


async def test_unconfirmed_ends_on_a_hook(bench: Bench, tracking: Tracking) -> None:
    """An unconfirmed fax whose job id is known is asked after once for each hook a day later, and then ends."""
    fax = await _without_a_word(bench, tracking)
    bench.clock.forward(timedelta(hours=24, seconds=1))
    for said, state in ((SENDING, FaxState.UNCONFIRMED), (status("failed", 263), FaxState.FAILED)):
        await bench.store.write(lambda connection: faxes.ask_now(connection, fax.id, bench.clock.now()))
        tracking.carrier.statuses = [said]
        await tracking.track()
        after = await bench.fax(fax.id)
        assert (after.state, after.due_at) == (state, None)
        bench.clock.forward(timedelta(days=1))
        assert not await work(tracking.tracker.duty)
    assert [event for event, _ in await bench.events()] == ["failed", "unconfirmed", "unconfirmed"]
    assert [each.result for each in await bench.attempts(fax)] == [AttemptResult.FAILED]


async def _unclear(bench: Bench) -> Fax:
    """An unconfirmed fax whose job id an unclear answer told."""
    fax = await bench.submitting(OTHER, job="4100217")
    return await bench.move(fax, FaxState.UNCONFIRMED, due_at=bench.clock.now() + OPTIONS.first_poll)


@pytest.mark.parametrize("silent", [False, True], ids=["no final word", "no answer"])
async def test_unconfirmed_is_asked_after_for_a_day(bench: Bench, tracking: Tracking, silent: bool) -> None:
    """An unconfirmed fax with a job id is asked after at growing intervals for a day, and then only after a hook."""
    fax = await _unclear(bench)
    start, pauses = bench.clock.seconds, list[float]()
    while (due_at := (await bench.fax(fax.id)).due_at) is not None:
        pause = due_at - bench.clock.now()
        pauses.append(pause.total_seconds())
        bench.clock.forward(pause)
        tracking.carrier.statuses = [CarrierError("no answer") if silent else SENDING]
        await tracking.track()
    assert pauses[:4] == pytest.approx([30, 30, 45, 67.5], abs=0.001)
    assert pauses == sorted(pauses)
    assert pauses[-1] == 900
    assert timedelta(days=1) < timedelta(seconds=bench.clock.seconds - start) < timedelta(days=1, minutes=15)
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED
    assert await bench.events() == []
    bench.clock.forward(timedelta(days=9))
    assert not await work(tracking.tracker.duty)
    await bench.store.write(lambda connection: faxes.ask_now(connection, fax.id, bench.clock.now()))
    tracking.carrier.statuses = [status("delivered", faxTransferredPages=2)]
    await tracking.track()
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED


async def test_unconfirmed_ends_by_itself(bench: Bench, tracking: Tracking) -> None:
    """The final word on an unconfirmed fax ends it without any hook, and its sender is told."""
    fax = await _unclear(bench)
    assert not await work(tracking.tracker.duty), "not before its time"
    bench.clock.forward(OPTIONS.first_poll)
    tracking.carrier.statuses = [status("delivered", faxTransferredPages=2)]
    await tracking.track()
    assert tracking.carrier.asked == [("status", "4100217")]
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED
    assert await bench.events() == [("delivered", SENDER)]


async def test_unconfirmed_without_a_job_is_not_asked_after(bench: Bench, tracking: Tracking) -> None:
    """Where no job id is known there is nothing to ask."""
    fax = await bench.move(await bench.submitting(OTHER), FaxState.UNCONFIRMED)
    await bench.store.write(lambda connection: faxes.ask_now(connection, fax.id, bench.clock.now()))
    assert not await work(tracking.tracker.duty)


async def test_stale_premise(bench: Bench, tracking: Tracking) -> None:
    """A fax that changed between the question and the writing is left as it is; what the carrier said is kept."""
    fax = await bench.sending()
    files: list[set[str]] = []

    async def cancel() -> None:
        await bench.move(await bench.fax(fax.id), FaxState.CANCELLED)
        files.append(bench.blob_files())

    tracking.carrier.meanwhile = cancel
    tracking.carrier.statuses = [status("delivered", faxTransferredPages=2)]
    with pytest.raises(Stale):
        await tracking.track()
    assert (await bench.fax(fax.id)).state is FaxState.CANCELLED
    assert await bench.rows(tables.outbox) == []
    assert bench.blob_files() == files[0], "the notice that was rendered leaves no file"
    assert [row.kind for row in await bench.rows(tables.evidence)] == ["status"]


async def test_another_fax_in_the_answer(bench: Bench, tracking: Tracking) -> None:
    """An answer that speaks of another job ends nothing: it is kept, and the question asked again later."""
    fax = await bench.sending(job="4100217")
    tracking.carrier.statuses = [
        answer({"status": 1, "data": {"jobId": 999, "faxStatus": "delivered", "faxTransferredPages": 2}}),
        status("delivered", faxTransferredPages=2),
    ]
    await tracking.track()
    after = await bench.fax(fax.id)
    assert (after.state, after.due_at) == (FaxState.SENDING, bench.clock.now() + OPTIONS.first_poll)
    assert await bench.events() == []
    (evidence,) = await bench.rows(tables.evidence)
    assert "999" in evidence.body
    bench.clock.forward(OPTIONS.first_poll)
    await tracking.track()
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED


async def test_a_message_that_cannot_be_read(bench: Bench, tracking: Tracking) -> None:
    """A notice goes out though the original mail on disk is damaged or gone: a fax always gets its final word."""
    for number, spoil in ((OTHER, "damaged"), ("+14155550103", "gone")):
        fax = await bench.sending(number, job=number[-4:])
        (message,) = await bench.rows(tables.message, tables.message.c.id == fax.message_id)
        path = bench.blob_path(message.blob_id)
        if spoil == "gone":
            path.unlink()
        else:
            path.write_bytes(b"not our header at all")
        tracking.carrier.statuses = [
            answer({"status": 1, "data": {"faxStatus": "delivered", "faxTransferredPages": 2}})
        ]
        await tracking.track()
        assert (await bench.fax(fax.id)).state is FaxState.DELIVERED
        assert await bench.events(fax_id=fax.id) == [("delivered", SENDER)]


async def test_notices_are_unique(bench: Bench, tracking: Tracking) -> None:
    """One final notice a fax and recipient, whatever happens: the outbox refuses the second."""
    fax = await bench.sending()
    tracking.carrier.statuses = [status("delivered", faxTransferredPages=2)]
    await tracking.track()
    (mail,) = await bench.rows(tables.outbox)
    assert mail.purpose == f"fax/{fax.id}/final/{SENDER}"
    copy = dict(mail._mapping) | {"id": bench.ids.new(), "blob_id": None}
    with pytest.raises(Exception, match=r"(?i)unique"):
        await bench.store.write(lambda connection: connection.execute(tables.outbox.insert().values(copy)))
