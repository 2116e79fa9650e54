"""Every order of answers, hooks, polls, an operator's acts and deaths, against a carrier that knows the truth."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.fax.jobs import Fax
from bridge.fax.orders import Order
from bridge.fax.states import FaxState
from bridge.ifax.answers import Answer
from bridge.ifax.client import FaxRequest, IfaxClient, Taken
from bridge.ifax.errors import CallRefused, CarrierError, NotTaken, OutcomeUnknown
from bridge.ifax.models import FaxObject
from bridge.sending import decisions
from bridge.store import Store, faxes, tables
from tests.support.evidence_stand import Stand, facts, no_such_job
from tests.support.orders_stand import Counter
from tests.support.store_bench import NUMBER, OTHER, SENDER, Bench, FakeClock, options, work
from tests.support.store_carrier import answer, taken

NUMBERS = (NUMBER, OTHER)
MOST_FAXES = 4
BUSY, DEAD = 263, 3912


class Died(Exception):
    """The process is gone, with the call in hand."""


@dataclass
class Job:
    """What the carrier really has."""

    fax_id: str
    number: str
    started_at: datetime
    word: str = "sending"
    code: int = 0


@dataclass
class World:
    """The carrier with its truth; what outlives the process."""

    clock: FakeClock = field(default_factory=FakeClock)
    jobs: dict[str, Job] = field(default_factory=dict)
    not_sent: set[str] = field(default_factory=set)
    """Jobs whose fax a person said was not sent after they had been begun."""
    breaches: list[str] = field(default_factory=list)


class ModelCarrier:
    """One process's way to the carrier: ``how`` is what becomes of the next call."""

    def __init__(self, world: World, stand: Stand) -> None:
        self._world = world
        self._stand = stand
        self.how = "answered"
        self.early = False
        self.dumb = False

    def pause_left(self) -> float:
        """It never asks to be left alone."""
        return 0.0

    async def fax_send(self, request: FaxRequest) -> Taken:
        """Take it or not, answer or not."""
        fax = await self._fax_in_hand(request.number)
        for job_id, job in self._world.jobs.items():
            if job.fax_id == fax and job.word != "failed" and job_id not in self._world.not_sent:
                self._world.breaches.append(f"fax {fax} is called for again while job {job_id} is {job.word}")
        if self.how == "refused":
            raise CallRefused("no", "number-invalid", answer({"status": 0, "message": "no"}, 400))
        if self.how == "not taken":
            raise NotTaken("cannot be reached", "not-reached")
        if self.how in {"lost before", "died before"}:
            raise Died if self.how.startswith("died") else OutcomeUnknown("the call broke")
        job_id = str(4_100_001 + len(self._world.jobs))
        self._world.jobs[job_id] = Job(fax, request.number, self._world.clock.now())
        if self.early:
            await self._stand.hook(job=job_id, toNumber=request.number)
        if self.how == "answered":
            return taken(job_id)
        if self.how == "died after":
            raise Died
        named = answer({"status": 1, "data": {"jobId": job_id}}, 500) if self.how == "named" else None
        raise OutcomeUnknown("the call broke", named)

    async def _fax_in_hand(self, number: str) -> str:
        rows = await self._stand.bench.rows(
            tables.fax, tables.fax.c.number == number, tables.fax.c.state == FaxState.SUBMITTING
        )
        (row,) = rows  # one call at a time to a number
        return str(row.id)

    async def fax_status(self, job_id: str) -> tuple[FaxObject, Answer]:
        """The truth, or nothing."""
        if self.dumb:
            raise CarrierError("no answer in time")
        job = self._world.jobs.get(job_id)
        if job is None:
            raise no_such_job()
        said = facts(job.started_at, job.word, job_id, toNumber=job.number, code=job.code)
        return FaxObject.read(said), answer({"status": 1, "data": said})


class Machine(RuleBasedStateMachine):
    """One store, one carrier, and process after process."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="faxbridge-machine-"))
        self.runner = asyncio.Runner()
        self.world = World()
        self.ended: dict[str, tuple[object, ...]] = {}
        self.count = 0
        self.start()

    def start(self) -> None:
        """A process begins, and with it everything it has in its head."""
        store = Store.open_alone(options(self.folder))
        self.bench = Bench(store, options(self.folder).blobs, self.world.clock)
        self.carrier = ModelCarrier(self.world, Stand(self.bench))
        self.stand = Stand(self.bench, cast("IfaxClient", self.carrier))
        self.counter = Counter(self.bench)

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        """On this machine's loop."""
        return self.runner.run(what)

    def teardown(self) -> None:
        self.bench.store.close()
        self.runner.close()
        shutil.rmtree(self.folder)

    def all(self, *states: FaxState) -> list[Fax]:
        """The faxes that stand so."""
        rows = self.run(self.bench.rows(tables.fax))
        return [fax for fax in map(faxes.from_row, rows) if not states or fax.state in states]

    @initialize(number=st.sampled_from(NUMBERS))
    def first(self, number: str) -> None:
        self.mail(number)

    @precondition(lambda self: self.count < MOST_FAXES)
    @rule(number=st.sampled_from(NUMBERS))
    def mail(self, number: str) -> None:
        self.count += 1
        self.run(self.bench.ready(number))

    HOW = ("answered", "named", "lost after", "lost before", "refused", "not taken", "died after", "died before")

    @rule(how=st.sampled_from(HOW), early=st.booleans())
    def submit(self, how: str, early: bool) -> None:
        self.carrier.how, self.carrier.early = how, early
        try:
            self.run(work(self.stand.submitter.duty))
        except Died:
            self.crash()

    @rule(word=st.sampled_from(["delivered", "failed"]), code=st.sampled_from([BUSY, DEAD]), data=st.data())
    def a_job_ends(self, word: str, code: int, data: st.DataObject) -> None:
        open_jobs = [job for job in self.world.jobs.values() if job.word == "sending"]
        if open_jobs:
            job = data.draw(st.sampled_from(open_jobs))
            job.word, job.code = word, code if word == "failed" else 0

    @rule(
        word=st.sampled_from(["", "delivered", "failed", "sending", "canceled"]),
        times=st.integers(1, 2),
        data=st.data(),
    )
    def hook(self, word: str, times: int, data: st.DataObject) -> None:
        """True, forged, repeated, early, of a known or an invented job."""
        job_id = data.draw(st.sampled_from([*self.world.jobs, "9999999"]))
        job = self.world.jobs.get(job_id)
        for _ in range(times):
            self.run(
                self.stand.hook(
                    word or (job.word if job else "delivered"),
                    job_id,
                    toNumber=job.number if job else NUMBER,
                )
            )

    @rule(dumb=st.booleans())
    def work_on(self, dumb: bool) -> None:
        """Whatever is due is done, by each of the other workers once."""
        self.carrier.dumb = dumb
        stand = self.stand
        for duty in (stand.tracker.duty, stand.inquirer.duty, stand.settler.duty, self.counter.clerk.duty):
            self.run(work(duty))

    @rule(minutes=st.sampled_from([1, 16, 70, 250, 25 * 60]))
    def time_goes_by(self, minutes: int) -> None:
        self.world.clock.forward(timedelta(minutes=minutes))

    @rule(sent=st.booleans(), data=st.data())
    def a_person_decides(self, sent: bool, data: st.DataObject) -> None:
        if not (open_faxes := self.all(FaxState.UNCONFIRMED)):
            return
        fax = data.draw(st.sampled_from(open_faxes))
        now = self.world.clock.now()
        self.run(decisions.settle(self.bench.desk, self.stand.reporter, fax, sent, "operator x", now))
        if not sent:
            self.world.not_sent |= {job_id for job_id, job in self.world.jobs.items() if job.fax_id == fax.id}

    @rule(order=st.sampled_from([Order.RETRY, Order.HOLD, Order.RELEASE, Order.CANCEL]), data=st.data())
    def an_operator_orders(self, order: Order, data: st.DataObject) -> None:
        """Written down; the daemon does it when it comes to that, whatever has become of the fax."""
        self.run(self.counter.put(order, data.draw(st.sampled_from(self.all())).id))

    @precondition(lambda self: self.count < MOST_FAXES)
    @rule(data=st.data())
    def an_operator_has_it_sent_again(self, data: st.DataObject) -> None:
        self.count += 1
        self.run(self.counter.put(Order.RESEND, data.draw(st.sampled_from(self.all())).id))

    @rule()
    def crash(self) -> None:
        """All that is not in the store is gone."""
        self.bench.store.close()
        self.start()

    @invariant()
    def no_call_while_another_may_be_out(self) -> None:
        assert self.world.breaches == []

    @invariant()
    def final_is_final_and_told_once(self) -> None:
        for fax in self.all():
            told = self.run(
                self.bench.rows(
                    tables.outbox, tables.outbox.c.fax_id == fax.id, tables.outbox.c.purpose.contains("/final/")
                )
            )
            assert len([mail for mail in told if mail.recipient == SENDER]) == fax.state.final, fax
            seen = (fax.state, fax.outcome, fax.version)
            if fax.state.final:
                assert self.ended.setdefault(fax.id, seen) == seen

    @invariant()
    def something_or_somebody_comes_next(self) -> None:
        for fax in self.all():
            if fax.state.final or fax.state is FaxState.SUBMITTING:  # of that the settler sees that nobody has it
                continue
            lines = self.run(self.bench.history(fax))
            told = self.run(self.bench.events(fax_id=fax.id))
            with_a_person = fax.state in {FaxState.UNCONFIRMED, FaxState.HELD} and (fax.state, SENDER) in told
            assert fax.due_at or fax.settle_at or with_a_person, (fax, lines)

    @invariant()
    def a_job_is_its_own_faxs(self) -> None:
        for attempt in self.run(self.bench.rows(tables.attempt)):
            if attempt.carrier_job_id is not None:
                assert self.world.jobs[attempt.carrier_job_id].fax_id == attempt.fax_id

    @invariant()
    def delivered_is_true(self) -> None:
        for fax in self.all(FaxState.DELIVERED):
            on_word = fax.outcome is not None and fax.outcome.cause == "delivered-on-a-persons-word"
            arrived = any(job.fax_id == fax.id and job.word == "delivered" for job in self.world.jobs.values())
            assert on_word or arrived


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
