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
        passed_on = await self._pass_on(mail, content, now) if mail.delivery_id is not None and content else []
        drafts = [draft for _, draft in passed_on]
        if mail.kind is not MailKind.ADMIN:
            drafts.append(await self._tell(mail, reply, now, passed_on=bool(passed_on)))

        def unit(connection: sa.Connection) -> None:
            known = {each.target for each in arrivals.deliveries_of(connection, mail.received_id or "")}
            for delivery, draft in passed_on:
                if delivery.target not in known:
                    arrivals.add_deliveries(connection, [delivery])
                    draft.write(connection, now)
            for draft in drafts[len(passed_on) :]:
                draft.write(connection, now)
            outbox.failed(connection, mail, owner, now, reply, passed_on=bool(passed_on))

        await self._desk.store.write_files(unit, *(draft.blob for draft in drafts))

    async def _pass_on(self, mail: Mail, content: bytes, now: datetime) -> list[tuple[Delivery, outbox.Draft]]:
        """The same bytes for each fallback mailbox; none when it was a fallback mailbox that refused them."""
        received = mail.received_id or ""
        targets = [target for target in dict.fromkeys(self._fallback) if target.address != mail.recipient]
        if len(targets) < len(set(self._fallback)):
            return []
        pairs = []
        for target in targets:
            delivery = Delivery(
                self._desk.ids.new(), received, target, self._desk.ids.token(), DeliveryState.WAITING, now
            )
            row_id = self._desk.ids.new()
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
            pairs.append((delivery, outbox.Draft(copy, blob)))
        return pairs

    async def _tell(self, mail: Mail, reply: str, now: datetime, *, passed_on: bool) -> outbox.Draft:
        row_id = self._desk.ids.new()
        what = f"fax {mail.fax_id or mail.received_id}" if mail.fax_id or mail.received_id else "a forwarded mail"
        content = alarms.render_alarm(
            subject=f"Mail about {what} cannot be delivered",
            lines=(
                f"The relay will not take a mail ({mail.event}) about {what} to {mail.recipient}.",
                f"It said: {reply}",
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
