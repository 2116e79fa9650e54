"""Jobs that hooks spoke of and no fax waits for are asked after with our key; only what iFax answers then counts.

One that fits exactly one waiting call of unknown outcome is that call's (docs/decisions/0015). What comes after a
person or the end of the fax has decided ends nothing: it stands in the history, and alarms where it contradicts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from bridge.fax import adoption
from bridge.fax.adoption import Call, Sighting
from bridge.fax.jobs import AttemptResult
from bridge.fax.states import FaxState
from bridge.ifax import verdicts
from bridge.ifax.answers import Answer
from bridge.ifax.client import IfaxClient
from bridge.ifax.errors import CarrierError
from bridge.ifax.models import Direction, FaxObject
from bridge.ifax.strangers import StrangerBudget
from bridge.ifax.verdicts import Ended
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell, Duty
from bridge.sending import report, settle
from bridge.sending.report import Reporter
from bridge.store import attempts, faxes, history, inquiries
from bridge.store.desk import Desk
from bridge.store.history import EvidenceKind
from bridge.store.inquiries import Inquiry
from bridge.store.outbox import Draft

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
BUDGET_PAUSE = timedelta(minutes=1)

TRIES = 6
"""So often iFax may say that it knows no such job, over a quarter of an hour, before it is believed."""

RESULTS = {
    FaxState.DELIVERED: AttemptResult.DELIVERED,
    FaxState.FAILED: AttemptResult.FAILED,
    FaxState.CANCELLED: AttemptResult.CANCELLED,
}


class What(StrEnum):
    """What a job turns out to be."""

    OURS = "what came of a call that waits"
    DECIDED = "what came of a call that is decided already"
    WAITED_FOR = "the job of a fax that is asked after by itself"
    IN_HAND = "perhaps that of a call whose answer may still come"
    AMBIGUOUS = "that of one of several calls"
    STRANGE = "none of ours"


@dataclass(frozen=True, slots=True)
class Finding:
    """What it is, and the calls it fits."""

    what: What
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What the carrier says of a job; ``ended`` is its final word, if it said that."""

    job_id: str
    seen: FaxObject
    answer: Answer

    @property
    def said(self) -> str:
        return f"iFax says {self.seen.word or 'nothing'}, code {self.seen.code}: {self.seen.text}"

    @property
    def sighting(self) -> Sighting:
        seen = self.seen
        return Sighting(seen.direction is Direction.OUT, seen.number, seen.caller, seen.started_at, seen.pages_total)

    def ended(self, call: Call) -> Ended | None:
        return verdicts.verdict(self.seen, call.fax.pages or 0, covered=call.fax.carrier_cover)

    def arrived(self, call: Call) -> bool:
        """Whether the fax is at the other end, wholly or in part, or may get there yet."""
        ended = self.ended(call)
        return ended is None or ended.state is FaxState.DELIVERED or bool(ended.pages_sent)


def find(connection: sa.Connection, heard: Heard) -> Finding:
    """What the job is, by what the store knows just now."""
    known = attempts.with_job(connection, heard.job_id)
    if known is not None:
        call = attempts.call(connection, known)
        asked = call.latest and call.fax.state in {FaxState.SENDING, FaxState.UNCONFIRMED}
        return Finding(What.WAITED_FOR if asked else What.DECIDED, (call,))
    seen = heard.sighting
    since = None if seen.started_at is None else seen.started_at - adoption.LATER
    calls = [] if since is None else attempts.without_job(connection, seen.number, since)
    fitting = adoption.fitting(seen, calls)
    if not fitting:
        return Finding(What.STRANGE)
    if any(call.in_hand for call in fitting):
        return Finding(What.IN_HAND, fitting)
    if len({call.fax.id for call in fitting}) > 1:
        return Finding(What.AMBIGUOUS, fitting)
    (*_, last) = fitting  # of the calls for one fax the last: whichever it was, it is this fax that arrives
    return Finding(What.OURS if last.waits else What.DECIDED, (last,))


class Inquirer:
    """The worker that asks after such jobs."""

    def __init__(
        self, desk: Desk, *, carrier: IfaxClient, reporter: Reporter, budget: StrangerBudget, name: str
    ) -> None:
        self._desk = desk
        self._carrier = carrier
        self._reporter = reporter
        self._budget = budget
        self._owner = name

    @property
    def duty(self) -> Duty[Inquiry]:
        """What the worker loop runs."""
        return Duty("inquire", Bell.EVIDENCE, self._claim, self.inquire, self._renew, self._set_aside)

    async def inquire(self, asked: Inquiry) -> None:
        """Ask once, within what strangers may cost."""
        crash_point(Point.INQUIRE_CLAIMED)
        now = self._desk.clock.now()
        if not self._budget.take():
            await self._later(asked, None, now + BUDGET_PAUSE, asked.tries)
            return
        try:
            seen, answer = await self._carrier.fax_status(asked.job_id)
        except CarrierError as error:
            await self._no_word(asked, error)
            return
        crash_point(Point.INQUIRE_ANSWERED)
        heard = Heard(asked.job_id, seen, answer)
        finding = await self._desk.store.read(lambda connection: find(connection, heard))
        try:
            await self._follow(asked, heard, finding)
        except faxes.Stale:  # what it is changed while we looked
            await self._later(asked, answer, self._desk.clock.now() + _pause(asked), asked.tries)
        crash_point(Point.INQUIRE_COMMITTED)

    async def _set_aside(self, asked: Inquiry, why: str) -> None:
        """The job is forgotten; a fax that it may be waits for its window, and then people are asked."""
        await self._desk.store.write(lambda connection: inquiries.close(connection, asked))
        self._desk.events.job_unknown(job=asked.job_id, why=why)

    async def _no_word(self, asked: Inquiry, error: CarrierError) -> None:
        """The carrier knows no such job, or says nothing of use: asked again some times, for that may pass."""
        answered = error.answer is not None and error.answer.http_status < 500  # noqa: PLR2004 - HTTP: its own trouble
        tries = asked.tries + 1
        self._desk.events.job_unknown(job=asked.job_id, why=error.public)
        if answered and tries >= TRIES:
            await self._desk.store.write(lambda connection: inquiries.close(connection, asked))
        else:
            await self._later(asked, error.answer, self._desk.clock.now() + _pause(asked), tries)

    async def _follow(self, asked: Inquiry, heard: Heard, finding: Finding) -> None:
        match finding.what:
            case What.OURS:
                await self._take_up(asked, heard, finding)
            case What.DECIDED:
                await self._add_to_decided(asked, heard, finding)
            case What.IN_HAND:  # its answer comes first; if that stays unknown, this is asked again
                await self._later(asked, heard.answer, None, asked.tries)
            case What.AMBIGUOUS:
                await self._note_ambiguous(asked, heard, finding)
            case What.WAITED_FOR | What.STRANGE:
                await self._desk.store.write(lambda connection: self._close(connection, asked, heard, finding))
        if finding.what not in {What.OURS, What.DECIDED, What.WAITED_FOR}:
            self._desk.events.job_unknown(job=asked.job_id, why=finding.what)

    async def _take_up(self, asked: Inquiry, heard: Heard, finding: Finding) -> None:
        (call,) = finding.calls
        now = self._desk.clock.now()
        detail = f"iFax job {asked.job_id} is this call: number, time and pages fit, and no other call. {heard.said}"

        def unit(connection: sa.Connection) -> None:
            self._close(connection, asked, heard, finding)
            settle.take_up(connection, call, asked.job_id, now, detail, due_at=now)

        await self._desk.store.write(unit)
        self._desk.events.fax_settled(fax=call.fax.id, job=asked.job_id)
        self._desk.bells.ring(Bell.TRACK)

    async def _add_to_decided(self, asked: Inquiry, heard: Heard, finding: Finding) -> None:
        (call,) = finding.calls
        ended = heard.ended(call)
        known = call.attempt.carrier_job_id is not None
        if known and (ended is None or RESULTS[ended.state] is call.attempt.result):  # nothing new
            await self._desk.store.write(lambda connection: self._close(connection, asked, heard, finding))
            return
        result = AttemptResult.TAKEN if ended is None else RESULTS[ended.state]

        def also(connection: sa.Connection, now: datetime) -> None:
            self._close(connection, asked, heard, finding)
            if call.attempt.result in {AttemptResult.UNKNOWN, AttemptResult.TAKEN}:
                seen = heard.seen
                attempts.finish(
                    connection, call.attempt.id, result, now, code=seen.code, message=seen.text, job_id=asked.job_id
                )

        await add_to_decided(self._desk, self._reporter, call, heard.said, also, arrived=heard.arrived(call))

    async def _note_ambiguous(self, asked: Inquiry, heard: Heard, finding: Finding) -> None:
        """Each of the faxes tells of it once; when all but one are settled otherwise, it is that one's."""
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> None:
            _keep(connection, heard, None, now)
            inquiries.later(connection, asked, self._owner, now + _pause(asked), tries=asked.tries + 1)
            for call in finding.calls if asked.tries == 0 else ():
                detail = f"iFax job {asked.job_id} fits this call and others, and so settles none. {heard.said}"
                history.add(
                    connection, at=now, event="evidence", actor=history.CARRIER, detail=detail, fax_id=call.fax.id
                )

        await self._desk.store.write(unit)

    def _close(self, connection: sa.Connection, asked: Inquiry, heard: Heard, finding: Finding) -> None:
        """The answer is evidence and the question is answered; Stale where the store knows otherwise by now."""
        if find(connection, heard) != finding:
            raise faxes.Stale(f"job {asked.job_id} is something else by now")
        own = finding.calls[0].attempt.id if len(finding.calls) == 1 else None
        _keep(connection, heard, own, self._desk.clock.now())
        inquiries.close(connection, asked)

    async def _later(self, asked: Inquiry, answer: Answer | None, due_at: datetime | None, tries: int) -> None:
        def unit(connection: sa.Connection) -> None:
            if answer is not None:
                _keep_answer(connection, asked.job_id, answer, None, self._desk.clock.now())
            inquiries.later(connection, asked, self._owner, due_at, tries=tries)

        await self._desk.store.write(unit)

    async def _claim(self) -> Inquiry | None:
        return await self._desk.store.write(
            lambda connection: inquiries.claim(connection, self._desk.lease(self._owner))
        )

    async def _renew(self, asked: Inquiry) -> bool:
        return await self._desk.store.write(
            lambda connection: inquiries.renew(connection, asked.job_id, self._desk.lease(self._owner))
        )


async def add_to_decided(
    desk: Desk, reporter: Reporter, call: Call, said: str, also: settle.Also, *, arrived: bool
) -> None:
    """Evidence about a call after a person or the fax's end has decided: a line, and one alarm if it contradicts."""
    now, drafts = desk.clock.now(), list[Draft]()
    against = adoption.contradicts(call, arrived=arrived)
    if against:
        drafts.append(await reporter.alarms.contradicted(call, said, now))

    def unit(connection: sa.Connection) -> list[Draft]:
        also(connection, now)
        what = "contradicts what was decided" if against else "came after the decision, and agrees with it"
        detail = f"call {call.attempt.ordinal}: {said}. This {what}; it changes nothing"
        history.add(connection, at=now, event="late_evidence", actor=history.CARRIER, detail=detail, fax_id=call.fax.id)
        return report.write(connection, drafts, now)

    told = await desk.store.write_files(unit, *(draft.blob for draft in drafts))
    reporter.discard(told)
    if against:
        desk.events.fax_contradicted(fax=call.fax.id)
        desk.bells.ring(Bell.POST)


def _pause(asked: Inquiry) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(asked.tries, 20)), LONGEST_PAUSE)


def _keep(connection: sa.Connection, heard: Heard, attempt_id: str | None, now: datetime) -> None:
    _keep_answer(connection, heard.job_id, heard.answer, attempt_id, now)


def _keep_answer(connection: sa.Connection, job_id: str, answer: Answer, attempt_id: str | None, now: datetime) -> None:
    history.add_evidence(
        connection,
        at=now,
        kind=EvidenceKind.STATUS,
        direction="out",
        body=answer.evidence,
        http_status=answer.http_status,
        attempt_id=attempt_id,
        carrier_job_id=job_id,
    )
