"""Mails about received faxes, rendered and on disk before the transaction that owes them."""

from datetime import datetime

from bridge.fax.arrivals import Delivery, Mail, MailKind, Received
from bridge.mail import alarms, arrivals as rendering, composing
from bridge.mail.options import MailOptions
from bridge.store import outbox
from bridge.store.desk import Desk


class Mailer:
    """Drafts the mails of the receiving side."""

    def __init__(self, desk: Desk, options: MailOptions) -> None:
        self._desk = desk
        self._options = options

    async def fax(self, fax: Received, delivery: Delivery, pdf: bytes, now: datetime) -> outbox.Draft:
        """One received fax for one mailbox; a bounce comes back under the delivery's token."""
        row_id = self._desk.ids.new()
        content = rendering.render_received(fax, delivery, pdf, self._options, row_id=row_id, now=now)
        return await self._draft(
            content,
            row_id=row_id,
            kind=MailKind.RECEIVED,
            purpose=f"received/{fax.id}/{delivery.id}",
            event="received-partial" if fax.partial else "received",
            envelope_sender=f"bounce+{delivery.token}@{self._options.domain}",
            recipient=delivery.target.address,
            received_id=fax.id,
            delivery_id=delivery.id,
        )

    async def lost(self, fax: Received, delivery: Delivery, why: str, pdf: bytes | None, now: datetime) -> outbox.Draft:
        """All that is known of a fax that cannot be fetched."""
        row_id, recipient = self._desk.ids.new(), delivery.target.address
        content = rendering.render_lost(fax, recipient, why, self._options, row_id=row_id, now=now, pdf=pdf)
        return await self._draft(
            content,
            row_id=row_id,
            kind=MailKind.RECEIVED,
            purpose=f"received/{fax.id}/{delivery.id}",
            event="received-lost",
            envelope_sender=f"bounce+{delivery.token}@{self._options.domain}",
            recipient=recipient,
            received_id=fax.id,
            delivery_id=delivery.id,
        )

    async def backlog(self, count: int, now: datetime) -> outbox.Draft:
        """What the first poll found, told to the operator once."""
        row_id = self._desk.ids.new()
        content = rendering.render_backlog(count, self._options, row_id=row_id, now=now)
        return await self._draft(
            content,
            row_id=row_id,
            kind=MailKind.ADMIN,
            purpose="backlog",
            event="backlog",
            envelope_sender="",
            recipient=self._options.admin,
        )

    async def poison(self, fax: Received, why: str, then: str, now: datetime) -> outbox.Draft:
        """A received fax is set aside, told to the operator once for each time; ``then``: what that means for it."""
        mail, content = alarms.alarm(
            subject="A received fax is set aside: the work on it broke off three times",
            lines=(
                f"Received fax {fax.id} is set aside: {why}.",
                then,
                f"What to do: if it is urgent, take it from iFax's own pages (job {fax.carrier_job_id}).",
                "Look into the log; if that does not help, report it to the makers of Faxbridge.",
                f"To see it: faxbridge show {fax.id}",
            ),
            options=self._options,
            row_id=self._desk.ids.new(),
            purpose=f"poison/{fax.id}/{fax.version}",
            now=now,
        )
        return await self._desk.draft(mail, content)

    async def _draft(
        self,
        content: bytes,
        *,
        row_id: str,
        kind: MailKind,
        purpose: str,
        event: str,
        envelope_sender: str,
        recipient: str,
        received_id: str | None = None,
        delivery_id: str | None = None,
    ) -> outbox.Draft:
        mail = Mail(
            id=row_id,
            kind=kind,
            purpose=purpose,
            event=event,
            envelope_sender=envelope_sender,
            recipient=recipient,
            message_id=composing.message_id(row_id, self._options),
            received_id=received_id,
            delivery_id=delivery_id,
        )
        return await self._desk.draft(mail, content)
