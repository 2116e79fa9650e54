"""What the carrier tells of a fax, in our words: the Fax Object of a status or a hook, a row of the received list.

Missing fields, numbers as text, capitals and strange words are all taken as they come (ifax-api page, "Fax Object").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bridge.fax import numbers
from bridge.fax.arrivals import Announcement
from bridge.ifax.answers import TEXT_LENGTH, count, first, identifier, moment, small
from bridge.runtime import foreign


class Direction(StrEnum):
    """Which way a fax went, seen from us."""

    OUT = "out"
    IN = "in"


DIRECTION_WORDS = {
    "outbound": Direction.OUT,
    "ob": Direction.OUT,
    "sent": Direction.OUT,
    "out": Direction.OUT,
    "inbound": Direction.IN,
    "ib": Direction.IN,
    "received": Direction.IN,
    "in": Direction.IN,
}


@dataclass(frozen=True, slots=True)
class FaxObject:
    """One fax as the carrier describes it. ``word`` is the status word in lower case, empty when there was none.

    ``number`` is where it goes to, ``caller`` where it comes from, ``started_at`` when the call began.
    """

    job_id: str | None
    transaction_id: str | None
    word: str
    code: int | None
    text: str
    pages_total: int | None
    pages_transferred: int | None
    direction: Direction | None = None
    number: str = ""
    caller: str = ""
    started_at: datetime | None = None

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "FaxObject":
        """From JSON or form fields, whatever is there."""
        word = next(
            (value for key in ("faxStatus", "status") if isinstance(value := fields.get(key), str) and value), None
        )
        text = fields.get("message")
        return cls(
            job_id=identifier(fields.get("jobId")),
            transaction_id=identifier(fields.get("transactionId")),
            word="" if word is None else foreign.one_line(word, 40).lower(),
            code=small(fields.get("code")),
            text=foreign.one_line(text, TEXT_LENGTH) if isinstance(text, str) else "",
            pages_total=count(fields.get("faxTotalPages")),
            pages_transferred=count(fields.get("faxTransferredPages")),
            direction=direction_of(fields),
            number=_number(fields.get("toNumber")),
            caller=_number(fields.get("fromNumber")),
            started_at=moment(fields.get("faxCallStart")),
        )


def direction_of(fields: Mapping[str, Any], hint: Direction | None = None) -> Direction | None:
    """Which way the fax of a hook went: by its word, by a field only one kind has, else by the path it came to."""
    word = fields.get("direction")
    if isinstance(word, str) and word.strip().lower() in DIRECTION_WORDS:
        return DIRECTION_WORDS[word.strip().lower()]
    if "faxReceivedPages" in fields:
        return Direction.IN
    if "faxTransferredPages" in fields:
        return Direction.OUT
    return hint


def announcement(fields: Mapping[str, Any]) -> Announcement | None:
    """What a hook or a list row says of a received fax; None without both ids, for then it can never be fetched."""
    job_id, transaction_id = identifier(fields.get("jobId")), identifier(fields.get("transactionId"))
    if job_id is None or transaction_id is None:
        return None
    return Announcement(
        job_id=job_id,
        transaction_id=transaction_id,
        caller=_number(fields.get("fromNumber")),
        called=_number(fields.get("toNumber")),
        pages=first(count(fields.get("faxReceivedPages")), count(fields.get("faxTransferredPages"))),
        pages_total=count(fields.get("faxTotalPages")),
        started_at=moment(fields.get("faxCallStart")),
        fax_id=identifier(fields.get("faxId")),
    )


def _number(value: object) -> str:
    """E.164 where that is certain, else as it came (40 characters of one line)."""
    raw = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return numbers.normalise_foreign(raw) or foreign.one_line(raw, 40)
