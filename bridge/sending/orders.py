"""What an operator asked of a fax is carried out here: the deed, its notice and the answer in one transaction.

A command whose daemon dies is found again by the next one; since answer and deed are written together, nothing is done
twice.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

import sqlalchemy as sa

from bridge.errors import Unavailable
from bridge.fax import orders, outcomes
from bridge.fax.jobs import Fax, Outcome
from bridge.fax.orders import Order, Reply
from bridge.fax.states import FaxState, HoldReason
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.phrases import phrase
from bridge.runtime.worker import Bell, Duty
from bridge.sending import allowance, decisions
from bridge.sending.cancelling import cancel
from bridge.sending.report import Change, Reporter
from bridge.sending.resending import Resender
from bridge.store import commands, faxes, waits
from bridge.store.commands import Command
from bridge.store.desk import Desk

CALLED_OFF = phrase("your administrator called it off while it was waiting here")

ROUNDS = 5
"""How often a fax is looked at anew that changes while an order is carried out."""


class OrderClerk:
    """The worker that carries out what the shell asks of single faxes."""

    def __init__(self, desk: Desk, reporter: Reporter, resender: Resender, name: str) -> None:
        self._desk = desk
        self._reporter = reporter
        self._resender = resender
        self._owner = name
        self._deeds: dict[Order, Callable[[Command, Fax, datetime], Awaitable[None]]] = {
            Order.RETRY: self._retry,
            Order.HOLD: self._hold,
            Order.RELEASE: self._release,
            Order.SETTLE: self._settle,
            Order.RESEND: self._resend,
            Order.CANCEL: self._cancel,
        }

    @property
    def duty(self) -> Duty[Command]:
        """What the worker loop runs."""
        return Duty("orders", Bell.COMMAND, self._claim, self.carry_out, self._renew, self._set_aside)

    async def carry_out(self, asked: Command) -> None:
        """Do it, or say why it cannot be done."""
        crash_point(Point.ORDER_CLAIMED)
        for _ in range(ROUNDS):
            try:
                await self._try(asked)
            except faxes.Stale:
                continue
            crash_point(Point.ORDER_COMMITTED)
            self._desk.bells.ring(Bell.PREPARE, Bell.SUBMIT, Bell.POST)
            return
        raise Unavailable("too much happens to this fax at once; tried again later")

    async def _set_aside(self, asked: Command, why: str) -> None:
        await self._answer(asked, Reply(f"this is not done: {why}", refused=True))

    async def _try(self, asked: Command) -> None:
        order = Order(asked.what)
        fax = await self._desk.store.read(lambda connection: faxes.get(connection, asked.subject or ""))
        if fax is None:
            await self._answer(asked, Reply(f"there is no fax {asked.subject}", refused=True))
            return
        if (reply := orders.reply_at_once(order, fax)) is not None:
            await self._answer(asked, reply)
            return
        await self._deeds[order](asked, fax, self._desk.clock.now())

    async def _retry(self, asked: Command, fax: Fax, now: datetime) -> None:
        def unit(connection: sa.Connection) -> None:
            waits.due_now(connection, fax, now, _actor(asked))
            self._done(connection, asked, Reply(f"{fax.id} is due now"))

        await self._desk.store.write(unit)

    async def _hold(self, asked: Command, fax: Fax, now: datetime) -> None:
        cause = outcomes.cause("held-operator")
        change = Change(fax, FaxState.HELD, Outcome(cause.outcome_class, cause.slug))

        def unit(connection: sa.Connection) -> None:
            faxes.change(
                connection,
                fax,
                FaxState.HELD,
                now=now,
                event="held",
                detail="stopped before it went to iFax",
                actor=_actor(asked),
                hold_reason=HoldReason.OPERATOR,
            )
            self._done(connection, asked, Reply(f"{fax.id} is held; to let it go: faxbridge release {fax.id}"))

        await self._reporter.carry_out(change, now, unit)

    async def _release(self, asked: Command, fax: Fax, now: datetime) -> None:
        """Past the limit it was held for, if it was: that is what the operator's word is for. Its pages count."""
        made = fax.document_id is not None
        target = FaxState.READY if made else FaxState.ACCEPTED
        what = "it is due now" if made else "its pages are made now"

        def unit(connection: sa.Connection) -> None:
            if made and fax.hold_reason is HoldReason.LIMIT:
                allowance.use(connection, fax, fax.pages or 0, now.date())
            faxes.change(
                connection,
                fax,
                target,
                now=now,
                event=allowance.RELEASED,
                detail=f"it was held ({fax.hold_reason}); {what}",
                actor=_actor(asked),
                due_at=now,
                hold_reason=None,
            )
            self._done(connection, asked, Reply(f"{fax.id} is released; {what}"))

        await self._desk.store.write(unit)

    async def _settle(self, asked: Command, fax: Fax, now: datetime) -> None:
        sent = asked.arguments.get("sent") is True
        text = "ends as delivered, on your word" if sent else "is sent again, on your word that it was not sent"

        def answer(connection: sa.Connection) -> None:
            self._done(connection, asked, Reply(f"{fax.id} {text}"))

        await decisions.settle(self._desk, self._reporter, fax, sent, _actor(asked), now, answer)

    async def _resend(self, asked: Command, fax: Fax, now: datetime) -> None:
        await self._resender.resend(
            fax,
            asked.arguments.get("to"),
            now,
            _actor(asked),
            lambda connection, reply: self._done(connection, asked, reply),
        )

    async def _cancel(self, asked: Command, fax: Fax, now: datetime) -> None:
        why = CALLED_OFF

        def answer(connection: sa.Connection) -> None:
            self._done(connection, asked, Reply(f"{fax.id} is cancelled; its sender is told"))

        await cancel(self._reporter, fax, now, actor=_actor(asked), why=why, answer=answer)

    async def _answer(self, asked: Command, reply: Reply) -> None:
        await self._desk.store.write(lambda connection: self._done(connection, asked, reply))

    def _done(self, connection: sa.Connection, asked: Command, reply: Reply) -> None:
        commands.done(connection, asked.id, self._owner, self._desk.clock.now(), reply.text, refused=reply.refused)

    async def _claim(self) -> Command | None:
        return await self._desk.store.write(
            lambda connection: commands.claim(connection, self._desk.lease(self._owner), *self._deeds)
        )

    async def _renew(self, asked: Command) -> bool:
        return await self._desk.store.write(
            lambda connection: commands.renew(connection, asked.id, self._desk.lease(self._owner))
        )


def _actor(asked: Command) -> str:
    return f"operator {asked.actor}"
