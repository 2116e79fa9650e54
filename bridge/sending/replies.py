"""Answers to notices: what a sender asks for in the first line is done once, if it comes from whom the notice went to.

Two steps, each a transaction: it is done, with what came of it in the answer's row; then that is told by mail.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from bridge.errors import NotAFaxNumber, Unavailable
from bridge.fax import numbers, replies as rules
from bridge.fax.arrivals import Mail, MailKind
from bridge.fax.jobs import Fax, Message
from bridge.fax.options import Privacy
from bridge.fax.orders import FITTING, Order, Reply
from bridge.fax.replies import Action, Answerable, Result, Said, Wish
from bridge.mail import answers, bodies, composing
from bridge.mail.answers import AnswerFacts
from bridge.mail.headers import Headers, read_headers
from bridge.mail.options import MailOptions
from bridge.runtime import foreign
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.events import masked
from bridge.runtime.worker import Bell, Duty
from bridge.sending.cancelling import cancel
from bridge.sending.offers import offer
from bridge.sending.report import Reporter
from bridge.sending.resending import Resender
from bridge.store import faxes, outbox, replies
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk
from bridge.store.outbox import Draft
from bridge.store.replies import Answer

ROUNDS = 5
NOT_READ = "It has no line that could be read."
UNCLEAR = 'Its first line, "{}", is none of the words that are understood.'
NOT_HERE = "That cannot be asked of this notice."
NOT_UNDERSTOOD = "Its first line is none of the words that are understood."
NO_NUMBER = "What stands there is no fax number."
NOT_ALLOWED = "It may not be faxed there, or not today."
TOO_LATE = "It is too late to cancel it: {}"


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
        known, fax, message = await self._desk.store.read(partial(_read, came=came))
        headers, text = await self._mail_of(message)
        if came.said is not None:
            await self._tell(came, known, fax, headers)
            return
        if not rules.may_ask(known, message.envelope_sender, came.identity, fax, admitted=came.admitted):
            sender = foreign.one_line(message.envelope_sender, 200)
            await self._note(came, Said(Result.STRANGER, f"The answer came from {sender}, where no notice went."))
        else:
            await self._act(came, known, fax, rules.first_line(text))
        crash_point(Point.REPLY_ACTED)
        self._desk.bells.ring(Bell.REPLY, Bell.PREPARE, Bell.SUBMIT, Bell.POST)

    async def _set_aside(self, came: Answer, why: str) -> None:
        """What the daemon died of is not tried again; the sender hears that nothing was done."""
        if came.said is None:
            await self._note(came, Said(Result.REFUSED, f"It could not be worked on: {why}."))
        else:
            await self._desk.store.write(self._done(came))

    async def _act(self, came: Answer, known: Answerable, fax: Fax, line: str) -> None:
        wish = rules.read(line)
        if wish is None:
            words = UNCLEAR.format(line[: rules.LONGEST_LINE]) if line else NOT_READ
            await self._note(came, Said(Result.UNCLEAR, _discreet(fax, words, NOT_UNDERSTOOD)))
        elif wish.action not in known.actions:
            await self._note(came, Said(Result.REFUSED, NOT_HERE))
        elif wish.action is Action.STATUS:
            await self._note(came, Said(Result.STATUS, rules.standing(fax)))
        elif known.said is not None:
            await self._note(came, Said(Result.REFUSED, f"This notice was answered before, and then: {known.said}"))
        elif wish.action is Action.CANCEL:
            await self._cancel(came, known, fax)
        else:
            await self._resend(came, known, fax, wish)

    async def _cancel(self, came: Answer, known: Answerable, fax: Fax) -> None:
        if fax.state not in FITTING[Order.CANCEL]:
            await self._note(came, Said(Result.REFUSED, TOO_LATE.format(rules.standing(fax))))
            return
        now, why = self._desk.clock.now(), "you called it off by mail"
        done = Said(Result.DONE, "It is cancelled. None of it was sent.")
        end = partial(self._spent, came=came, known=known, said=done)
        await cancel(self._reporter, fax, now, actor=_actor(known), why=why, answer=end)

    async def _resend(self, came: Answer, known: Answerable, fax: Fax, wish: Wish) -> None:
        """Once more; to a number that its sender never faxed only after asking back."""
        if fax.state not in FITTING[Order.RESEND]:
            await self._note(came, Said(Result.REFUSED, rules.standing(fax)))
            return
        to = known.to if wish.action is Action.YES else wish.to
        try:
            number = numbers.understand(to, self._mail.default_country) if to else fax.number
        except NotAFaxNumber as error:
            await self._note(came, Said(Result.UNCLEAR, _discreet(fax, f"{error.public}.", NO_NUMBER)))
            return
        seen = partial(replies.faxed_before, number=number, sender=fax.sender, identity=fax.identity)
        if wish.action is Action.RESEND and number != fax.number and not await self._desk.store.read(seen):
            shown = _discreet(fax, numbers.as_people_write(number), masked(number))
            await self._note(came, Said(Result.ASKED, f"No fax of yours has gone to {shown} yet.", number))
            return
        now = self._desk.clock.now()

        def answer(connection: sa.Connection, reply: Reply) -> None:
            if reply.refused:
                self._write_said(connection, came, Said(Result.REFUSED, _discreet(fax, f"{reply.text}.", NOT_ALLOWED)))
            else:
                self._spent(connection, came, known, Said(Result.DONE, "It is faxed once more."))

        target = None if number == fax.number else number
        await self._resender.resend(fax, target, now, _actor(known), answer, within_limits=True)

    def _spent(self, connection: sa.Connection, came: Answer, known: Answerable, said: Said) -> None:
        """By this answer something was done; no other answer has anything done any more."""
        if not replies.spend(connection, known.hashed, said.text):
            raise faxes.Stale("another answer to this notice came first")
        self._write_said(connection, came, said)

    async def _note(self, came: Answer, said: Said) -> None:
        await self._desk.store.write(partial(self._write_said, came=came, said=said))

    def _write_said(self, connection: sa.Connection, came: Answer, said: Said) -> None:
        replies.acted(connection, came.id, self._owner, self._desk.clock.now(), said)

    async def _tell(self, came: Answer, known: Answerable, fax: Fax, headers: Headers) -> None:
        """Owe the mail; of strangers a notice's owner hears once."""
        assert came.said is not None
        now, said = self._desk.clock.now(), came.said
        draft = await self._draft(came, known, fax, headers, said)

        def unit(connection: sa.Connection) -> bool:
            new = not outbox.is_written(connection, draft.mail.purpose)
            if new:
                draft.write(connection, now)
            replies.done(connection, came.id, self._owner, now)
            return new

        if not await self._desk.store.write_files(unit, draft.blob) and draft.blob is not None:
            self._desk.store.blobs.discard(draft.blob)
        crash_point(Point.REPLY_TOLD)
        self._desk.events.reply_worked(fax=fax.id, reply=came.id, result=said.result)
        self._desk.bells.ring(Bell.POST)

    async def _draft(self, came: Answer, known: Answerable, fax: Fax, headers: Headers, said: Said) -> Draft:
        now = self._desk.clock.now()
        row_id, stranger = self._desk.ids.new(), said.result is Result.STRANGER
        facts = AnswerFacts(fax, said, Headers(()) if stranger else headers)
        asked = _may_ask(said, fax)
        reply_to, answerable = offer(self._desk, self._mail, fax.id, known.notified, asked, to=said.number)
        facts = replace(facts, may_ask=asked, reply_to=reply_to)
        content = answers.render(facts, self._mail, row_id=row_id, recipient=known.notified, now=now)
        mail = Mail(
            id=row_id,
            kind=MailKind.NOTICE,
            purpose=f"reply/stranger/{known.hashed}" if stranger else f"reply/{came.id}",
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


def _read(connection: sa.Connection, came: Answer) -> tuple[Answerable, Fax, Message]:
    known = replies.find(connection, came.hashed)
    assert known is not None  # the answer's row refers to it
    fax = faxes.get(connection, known.fax_id)
    assert fax is not None
    return known, fax, faxes.message_of(connection, came.message_id)


def _may_ask(said: Said, fax: Fax) -> frozenset[Action]:
    """What the mail about an answer can be answered with."""
    if said.result is Result.ASKED:
        return frozenset({Action.YES})
    return rules.offered(fax.state) if said.result in {Result.UNCLEAR, Result.STATUS} else frozenset()


def _discreet(fax: Fax, text: str, instead: str) -> str:
    """What may hold a number is not told by mail under minimal privacy."""
    return instead if fax.privacy is Privacy.MINIMAL else text


def _actor(known: Answerable) -> str:
    return f"sender {known.notified}"
