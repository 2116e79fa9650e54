"""Mail the relay will never take: a received fax goes on to the fallback, once, and the operator is told."""

from datetime import datetime

import sqlalchemy as sa

from bridge.fax.arrivals import Delivery, DeliveryState, Mail, MailKind
from bridge.fax.options import Target
from bridge.mail import alarms, composing
from bridge.mail.options import MailOptions
from bridge.store import arrivals, outbox
from bridge.store.desk import Desk


class Undeliverable:
    """Drafts what follows from a mail that cannot be delivered; the courier writes it with the failure."""

    def __init__(self, desk: Desk, options: MailOptions, fallback: tuple[Target, ...]) -> None:
        self._desk = desk
        self._options = options
        self._fallback = fallback

    async def conclude(self, mail: Mail, owner: str, reply: str, now: datetime) -> None:
        """End the mail as failed; in the same transaction owe it to the fallback, or tell the operator."""
        content = b"" if mail.blob_id is None else await self._desk.store.read_blob(mail.blob_id)
        covered, targets = await self._who_gets_it_instead(mail) if content else (False, [])
        copies = [await self._copy(mail, target, content, now) for target in targets]
        passed_on = covered or bool(copies)
        drafts = [draft for _, draft in copies]
        if mail.kind is not MailKind.ADMIN:
            drafts.append(await self._tell(mail, reply, now, passed_on=passed_on))

        def unit(connection: sa.Connection) -> None:
            arrivals.add_deliveries(connection, [delivery for delivery, _ in copies])
            for draft in drafts:
                draft.write(connection, now)
            outbox.failed(connection, mail, owner, now, reply, passed_on=passed_on)

        await self._desk.store.write_files(unit, *(draft.blob for draft in drafts))

    async def _who_gets_it_instead(self, mail: Mail) -> tuple[bool, list[Target]]:
        """Whether a fallback mailbox gets this fax already, and which ones are to get it now.

        None, when it was a fallback mailbox that refused it, or all of them have refused it already.
        """
        if mail.delivery_id is None or any(target.address == mail.recipient for target in self._fallback):
            return False, []
        made = await self._desk.store.read(
            lambda connection: arrivals.deliveries_of(connection, mail.received_id or "")
        )
        states = {each.target: each.state for each in made}
        covered = any(
            states.get(target) in {DeliveryState.WAITING, DeliveryState.DELIVERED} for target in self._fallback
        )
        return covered, [target for target in dict.fromkeys(self._fallback) if target not in states]

    async def _copy(self, mail: Mail, target: Target, content: bytes, now: datetime) -> tuple[Delivery, outbox.Draft]:
        """The same bytes for a fallback mailbox, as a delivery of its own."""
        received, row_id = mail.received_id or "", self._desk.ids.new()
        delivery = Delivery(self._desk.ids.new(), received, target, self._desk.ids.token(), DeliveryState.WAITING, now)
        blob = await self._desk.store.blobs.put(self._desk.ids.file_name(), content)
        copy = Mail(
            id=row_id,
            kind=MailKind.RECEIVED,
            purpose=f"received/{received}/{delivery.id}",
            event=mail.event,
            envelope_sender=f"bounce+{delivery.token}@{self._options.domain}",
            recipient=target.address,
            message_id=mail.message_id,
            blob_id=blob.id,
            received_id=received,
            delivery_id=delivery.id,
        )
        return delivery, outbox.Draft(copy, blob)

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
        blob = await self._desk.store.blobs.put(self._desk.ids.file_name(), content)
        alarm = Mail(
            id=row_id,
            kind=MailKind.ADMIN,
            purpose=f"undeliverable/{mail.id}",
            event="undeliverable",
            envelope_sender="",
            recipient=self._options.admin,
            message_id=composing.message_id(row_id, self._options),
            blob_id=blob.id,
        )
        return outbox.Draft(alarm, blob)
