"""The faxes of a mail are told of together: the worker that does so once all have ended."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from bridge.fax.arrivals import Mail, MailKind
from bridge.fax.jobs import Message, Part
from bridge.mail import alarms, composing, summaries as rendering
from bridge.mail.headers import HEADER_LIMIT, read_headers
from bridge.mail.notices import ACTIONS
from bridge.mail.options import MailOptions
from bridge.mail.summaries import Ended, SummaryFacts
from bridge.mail.wishes import Action
from bridge.runtime.worker import Bell, Duty
from bridge.sending.returning import give_back
from bridge.store import attempts, faxes, summaries
from bridge.store.desk import Desk
from bridge.store.outbox import Draft
from bridge.store.summaries import Summary

LOOK_AGAIN = timedelta(hours=1)
"""While a fax of the mail is on its way; its end makes the summary due at once."""


class Summariser:
    """Writes the summaries."""

    def __init__(self, desk: Desk, senders: tuple[str, ...], mail: MailOptions, name: str) -> None:
        self._desk = desk
        self._senders = senders
        self._mail = mail
        self._owner = name

    @property
    def duty(self) -> Duty[Summary]:
        """What the worker loop runs."""
        return Duty("summary", Bell.SUMMARY, self._claim, self.tell, self._renew, self._set_aside)

    async def tell(self, due: Summary) -> None:
        """Owe the mail, if all has ended."""
        message_id, now = due.message_id, self._desk.clock.now()
        if await self._desk.store.read(lambda connection: summaries.is_open(connection, message_id)):
            await self._desk.store.write(
                lambda connection: summaries.later(connection, message_id, self._owner, now + LOOK_AGAIN)
            )
            return
        facts = await self._facts(message_id)
        await self._owe(due, None if facts is None else await self._draft(facts))

    async def _owe(self, due: Summary, draft: Draft | None) -> None:
        """The mail, if there is to be one; then it is done."""
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> None:
            if draft is not None:
                draft.write(connection, now)
            summaries.done(connection, due.message_id, self._owner, now)

        await self._desk.store.write_files(unit, None if draft is None else draft.blob)
        self._desk.bells.ring(Bell.POST)

    async def _set_aside(self, due: Summary, why: str) -> None:
        """It is not tried again; the operator is told, since the sender hears nothing."""
        mail, content = alarms.alarm(
            subject=f"A sender was not told how the faxes of mail {due.message_id} ended",
            lines=(
                f"The notice for all faxes of mail {due.message_id} could not be written: {why}.",
                "The faxes themselves have ended; nothing is sent again.",
                f"What to do: tell the sender. To see how each ended: faxbridge show {due.message_id}.",
            ),
            options=self._mail,
            row_id=self._desk.ids.new(),
            purpose=f"summary/{due.message_id}",
            now=self._desk.clock.now(),
        )
        await self._owe(due, await self._desk.draft(mail, content))

    async def _facts(self, message_id: str) -> SummaryFacts | None:
        """What is to be told; None where the sender wants to hear of none of them."""

        def query(connection: sa.Connection) -> tuple[Message, tuple[Ended, ...], tuple[Part, ...]]:
            ids = summaries.collected(connection, message_id)
            parts = faxes.parts_of(connection, ids[0]) if ids else ()
            return faxes.message_of(connection, message_id), tuple(_ended(connection, each) for each in ids), parts

        message, ended, parts = await self._desk.store.read(query)
        if not ended:
            return None
        head = await self._desk.store.head(message.blob_id, HEADER_LIMIT)
        facts = SummaryFacts(message, ended, parts, read_headers(head))
        failed = any(ACTIONS[each.event] is Action.FAILED for each in ended)
        to = self._recipient(facts)
        return replace(facts, returned=await give_back(self._desk, message, head, to, self._senders, failed=failed))

    def _recipient(self, facts: SummaryFacts) -> str:
        fax = facts.faxes[0].fax
        return fax.notice_to or fax.sender or self._mail.admin

    async def _draft(self, facts: SummaryFacts) -> Draft:
        row_id, fax = self._desk.ids.new(), facts.faxes[0].fax
        recipient = self._recipient(facts)
        mail = Mail(
            id=row_id,
            kind=MailKind.NOTICE,
            purpose=f"summary/{facts.message.id}",
            event=rendering.EVENT,
            envelope_sender="",
            recipient=recipient,
            message_id=composing.message_id(row_id, self._mail),
            fax_id=fax.id,
        )
        now = self._desk.clock.now()
        content = rendering.render(facts, self._mail, row_id=row_id, recipient=recipient, now=now)
        return await self._desk.draft(mail, content)

    async def _claim(self) -> Summary | None:
        return await self._desk.store.write(
            lambda connection: summaries.claim(connection, self._desk.lease(self._owner))
        )

    async def _renew(self, due: Summary) -> bool:
        return await self._desk.store.write(
            lambda connection: summaries.renew(connection, due.message_id, self._desk.lease(self._owner))
        )


def _ended(connection: sa.Connection, fax_id: str) -> Ended:
    fax = faxes.get(connection, fax_id)
    assert fax is not None
    assert fax.outcome is not None  # its notice's row was written in the change that ended it
    calls = attempts.of_fax(connection, fax_id)
    return Ended(fax, fax.outcome, calls[-1].started_at if calls else None)
