"""Facts for notices and received faxes, and a reader of mails that trusts no mail library with what it checks."""

from datetime import timedelta
from email import message_from_bytes
from email.message import Message as Part_
from typing import Any

from bridge.fax.arrivals import Delivery, DeliveryState, Received
from bridge.fax.jobs import Attempt, AttemptResult, Fax, Message, Outcome, Part
from bridge.fax.options import Target
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState, ReceivedState
from bridge.mail.headers import read_headers
from bridge.mail.notices import DuplicateFacts, NoticeEvent, NoticeFacts
from bridge.mail.options import MailOptions
from tests.support import faxes
from tests.support.unit_clock import START

OPTIONS = MailOptions("Fax <fax@fax.local>", "mx.example.org", "fax.local", "operator@example.org")
SENDER = "ward@example.org"
ROW = "06D1ZN8K7Q2A"

OUTCOMES = {
    NoticeEvent.ACCEPTED: Outcome(OutcomeClass.PENDING, "pending"),
    NoticeEvent.DELAYED: Outcome(OutcomeClass.BUSY, "busy", 263, "USER_BUSY"),
    NoticeEvent.DELIVERED: Outcome(OutcomeClass.OK, "delivered", 0, "SUCCESS"),
    NoticeEvent.FAILED: Outcome(OutcomeClass.ACCOUNT, "unknown-code", 4711, "STRANGE_THING"),
    NoticeEvent.PARTIAL: Outcome(OutcomeClass.PARTIAL, "partial", 17, "CUT OFF"),
    NoticeEvent.CANCELLED: Outcome(OutcomeClass.CANCELLED, "cancelled"),
    NoticeEvent.UNCONFIRMED: Outcome(OutcomeClass.UNKNOWN, "unconfirmed"),
    NoticeEvent.HELD: Outcome(OutcomeClass.PENDING, "held-limit"),
}
"""For every notice about one fax; a duplicate has no outcome of its own."""


def a_fax(**changed: Any) -> Fax:
    """One of two pages that the carrier has."""
    made = {"document_id": "06D1ZN8K7Q1D", "pages": 2, "sender": SENDER, "state": FaxState.SENDING}
    return faxes.a_fax(**{**made, "version": 4, "polls": 1, **changed})


def a_message(**changed: Any) -> Message:
    """The mail that fax came in."""
    fields: dict[str, Any] = {
        "id": "06D1ZN8K7Q1M",
        "blob_id": "blob",
        "received_at": START,
        "client": "127.0.0.1",
        "envelope_sender": SENDER,
        "identity": None,
        "header_message_id": None,
        "size": 1000,
    }
    return Message(**{**fields, **changed})


def an_attempt(**changed: Any) -> Attempt:
    """A call that the carrier took."""
    fields: dict[str, Any] = {
        "id": "06D1ZN8K7Q1T",
        "fax_id": "06D1ZN8K7Q1X",
        "ordinal": 1,
        "started_at": START,
        "ended_at": None,
        "result": AttemptResult.TAKEN,
        "carrier_job_id": "987654321",
        "transaction_id": None,
        "code": None,
        "message": None,
    }
    return Attempt(**{**fields, **changed})


def facts(event: NoticeEvent = NoticeEvent.DELIVERED, mail: bytes = b"", **changed: Any) -> NoticeFacts:
    """What a notice about ``mail`` tells."""
    fields: dict[str, Any] = {
        "event": event,
        "fax": a_fax(),
        "outcome": OUTCOMES[event],
        "pages": 2,
        "pages_sent": 2 if event is NoticeEvent.DELIVERED else 1,
        "parts": (Part("letter.pdf", "application/pdf", 2),),
        "attempts": (an_attempt(),),
        "message": a_message(size=len(mail)),
        "headers": read_headers(mail),
    }
    return NoticeFacts(**{**fields, **changed})


def a_duplicate(state: FaxState, mail: bytes = b"", **changed: Any) -> DuplicateFacts:
    """What a notice about ``mail`` tells, which came in again while the first fax stood so."""
    fields: dict[str, Any] = {
        "fax": a_fax(state=state, state_since=START + timedelta(minutes=25)),
        "message": a_message(),
        "headers": read_headers(mail),
        "again_from": START + timedelta(hours=24),
    }
    return DuplicateFacts(**{**fields, **changed})


def a_received(**changed: Any) -> Received:
    """A received fax of three pages."""
    fields: dict[str, Any] = {
        "id": "06D1ZN8K7Q3R",
        "carrier_job_id": "123456",
        "transaction_id": "654321",
        "state": ReceivedState.FETCHED,
        "state_since": START,
        "version": 2,
        "due_at": None,
        "listed": True,
        "damaged": False,
        "tries": 1,
        "caller": "+12125550177",
        "called": "+14155550100",
        "pages": 3,
        "pages_total": 3,
        "started_at": START,
        "blob_id": "blob",
        "hook_blob_id": None,
        "created_at": START,
        "updated_at": START,
    }
    return Received(**{**fields, **changed})


def a_delivery(address: str = "desk@example.org") -> Delivery:
    """A delivery by mail."""
    return Delivery("06D1ZN8K7Q3D", "06D1ZN8K7Q3R", Target.mail(address), "token", DeliveryState.WAITING, START)


def fields_of(mail: bytes) -> list[tuple[str, str]]:
    """The header fields at the top of a mail, unfolded, read by the letter of RFC 5322."""
    head, end, _ = mail.partition(b"\r\n\r\n")
    assert end, "no end of the header"
    fields: list[tuple[str, str]] = []
    for line in head.decode("ascii").split("\r\n"):
        if line[:1] in {" ", "\t"}:
            name, value = fields.pop()
            fields.append((name, value + line))
        else:
            name, colon, value = line.partition(":")
            assert colon
            assert name.strip() == name
            fields.append((name, value.strip()))
    return fields


def field(mail: bytes, name: str) -> str:
    """The one field of that name."""
    (value,) = [value for known, value in fields_of(mail) if known == name]
    return value


def well_formed(mail: bytes) -> bool:
    """ASCII only, CR LF only, no line over 998 octets, no line of the header that is neither field nor folding."""
    lines = mail.split(b"\r\n")
    bare = any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)
    return mail.isascii() and not bare and max(map(len, lines)) <= 998


def parts_of(mail: bytes) -> list[Part_]:
    """The parts of a multipart, as other people's mail programs see them."""
    return parts_in(message_from_bytes(mail))


def parts_in(whole: Part_) -> list[Part_]:
    """The parts of what has parts."""
    payload = whole.get_payload()
    assert isinstance(payload, list)
    return [part for part in payload if isinstance(part, Part_)]


def text_of(part: Part_) -> str:
    """The text of a part for people; of one in several forms the plain one."""
    if part.is_multipart():
        return text_of(parts_in(part)[0])
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode(part.get_content_charset() or "ascii").replace("\r\n", "\n")


def status_of(mail: bytes) -> list[dict[str, str]]:
    """The blocks of a notice's part for programs, each field on one line."""
    part = parts_of(mail)[1]
    assert part.get_content_type() == "message/delivery-status"
    return [{name: "".join(value.splitlines()) for name, value in block.items()} for block in parts_in(part)]
