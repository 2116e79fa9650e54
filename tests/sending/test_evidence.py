"""Evidence: a hook is a hint, what iFax answers counts, one job for one call; and what is decided stays decided."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.fax.jobs import AttemptResult
from bridge.fax.states import FaxState
from bridge.ifax.errors import CarrierError
from bridge.ifax.strangers import STRANGERS_PER_MINUTE
from bridge.sending import decisions
from bridge.sending.evidence import TRIES
from bridge.store import tables
from tests.support.evidence_stand import JOB, Stand, no_such_job
from tests.support.store_bench import ADMIN, NUMBER, OTHER, SENDER, Bench, work
from tests.support.store_carrier import taken

SECOND = timedelta(seconds=1)


@pytest.fixture
def stand(bench: Bench) -> Stand:
    """The workers on that bench."""
    return Stand(bench)


async def test_a_hook_settles_an_unknown_call(bench: Bench, stand: Stand) -> None:
    """Confirmed by fax-status, the job is the call's: the fax is sending, is asked after, and ends as iFax says."""
    fax = await stand.unknown()
    await stand.go_by(timedelta(minutes=5))
    await stand.hook()
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED, "the hook alone does nothing"
    await stand.confirm(stand.says())
    after = await bench.fax(fax.id)
    assert (after.state, after.settle_at, after.due_at) == (FaxState.SENDING, None, bench.clock.now())
    (attempt,) = await bench.attempts(fax)
    assert (attempt.result, attempt.carrier_job_id, attempt.ended_at) == (AttemptResult.TAKEN, JOB, None)
    assert await stand.inquiries() == []
    await stand.track(stand.says())
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED
    assert await bench.events() == [("delivered", SENDER)]
    assert [row.kind for row in await bench.rows(tables.evidence)] == ["hook", "status", "status"]


@pytest.mark.parametrize("word", ["failed", "sending"])
async def test_the_status_counts_and_not_the_hook(bench: Bench, stand: Stand, word: str) -> None:
    """A hook that says delivered is not believed: the fax is what fax-status says of it."""
    fax = await stand.unknown()
    await stand.hook("delivered")
    await stand.confirm(stand.says(word))
    await stand.track(stand.says(word, code=3912))
    assert (await bench.fax(fax.id)).state is (FaxState.FAILED if word == "failed" else FaxState.SENDING)


async def test_a_hook_before_the_answer(bench: Bench, stand: Stand) -> None:
    """A hook that comes while the call is in hand waits for the call's own answer; if that stays unknown it counts."""
    fax = await bench.ready()

    async def hook() -> None:
        await stand.hook()
        assert not await work(stand.inquirer.duty), "our own answer decides"

    stand.carrier.meanwhile = hook
    await stand.break_off()
    await stand.confirm(stand.says())
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


async def test_a_hook_before_an_answer_that_comes(bench: Bench, stand: Stand) -> None:
    """Where the answer comes after its own hook, it decides, and the fax is asked after at once; no stranger is."""
    fax = await bench.ready()
    stand.carrier.meanwhile = stand.hook
    stand.carrier.sends = [taken(JOB)]
    assert await work(stand.submitter.duty)
    after = await bench.fax(fax.id)
    assert (after.state, after.due_at) == (FaxState.SENDING, bench.clock.now())
    assert not await work(stand.inquirer.duty)


async def test_a_hook_for_a_call_that_died_with_the_daemon(bench: Bench, stand: Stand) -> None:
    """A hook that came before anybody found the call abandoned counts as any other."""
    fax = await bench.submitting()
    await stand.go_by(SECOND)
    await stand.hook()
    assert not await work(stand.inquirer.duty)
    assert await work(stand.settler.duty)
    await stand.confirm(stand.says())
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


async def test_a_hook_twice(bench: Bench, stand: Stand) -> None:
    """The same hook again, before and after the end, changes nothing and costs no stranger's call."""
    fax = await stand.unknown()
    await stand.hook()
    await stand.hook()
    await stand.confirm(stand.says())
    await stand.track(stand.says())
    await stand.hook()
    assert not await work(stand.inquirer.duty)
    assert not await work(stand.tracker.duty)
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED
    assert await bench.events() == [("delivered", SENDER)]


async def test_hooks_in_the_wrong_order(bench: Bench, stand: Stand) -> None:
    """A late "sending" after "delivered" stands in the history, and that is all."""
    fax = await stand.unknown()
    await stand.hook()
    await stand.confirm(stand.says())
    await stand.track(stand.says())
    await stand.hook("sending")
    assert not await work(stand.inquirer.duty)
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED
    assert [line.event for line in await bench.history(fax)][-1] == "hook"


async def test_an_unknown_job_while_nobody_waits(stand: Stand) -> None:
    """Faxes that others send from the same account cost no call at all."""
    await stand.hook()
    await stand.unknown(OTHER)
    await stand.hook(job="5000001")
    assert not await work(stand.inquirer.duty)
    assert [call for call in stand.carrier.asked if call[0] == "status"] == []


async def test_a_forged_hook(bench: Bench, stand: Stand) -> None:
    """A job that iFax does not know settles nothing, and after some tries is forgotten."""
    fax = await stand.unknown()
    await stand.hook()
    for _ in range(TRIES):
        await stand.confirm(no_such_job())
        await stand.go_by(timedelta(minutes=15))
    assert await stand.inquiries() == []
    after = await bench.fax(fax.id)
    assert after.state is FaxState.UNCONFIRMED
    assert after.settle_at is not None
    assert await bench.events() == []


async def test_a_carrier_that_does_not_answer(bench: Bench, stand: Stand) -> None:
    """While iFax gives no answer the question stays, however often it is asked."""
    fax = await stand.unknown()
    await stand.hook()
    for _ in range(2 * TRIES):
        await stand.confirm(CarrierError("no answer in time"))
        await stand.go_by(timedelta(minutes=15))
    await stand.confirm(stand.says(faxCallStart=int(fax.state_since.timestamp())))
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


STRANGE: dict[str, dict[str, Any]] = {
    "another number": {"toNumber": OTHER},
    "another caller": {"fromNumber": "+14155550199"},
    "inbound": {"direction": "inbound"},
    "begun before our call": {"faxCallStart": -121},
    "begun long after": {"faxCallStart": 4 * 3600 + 2},
    "no time": {"faxCallStart": None},
    "more pages": {"faxTotalPages": 3},
    "no pages": {"faxTotalPages": None},
}


@pytest.mark.parametrize("told", STRANGE.values(), ids=STRANGE.keys())
async def test_a_job_that_does_not_fit(bench: Bench, stand: Stand, told: dict[str, Any]) -> None:
    """What differs in one fact, by the status's word, is not ours, whatever the hook said."""
    ready = await bench.ready()
    change = tables.fax.update().where(tables.fax.c.id == ready.id).values(caller_id="+14155550100")
    await bench.store.write(lambda connection: connection.execute(change))
    await stand.break_off()
    if isinstance(seconds := told.get("faxCallStart"), int):
        told = {"faxCallStart": int(bench.clock.now().timestamp()) + seconds}
    await stand.hook()
    await stand.confirm(stand.says(**told))
    assert (await bench.fax(ready.id)).state is FaxState.UNCONFIRMED
    assert await stand.inquiries() == []


NEAR: dict[str, dict[str, Any]] = {
    "two minutes before": {"faxCallStart": -120},
    "hours later": {"faxCallStart": 4 * 3600},
    "no caller": {"fromNumber": None},
    "numbers without plus": {"fromNumber": "14155550100", "toNumber": NUMBER[1:]},
}


@pytest.mark.parametrize("told", NEAR.values(), ids=NEAR.keys())
async def test_a_job_that_fits_well_enough(bench: Bench, stand: Stand, told: dict[str, Any]) -> None:
    """What the wire is known to vary in does not part a job from its call."""
    fax = await stand.unknown()
    if "faxCallStart" in told:
        told = {"faxCallStart": int(bench.clock.now().timestamp()) + told["faxCallStart"]}
    await stand.hook()
    await stand.confirm(stand.says(**told))
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


@pytest.mark.parametrize(
    ("pages", "covered", "fits"), [(3, True, True), (2, True, True), (4, True, False), (3, False, False)]
)
async def test_a_job_with_the_carriers_cover_page(
    bench: Bench, stand: Stand, pages: int, covered: bool, fits: bool
) -> None:
    """Where the carrier was to put a page of its own before our two, it may count that; else no page is too many."""
    ready = await bench.ready()
    change = tables.fax.update().where(tables.fax.c.id == ready.id).values(carrier_cover=covered)
    await bench.store.write(lambda connection: connection.execute(change))
    await stand.break_off()
    await stand.hook()
    await stand.confirm(stand.says(faxCallStart=int(bench.clock.now().timestamp()), faxTotalPages=pages))
    assert (await bench.fax(ready.id)).state is (FaxState.SENDING if fits else FaxState.UNCONFIRMED)


async def test_a_job_that_fits_two_calls_settles_none(bench: Bench, stand: Stand) -> None:
    """Both faxes tell of it, once, and wait on."""
    first, second = await stand.unknown(), await bench.ready()
    await stand.go_by(timedelta(minutes=15))
    await stand.break_off()
    await stand.hook()
    await stand.confirm(stand.says())
    await stand.go_by(timedelta(minutes=1))
    await stand.confirm(stand.says())
    for fax in (first, second):
        assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED
        assert [line.event for line in await bench.history(fax)].count("evidence") == 1
        assert [each.carrier_job_id for each in await bench.attempts(fax)] == [None]


async def test_two_calls_to_different_numbers_are_told_apart(bench: Bench, stand: Stand) -> None:
    """Each job goes to the call whose number it has, in whatever order they come."""
    first, second = await stand.unknown(), await stand.unknown(OTHER)
    await stand.hook(job="4100301", toNumber=OTHER)
    await stand.hook(job="4100300")
    await stand.confirm(stand.says(job="4100300"), stand.says(job="4100301", toNumber=OTHER))
    assert [each.carrier_job_id for each in await bench.attempts(first)] == ["4100300"]
    assert [each.carrier_job_id for each in await bench.attempts(second)] == ["4100301"]


async def test_the_line_is_busy_with_another_fax(bench: Bench, stand: Stand) -> None:
    """While another fax to the number is on the line the settled one stays unconfirmed, and ends all the same."""
    fax = await stand.unknown()
    other = await bench.ready()
    began = bench.clock.now()
    await stand.go_by(timedelta(minutes=20))
    stand.carrier.sends = [taken("999")]
    assert await work(stand.submitter.duty)
    assert (await bench.fax(other.id)).state is FaxState.SENDING
    await stand.hook()
    await stand.confirm(stand.says(faxCallStart=int(began.timestamp())))
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED
    assert [each.carrier_job_id for each in await bench.attempts(fax)] == [JOB]
    await stand.track(stand.says())
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED
    assert (await bench.fax(other.id)).state is FaxState.SENDING


async def test_evidence_after_people_were_asked(bench: Bench, stand: Stand) -> None:
    """While nobody has decided, evidence still settles: the fax ends by it."""
    fax = await stand.unknown()
    began = int(bench.clock.now().timestamp())
    await stand.go_by(timedelta(hours=5))
    assert await work(stand.settler.duty)
    await stand.hook()
    await stand.confirm(stand.says(faxCallStart=began))
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


@pytest.mark.parametrize("word", ["delivered", "sending", "failed"])
async def test_evidence_after_not_sent(bench: Bench, stand: Stand, word: str) -> None:
    """It ends nothing: the fax stays due, the job is noted, and where it may have arrived the operator is told once."""
    fax = await stand.unknown()
    began = int(bench.clock.now().timestamp())
    await stand.go_by(timedelta(hours=1))
    await decisions.settle(bench.desk, stand.reporter, fax, False, "operator x", bench.clock.now())
    await stand.hook(word if word != "sending" else "delivered")
    await stand.confirm(stand.says(word, faxCallStart=began))
    after = await bench.fax(fax.id)
    assert after.state is FaxState.READY
    (attempt,) = await bench.attempts(fax)
    assert (attempt.carrier_job_id, str(attempt.result)) == (JOB, "taken" if word == "sending" else word)
    assert [line.event for line in await bench.history(fax)].count("late_evidence") == 1
    alarms = [] if word == "failed" else [("alarm", ADMIN)]
    assert await bench.events() == alarms
    if alarms:
        (mail,) = await bench.mail_bytes("alarm")
        assert b"may arrive twice" in mail
        assert NUMBER.encode() not in mail
    await stand.hook("delivered")
    if await work_if_due(stand, began):
        assert len(await bench.events()) == 1, "once for each fax"


async def work_if_due(stand: Stand, began: int) -> bool:
    """A hook that says something new of the job is confirmed as well."""
    stand.carrier.statuses = [stand.says("delivered", faxCallStart=began)]
    return await work(stand.inquirer.duty)


async def test_the_next_call_after_not_sent_is_settled_too(bench: Bench, stand: Stand) -> None:
    """The second call's own job settles the fax, although the first call might have made it."""
    fax = await stand.unknown()
    await stand.go_by(timedelta(minutes=30))
    await decisions.settle(bench.desk, stand.reporter, fax, False, "operator x", bench.clock.now())
    await stand.break_off()
    await stand.hook()
    await stand.confirm(stand.says())
    after = await bench.fax(fax.id)
    assert after.state is FaxState.SENDING
    assert [each.carrier_job_id for each in await bench.attempts(fax)] == [None, JOB]


@pytest.mark.parametrize(("word", "alarmed"), [("delivered", False), ("failed", True)])
async def test_evidence_after_sent(bench: Bench, stand: Stand, word: str, alarmed: bool) -> None:
    """A final state stays; where the carrier contradicts the person's word the operator is told."""
    fax = await stand.unknown()
    await decisions.settle(bench.desk, stand.reporter, fax, True, "operator x", bench.clock.now())
    await stand.hook()
    await stand.confirm(stand.says(word))
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED
    assert [event for event, _ in await bench.events()] == ["alarm"] * alarmed + ["delivered"]
    assert [line.event for line in await bench.history(fax)].count("late_evidence") == 1


@pytest.mark.parametrize("true", [True, False], ids=["true", "forged"])
async def test_a_failed_fax_that_was_delivered_after_all(bench: Bench, stand: Stand, true: bool) -> None:
    """A hook against a final state is confirmed first; only what iFax itself answers alarms."""
    fax = await stand.unknown()
    await stand.hook()
    await stand.confirm(stand.says())
    await stand.track(stand.says("failed", code=3912))
    assert (await bench.fax(fax.id)).state is FaxState.FAILED
    await stand.hook("delivered")
    await stand.confirm(stand.says("delivered" if true else "failed"))
    after = await bench.fax(fax.id)
    assert after.state is FaxState.FAILED
    assert [event for event, _ in await bench.events()] == ["alarm"] * true + ["failed"]
    assert [each.result for each in await bench.attempts(fax)] == [AttemptResult.FAILED]


async def test_strangers_are_asked_after_within_bounds(stand: Stand) -> None:
    """However many jobs are invented, ten calls a minute is what they cost; the others wait their turn."""
    await stand.unknown()
    for number in range(STRANGERS_PER_MINUTE + 5):
        await stand.hook(job=str(5_000_000 + number))
    stand.carrier.statuses = [no_such_job() for _ in range(100)]
    while await work(stand.inquirer.duty):
        pass
    assert 100 - len(stand.carrier.statuses) == STRANGERS_PER_MINUTE
    assert len(await stand.inquiries()) == STRANGERS_PER_MINUTE + 5
    await stand.go_by(timedelta(minutes=1))
    while await work(stand.inquirer.duty):
        pass
    assert 100 - len(stand.carrier.statuses) == 2 * STRANGERS_PER_MINUTE


async def test_what_nobody_asks_after_is_forgotten(stand: Stand) -> None:
    """Jobs of others are not kept for ever."""
    await stand.hook(job="1")
    await stand.go_by(timedelta(days=2, seconds=1))
    await stand.hook(job="2")
    assert await stand.inquiries() == ["2"]


async def test_a_fax_that_changes_while_it_is_asked_after(bench: Bench, stand: Stand) -> None:
    """Decided in that very moment, the fax stays decided, and the evidence is looked at again as what it is now."""
    fax = await stand.unknown()
    began = int(bench.clock.now().timestamp())
    await stand.hook()

    async def decide() -> None:
        await decisions.settle(bench.desk, stand.reporter, fax, False, "operator x", bench.clock.now())

    stand.carrier.meanwhile = decide
    await stand.confirm(stand.says(faxCallStart=began))
    assert (await bench.fax(fax.id)).state is FaxState.READY
    assert await stand.inquiries() == []
    assert await bench.events() == [("alarm", ADMIN)]


async def test_an_unclear_answer_that_named_a_job_is_settled_by_asking(bench: Bench, stand: Stand) -> None:
    """Once iFax says that it has the job, the fax is sending, without any hook."""
    fax = await stand.unknown()
    named = tables.attempt.update().where(tables.attempt.c.fax_id == fax.id).values(carrier_job_id=JOB)
    due = tables.fax.update().values(due_at=bench.clock.now())
    for change in (named, due):
        await bench.store.write(lambda connection, change=change: connection.execute(change))  # type: ignore[misc]  # bound now
    await stand.track(stand.says("sending"))
    after = await bench.fax(fax.id)
    assert (after.state, after.settle_at) == (FaxState.SENDING, None)
    assert after.due_at is not None
    assert after.due_at > bench.clock.now()
