"""Submitting: the intent first, then the call, then its outcome; four outcomes and no fifth."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.errors import OutOfSpace, Unavailable
from bridge.fax.asked import Asked, write
from bridge.fax.jobs import AttemptResult, Fax
from bridge.fax.options import Quality
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.ifax.errors import CallRefused, CarrierError, NotTaken, OutcomeUnknown
from bridge.runtime.worker import LEASE_SECONDS
from bridge.sending import decisions
from bridge.sending.options import SendingOptions
from bridge.sending.report import Reporter
from bridge.sending.settle import Calls, Settler
from bridge.sending.submit import Submitter
from bridge.sending.track import Tracker
from bridge.store import StoredBlob, destinations, faxes, history, tables, troubles
from bridge.store.faxes import Stale
from bridge.store.history import EvidenceKind
from tests.support.store_bench import ADMIN, NUMBER, OTHER, PAGES, SENDER, Bench, work
from tests.support.store_carrier import MAIL, OPTIONS, FakeCarrier, answer, status, taken


class Sending:
    """The workers of the sending side, with a carrier in the same process."""

    def __init__(self, bench: Bench, options: SendingOptions = OPTIONS) -> None:
        self.bench = bench
        self.carrier = FakeCarrier()
        self.reporter = Reporter(bench.desk, options, MAIL)
        self.calls = Calls()
        self.submitter = Submitter(
            bench.desk,
            carrier=self.carrier.client,
            reporter=self.reporter,
            calls=self.calls,
            options=options,
            name="submit-0/x",
        )
        self.settler = Settler(bench.desk, self.reporter, self.calls, options.settle_window)
        self.stranger = Settler(bench.desk, self.reporter, Calls(), options.settle_window)
        """A settler that knows of no call in hand, as another process would not."""

    async def submit(self) -> None:
        """One call."""
        assert await work(self.submitter.duty)

    async def give_up(self) -> None:
        """The fax whose call is in hand is settled by somebody who does not know of the call."""
        self.bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))
        assert await work(self.stranger.duty)

    async def ask_people(self) -> None:
        """The window for evidence is over."""
        self.bench.clock.forward(OPTIONS.settle_window)
        assert await work(self.settler.duty)
        assert not await work(self.settler.duty)


@pytest.fixture
def sending(bench: Bench) -> Sending:
    """The sending side on that bench."""
    return Sending(bench)


def _no_credit() -> CallRefused:
    return CallRefused("No credit", "no-credit", answer({"status": 0, "code": -22, "message": "No credit"}))


def _not_taken(after: float | None = None) -> NotTaken:
    return NotTaken("the fax service takes no more calls just now", "rate-limited", answer({}, 429), after)


async def test_taken(bench: Bench, sending: Sending) -> None:
    """A taken fax is sending under its job id, is asked after in half a minute, and nobody is written to."""
    fax = await bench.ready()
    sending.carrier.sends = [taken("1595500000000000001")]
    await sending.submit()
    after = await bench.fax(fax.id)
    assert (after.state, after.due_at) == (FaxState.SENDING, bench.clock.now() + timedelta(seconds=30))
    (attempt,) = await bench.attempts(fax)
    assert (attempt.result, attempt.carrier_job_id, attempt.ended_at) == (
        AttemptResult.TAKEN,
        "1595500000000000001",
        None,
    )
    (evidence,) = await bench.rows(tables.evidence)
    assert (evidence.kind, evidence.carrier_job_id, evidence.attempt_id) == (
        "answer",
        "1595500000000000001",
        attempt.id,
    )
    assert await bench.events() == []
    assert sending.carrier.asked == [("send", NUMBER, PAGES, None)]


@pytest.mark.parametrize("quality", [None, "low", "fine"])
async def test_the_sender_has_the_last_word_on_quality(bench: Bench, sending: Sending, quality: Quality | None) -> None:
    """What its mail asks for goes with each call; without a word it is the site's."""
    fax = await bench.ready()
    asked = write(Asked(quality=quality))
    change = tables.message.update().where(tables.message.c.id == fax.message_id).values(asked=asked)
    await bench.store.write(lambda connection: connection.execute(change))
    sending.carrier.sends = [taken("1595500000000000001")]
    await sending.submit()
    assert sending.carrier.qualities == [quality]


async def test_intent_before_the_call(bench: Bench, sending: Sending) -> None:
    """While the call is made its attempt is on disk, the fax is submitting, and nobody finds it abandoned."""
    fax = await bench.ready()

    async def look() -> None:
        (attempt,) = await bench.attempts(fax)
        assert (attempt.result, attempt.ordinal) == (None, 1)
        assert (await bench.fax(fax.id)).state is FaxState.SUBMITTING
        assert not await work(sending.settler.duty)
        assert not await work(sending.submitter.duty)
        seen.append(attempt.id)

    seen: list[str] = []
    sending.carrier.meanwhile = look
    sending.carrier.sends = [taken()]
    await sending.submit()
    assert len(seen) == 1


async def test_hook_before_the_answer(bench: Bench, sending: Sending) -> None:
    """A hook that comes before the answer to fax-send makes the fax due at once."""
    fax = await bench.ready()

    async def hook() -> None:
        await bench.store.write(
            lambda connection: history.add_evidence(
                connection,
                at=bench.clock.now(),
                kind=EvidenceKind.HOOK,
                direction="out",
                body="{}",
                carrier_job_id="4100217",
            )
        )

    sending.carrier.meanwhile = hook
    sending.carrier.sends = [taken()]
    await sending.submit()
    assert (await bench.fax(fax.id)).due_at == bench.clock.now()


async def test_refused(bench: Bench, sending: Sending) -> None:
    """A refusal ends the fax with its cause, told once to its sender; it is never tried again."""
    fax = await bench.ready()
    sending.carrier.sends = [_no_credit()]
    await sending.submit()
    after = await bench.fax(fax.id)
    assert after.state is FaxState.FAILED
    assert after.outcome is not None
    assert (after.outcome.outcome_class, after.outcome.code, after.outcome.text) == (
        OutcomeClass.MONEY,
        -22,
        "No credit",
    )
    assert await bench.events(fax_id=fax.id) == [("failed", SENDER)]
    (attempt,) = await bench.attempts(fax)
    assert (attempt.result, attempt.code, attempt.ended_at) == (AttemptResult.REFUSED, -22, bench.clock.now())
    bench.clock.forward(timedelta(days=2))
    assert not await work(sending.submitter.duty)


ALARMING = [("no-credit", -22, "No credit"), ("carrier-key-refused", None, "HTTP 401")]


@pytest.mark.parametrize(("cause", "code", "text"), ALARMING, ids=[case[0] for case in ALARMING])
async def test_a_refusal_that_every_fax_will_meet(
    bench: Bench, sending: Sending, cause: str, code: int | None, text: str
) -> None:
    """Where money or the account is the trouble the admin is told what it is, beside the sender's own notice."""
    fax = await bench.ready()
    sending.carrier.sends = [CallRefused(text, cause, answer({"status": 0, "code": code, "message": text}))]
    await sending.submit()
    assert await bench.events() == sorted([("alarm", ADMIN), ("failed", SENDER)])
    (alarm,) = await bench.rows(tables.outbox, tables.outbox.c.event == "alarm")
    assert alarm.purpose == f"alarm/{cause}/2026-11-23T08:15:00.000Z"
    assert (alarm.kind, alarm.state, alarm.envelope_sender, alarm.fax_id) == ("admin", "waiting", "", None)
    (mail,) = await bench.mail_bytes("alarm")
    assert b"X-Fax-Event: alarm" in mail
    assert text.encode() in mail
    assert fax.number.encode() not in mail


async def test_alarms_once_until_it_clears(bench: Bench, sending: Sending) -> None:
    """However many faxes are refused, the admin is told once for each cause, until iFax takes one again."""

    async def alarms_after(*comes: Any, number: str = NUMBER) -> int:
        await bench.ready(number)
        sending.carrier.sends = list(comes)
        await sending.submit()
        return len(await bench.rows(tables.outbox, tables.outbox.c.event == "alarm"))

    assert [await alarms_after(_no_credit()) for _ in range(3)] == [1, 1, 1]
    bench.clock.forward(timedelta(days=2))
    assert await alarms_after(_no_credit()) == 1, "it has not cleared"
    assert await alarms_after(CallRefused("HTTP 401", "carrier-key-refused", answer({}, 401))) == 2
    assert bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}
    assert await alarms_after(taken()) == 2
    assert bench.store.read_now(troubles.standing) == frozenset()
    assert await alarms_after(_no_credit(), number=OTHER) == 3


async def test_a_refusal_of_one_fax_is_no_alarm(bench: Bench, sending: Sending) -> None:
    """A refusal that is about this fax alone is told to its sender and to nobody else."""
    await bench.ready()
    said = answer({"status": 0, "message": "no"}, 413)
    sending.carrier.sends = [CallRefused("no", "document-too-large", said)]
    await sending.submit()
    assert await bench.events() == [("failed", SENDER)]


async def test_a_store_that_fails_at_the_alarm(bench: Bench, sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trouble while the alarm is written neither loses it nor makes of the answer one that came too late."""
    fax = await bench.ready()
    put, failures = bench.store.blobs.put, [Unavailable("not now")]

    async def failing(name: str, data: bytes) -> StoredBlob:
        if b"X-Fax-Event: alarm" in data and failures:
            raise failures.pop()
        return await put(name, data)

    monkeypatch.setattr(bench.store.blobs, "put", failing)
    sending.carrier.sends = [_no_credit()]
    await sending.submit()
    assert failures == []
    assert len(await bench.rows(tables.evidence)) == 1
    assert "late_answer" not in [line.event for line in await bench.history(fax)]
    assert await bench.events() == sorted([("alarm", ADMIN), ("failed", SENDER)])


async def test_not_taken_until_time_is_out(bench: Bench, sending: Sending) -> None:
    """Surely not taken is tried with growing pauses until no time is left; then sender and admin are told, once."""
    fax = await bench.ready()
    pauses: list[timedelta] = []
    while True:
        sending.carrier.sends = [_not_taken()]
        await sending.submit()
        after = await bench.fax(fax.id)
        if after.state is not FaxState.READY:
            break
        assert after.outcome is None
        assert await bench.events() == []
        assert after.due_at is not None
        pauses.append(after.due_at - bench.clock.now())
        assert not await work(sending.submitter.duty), "not before its time"
        bench.clock.forward(pauses[-1])
    assert pauses[:8] == [timedelta(seconds=seconds) for seconds in (5, 30, 60, 120, 300, 600, 900, 900)]
    assert timedelta(hours=23, minutes=45) <= bench.clock.now() - fax.created_at < timedelta(hours=24)
    assert after.state is FaxState.FAILED
    assert after.outcome is not None
    assert after.outcome.cause == "rate-limited"
    assert await bench.events() == sorted([("failed", SENDER), ("alarm", ADMIN)])
    made = await bench.attempts(fax)
    assert {(each.result, each.cause) for each in made} == {(AttemptResult.NOT_TAKEN, "rate-limited")}
    (notice,) = await bench.mail_bytes("failed")
    assert f"It was tried {len(made)} times" in notice.decode()
    bench.clock.forward(timedelta(days=2))
    assert not await work(sending.submitter.duty)


async def test_retry_after(bench: Bench, sending: Sending) -> None:
    """The pause the carrier asks for is kept, where it is longer than ours."""
    fax = await bench.ready()
    sending.carrier.sends = [_not_taken(120.0), _not_taken(1.0)]
    await sending.submit()
    assert (await bench.fax(fax.id)).due_at == bench.clock.now() + timedelta(seconds=120)
    bench.clock.forward(timedelta(seconds=120))
    await sending.submit()
    assert (await bench.fax(fax.id)).due_at == bench.clock.now() + timedelta(seconds=30)


async def test_not_taken_then_taken(bench: Bench, sending: Sending) -> None:
    """A later try that is taken goes on as if nothing had been."""
    fax = await bench.ready()
    sending.carrier.sends = [_not_taken(), taken()]
    await sending.submit()
    bench.clock.forward(timedelta(seconds=5))
    await sending.submit()
    assert (await bench.fax(fax.id)).state is FaxState.SENDING
    assert [each.ordinal for each in await bench.attempts(fax)] == [1, 2]


UNCLEAR = [
    ("no answer", None, None),
    ("an answer that says nothing", answer({}, 502), None),
    ("an answer with a job id", answer({"status": 1, "data": {"jobId": 77}}, 500), "77"),
]


@pytest.mark.parametrize(("name", "said", "job"), UNCLEAR, ids=[case[0] for case in UNCLEAR])
async def test_unknown(bench: Bench, sending: Sending, name: str, said: object, job: str | None) -> None:
    """An unknown outcome is unconfirmed without a word to anybody, kept as evidence, and never sent again by itself."""
    fax = await bench.ready()
    sending.carrier.sends = [OutcomeUnknown("the call broke", said)]  # type: ignore[arg-type]  # one of a table
    await sending.submit()
    after = await bench.fax(fax.id)
    assert (after.state, after.outcome) == (FaxState.UNCONFIRMED, None)
    assert after.due_at == (None if job is None else bench.clock.now() + OPTIONS.first_poll)
    assert after.settle_at == bench.clock.now() + OPTIONS.settle_window
    assert await bench.events() == []
    assert [line.event for line in await bench.history(fax)][-1] == "unconfirmed"
    (attempt,) = await bench.attempts(fax)
    assert (attempt.result, attempt.carrier_job_id) == (AttemptResult.UNKNOWN, job)
    evidence = await bench.rows(tables.evidence)
    assert [row.carrier_job_id for row in evidence] == ([] if said is None else [job])
    await sending.ask_people()
    bench.clock.forward(timedelta(days=30))
    assert not await work(sending.submitter.duty)
    assert not await work(sending.settler.duty)
    assert len(sending.carrier.asked) == 1


async def test_people_are_asked_when_no_evidence_came(bench: Bench, sending: Sending) -> None:
    """At the end of the window, not before, sender and operator are asked once; the operator how to settle it."""
    fax = await bench.ready()
    sending.carrier.sends = [OutcomeUnknown("the call broke while the fax was handed over")]
    await sending.submit()
    bench.clock.forward(OPTIONS.settle_window - timedelta(milliseconds=1))
    assert not await work(sending.settler.duty)
    bench.clock.forward(timedelta(milliseconds=1))
    assert await work(sending.settler.duty)
    assert not await work(sending.settler.duty)
    after = await bench.fax(fax.id)
    assert (after.state, after.settle_at) == (FaxState.UNCONFIRMED, None)
    assert await bench.events() == sorted([("unconfirmed", SENDER), ("unconfirmed", ADMIN)])
    assert [line.event for line in await bench.history(fax)].count("person_asked") == 1
    (admins,) = [mail for mail in await bench.mail_bytes("unconfirmed") if f"To: {ADMIN}".encode() in mail]
    (senders,) = [mail for mail in await bench.mail_bytes("unconfirmed") if f"To: {SENDER}".encode() in mail]
    for mail in (admins, senders):
        text = mail.replace(b"=\r\n", b"")
        assert b"More precisely: the call broke while the fax was handed over." in text
        assert b"What to do: Call the recipient" in text
        assert b"The risk: sent again, it may arrive twice." in text
    assert f"faxbridge settle {fax.id} --sent".encode() in admins
    assert f"faxbridge settle {fax.id} --not-sent".encode() in admins
    assert b"faxbridge settle" not in senders


async def test_a_fax_settled_while_people_are_asked(bench: Bench, sending: Sending) -> None:
    """Evidence that comes in the moment people would be asked goes first: nobody is written to."""
    fax = await bench.ready()
    sending.carrier.sends = [OutcomeUnknown("the call broke")]
    await sending.submit()
    bench.clock.forward(OPTIONS.settle_window)
    piece = await sending.settler.duty.claim()
    assert isinstance(piece, Fax)
    await bench.move(await bench.fax(fax.id), FaxState.SENDING, due_at=bench.clock.now())
    with pytest.raises(Stale):
        await sending.settler.duty.work(piece)
    assert await bench.events() == []
    assert bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}


async def test_unknown_with_the_job_id_of_another(bench: Bench, sending: Sending) -> None:
    """An unclear answer that names another fax's job id takes nothing from that one, and is evidence all the same."""
    other = await bench.sending("+14155550109", job="77")
    fax = await bench.ready()
    sending.carrier.sends = [OutcomeUnknown("unclear", answer({"status": 1, "data": {"jobId": 77}}, 500))]
    await sending.submit()
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED
    assert [each.carrier_job_id for each in await bench.attempts(fax)] == [None]
    assert [each.carrier_job_id for each in await bench.attempts(other)] == ["77"]
    assert [row.carrier_job_id for row in await bench.rows(tables.evidence)] == ["77"]


async def test_sender_who_is_the_admin(bench: Bench, sending: Sending) -> None:
    """A sender who is the admin as well is told once."""
    await bench.ready(sender=ADMIN)
    sending.carrier.sends = [OutcomeUnknown("the call broke")]
    await sending.submit()
    await sending.ask_people()
    assert await bench.events() == [("unconfirmed", ADMIN)]


async def test_a_worker_that_died(bench: Bench, sending: Sending) -> None:
    """A fax whose worker is gone is unconfirmed, its attempt ended, and waits for evidence as any other does."""
    fax = await bench.submitting()
    assert await work(sending.settler.duty)
    assert not await work(sending.settler.duty)
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED
    (attempt,) = await bench.attempts(fax)
    assert (attempt.result, attempt.ended_at) == (AttemptResult.UNKNOWN, bench.clock.now())
    assert await bench.events() == []
    await sending.ask_people()
    assert await bench.events() == sorted([("unconfirmed", SENDER), ("unconfirmed", ADMIN)])


async def test_a_call_in_hand_is_never_settled(bench: Bench, sending: Sending) -> None:
    """A fax whose call this process has in hand is left alone however long it takes, and so its answer is in time."""
    fax = await bench.ready()
    looks: list[bool] = []

    async def look() -> None:
        for _ in range(3):
            bench.clock.forward(timedelta(hours=1))
            looks.append(await work(sending.settler.duty))

    sending.carrier.meanwhile = look
    sending.carrier.sends = [taken("88")]
    await sending.submit()
    assert looks == [False] * 3
    assert (await bench.fax(fax.id)).state is FaxState.SENDING
    assert await bench.events() == []
    assert sending.calls.now() == frozenset()


async def test_other_faxes_are_settled_beside_a_call_in_hand(bench: Bench, sending: Sending) -> None:
    """A call in hand protects its own fax and no other."""
    dead = await bench.submitting("+14155550109")
    fax = await bench.ready()

    async def look() -> None:
        bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))
        assert await work(sending.settler.duty)
        assert not await work(sending.settler.duty)

    sending.carrier.meanwhile = look
    sending.carrier.sends = [taken("88")]
    await sending.submit()
    assert (await bench.fax(dead.id)).state is FaxState.UNCONFIRMED
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


async def test_one_that_cannot_be_settled_holds_up_no_other(
    bench: Bench, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fax that fails to be settled is tried again only after all the others were, and then again and again."""
    made = [await bench.submitting(f"+1415555010{number}") for number in range(3)]
    change, broken, tried = faxes.change, {made[0].id}, list[str]()

    def failing(connection: Any, before: Fax, *args: Any, **more: Any) -> None:
        tried.append(before.id)
        if before.id in broken:
            raise ValueError("this one will not do")
        change(connection, before, *args, **more)

    monkeypatch.setattr(faxes, "change", failing)
    with pytest.raises(ValueError, match="will not do"):
        await work(sending.settler.duty)
    assert [await work(sending.settler.duty) for _ in range(3)] == [True, True, False]
    assert tried == [fax.id for fax in made]
    broken.clear()
    assert await work(sending.settler.duty)
    assert {(await bench.fax(fax.id)).state for fax in made} == {FaxState.UNCONFIRMED}


async def test_a_carrier_that_raises_something_else(bench: Bench, sending: Sending) -> None:
    """Any other error leaves the fax submitting, and so unconfirmed when the lease ends: never ready."""
    fax = await bench.ready()
    sending.carrier.sends = [CarrierError("nobody thought of this")]
    with pytest.raises(CarrierError):
        await sending.submit()
    assert (await bench.fax(fax.id)).state is FaxState.SUBMITTING
    assert not await work(sending.settler.duty)
    bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))
    assert await work(sending.settler.duty)
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED


OUTCOMES = [
    ("taken", taken("88")),
    ("refused", CallRefused("No credit", "no-credit", answer({"status": 0, "code": -22, "data": {}}))),
    ("not taken", _not_taken()),
    ("unknown", OutcomeUnknown("unclear", answer({"hm": 1}, 502))),
]


LATE = {
    "taken": (FaxState.SENDING, AttemptResult.TAKEN),
    "refused": (FaxState.FAILED, AttemptResult.REFUSED),
    "not taken": (FaxState.READY, AttemptResult.NOT_TAKEN),
    "unknown": (FaxState.UNCONFIRMED, AttemptResult.UNKNOWN),
}


@pytest.mark.parametrize("taken_over", [False, True])
async def test_a_worker_that_stood_still_before_the_call(bench: Bench, sending: Sending, taken_over: bool) -> None:
    """Not a byte goes out once the lease may have ended; then it is certain that nothing was sent, and it waits."""
    fax = await bench.ready()

    async def stand_still() -> None:
        if taken_over:
            await sending.give_up()
        else:
            bench.clock.forward(timedelta(seconds=LEASE_SECONDS))

    sending.carrier.before = stand_still
    await sending.submit()
    assert sending.carrier.asked == []
    after = await bench.fax(fax.id)
    (attempt,) = await bench.attempts(fax)
    assert (after.state, after.settle_at, attempt.result) == (FaxState.READY, None, AttemptResult.NOT_TAKEN)
    assert await bench.events() == []


async def test_a_worker_that_kept_its_line(bench: Bench, sending: Sending) -> None:
    """A lease that was renewed meanwhile holds, and the call is made."""
    fax = await bench.ready()
    piece = await sending.submitter.duty.claim()
    assert piece is not None

    async def be_slow() -> None:
        bench.clock.forward(timedelta(seconds=LEASE_SECONDS / 2))
        assert await sending.submitter.duty.renew(piece)
        bench.clock.forward(timedelta(seconds=LEASE_SECONDS / 2))

    sending.carrier.before = be_slow
    sending.carrier.sends = [taken()]
    await sending.submitter.duty.work(piece)
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


@pytest.mark.parametrize(("name", "outcome"), OUTCOMES, ids=[case[0] for case in OUTCOMES])
async def test_a_late_answer_settles(bench: Bench, sending: Sending, name: str, outcome: object) -> None:
    """A fax given up while the call was in hand is settled by the answer all the same; nobody was written to before."""
    fax = await bench.ready()
    sending.carrier.meanwhile = sending.give_up
    sending.carrier.sends = [outcome]  # type: ignore[list-item]  # one of a table
    await sending.submit()
    after = await bench.fax(fax.id)
    (attempt,) = await bench.attempts(fax)
    assert (after.state, attempt.result) == LATE[name]
    assert (after.settle_at is None) is (name != "unknown")
    (evidence,) = await bench.rows(tables.evidence)
    assert evidence.attempt_id == attempt.id
    assert evidence.carrier_job_id == attempt.carrier_job_id == ("88" if name == "taken" else None)
    assert ("unconfirmed", SENDER) not in await bench.events()
    assert bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}


@pytest.mark.parametrize(("name", "outcome"), OUTCOMES, ids=[case[0] for case in OUTCOMES])
@pytest.mark.parametrize("sent", [True, False], ids=["sent", "not sent"])
async def test_a_late_answer_after_a_decision(
    bench: Bench, sending: Sending, sent: bool, name: str, outcome: object
) -> None:
    """What a person decided stays; the answer is kept, and the operator is told where it says otherwise."""
    fax = await bench.ready()

    async def decide() -> None:
        await sending.give_up()
        unconfirmed = await bench.fax(fax.id)
        await decisions.settle(bench.desk, sending.reporter, unconfirmed, sent, "operator x", bench.clock.now())

    sending.carrier.meanwhile = decide
    sending.carrier.sends = [outcome]  # type: ignore[list-item]  # one of a table
    await sending.submit()
    after = await bench.fax(fax.id)
    assert after.state is (FaxState.DELIVERED if sent else FaxState.READY)
    assert len(await bench.rows(tables.evidence)) == 1
    against = name == "taken" if not sent else name in {"refused", "not taken"}
    assert [event for event, _ in await bench.events() if event == "alarm"] == ["alarm"] * against
    assert len([line for line in await bench.history(fax) if line.event in {"late_answer", "late_evidence"}]) == 1


async def test_a_late_answer_is_asked_after(bench: Bench, sending: Sending) -> None:
    """A fax given up and then taken after all is asked after at once, and gets its final word."""
    fax = await bench.ready()
    sending.carrier.meanwhile = sending.give_up
    sending.carrier.sends = [taken("88")]
    await sending.submit()
    tracker = Tracker(bench.desk, sending.carrier.client, sending.reporter, OPTIONS, "track-0/x")
    sending.carrier.statuses = [status("delivered", jobId=88, faxTransferredPages=2)]
    assert await work(tracker.duty)
    assert sending.carrier.asked[-1] == ("status", "88")
    assert (await bench.fax(fax.id)).state is FaxState.DELIVERED
    assert ("delivered", SENDER) in await bench.events()


async def test_a_late_answer_after_the_end(bench: Bench, sending: Sending) -> None:
    """A final state stays what it is: the late answer is kept, and nothing is asked after."""
    fax = await bench.ready()

    async def end() -> None:
        await sending.give_up()
        await bench.move(await bench.fax(fax.id), FaxState.CANCELLED)

    sending.carrier.meanwhile = end
    sending.carrier.sends = [taken("88")]
    await sending.submit()
    after = await bench.fax(fax.id)
    assert (after.state, after.due_at) == (FaxState.CANCELLED, None)
    assert [attempt.carrier_job_id for attempt in await bench.attempts(fax)] == ["88"]
    assert len(await bench.rows(tables.evidence)) == 1
    assert await bench.events() == [("alarm", ADMIN)], "it was told as cancelled, and the carrier has it"


async def test_a_late_answer_with_the_job_id_of_another(bench: Bench, sending: Sending) -> None:
    """A late answer that names another fax's job takes nothing from that one."""
    other = await bench.sending("+14155550109", job="88")
    fax = await bench.ready()
    sending.carrier.meanwhile = sending.give_up
    sending.carrier.sends = [taken("88")]
    await sending.submit()
    assert [each.carrier_job_id for each in await bench.attempts(other)] == ["88"]
    assert [each.carrier_job_id for each in await bench.attempts(fax)] == [None]
    assert [row.carrier_job_id for row in await bench.rows(tables.evidence)] == ["88"]
    assert (await bench.fax(fax.id)).due_at is None


async def test_an_unclear_late_answer_that_names_a_job(bench: Bench, sending: Sending) -> None:
    """A late answer that is unclear but names a job id makes the fax one that can be asked after, as one in time."""
    fax = await bench.ready()
    sending.carrier.meanwhile = sending.give_up
    sending.carrier.sends = [OutcomeUnknown("unclear", answer({"status": 1, "data": {"jobId": 77}}, 500))]
    await sending.submit()
    assert [row.carrier_job_id for row in await bench.rows(tables.evidence)] == ["77"]
    (attempt,) = await bench.attempts(fax)
    assert (attempt.carrier_job_id, attempt.result) == ("77", AttemptResult.UNKNOWN), "unclear is not taken"
    assert (await bench.fax(fax.id)).due_at is not None


@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
@pytest.mark.parametrize("trouble", [Unavailable, OutOfSpace])
async def test_a_store_that_fails_after_the_call(
    bench: Bench, sending: Sending, monkeypatch: pytest.MonkeyPatch, trouble: type[Unavailable], late: bool
) -> None:
    """What came of a call is written as soon as the store answers again, also where the fax was given up meanwhile."""
    fax = await bench.ready()
    failures = [trouble("not now")] * 3
    write = bench.store.write

    async def failing(unit: Any) -> Any:
        if failures:
            raise failures.pop()
        return await write(unit)

    async def fail() -> None:
        if late:
            await sending.give_up()
            add = history.add

            def break_down(*args: Any, event: str, **more: Any) -> None:
                if event == "late_answer" and failures:
                    raise failures.pop()
                add(*args, event=event, **more)

            monkeypatch.setattr(history, "add", break_down)
        else:
            monkeypatch.setattr(bench.store, "write", failing)

    sending.carrier.meanwhile = fail
    sending.carrier.sends = [taken("88")]
    before = bench.clock.seconds
    await sending.submit()
    assert failures == []
    assert bench.clock.seconds - before == (LEASE_SECONDS + 1 if late else 0) + 3, "tried again every second"
    assert [attempt.carrier_job_id for attempt in await bench.attempts(fax)] == ["88"]
    assert len(await bench.rows(tables.evidence)) == 1
    assert sending.calls.now() == frozenset()
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


async def test_a_job_id_that_another_fax_has(bench: Bench, sending: Sending) -> None:
    """A job id given out twice settles nothing: the second fax is unconfirmed and said so, the answer kept."""
    await bench.move(await bench.sending("+14155550109", job="4100217"), FaxState.DELIVERED)
    fax = await bench.ready()
    sending.carrier.sends = [taken("4100217")]
    await sending.submit()
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED
    assert [each.carrier_job_id for each in await bench.attempts(fax)] == [None]
    await sending.ask_people()
    assert await bench.events() == sorted([("unconfirmed", SENDER), ("unconfirmed", ADMIN)])
    assert len(await bench.rows(tables.evidence, tables.evidence.c.kind == "answer")) == 1


@pytest.mark.parametrize("missing", [False, True], ids=["damaged", "missing"])
async def test_a_damaged_document(bench: Bench, sending: Sending, missing: bool) -> None:
    """Pages whose bytes are damaged are never sent: the fax ends, sender and admin are told, the number is free."""
    fax = await bench.ready()
    following = await bench.ready()
    (document,) = await bench.rows(tables.document, tables.document.c.id == fax.document_id)
    if missing:
        bench.store.blobs.remove(document.blob_id)
    else:
        bench.damage(document.blob_id)
    sending.carrier.sends = [taken()]
    await sending.submit()
    after = await bench.fax(fax.id)
    assert after.outcome is not None
    assert (after.state, after.outcome.cause, after.pages_sent) == (FaxState.FAILED, "stored-copy-damaged", 0)
    assert await bench.events(fax_id=fax.id) == sorted([("failed", ADMIN), ("failed", SENDER)])
    assert await bench.attempts(fax) == []
    assert sending.carrier.asked == []
    await sending.submit()
    assert (await bench.fax(following.id)).state is FaxState.SENDING


async def test_lease_lost_before_the_call(bench: Bench, sending: Sending) -> None:
    """A worker that lost its line before the call makes none."""
    fax = await bench.ready()
    piece = await sending.submitter.duty.claim()
    assert isinstance(piece, Fax)
    bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))
    await bench.store.write(lambda connection: destinations.claim(connection, bench.desk.lease("submit-1/y")))
    with pytest.raises(Exception, match="taken over"):
        await sending.submitter.duty.work(piece)
    assert sending.carrier.asked == []
    assert await bench.attempts(fax) == []
    assert not await sending.submitter.duty.renew(piece)
