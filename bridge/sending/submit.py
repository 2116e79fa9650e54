"""Ready faxes go to the carrier: the line is leased, the intent is written, then the call is made, then its outcome.

Outcomes: taken; refused, or surely not taken (the fax ends, or is tried again: ``sending.retry``); unknown (never again
by itself: it may be going out, and waits for evidence).
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.errors import OutOfSpace, Unavailable
from bridge.fax import hours, outcomes
from bridge.fax.adoption import Call
from bridge.fax.hours import Wait
from bridge.fax.jobs import AttemptResult, Fax, Message, Outcome
from bridge.fax.numbers import as_people_write
from bridge.fax.states import FaxState
from bridge.ifax.answers import Answer, small
from bridge.ifax.client import CoverWords, FaxRequest, IfaxClient, Taken
from bridge.ifax.errors import CallRefused, NotTaken, OutcomeUnknown
from bridge.mail.headers import HEADER_LIMIT, read_headers
from bridge.mail.wording import in_words
from bridge.runtime.clock import rfc3339
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell, Duty
from bridge.sending import evidence, report, settle
from bridge.sending.breaker import Breaker, Came
from bridge.sending.options import SendingOptions
from bridge.sending.poison import Poison
from bridge.sending.report import FAXES_REFUSED, Change, Reporter, write_end
from bridge.sending.retry import Failure, Retrier
from bridge.sending.settle import Calls
from bridge.store import attempts, destinations, faxes, history, inquiries, pauses, troubles, waits
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk, Grip
from bridge.store.history import EvidenceKind
from bridge.store.pauses import Work

WRITE_AGAIN_SECONDS = 1.0
"""Between tries to write down what came of a call, while the store does not answer."""


class Submitter:
    """The worker that calls ``fax-send``."""

    def __init__(
        self,
        desk: Desk,
        *,
        carrier: IfaxClient,
        reporter: Reporter,
        calls: Calls,
        options: SendingOptions,
        name: str,
        breaker: Breaker | None = None,
    ) -> None:
        """``breaker`` is shared with other submitters, if there are any."""
        self._desk = desk
        self._carrier = carrier
        self._reporter = reporter
        self._calls = calls
        self._options = options
        self._retrier = Retrier(desk, reporter, options.retry)
        self._breaker = breaker or Breaker(desk.clock, desk.events)
        self._owner = name
        self._grip = Grip(desk, name)

    @property
    def duty(self) -> Duty[Fax]:
        """What the worker loop runs."""
        return Duty("submit", Bell.SUBMIT, self._claim, self.submit, self._renew, self._set_aside)

    async def _set_aside(self, fax: Fax, why: str) -> None:
        """No call was begun: who dies with one in hand leaves the fax unconfirmed."""
        self._breaker.give_back(self._owner)
        await Poison(self._desk, self._reporter).hold([fax], why, None)

    async def submit(self, fax: Fax) -> None:
        """One call for one fax whose line we hold; none if there is no time left for it."""
        try:
            await self._submit(fax)
        finally:
            self._breaker.give_back(self._owner)
        await self._tell_operator()

    async def _submit(self, fax: Fax) -> None:
        crash_point(Point.SUBMIT_CLAIMED)
        if (wait := hours.wait_of(fax, self._desk.clock.now())) is not None:
            await self._put_off(fax, wait)
            return
        if self._retrier.is_late(fax, self._desk.clock.now()):
            await self._retrier.end_late(fax, self._desk.clock.now())
            return
        try:
            request = await self._request(fax)
        except BlobDamaged as error:
            await self._give_up_damaged(fax, error)
            return
        attempt, lease = self._desk.ids.new(), self._desk.lease(self._owner)
        await self._desk.store.write(lambda connection: attempts.begin(connection, fax, attempt, lease))
        crash_point(Point.SUBMIT_INTENDED)
        self._desk.events.fax_submitting(fax=fax.id, attempt=attempt, number=fax.number)
        submitted = await self._desk.store.read(lambda connection: faxes.get(connection, fax.id))
        assert submitted is not None
        with self._calls.in_hand(fax.id):
            came: Came
            try:
                came = await self._carrier.fax_send(request)
            except (CallRefused, NotTaken, OutcomeUnknown) as error:
                came = error
            self._breaker.tell(self._owner, came)
            crash_point(Point.SUBMIT_ANSWERED)
            await self._write_down(submitted, attempt, came)
            crash_point(Point.SUBMIT_COMMITTED)

    async def _tell_operator(self) -> None:
        """That the carrier does not answer, and that it does again: a mail each, once an outage."""
        outage, told, now = self._breaker.outage, self._breaker.told, self._desk.clock.now()
        if outage is not None and told is None:
            drafting = self._reporter.alarms.carrier_down(outage, now)
        elif outage is None and told is not None:
            drafting = self._reporter.alarms.carrier_back(told, now)
        else:
            return
        self._breaker.operator_told(outage)  # before the first await: another submitter may look meanwhile
        try:
            draft = await drafting
            needless = await self._desk.store.write_files(
                lambda connection: report.write(connection, [draft], now), draft.blob
            )
        except BaseException:
            self._breaker.operator_told(told)
            raise
        self._reporter.discard(needless)
        self._desk.bells.ring(Bell.POST)

    async def _put_off(self, fax: Fax, wait: Wait) -> None:
        why, lease = f"it waits until {in_words(wait.until)}: {wait.why}", self._desk.lease(self._owner)
        await self._desk.store.write(lambda connection: waits.put_off(connection, fax, lease, wait.until, why))
        self._desk.events.fax_put_off(fax=fax.id, due=rfc3339(wait.until))

    async def _write_down(self, fax: Fax, attempt: str, came: Came) -> None:
        """What came of the call, as often as it takes: only this process knows it.

        If the fax was given up meanwhile (the lease ran out), the answer settles it all the same.
        """
        late = False
        while True:
            try:
                if late:
                    await self._keep_late_answer(fax, attempt, came)
                else:
                    await self._conclude(fax, attempt, came)
            except faxes.Stale:
                late = True
                continue
            except (Unavailable, OutOfSpace) as error:
                self._desk.events.worker_failed(worker="submit", error=error)
                await self._desk.clock.sleep(WRITE_AGAIN_SECONDS)
                continue
            return

    async def _conclude(self, fax: Fax, attempt: str, came: Came) -> None:
        match came:
            case CallRefused():
                await self._refused(fax, attempt, came)
            case NotTaken():
                await self._not_taken(fax, attempt, came)
            case OutcomeUnknown():
                await self._unknown(fax, attempt, came)
            case Taken():
                if await self._desk.store.read(lambda connection: attempts.with_job(connection, came.job_id)):
                    text = f"iFax gave a job id it had given before ({came.job_id})"
                    await self._unknown(fax, attempt, OutcomeUnknown(text, came.answer))
                else:
                    await self._taken(fax, attempt, came)

    async def _keep_late_answer(self, fax: Fax, attempt: str, came: Came) -> None:
        """The fax was given up meanwhile: the answer is the proof it waits for, unless it was decided already."""
        call = await self._desk.store.read(lambda connection: attempts.call_of(connection, fax.id, attempt))
        if call.waits and isinstance(came, CallRefused | NotTaken):
            await self._conclude(call.fax, attempt, came)
        elif call.waits or isinstance(came, OutcomeUnknown):
            await self._settle_late(call, came)
        else:
            await self._keep_beside(call, came)

    async def _settle_late(self, call: Call, came: Came) -> None:
        """Where the answer names a job that no other call has, the fax is taken up, or asked after under that job."""
        now, attempt, job_id = self._desk.clock.now(), call.attempt.id, came.answer.job_id if came.answer else None

        def unit(connection: sa.Connection) -> None:
            self._keep_answer(connection, attempt, came.answer, now, job_id)
            detail = "an answer to the call came after it had been given up"
            history.add(
                connection, at=now, event="late_answer", actor=history.CARRIER, detail=detail, fax_id=call.fax.id
            )
            if job_id is None or attempts.with_job(connection, job_id) is not None:
                return
            if isinstance(came, Taken):
                settle.take_up(connection, call, job_id, now, f"iFax job {job_id}", due_at=now)
            elif call.waits:
                attempts.name_job(connection, attempt, job_id)
                faxes.ask_now(connection, call.fax.id, now)
            else:
                inquiries.hear(connection, job_id, call.fax.number, now, ask=True)

        await self._desk.store.write(unit)
        self._desk.bells.ring(Bell.TRACK, Bell.EVIDENCE)

    async def _keep_beside(self, call: Call, came: Came) -> None:
        """What was decided stays; the answer is kept, and told where it contradicts."""
        job_id = came.answer.job_id if came.answer else None
        taken = isinstance(came, Taken)

        def also(connection: sa.Connection, now: datetime) -> None:
            self._keep_answer(connection, call.attempt.id, came.answer, now, job_id)
            free = job_id is not None and attempts.with_job(connection, job_id) is None
            if taken and free and call.attempt.carrier_job_id is None:
                attempts.name_job(connection, call.attempt.id, job_id or "")

        if taken and job_id == call.attempt.carrier_job_id:  # evidence was quicker, and said the same
            await self._desk.store.write(lambda connection: also(connection, self._desk.clock.now()))
            return
        said = f"iFax took it as job {job_id}" if isinstance(came, Taken) else came.public
        await evidence.add_to_decided(
            self._desk, self._reporter, call, f"a late answer says: {said}", also, arrived=taken
        )

    async def _give_up_damaged(self, fax: Fax, error: BlobDamaged) -> None:
        change = Change(fax, FaxState.FAILED, _outcome("stored-copy-damaged", None, None), pages_sent=0)
        now = self._desk.clock.now()
        await self._reporter.carry_out(
            change, now, lambda connection: write_end(connection, change, now, error.public), tell_admin=True
        )

    async def _request(self, fax: Fax) -> FaxRequest:
        """The call as it will be made; raises BlobDamaged."""
        assert fax.document_id is not None
        document = await self._desk.store.read(lambda connection: faxes.document_of(connection, fax.document_id or ""))
        pages = await self._desk.store.read_blob(document.blob_id)
        message = await self._desk.store.read(lambda connection: faxes.message_of(connection, fax.message_id))
        cover = None if document.cover_text is None else await self._cover(fax, message, document.cover_text)
        return FaxRequest(fax.number, pages, fax.caller_id, cover, lambda: self._grip.holds, message.asked.quality)

    async def _cover(self, fax: Fax, message: Message, text: str) -> CoverWords:
        """What the carrier puts on its cover page; never nothing at all, since then it would make none."""
        stored = await self._desk.store.stored(message.blob_id)
        written = read_headers(await self._desk.store.blobs.head(stored, HEADER_LIMIT))
        return CoverWords(
            subject=written.subject,
            from_name=written.writer or fax.sender,
            to_name=fax.person or fax.company or as_people_write(fax.number),
            message=text,
        )

    async def _taken(self, fax: Fax, attempt: str, taken: Taken) -> None:
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> None:
            self._keep_answer(connection, attempt, taken.answer, now, taken.job_id)
            attempts.finish(connection, attempt, AttemptResult.TAKEN, now, job_id=taken.job_id)
            troubles.end_all(connection, FAXES_REFUSED)
            hooked = history.was_hooked(connection, taken.job_id)
            faxes.change(
                connection,
                fax,
                FaxState.SENDING,
                now=now,
                event="taken",
                actor=history.CARRIER,
                detail=f"iFax job {taken.job_id}",
                due_at=now if hooked else now + self._options.first_poll,
                polls=0,
            )

        await self._desk.store.write(unit)
        self._desk.events.fax_taken(fax=fax.id, job=taken.job_id)
        self._desk.bells.ring(Bell.TRACK)

    async def _refused(self, fax: Fax, attempt: str, error: CallRefused) -> None:
        await self._failed(fax, attempt, error)
        self._desk.bells.ring(Bell.SUBMIT)

    async def _not_taken(self, fax: Fax, attempt: str, error: NotTaken) -> None:
        self._desk.events.fax_not_taken(fax=fax.id, cause=error.cause)
        await self._failed(fax, attempt, error)

    async def _failed(self, fax: Fax, attempt: str, error: CallRefused | NotTaken) -> None:
        """Nothing was sent: the fax is tried again, or ends."""
        code, text = _words(error.answer)
        now, refused = self._desk.clock.now(), isinstance(error, CallRefused)
        result = AttemptResult.REFUSED if refused else AttemptResult.NOT_TAKEN

        def write(connection: sa.Connection) -> None:
            self._keep_answer(connection, attempt, error.answer, now)
            attempts.finish(
                connection, attempt, result, now, code=code, message=text or error.public, cause=error.cause
            )

        failure = Failure(
            fax,
            attempt,
            result,
            _outcome(error.cause, code, text),
            f"refused: {error.public}" if refused else error.public,
            write,
            pages_sent=0,
            retry_after=timedelta(seconds=error.retry_after or 0) if isinstance(error, NotTaken) else None,
        )
        await self._retrier.follow(failure, now)

    async def _unknown(self, fax: Fax, attempt: str, error: OutcomeUnknown) -> None:
        code, text = _words(error.answer)
        job_id = error.answer.job_id if error.answer else None

        def write_attempt(connection: sa.Connection, now: datetime) -> None:
            self._keep_answer(connection, attempt, error.answer, now, job_id)
            known = None if job_id is None or attempts.with_job(connection, job_id) else job_id
            attempts.finish(
                connection, attempt, AttemptResult.UNKNOWN, now, code=code, message=text or error.public, job_id=known
            )

        ask_at = None if job_id is None else self._desk.clock.now() + self._options.first_poll
        window = self._options.settle_window
        await settle.wait_for_evidence(self._desk, fax, error.public, write_attempt, window=window, ask_at=ask_at)

    def _keep_answer(
        self, connection: sa.Connection, attempt: str, answer: Answer | None, now: datetime, job_id: str | None = None
    ) -> None:
        if answer is not None:
            history.add_evidence(
                connection,
                at=now,
                kind=EvidenceKind.ANSWER,
                direction="out",
                body=answer.evidence,
                http_status=answer.http_status,
                attempt_id=attempt,
                carrier_job_id=job_id,
            )

    async def _claim(self) -> Fax | None:
        """Nothing while the carrier is down, or wishes to be left alone."""
        if self._carrier.pause_left() > 0 or not self._breaker.admits(self._owner):
            return None
        claimed = None
        try:
            claimed = await self._claim_due()
        finally:
            if claimed is None:
                self._breaker.give_back(self._owner)
        return claimed

    async def _claim_due(self) -> Fax | None:
        def unit(connection: sa.Connection) -> Fax | None:
            if pauses.of(connection, Work.SENDING) is not None:
                return None
            row = destinations.claim(connection, self._grip.lease())
            return None if row is None else faxes.from_row(row)

        return self._grip.kept(await self._desk.store.write(unit))

    async def _renew(self, fax: Fax) -> bool:
        return self._grip.kept(
            await self._desk.store.write(
                lambda connection: destinations.renew(connection, fax.number, self._grip.lease())
            )
        )


def _outcome(slug: str, code: int | None, text: str | None) -> Outcome:
    cause = outcomes.cause(slug)
    return Outcome(cause.outcome_class, cause.slug, code, text)


def _words(answer: Answer | None) -> tuple[int | None, str | None]:
    """The carrier's own code and sentence, where there was an answer."""
    return (None, None) if answer is None else (small(answer.code), answer.message or None)
