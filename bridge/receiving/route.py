"""Fetched faxes are routed: one delivery and one mail for each mailbox, owed in the same transaction."""

import sqlalchemy as sa

from bridge.fax import routes
from bridge.fax.arrivals import Delivery, DeliveryState, Received
from bridge.fax.states import ReceivedState
from bridge.mail import discretion
from bridge.receiving.mails import Mailer
from bridge.receiving.options import ReceivingOptions
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell, Duty
from bridge.store import arrivals
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk
from bridge.store.outbox import Draft


class Router:
    """The worker that decides where a received fax goes."""

    def __init__(
        self,
        desk: Desk,
        mailer: Mailer,
        options: ReceivingOptions,
        name: str,
    ) -> None:
        self._desk = desk
        self._mailer = mailer
        self._options = options
        self._owner = name

    @property
    def duty(self) -> Duty[Received]:
        """What the worker loop runs."""
        return Duty("route", Bell.ROUTE, self._claim, self.route, self._renew, self._set_aside)

    async def route(self, fax: Received) -> None:
        """The first route that fits, else the fallback."""
        assert fax.blob_id is not None
        try:
            pdf, why = await self._desk.store.read_blob(fax.blob_id), ""
        except BlobDamaged as error:
            pdf, why = None, error.public
        await self._route(fax, pdf, why)

    async def _set_aside(self, fax: Received, why: str) -> None:
        """Its file is not looked at: the mailboxes get what else is known of it."""
        then = "Whoever was to get it is told so, without the fax itself, which lies in the store."
        await self._route(fax, None, why, await self._mailer.poison(fax, why, then, self._desk.clock.now()))

    async def _route(self, fax: Received, pdf: bytes | None, why: str, *more: Draft) -> None:
        """One mail for each mailbox, with the fax or with why it cannot be had."""
        now = self._desk.clock.now()
        route = routes.choose(self._options.routes, self._options.fallback, fax.called, fax.caller)
        deliveries = [
            Delivery(self._desk.ids.new(), fax.id, target, self._desk.ids.token(), DeliveryState.WAITING, now)
            for target in dict.fromkeys(route.deliver)
        ]
        told = discretion.of_received(fax, route.privacy or self._options.privacy)
        drafts = [
            await (
                self._mailer.lost(told, each, why, None, now) if pdf is None else self._mailer.fax(told, each, pdf, now)
            )
            for each in deliveries
        ] + list(more)

        def unit(connection: sa.Connection) -> None:
            arrivals.change(
                connection, fax, ReceivedState.ROUTED, now=now, owner=self._owner, detail=f"route {route.name!r}"
            )
            arrivals.add_deliveries(connection, deliveries)
            for draft in drafts:
                draft.write(connection, now)

        crash_point(Point.ROUTE_DRAFTED)
        await self._desk.store.write_files(unit, *(draft.blob for draft in drafts))
        crash_point(Point.ROUTE_COMMITTED)
        self._desk.events.received_routed(received=fax.id, route=route.name, deliveries=len(deliveries))
        self._desk.bells.ring(Bell.POST)

    async def _claim(self) -> Received | None:
        return await self._desk.store.write(
            lambda connection: arrivals.claim(connection, self._desk.lease(self._owner), ReceivedState.FETCHED)
        )

    async def _renew(self, fax: Received) -> bool:
        return await self._desk.store.write(
            lambda connection: arrivals.renew(connection, fax.id, self._desk.lease(self._owner))
        )
