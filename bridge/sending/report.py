"""Notices: rendered before the transaction that changes the fax, written within it.

A fax never becomes final without the row of its notice; ``purpose`` makes that row unique, so there is only one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bridge.fax import outcomes
from bridge.fax.arrivals import Mail, MailKind, MailState
from bridge.fax.jobs import Attempt, Fax, Message, Outcome, Part
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.mail import alarms, composing, headers, notices
from bridge.mail.headers import HEADER_LIMIT, Headers
from bridge.mail.notices import NoticeEvent, NoticeFacts
from bridge.mail.options import MailOptions
from bridge.runtime.worker import Bell
from bridge.sending.options import SendingOptions
from bridge.store import attempts, faxes, outbox
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk

OPERATORS_BUSINESS = {OutcomeClass.MONEY, OutcomeClass.ACCOUNT}
"""Outcomes that every fax will meet until the operator does something."""

NOT_WANTED = "notices.delivered is off"


@dataclass(frozen=True, slots=True)
class Change:
    """What is about to become of a fax, and what its notice tells; ``why`` adds what is special to this one."""

    before: Fax
    target: FaxState
    outcome: Outcome
    pages_sent: int | None = None
    parts: tuple[Part, ...] | None = None
    why: str = ""


class Reporter:
    """Writes the notices of outgoing faxes."""

    def __init__(self, desk: Desk, options: SendingOptions, mail: MailOptions) -> None:
        self._desk = desk
        self._options = options
        self._mail = mail

    async def carry_out(
        self, change: Change, now: datetime, apply: Callable[[sa.Connection], None], *, tell_admin: bool = False
    ) -> None:
        """Run ``apply`` (which changes the fax) and write its notices, all in one transaction.

        Where the fax turns out to have changed meanwhile nothing is written, and the error passes on.
        """
        facts = await self._facts(change)
        recipients = [change.before.sender or self._mail.admin]
        if tell_admin and self._mail.admin not in recipients:
            recipients.append(self._mail.admin)
        drafts = [await self._draft(facts, recipient, now) for recipient in recipients]

        if change.outcome.outcome_class in OPERATORS_BUSINESS:
            drafts.append(await self._alarm(change.outcome, now))

        def unit(connection: sa.Connection) -> list[outbox.Draft]:
            apply(connection)
            told = [draft for draft in drafts if outbox.is_written(connection, draft.mail.purpose)]
            for draft in drafts:
                if draft not in told:
                    draft.write(connection, now)
            return told

        told_before = await self._desk.store.write_files(unit, *(draft.blob for draft in drafts))
        for draft in told_before:
            if draft.blob is not None:
                self._desk.store.blobs.discard(draft.blob)
        self._desk.bells.ring(Bell.POST)
        self._say(change)

    async def _alarm(self, outcome: Outcome, now: datetime) -> outbox.Draft:
        """What stops every fax (no credit, key refused) is the operator's business: once an hour for each cause."""
        cause = outcomes.cause(outcome.cause)
        said = " ".join(str(word) for word in (outcome.code, outcome.text) if word is not None)
        row_id = self._desk.ids.new()
        content = alarms.render_alarm(
            subject=f"Faxes are refused: {cause.title}",
            lines=(
                f"iFax refuses faxes: {cause.title}.",
                cause.explanation,
                "Every fax will fail like this until it is mended; the senders are told each time.",
                f"iFax said: {said or 'nothing more'}",
            ),
            options=self._mail,
            row_id=row_id,
            now=now,
            event="alarm",
        )
        mail = Mail(
            id=row_id,
            kind=MailKind.ADMIN,
            purpose=f"alarm/{cause.slug}/{now:%Y-%m-%dT%H}",
            event="alarm",
            envelope_sender="",
            recipient=self._mail.admin,
            message_id=composing.message_id(row_id, self._mail),
        )
        return await self._desk.draft(mail, content)

    async def _facts(self, change: Change) -> NoticeFacts:
        fax = change.before

        def query(connection: sa.Connection) -> tuple[Message, list[Attempt], tuple[Part, ...]]:
            parts = faxes.parts_of(connection, fax.id) if change.parts is None else change.parts
            return faxes.message_of(connection, fax.message_id), attempts.of_fax(connection, fax.id), parts

        message, calls, parts = await self._desk.store.read(query)
        return NoticeFacts(
            event=notices.event_of(change.target, change.outcome),
            fax=fax,
            outcome=change.outcome,
            pages=fax.pages,
            pages_sent=change.pages_sent,
            parts=parts,
            attempts=tuple(calls),
            message=message,
            headers=await self._headers(message),
            why=change.why,
        )

    async def _headers(self, message: Message) -> Headers:
        """The mail's header fields; none where its file is gone, for a fax must come to its end all the same."""
        try:
            return headers.read_headers(await self._desk.store.blobs.head(message.blob_id, HEADER_LIMIT))
        except BlobDamaged:
            return Headers(())

    async def _draft(self, facts: NoticeFacts, recipient: str, now: datetime) -> outbox.Draft:
        row_id = self._desk.ids.new()
        wanted = self._options.delivered or facts.event is not NoticeEvent.DELIVERED
        attempt = f"/{len(facts.attempts)}" if facts.event is NoticeEvent.UNCONFIRMED else ""
        final = facts.event if facts.event is NoticeEvent.UNCONFIRMED else "final"
        mail = Mail(
            id=row_id,
            kind=MailKind.NOTICE,
            purpose=f"fax/{facts.fax.id}/{final}{attempt}/{recipient}",
            event=facts.event,
            envelope_sender="",
            recipient=recipient,
            message_id=composing.message_id(row_id, self._mail),
            state=MailState.WAITING if wanted else MailState.SUPPRESSED,
            reason=None if wanted else NOT_WANTED,
            fax_id=facts.fax.id,
        )
        if not wanted:
            return outbox.Draft(mail, None)
        content = notices.render(facts, self._mail, row_id=row_id, recipient=recipient, now=now)
        return await self._desk.draft(mail, content)

    def _say(self, change: Change) -> None:
        if change.target is FaxState.UNCONFIRMED:
            self._desk.events.fax_unconfirmed(fax=change.before.id, cause=change.outcome.cause)
        else:
            self._desk.events.fax_ended(
                fax=change.before.id,
                state=change.target,
                outcome=change.outcome.outcome_class,
                code=change.outcome.code,
            )


def write_end(connection: sa.Connection, change: Change, now: datetime, detail: str, owner: str | None = None) -> None:
    """The final change of a fax's row."""
    faxes.end(
        connection,
        change.before,
        change.target,
        change.outcome,
        now=now,
        detail=detail,
        owner=owner,
        pages_sent=change.pages_sent,
        parts=change.parts,
    )
