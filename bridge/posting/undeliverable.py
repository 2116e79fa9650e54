"""Mail the relay will never take: a received fax goes on to the fallback, once, and the operator is told."""

from datetime import datetime

import sqlalchemy as sa

from bridge.fax.arrivals import Delivery, DeliveryState, Mail, MailKind
from bridge.fax.options import Target
from bridge.mail import alarms, composing
from bridge.mail.options import MailOptions
from bridge.store import arrivals, outbox
from bridge.store.desk import Desk

_OPEN_OR_ARRIVED = {DeliveryState.WAITING, DeliveryState.DELIVERED}


def _states(connection: sa.Connection, mail: Mail) -> dict[Target, DeliveryState]:
    """How the fax's deliveries stand."""
    return {each.target: each.state for each in arrivals.deliveries_of(connection, mail.received_id or "")}


class Undeliverable:
    """Drafts what follows from a mail that cannot be delivered; the courier writes it with the failure."""

    def __init__(self, desk: Desk, options: MailOptions, fallback: tuple[Target, ...]) -> None:
        self._desk = desk
        self._options = options
        self._fallback = fallback

    async def conclude(self, mail: Mail, owner: str, reply: str, now: datetime) -> None:
        """End the mail as failed; in the same transaction owe it to the fallback, and tell the operator.

        What the operator is told depends on the fax's other deliveries; where those change meanwhile (two mailboxes
        refuse at the same moment), it is begun anew.
        """
        content = b"" if mail.blob_id is None else await self._desk.store.read_blob(mail.blob_id)
        while True:
            try:
                await self._conclude(mail, owner, reply, now, content)
            except arrivals.Stale:
                continue
            return

    async def _conclude(self, mail: Mail, owner: str, reply: str, now: datetime, content: bytes) -> None:
        states = await self._desk.store.read(lambda connection: _states(connection, mail))
        instead = self._instead(mail) if content else []
        copies = [await self._copy(mail, target, content, now) for target in instead if target not in states]
        passed_on = bool(copies) or any(states.get(target) in _OPEN_OR_ARRIVED for target in instead)
        drafts = [draft for _, draft in copies]
        if mail.kind is not MailKind.ADMIN:
            drafts.append(await self._tell(mail, reply, now, passed_on=passed_on))

        def unit(connection: sa.Connection) -> None:
            if _states(connection, mail) != states:
                raise arrivals.Stale(f"the deliveries of received fax {mail.received_id} changed meanwhile")
            arrivals.add_deliveries(connection, [delivery for delivery, _ in copies])
            for draft in drafts:
                draft.write(connection, now)
            outbox.failed(connection, mail, owner, now, reply, passed_on=passed_on)

        await self._desk.store.write_files(unit, *(draft.blob for draft in drafts))

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

    async def _tell(self, mail: Mail, reply: str, now: datetime, *, passed_on: bool) -> outbox.Draft:
        row_id = self._desk.ids.new()
        about = mail.fax_id or mail.received_id
        what = f"fax {about}" if about else "something forwarded"
        content = alarms.render_alarm(
            subject=f"Mail about {what} cannot be delivered",
            lines=(
                f"A mail ({mail.event}) about {what} to {mail.recipient} cannot be delivered.",
                f"Why: {reply}",
                "The fax goes to the fallback mailboxes instead." if passed_on else "It is not sent to anybody else.",
                "What to do: check the address in the configuration or with the sender.",
            ),
            options=self._options,
            row_id=row_id,
            now=now,
            event="undeliverable",
        )
        alarm = Mail(
            id=row_id,
            kind=MailKind.ADMIN,
            purpose=f"undeliverable/{mail.id}",
            event="undeliverable",
            envelope_sender="",
            recipient=self._options.admin,
            message_id=composing.message_id(row_id, self._options),
        )
        return await self._desk.draft(alarm, content)
