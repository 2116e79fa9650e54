"""Answers to notices: what a sender asks for in the first line is done once, if it comes from whom the notice went to.

Two steps, each a transaction: it is done, with what came of it in the answer's row; then that is told by mail.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from bridge.errors import NotAFaxNumber, Unavailable
from bridge.fax import numbers, replies as rules
from bridge.fax.arrivals import Mail, MailKind
from bridge.fax.jobs import Fax, Message
from bridge.fax.options import Privacy
from bridge.fax.orders import FITTING, Order, Reply
from bridge.fax.replies import Action, Answerable, Result, Said, Wish
from bridge.mail import answers, bodies, composing, tongues
from bridge.mail.answers import AnswerFacts
from bridge.mail.headers import Headers, read_headers
from bridge.mail.options import MailOptions
from bridge.mail.replies import standing
from bridge.mail.tongues import Tongue
from bridge.runtime import foreign
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.events import masked
from bridge.runtime.phrases import phrase
from bridge.runtime.worker import Bell, Duty
from bridge.sending.cancelling import cancel
from bridge.sending.report import Reporter
from bridge.sending.resending import Resender
from bridge.store import faxes, outbox, replies
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk
from bridge.store.offers import offer
from bridge.store.outbox import Draft
from bridge.store.replies import Answer

ROUNDS = 5
NOT_READ = phrase("It has no line that could be read.")
UNCLEAR = phrase('Its first line, "%(line)s", is none of the words that are understood.')
NOT_HERE = phrase("That cannot be asked of this notice.")
NOT_UNDERSTOOD = phrase("Its first line is none of the words that are understood.")
NO_NUMBER = phrase("What stands there is no fax number.")
NOT_ALLOWED = phrase("It may not be faxed there, or not today.")
TOO_LATE = phrase("It is too late to cancel it: %(standing)s")
STRANGER = phrase("The answer came from %(sender)s, where no notice went.")
NOT_WORKED_ON = phrase("It could not be worked on: %(why)s.")
BEFORE = phrase("This notice was answered before, and then: %(said)s")
CANCELLED = phrase("It is cancelled. None of it was sent.")
NEVER_THERE = phrase("No fax of yours has gone to %(number)s yet.")
ONCE_MORE = phrase("It is faxed once more.")
CALLED_OFF = phrase("you called it off by mail")


class Answerer:
    """The worker that does what was asked, and tells what came of it."""

    def __init__(self, desk: Desk, reporter: Reporter, resender: Resender, mail: MailOptions, name: str) -> None:
        self._desk = desk
        self._reporter = reporter
        self._resender = resender
        self._mail = mail
        self._owner = name

    @property
    def duty(self) -> Duty[Answer]:
        """What the worker loop runs."""
        return Duty("reply", Bell.REPLY, self._claim, self.work, self._renew, self._set_aside)

    async def work(self, came: Answer) -> None:
        """The next step. Where the fax, or the notice, changes under it, it is looked at anew."""
        crash_point(Point.REPLY_CLAIMED)
        for _ in range(ROUNDS):
            try:
                await self._step(came)
            except faxes.Stale:
                continue
            return
        raise Unavailable("too much happens to this fax at once; tried again later")

    async def _step(self, came: Answer) -> None:
        case = await self._desk.store.read(partial(_read, came=came))
        headers, text = await self._mail_of(case.message)
        if came.said is not None:
            await self._tell(case, headers)
            return
        sender = case.message.envelope_sender
        if not rules.may_ask(case.known, sender, came.identity, case.fax, admitted=came.admitted):
            await self._note(case, Result.STRANGER, STRANGER, sender=foreign.one_line(sender, 200))
        else:
            await self._act(case, rules.first_line(text))
        crash_point(Point.REPLY_ACTED)
        self._desk.bells.ring(Bell.REPLY, Bell.PREPARE, Bell.SUBMIT, Bell.POST)

    async def _set_aside(self, came: Answer, why: str) -> None:
        """What the daemon died of is not tried again; the sender hears that nothing was done."""
        if came.said is None:
            case = await self._desk.store.read(partial(_read, came=came))
            await self._note(case, Result.REFUSED, NOT_WORKED_ON, why=case.tongue.retold(why))
        else:
            await self._desk.store.write(self._done(came))

    async def _act(self, case: "_Case", line: str) -> None:
        wish, known, fax = rules.read(line), case.known, case.fax
        if wish is None:
            words = (UNCLEAR if line else NOT_READ) if fax.privacy is Privacy.FULL else NOT_UNDERSTOOD
            await self._note(case, Result.UNCLEAR, words, line=line[: rules.LONGEST_LINE])
        elif wish.action not in known.actions:
            await self._note(case, Result.REFUSED, NOT_HERE)
        elif wish.action is Action.STATUS:
            await self._put(case, Said(Result.STATUS, standing(fax, case.tongue)))
        elif known.said is not None:
            await self._note(case, Result.REFUSED, BEFORE, said=known.said)
        elif wish.action is Action.CANCEL:
            await self._cancel(case)
        else:
            await self._resend(case, wish)

    async def _cancel(self, case: "_Case") -> None:
        if case.fax.state not in FITTING[Order.CANCEL]:
            await self._note(case, Result.REFUSED, TOO_LATE, standing=standing(case.fax, case.tongue))
            return
        now, end = self._desk.clock.now(), partial(self._spent, case=case, text=CANCELLED)
        await cancel(self._reporter, case.fax, now, actor=_actor(case.known), why=CALLED_OFF, answer=end)

    async def _resend(self, case: "_Case", wish: Wish) -> None:
        """Once more; to a number that its sender never faxed only after asking back."""
        fax, discreet = case.fax, case.fax.privacy is Privacy.MINIMAL
        if fax.state not in FITTING[Order.RESEND]:
            await self._put(case, Said(Result.REFUSED, standing(fax, case.tongue)))
            return
        to = case.known.to if wish.action is Action.YES else wish.to
        try:
            number = numbers.understand(to, self._mail.default_country) if to else fax.number
        except NotAFaxNumber as error:
            text = case.tongue.say(NO_NUMBER) if discreet else f"{case.tongue.retold(error.public)}."
            await self._put(case, Said(Result.UNCLEAR, text))
            return
        seen = partial(replies.faxed_before, number=number, sender=fax.sender, identity=fax.identity)
        if wish.action is Action.RESEND and number != fax.number and not await self._desk.store.read(seen):
            shown = masked(number) if discreet else numbers.as_people_write(number)
            await self._put(case, Said(Result.ASKED, case.tongue.say(NEVER_THERE, number=shown), number))
            return

        def answer(connection: sa.Connection, reply: Reply) -> None:
            if reply.refused:
                text = case.tongue.say(NOT_ALLOWED) if discreet else f"{case.tongue.retold(reply.text)}."
                self._write_said(connection, case.came, Said(Result.REFUSED, text))
            else:
                self._spent(connection, case, ONCE_MORE)

        target = None if number == fax.number else number
        now = self._desk.clock.now()
        await self._resender.resend(fax, target, now, _actor(case.known), answer, within_limits=True)

    def _spent(self, connection: sa.Connection, case: "_Case", text: str) -> None:
        """By this answer something was done; no other answer has anything done any more."""
        said = Said(Result.DONE, case.tongue.say(text))
        if not replies.spend(connection, case.known.hashed, said.text):
            raise faxes.Stale("another answer to this notice came first")
        self._write_said(connection, case.came, said)

    async def _note(self, case: "_Case", result: Result, text: str, **fields: str) -> None:
        await self._put(case, Said(result, case.tongue.say(text, **fields)))

    async def _put(self, case: "_Case", said: Said) -> None:
        await self._desk.store.write(partial(self._write_said, came=case.came, said=said))

    def _write_said(self, connection: sa.Connection, came: Answer, said: Said) -> None:
        replies.acted(connection, came.id, self._owner, self._desk.clock.now(), said)

    async def _tell(self, case: "_Case", headers: Headers) -> None:
        """Owe the mail; of strangers a notice's owner hears once."""
        came, said = case.came, case.came.said
        assert said is not None
        now = self._desk.clock.now()
        draft = await self._draft(case, headers, said)

        def unit(connection: sa.Connection) -> bool:
            new = not outbox.is_written(connection, draft.mail.purpose)
            if new:
                draft.write(connection, now)
            replies.done(connection, came.id, self._owner, now)
            return new

        if not await self._desk.store.write_files(unit, draft.blob) and draft.blob is not None:
            self._desk.store.blobs.discard(draft.blob)
        crash_point(Point.REPLY_TOLD)
        self._desk.events.reply_worked(fax=case.fax.id, reply=came.id, result=said.result)
        self._desk.bells.ring(Bell.POST)

    async def _draft(self, case: "_Case", headers: Headers, said: Said) -> Draft:
        now, known, fax = self._desk.clock.now(), case.known, case.fax
        row_id, stranger = self._desk.ids.new(), said.result is Result.STRANGER
        asked = _may_ask(said, fax)
        reply_to, answerable = offer(self._desk, self._mail.reply_domain, fax.id, known.notified, asked, to=said.number)
        shown = Headers(()) if stranger else headers
        facts = AnswerFacts(fax, said, case.tongue.language, shown, may_ask=asked, reply_to=reply_to)
        content = answers.render(facts, self._mail, row_id=row_id, recipient=known.notified, now=now)
        mail = Mail(
            id=row_id,
            kind=MailKind.NOTICE,
            purpose=f"reply/stranger/{known.hashed}" if stranger else f"reply/{case.came.id}",
            event=answers.EVENT,
            envelope_sender="",
            recipient=known.notified,
            message_id=composing.message_id(row_id, self._mail),
            fax_id=fax.id,
        )
        return replace(await self._desk.draft(mail, content), answerable=answerable)

    async def _mail_of(self, message: Message) -> tuple[Headers, str]:
        """Its header and its text; nothing where its file is gone or damaged, for a letter makes another order."""
        try:
            stored = await self._desk.store.stored(message.blob_id)
            await self._desk.store.blobs.check(stored)
            head = await self._desk.store.blobs.head(stored, bodies.BODY_LIMIT)
        except BlobDamaged:
            return Headers(()), ""
        return read_headers(head), bodies.text_of(head)

    def _done(self, came: Answer) -> Callable[[sa.Connection], None]:
        now = self._desk.clock.now()
        return partial(replies.done, answer_id=came.id, owner=self._owner, now=now)

    async def _claim(self) -> Answer | None:
        return await self._desk.store.write(lambda connection: replies.claim(connection, self._desk.lease(self._owner)))

    async def _renew(self, came: Answer) -> bool:
        return await self._desk.store.write(
            lambda connection: replies.renew(connection, came.id, self._desk.lease(self._owner))
        )


@dataclass(frozen=True, slots=True)
class _Case:
    """An answer with what it is about: the notice, its fax, the mail that answers, and its sender's language."""

    came: Answer
    known: Answerable
    fax: Fax
    message: Message
    tongue: Tongue


def _read(connection: sa.Connection, came: Answer) -> _Case:
    known = replies.find(connection, came.hashed)
    assert known is not None  # the answer's row refers to it
    fax = faxes.get(connection, known.fax_id)
    assert fax is not None
    language = faxes.message_of(connection, fax.message_id).language
    return _Case(came, known, fax, faxes.message_of(connection, came.message_id), tongues.of(language))


def _may_ask(said: Said, fax: Fax) -> frozenset[Action]:
    """What the mail about an answer can be answered with."""
    if said.result is Result.ASKED:
        return frozenset({Action.YES})
    return rules.offered(fax.state) if said.result in {Result.UNCLEAR, Result.STATUS} else frozenset()


def _actor(known: Answerable) -> str:
    return f"sender {known.notified}"
