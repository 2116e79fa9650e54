"""Mail that reaches nobody: refused for good, given up, or come back. A received fax goes on to the fallback, once.

Of each such mail the operator is told (``alarms``): the row says that this is still to be done.
"""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from bridge.fax.arrivals import Delivery, DeliveryState, Mail, MailKind
from bridge.fax.options import Target
from bridge.mail.options import MailOptions
from bridge.runtime.worker import Bell
from bridge.store import arrivals, outbox
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk

_OPEN_OR_ARRIVED = {DeliveryState.WAITING, DeliveryState.DELIVERED}

End = Callable[[sa.Connection, bool], None]
"""Writes down how the mail ended; told whether the fallback has the fax now."""


def _states(connection: sa.Connection, mail: Mail) -> dict[Target, DeliveryState]:
    """How the fax's deliveries stand."""
    return {each.target: each.state for each in arrivals.deliveries_of(connection, mail.received_id or "")}


class Undeliverable:
    """Writes what follows from a mail that reaches nobody, together with its end."""

    def __init__(self, desk: Desk, options: MailOptions, fallback: tuple[Target, ...]) -> None:
        self._desk = desk
        self._options = options
        self._fallback = fallback

    async def conclude(self, mail: Mail, end: End, now: datetime) -> bool:
        """End the mail; in the same transaction owe its fax to the fallback. Whether the fallback has it.

        How that stands depends on the fax's other deliveries; where those change meanwhile (two mailboxes refuse at the
        same moment), it is begun anew.
        """
        content = await self._content(mail)
        while True:
            try:
                passed_on = await self._conclude(mail, end, now, content)
            except arrivals.Stale:
                continue
            self._desk.bells.ring(Bell.POST, Bell.ALARM)
            return passed_on

    async def _content(self, mail: Mail) -> bytes:
        """The mail's bytes; none where they are lost, or where nobody else is to have them."""
        if mail.blob_id is None or not self._instead(mail):
            return b""
        try:
            return await self._desk.store.read_blob(mail.blob_id)
        except BlobDamaged:
            return b""

    async def _conclude(self, mail: Mail, end: End, now: datetime, content: bytes) -> bool:
        states = await self._desk.store.read(lambda connection: _states(connection, mail))
        instead = self._instead(mail) if content else []
        copies = [await self._copy(mail, target, content, now) for target in instead if target not in states]
        passed_on = bool(copies) or any(states.get(target) in _OPEN_OR_ARRIVED for target in instead)

        def unit(connection: sa.Connection) -> None:
            if _states(connection, mail) != states:
                raise arrivals.Stale(f"the deliveries of received fax {mail.received_id} changed meanwhile")
            arrivals.add_deliveries(connection, [delivery for delivery, _ in copies])
            for _, draft in copies:
                draft.write(connection, now)
            end(connection, passed_on)

        await self._desk.store.write_files(unit, *(draft.blob for _, draft in copies))
        return passed_on

    def _instead(self, mail: Mail) -> list[Target]:
        """The mailboxes that get a received fax instead: the fallback, unless it was one of them that refused it."""
        if mail.delivery_id is None or any(target.address == mail.recipient for target in self._fallback):
            return []
        return list(dict.fromkeys(self._fallback))

    async def _copy(self, mail: Mail, target: Target, content: bytes, now: datetime) -> tuple[Delivery, outbox.Draft]:
        """The same bytes for a fallback mailbox, as a delivery of its own."""
        received, row_id = mail.received_id or "", self._desk.ids.new()
        delivery = Delivery(self._desk.ids.new(), received, target, self._desk.ids.token(), DeliveryState.WAITING, now)
        copy = Mail(
            id=row_id,
            kind=MailKind.RECEIVED,
            purpose=f"received/{received}/{delivery.id}",
            event=mail.event,
            envelope_sender=f"bounce+{delivery.token}@{self._options.domain}",
            recipient=target.address,
            message_id=mail.message_id,
            received_id=received,
            delivery_id=delivery.id,
        )
        return delivery, await self._desk.draft(copy, content)
