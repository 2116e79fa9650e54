"""Received faxes whose mail the relay had taken, and which came back later: once to the fallback, then no more."""

from datetime import timedelta
from functools import partial

import sqlalchemy as sa

from bridge.fax.arrivals import Delivery, DeliveryState, Mail, MailState
from bridge.posting.undeliverable import Undeliverable
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell, Duty
from bridge.store import arrivals, bounces, outbox
from bridge.store.bounces import Bounce
from bridge.store.desk import Desk

LOOK_AGAIN = timedelta(minutes=5)
"""A bounce that is here before the relay's own answer waits for that: the mail is handed over again meanwhile."""


class Bounces:
    """The worker that passes on what came back."""

    def __init__(self, desk: Desk, undeliverable: Undeliverable, name: str) -> None:
        self._desk = desk
        self._undeliverable = undeliverable
        self._owner = name

    @property
    def duty(self) -> Duty[Bounce]:
        """What the worker loop runs."""
        return Duty("bounce", Bell.BOUNCE, self._claim, self.settle, self._renew, self._set_aside)

    async def settle(self, bounce: Bounce) -> None:
        """A delivery that had arrived has not. One whose failure is known already stays as it is."""
        crash_point(Point.BOUNCE_CLAIMED)

        def query(connection: sa.Connection) -> tuple[Delivery, Mail]:
            delivery = arrivals.delivery_of(connection, bounce.delivery_id)
            return delivery, outbox.of_delivery(connection, delivery)

        delivery, mail = await self._desk.store.read(query)
        if mail.state is MailState.WAITING:
            due_at = self._desk.clock.now() + LOOK_AGAIN
            await self._desk.store.write(partial(bounces.later, bounce_id=bounce.id, owner=self._owner, due_at=due_at))
        elif delivery.state is DeliveryState.DELIVERED:
            await self._pass_on(bounce, mail)
        else:
            await self._desk.store.write(partial(self._done, bounce, "known already"))

    async def _set_aside(self, bounce: Bounce, why: str) -> None:
        """What came back is not looked at any more; the operator is told that the fax's mail did."""
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> None:
            mail = outbox.of_delivery(connection, arrivals.delivery_of(connection, bounce.delivery_id))
            if mail.state is MailState.SENT:
                outbox.came_back(connection, mail, now, f"it came back; {why}", passed_on=False)
            self._done(bounce, "set aside", connection)

        await self._desk.store.write(unit)
        self._desk.bells.ring(Bell.ALARM)

    async def _pass_on(self, bounce: Bounce, mail: Mail) -> None:
        now = self._desk.clock.now()
        why = f"it came back: {bounce.why}" if bounce.why else "it came back"

        def end(connection: sa.Connection, passed_on: bool) -> None:  # noqa: FBT001 - as Undeliverable calls it
            outbox.came_back(connection, mail, now, why, passed_on=passed_on)
            self._done(bounce, "passed on" if passed_on else "told", connection)

        passed_on = await self._undeliverable.conclude(mail, end, now)
        crash_point(Point.BOUNCE_COMMITTED)
        self._desk.events.mail_bounced(mail=mail.id, received=mail.received_id or "", passed_on=passed_on)

    def _done(self, bounce: Bounce, result: str, connection: sa.Connection) -> None:
        bounces.done(connection, bounce.id, self._owner, self._desk.clock.now(), result)

    async def _claim(self) -> Bounce | None:
        return await self._desk.store.write(lambda connection: bounces.claim(connection, self._desk.lease(self._owner)))

    async def _renew(self, bounce: Bounce) -> bool:
        return await self._desk.store.write(
            lambda connection: bounces.renew(connection, bounce.id, self._desk.lease(self._owner))
        )
