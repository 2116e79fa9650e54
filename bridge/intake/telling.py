"""The mails that come of taking a mail on: the sender is told what became of it, the operator what needs a decision."""

from dataclasses import replace
from datetime import datetime

from bridge.fax import outcomes, replies
from bridge.fax.arrivals import Mail, MailKind, MailState
from bridge.fax.jobs import Fax, Message, Outcome
from bridge.fax.states import FaxState
from bridge.intake.options import IntakeOptions
from bridge.intake.plan import Earlier, alarm_purpose
from bridge.mail import alarms, composing, notices
from bridge.mail.headers import Headers, read_headers
from bridge.mail.notices import ACTIONS, DuplicateFacts, NoticeEvent, NoticeFacts
from bridge.mail.options import MailOptions
from bridge.mail.returned import Returned
from bridge.mail.wishes import Action, not_wanted
from bridge.runtime.phrases import phrase
from bridge.store.desk import Desk
from bridge.store.offers import offer
from bridge.store.outbox import Draft

SITE_LIMIT = phrase("this site may send {limit} faxes a day, and has taken on as many today")

NOT_TOLD = "notices.duplicate is off"


class Teller:
    """Drafts these mails: rendered, their bytes on disk, their rows still to be written."""

    def __init__(self, desk: Desk, options: IntakeOptions, mail: MailOptions) -> None:
        self._desk = desk
        self._options = options
        self._mail = mail

    async def duplicate(
        self, earlier: Earlier, again: Fax, message: Message, headers: Headers, again_from: datetime
    ) -> Draft:
        """That ``again``, of ``message``, is no second fax, and what became of the first."""
        reason = NOT_TOLD if not self._options.tell_duplicates else ""
        reason = reason or self._unwanted(notices.duplicate_action(earlier.fax), again)
        mail = self._notice(NoticeEvent.DUPLICATE, earlier.fax.id, message.id, self._to(again), reason)
        if reason:
            return Draft(mail, None)
        asked = self._may_ask(again, earlier.fax.state) if _is_by_the_same(earlier.fax, again) else frozenset()
        reply_to, answerable = offer(self._desk, self._mail.reply_domain, earlier.fax.id, mail.recipient, asked)
        facts = DuplicateFacts(
            fax=earlier.fax,
            message=earlier.message,
            headers=headers,
            recipient=again.recipient,
            original_recipient=again.original_recipient,
            envelope_id=message.envelope_id,
            again_from=again_from,
            reply_to=reply_to,
            may_ask=asked,
        )
        content = notices.render_duplicate(
            facts, self._mail, row_id=mail.id, recipient=mail.recipient, now=message.received_at
        )
        return replace(await self._desk.draft(mail, content), answerable=answerable)

    async def held(self, fax: Fax, message: Message, head: bytes) -> Draft:
        """That the fax is kept, and goes out when the operator says so."""
        reason = self._unwanted(ACTIONS[NoticeEvent.HELD], fax)
        mail = self._notice(NoticeEvent.HELD, fax.id, str(fax.version), self._to(fax), reason)
        if reason:
            return Draft(mail, None)
        cause = outcomes.cause("held-limit")
        asked = self._may_ask(fax, FaxState.HELD)
        reply_to, answerable = offer(self._desk, self._mail.reply_domain, fax.id, mail.recipient, asked)
        facts = NoticeFacts(
            event=NoticeEvent.HELD,
            fax=fax,
            outcome=Outcome(cause.outcome_class, cause.slug),
            pages=None,
            pages_sent=None,
            parts=(),
            attempts=(),
            message=message,
            headers=read_headers(head),
            why=SITE_LIMIT.format(limit=self._options.limits.faxes_per_day),
            returned=None if message.ret is None else Returned(head, whole=False),
            may_ask=asked,
            reply_to=reply_to,
        )
        content = notices.render(facts, self._mail, row_id=mail.id, recipient=mail.recipient, now=message.received_at)
        return replace(await self._desk.draft(mail, content), answerable=answerable)

    async def limit(self, now: datetime) -> Draft:
        """For the operator, once a day: the site has reached its limit of faxes."""
        limit = self._options.limits.faxes_per_day
        lines = (
            f"On {now.day} {now:%B %Y} (UTC) this site has taken on {_faxes(limit)}, and may send no more in one day.",
            "Every further fax of this day is taken on and held. Nothing is lost.",
            "Their senders are told each time; you are told once a day.",
            "What to do: find out whether they are meant. A stolen password, or a machine gone wild, looks like this.",
            "If they are, and there will be more, raise limits.faxes_per_day: that holds for faxes to come.",
            "To see what is held: faxbridge list --state held",
            "To let one of them go, past the limit: faxbridge release ID; to call it off: faxbridge cancel ID",
        )
        mail, content = alarms.alarm(
            subject="Faxes are held: the site has reached the daily limit of faxes",
            lines=lines,
            options=self._mail,
            row_id=self._desk.ids.new(),
            purpose=alarm_purpose(now),
            now=now,
        )
        return await self._desk.draft(mail, content)

    def _to(self, fax: Fax) -> str:
        return fax.notice_to or self._mail.admin

    def _unwanted(self, action: Action, fax: Fax) -> str:
        """The sender's wishes; they do not count for what goes to the operator in its place."""
        return "" if self._is_operators(fax) else not_wanted(action, fax.notify)

    def _may_ask(self, fax: Fax, state: FaxState) -> frozenset[replies.Action]:
        """What an answer to the notice may ask for, of a fax that is so far; the operator has commands for it."""
        return frozenset() if self._is_operators(fax) else replies.offered(state)

    def _is_operators(self, fax: Fax) -> bool:
        return self._to(fax) == self._mail.admin != fax.sender

    def _notice(self, event: NoticeEvent, fax_id: str, which: str, recipient: str, reason: str) -> Mail:
        row_id = self._desk.ids.new()
        return Mail(
            id=row_id,
            kind=MailKind.NOTICE,
            purpose=f"fax/{fax_id}/{event}/{which}/{recipient}",
            event=event,
            envelope_sender="",
            recipient=recipient,
            message_id=composing.message_id(row_id, self._mail),
            state=MailState.SUPPRESSED if reason else MailState.WAITING,
            reason=reason or None,
            fax_id=fax_id,
        )


def _is_by_the_same(first: Fax, again: Fax) -> bool:
    """Whether who sent the first is who has sent it again: a copier's users send the same from one address."""
    return (first.identity, first.sender.lower()) == (again.identity, again.sender.lower())


def _faxes(count: int) -> str:
    return "1 fax" if count == 1 else f"{count} faxes"
