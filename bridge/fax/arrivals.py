"""Received faxes and the mail that leaves us, as the rooms hand them to one another."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bridge.fax.options import Target
from bridge.fax.states import ReceivedState


class MailKind(StrEnum):
    """What a mail in the outbox is."""

    NOTICE = "notice"
    RECEIVED = "received"
    ADMIN = "admin"
    FORWARD = "forward"
    PREVIEW = "preview"


class MailState(StrEnum):
    """Where a mail in the outbox stands; ``suppressed`` ones were not wanted, and say why."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class DeliveryState(StrEnum):
    """Where one delivery of a received fax stands; one ``passed_on`` failed, and went to the fallback instead."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    PASSED_ON = "passed_on"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a hook or a list row says of a fax that came in. Ids are text; numbers stand as the carrier wrote them."""

    job_id: str
    transaction_id: str
    caller: str = ""
    called: str = ""
    pages: int | None = None
    pages_total: int | None = None
    started_at: datetime | None = None
    fax_id: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One fax that came in. ``listed``: the carrier's own list has shown it. ``damaged``: its file does not open.

    ``pages`` of ``pages_total`` came, as the carrier counted; ``file_pages`` is what the file holds.
    """

    id: str
    carrier_job_id: str
    transaction_id: str
    state: ReceivedState
    state_since: datetime
    version: int
    due_at: datetime | None
    listed: bool
    tries: int
    caller: str
    called: str
    pages: int | None
    pages_total: int | None
    file_pages: int | None
    started_at: datetime | None
    blob_id: str | None
    damaged: bool
    hook_blob_id: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def partial(self) -> bool:
        """Whether fewer pages came than the caller sent."""
        return self.pages is not None and self.pages_total is not None and self.pages < self.pages_total


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a received fax; ``token`` stands in the envelope sender, so that a bounce finds its way."""

    id: str
    received_id: str
    target: Target
    token: str
    state: DeliveryState
    state_since: datetime


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one recipient, rendered once: its bytes lie in ``blob_id`` and never change.

    ``purpose`` is unique: it says what the mail is for, so that it is written once whatever happens.
    """

    id: str
    kind: MailKind
    purpose: str
    event: str
    envelope_sender: str
    recipient: str
    message_id: str
    blob_id: str | None = None
    state: MailState = MailState.WAITING
    reason: str | None = None
    fax_id: str | None = None
    received_id: str | None = None
    delivery_id: str | None = None
    tries: int = 0
