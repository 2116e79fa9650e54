"""Notices: rendered before the transaction that changes the fax, written within it.

A fax never becomes final without the row of its notice; ``purpose`` makes that row unique, so there is only one. A
notice that is not wanted is such a row too, ``suppressed``, with its reason.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from bridge.fax import replies
from bridge.fax.arrivals import Mail, MailKind, MailState
from bridge.fax.failing import COUNTED, Failing, failures_in_a_row
from bridge.fax.jobs import Attempt, Fax, Message, Outcome, Part
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.mail import composing, headers, notices, wishes
from bridge.mail.headers import HEADER_LIMIT
from bridge.mail.notices import ACTIONS, NoticeEvent, NoticeFacts
from bridge.mail.options import MailOptions
from bridge.mail.wishes import Action
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell
from bridge.sending.alarms import Alarms
from bridge.sending.enclosures import FINAL, Enclosures
from bridge.sending.options import SendingOptions
from bridge.sending.returning import give_back
from bridge.store import attempts, failing, faxes, history, outbox, summaries, troubles
from bridge.store.desk import Desk
from bridge.store.offers import offer
from bridge.store.outbox import Draft
from bridge.store.summaries import COLLECTED

OPERATORS_BUSINESS = {OutcomeClass.MONEY, OutcomeClass.ACCOUNT}
"""Outcomes that every fax will meet until the operator does something."""

FAXES_REFUSED = "refused."
"""Begins the names of troubles of that kind; they are over when iFax takes a fax."""

NOT_WANTED = "notices.delivered is off"


@dataclass(frozen=True, slots=True)
class Change:
    """What is about to become of a fax, and what its notice tells; ``why`` adds what is special to this one.

    ``pages`` and ``parts`` are what the change itself brings; None: as the fax has them. ``event`` is for what is told
    of a fax that stays as it is.
    """

    before: Fax
    target: FaxState
    outcome: Outcome
    pages_sent: int | None = None
    parts: tuple[Part, ...] | None = None
    why: str = ""
    pages: int | None = None
    event: NoticeEvent | None = None
    untold: str = ""
    """Why its sender need not be told of it."""


class Reporter:
    """Writes the notices of outgoing faxes."""

    def __init__(
        self, desk: Desk, options: SendingOptions, mail: MailOptions, enclosures: Enclosures | None = None
    ) -> None:
        self._desk = desk
        self._options = options
        self._mail = mail
        self._enclosures = enclosures
        self.alarms = Alarms(desk, mail)

    async def carry_out(
        self,
        change: Change,
        now: datetime,
        apply: Callable[[sa.Connection], None],
        *,
        tell_admin: bool = False,
        alarm: Draft | None = None,
    ) -> None:
        """Write a fax's notices and run ``apply``, which changes it, all in one transaction.

        Where the fax turns out to have changed meanwhile nothing is written, and the error passes on.
        """
        drafts = await self.drafts(change, now, tell_admin=tell_admin)
        if alarm is not None:
            drafts.append(alarm)
        stopping = None
        if change.outcome.outcome_class in OPERATORS_BUSINESS:
            stopping = await self.alarms.refused(change.outcome, now)

        def unit(connection: sa.Connection) -> list[Draft]:
            told = write(connection, drafts, now)
            if stopping is not None:
                new = troubles.begin(connection, f"{FAXES_REFUSED}{change.outcome.cause}", now)
                told += write(connection, [stopping], now) if new else [stopping]
            apply(connection)
            return told

        crash_point(Point.NOTICE_STORED)
        files = [draft.blob for draft in (*drafts, stopping) if draft is not None]
        told_before = await self._desk.store.write_files(unit, *files)
        crash_point(Point.NOTICE_COMMITTED)
        self.discard(told_before)
        self._desk.bells.ring(Bell.POST, Bell.SUMMARY)
        self._say(change)

    async def drafts(self, change: Change, now: datetime, *, tell_admin: bool = False) -> list[Draft]:
        """The notices of a change: the sender's, as it wishes, and, with ``tell_admin``, the operator's.

        The sender's goes where that was settled; where there is neither that nor a sender, to the operator.
        """
        fax, admin = change.before, self._mail.admin
        to = fax.notice_to or fax.sender or admin
        for_operator = to == admin and (tell_admin or fax.sender != admin)
        facts, head = await self._facts(change, now)
        off = NOT_WANTED if facts.event is NoticeEvent.DELIVERED and not self._options.delivered else ""
        reason = off if for_operator else wishes.not_wanted(ACTIONS[facts.event], fax.notify, otherwise=off)
        collected = not for_operator and not change.untold and await self._is_collected(facts)
        reason = change.untold or reason or (COLLECTED if collected else "")
        failed = ACTIONS[facts.event] is Action.FAILED
        returned = (
            None
            if for_operator or reason
            else await give_back(self._desk, facts.message, head, to, self._options.senders, failed=failed)
        )
        asked = frozenset[replies.Action]() if for_operator else replies.offered(change.target)
        own = await self._draft(replace(facts, returned=returned, may_ask=asked), to, now, reason)
        drafts = [replace(own, collected_for=facts.message.id) if collected else own]
        if tell_admin and to != admin:
            drafts.append(await self._draft(facts, admin, now))
        return drafts

    def discard(self, drafts: Iterable[Draft]) -> None:
        """Let go of mails that are not written after all."""
        for draft in drafts:
            if draft.blob is not None:
                self._desk.store.blobs.discard(draft.blob)

    async def _is_collected(self, facts: NoticeFacts) -> bool:
        """Whether a fax's end is told together with those of the other faxes of its mail."""
        if not self._options.digest or facts.event not in FINAL or facts.fax.resend_of is not None:
            return False
        return await self._desk.store.read(lambda connection: summaries.has_several(connection, facts.message.id))

    async def _facts(self, change: Change, now: datetime) -> tuple[NoticeFacts, bytes]:
        """What the notices tell, and the mail's beginning."""
        fax = change.before

        def query(connection: sa.Connection) -> tuple[Message, list[Attempt], tuple[Part, ...], Failing | None]:
            parts = faxes.parts_of(connection, fax.id) if change.parts is None else change.parts
            known = failing.of(connection, fax.number) if change.outcome.outcome_class in COUNTED else None
            return faxes.message_of(connection, fax.message_id), attempts.of_fax(connection, fax.id), parts, known

        message, calls, parts, known = await self._desk.store.read(query)
        times = failures_in_a_row(known, change.outcome, now)
        head = await self._desk.store.head(message.blob_id, HEADER_LIMIT)
        facts = NoticeFacts(
            event=change.event or notices.event_of(change.target, change.outcome),
            fax=fax,
            outcome=change.outcome,
            pages=fax.pages if change.pages is None else change.pages,
            pages_sent=change.pages_sent,
            parts=parts,
            attempts=tuple(calls),
            message=message,
            headers=headers.read_headers(head),
            why=change.why,
            in_a_row=times,
            refused_now=0 < self._options.refuse_after <= times,
        )
        return facts, head

    async def _draft(self, facts: NoticeFacts, recipient: str, now: datetime, reason: str = "") -> Draft:
        """A notice, or, where there is a reason against it, the row that says so."""
        row_id = self._desk.ids.new()
        which = {
            NoticeEvent.UNCONFIRMED: f"unconfirmed/{len(facts.attempts)}",
            NoticeEvent.HELD: f"held/{facts.fax.version}",
            NoticeEvent.ACCEPTED: "accepted",
            NoticeEvent.DELAYED: "delayed",
        }.get(facts.event, "final")
        mail = Mail(
            id=row_id,
            kind=MailKind.NOTICE,
            purpose=f"fax/{facts.fax.id}/{which}/{recipient}",
            event=facts.event,
            envelope_sender="",
            recipient=recipient,
            message_id=composing.message_id(row_id, self._mail),
            state=MailState.SUPPRESSED if reason else MailState.WAITING,
            reason=reason or None,
            fax_id=facts.fax.id,
        )
        if reason:
            return Draft(mail, None)
        reply_to, answerable = offer(self._desk, self._mail.reply_domain, facts.fax.id, recipient, facts.may_ask)
        facts = replace(facts, reply_to=reply_to)
        if self._enclosures is not None:
            facts = replace(facts, enclosed=await self._enclosures.of(facts, recipient, now))
        content = notices.render(facts, self._mail, row_id=row_id, recipient=recipient, now=now)
        return replace(await self._desk.draft(mail, content), answerable=answerable)

    def _say(self, change: Change) -> None:
        if change.target is FaxState.UNCONFIRMED:
            self._desk.events.fax_person_asked(fax=change.before.id)
        elif change.event is NoticeEvent.DELAYED:
            self._desk.events.fax_delayed(fax=change.before.id)
        elif change.target is FaxState.HELD:
            self._desk.events.fax_held(fax=change.before.id, reason=change.outcome.cause.removeprefix("held-"))
        else:
            self._desk.events.fax_ended(
                fax=change.before.id,
                state=change.target,
                outcome=change.outcome.outcome_class,
                code=change.outcome.code,
            )


def write(connection: sa.Connection, drafts: Iterable[Draft], now: datetime) -> list[Draft]:
    """Owe these mails, and say in the fax's history which are not wanted; returns those that were told before."""
    told = []
    for draft in drafts:
        mail = draft.mail
        if outbox.is_written(connection, mail.purpose):
            told.append(draft)
            continue
        draft.write(connection, now)
        if mail.state is MailState.SUPPRESSED:
            detail = f"{mail.event} to {mail.recipient}: {mail.reason}"
            history.add(connection, at=now, event="notice_suppressed", detail=detail, fax_id=mail.fax_id)
    return told


def write_end(
    connection: sa.Connection,
    change: Change,
    now: datetime,
    detail: str,
    owner: str | None = None,
    *,
    actor: str = history.DAEMON,
) -> None:
    """The final change of a fax's row."""
    faxes.end(
        connection,
        change.before,
        change.target,
        change.outcome,
        now=now,
        detail=detail,
        actor=actor,
        owner=owner,
        pages_sent=change.pages_sent,
        parts=change.parts,
    )
