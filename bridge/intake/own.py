"""Mail to our own mailboxes goes on to the operator as it came.

Where it tells that a mail of ours came back, it becomes a row that the room of the courier works off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bridge.fax.arrivals import Delivery, Mail, MailKind
from bridge.fax.jobs import Message, Preview
from bridge.intake.content import Content
from bridge.intake.envelopes import FaxEnvelope, OwnRecipient
from bridge.intake.options import IntakeOptions
from bridge.mail import forwarding
from bridge.mail.bounces import CameBack, Meaning, read_bounce
from bridge.mail.headers import HEADER_LIMIT
from bridge.runtime import foreign
from bridge.store import bounces, history, outbox, previews, replies
from bridge.store.bounces import Bounce
from bridge.store.desk import Desk
from bridge.store.outbox import Draft
from bridge.store.replies import Answer


@dataclass(frozen=True, slots=True)
class Client:
    """Who speaks to us: the IP address, the name it gave, and how (RFC 3848: ``ESMTPSA`` and the like).

    ``is_legacy``: at a listener of that profile.
    """

    address: str
    helo: str
    protocol: str = "ESMTP"
    is_legacy: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """A line for the history of a received fax."""

    received_id: str
    event: str
    detail: str


@dataclass(frozen=True, slots=True)
class Own:
    """What a mail means for ourselves: ``drafts`` for the operator, mails of ours that came back, answers to them."""

    drafts: tuple[Draft, ...] = ()
    bounces: tuple[Bounce, ...] = ()
    remarks: tuple[Remark, ...] = ()
    previews: tuple[Preview, ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def any(self) -> bool:
        """Whether one of the recipients was a mailbox of ours."""
        return bool(self.drafts or self.bounces or self.remarks or self.previews or self.answers)

    def write(self, connection: sa.Connection, now: datetime) -> list[Draft]:
        """All of it, in the transaction that keeps the mail; returns the drafts whose purpose was met before."""
        met = [draft for draft in self.drafts if outbox.is_written(connection, draft.mail.purpose)]
        for draft in self.drafts:
            if draft not in met:
                draft.write(connection, now)
        for bounce in self.bounces:
            bounces.add(connection, bounce, now)
        for each in self.remarks:
            history.add(
                connection,
                at=now,
                event=each.event,
                detail=each.detail,
                received_id=each.received_id,
            )
        previews.add(connection, self.previews, now)
        replies.add(connection, self.answers, now)
        return met


NOT_OURS = Own()


class OwnMail:
    """Decides what becomes of mail to our own mailboxes."""

    def __init__(self, desk: Desk, options: IntakeOptions) -> None:
        self._desk = desk
        self._options = options

    async def plan(self, client: Client, message: Message, envelope: FaxEnvelope, content: Content) -> Own:
        """What this mail means for those of its recipients that are ours.

        Everything a person must read goes to the operator, so that one copy of a mail is enough.
        """
        answers = tuple(
            Answer(
                self._desk.ids.new(),
                message.id,
                each.answerable.hashed,
                admitted=envelope.permission is not None,
                identity=envelope.permission.name if envelope.permission else None,
            )
            for each in envelope.own
            if each.answerable is not None
        )
        own = [each for each in envelope.own if each.answerable is None]
        deliveries = [each.delivery for each in own if each.delivery is not None]
        came = await self._came_back(content) if deliveries else None
        failed = came is not None and came.meaning is Meaning.FAILED
        purpose = _purpose(message, own, came)
        drafts = () if purpose is None else (await self._forward(client, message, own[0], content, purpose),)
        return Own(
            drafts=drafts,
            bounces=tuple(
                Bounce(self._desk.ids.new(), each.id, message.id, came.why) for each in deliveries if came and failed
            ),
            answers=answers,
            remarks=tuple(_remark(each, came) for each in deliveries if came and not failed),
        )

    async def _came_back(self, content: Content) -> CameBack | None:
        """What a mail to a bounce address is; raises Unavailable where the disk does not give it back."""
        beginning = await self._desk.store.blobs.head(content.stored, HEADER_LIMIT)
        return read_bounce(beginning, content.headers)

    async def _forward(
        self, client: Client, message: Message, recipient: OwnRecipient, content: Content, purpose: str
    ) -> Draft:
        line = forwarding.received_line(
            client=client.address,
            helo=client.helo,
            protocol=client.protocol,
            hostname=self._options.hostname,
            row_id=message.id,
            now=message.received_at,
        )
        row_id = self._desk.ids.new()
        mail = Mail(
            id=row_id,
            kind=MailKind.FORWARD,
            purpose=purpose,
            event=recipient.mailbox.mailbox,
            envelope_sender="",
            recipient=self._options.admin,
            message_id=message.header_message_id or f"<{row_id.lower()}.faxbridge@{self._options.hostname}>",
        )
        return await self._desk.draft_copy(mail, line, content.stored)


def _purpose(message: Message, own: Sequence[OwnRecipient], came: CameBack | None) -> str | None:
    """What the operator's copy is for; None where there is to be none. Of a delivery's answers only the first goes on.

    (An absent person's program answers each of our mails, and again when it is asked again.)
    """
    if any(each.delivery is None for each in own):
        return f"forward/{message.id}"
    if came is None or came.meaning is not Meaning.OTHER:
        return None
    return f"forward/bounce/{own[0].delivery.id}" if own[0].delivery is not None else None


def _remark(delivery: Delivery, came: CameBack) -> Remark:
    if came.meaning is Meaning.PROGRESS:
        detail = f"{delivery.target.address}: a report that is no failure ({came.why})"
        return Remark(delivery.received_id, "mail_report", detail)
    detail = f"{delivery.target.address}: an answer that is no report; the first one goes on to the operator"
    return Remark(delivery.received_id, "mail_answered", foreign.one_line(detail, 400))
