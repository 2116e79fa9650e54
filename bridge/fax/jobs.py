"""Outgoing faxes as the rooms hand them to one another: frozen, and the same words as the tables and the JSON."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.fax.asked import Asked
from bridge.fax.options import Language, Privacy, QuietHours
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState, HoldReason
from bridge.fax.wishes import Notify, Ret


class AttemptResult(StrEnum):
    """What came of one call to the carrier."""

    TAKEN = "taken"
    REFUSED = "refused"
    NOT_TAKEN = "not_taken"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Message:
    """One mail taken on: its bytes lie in ``blob_id``; ``id`` is what the ``250`` gave.

    ``ret`` and ``envelope_id`` are what the sender asked for (RFC 3461): None and empty where it asked for nothing;
    ``asked`` is what it asked for in the mail itself; ``language`` what its sender is written to in.
    """

    id: str
    blob_id: str
    received_at: datetime
    client: str
    envelope_sender: str
    identity: str | None
    header_message_id: str | None
    size: int
    ret: Ret | None = None
    envelope_id: str = ""
    asked: Asked = field(default_factory=Asked)
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class Part:
    """What became of one part of a mail: so many fax pages, or left out and why."""

    name: str
    type: str
    pages: int
    left_out: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """The pages of a mail, wanted by mail at ``pages_to`` and not to be faxed: as ``number`` (E.164) would get them.

    ``recipient`` is the address that asked for them; without a number they are as for anybody.
    """

    id: str
    message_id: str
    recipient: str
    number: str
    person: str
    company: str
    sender: str
    caller_id: str | None
    pages_to: str


@dataclass(frozen=True, slots=True)
class Document:
    """Finished fax pages: a PDF in ``blob_id``, belonging to its message.

    ``cover_text`` is what the carrier is to put on a cover page of its own; None: it is to make none.
    """

    id: str
    message_id: str
    blob_id: str
    pages: int
    size: int
    parts: tuple[Part, ...]
    cover_text: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a fax ended: ``cause`` is a slug of the catalogue; ``code`` and ``text`` are the carrier's own, if any."""

    outcome_class: OutcomeClass
    cause: str
    code: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Fax:
    """One fax to one number. ``version`` rises with every change of state and is the premise of the next.

    ``person`` and ``company`` are whom it is for. ``notify`` (None: as the site has it) and ``original_recipient``
    (ORCPT, ``TYPE;ADDRESS``, decoded) are the sender's wishes (RFC 3461). ``notice_to`` is where notices go, settled
    when the fax was taken on; None where it was not, and the envelope sender is told. ``settle_at`` is when a person is
    asked about an unconfirmed fax, if no evidence comes before; None: it was asked, or there is nothing to ask.
    ``resend_of`` is the fax that an operator had sent once more as this one.
    ``counts_from`` is when the time for trying began: None until its pages are made; what the fax had to wait for its
    hour is no part of it. ``not_before`` is what the sender asked for, ``quiet_hours`` are those of the identity.
    ``carrier_cover``: the carrier puts a cover page of its own before the pages, which are without one.
    ``privacy`` is how much notices may tell, settled when the fax was taken on.
    """

    id: str
    message_id: str
    document_id: str | None
    recipient: str
    number: str
    sender: str
    identity: str | None
    caller_id: str | None
    state: FaxState
    state_since: datetime
    version: int
    due_at: datetime | None
    polls: int
    hold_reason: HoldReason | None
    pages: int | None
    pages_sent: int | None
    outcome: Outcome | None
    created_at: datetime
    updated_at: datetime
    person: str = ""
    company: str = ""
    notify: frozenset[Notify] | None = None
    original_recipient: str = ""
    notice_to: str | None = None
    settle_at: datetime | None = None
    resend_of: str | None = None
    counts_from: datetime | None = None
    not_before: datetime | None = None
    quiet_hours: QuietHours | None = None
    carrier_cover: bool = False
    privacy: Privacy = Privacy.FULL


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to the carrier: its row is on disk before the call is made.

    ``cause`` is the catalogue's slug for how it ended, where that is known.
    """

    id: str
    fax_id: str
    ordinal: int
    started_at: datetime
    ended_at: datetime | None
    result: AttemptResult | None
    carrier_job_id: str | None
    transaction_id: str | None
    code: int | None
    message: str | None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of a fax's history; ``actor`` is ``daemon``, ``carrier``, ``sender ADDRESS`` or ``operator NAME``."""

    at: datetime
    event: str
    actor: str
    detail: str
