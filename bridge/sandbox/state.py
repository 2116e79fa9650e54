"""The carrier's ledger: faxes it took, faxes that came in, calls it was asked."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from bridge.sandbox.numbers import Outcome, Word
from bridge.sandbox.pages import File
from bridge.sandbox.shapes import Json

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


@dataclass(slots=True)
class SentFax:
    """A fax that was taken, and how it stands."""

    job_id: int
    transaction_id: int
    to_number: str
    from_number: str
    quality: str
    files: tuple[File, ...]
    cover: bool
    """The carrier makes a cover page of names, subject and message where these are given."""
    pdf: bytes
    request: Json
    """What was asked, without the files' bytes."""
    outcome: Outcome
    received_at: datetime
    end: Word | None = None
    ended_at: datetime | None = None
    polls: int = 0

    @property
    def pages(self) -> int:
        """All pages, the cover page too."""
        return sum(file.pages for file in self.files) + self.cover

    def transferred(self, word: Word) -> int:
        """How many pages went over, if it ended so."""
        return {"all": self.pages, "all but one": self.pages - 1, "none": 0}[word.transferred]

    def fax_object(self) -> Json:
        """The page's Fax Object, as fax-status answers it."""
        word = self.end or self.outcome.meanwhile
        return {"jobId": self.job_id, **self._facts(word)}

    def hook_object(self) -> Json:
        """The webhook that tells of the end."""
        word = self.outcome.hook_says or self.end or self.outcome.meanwhile
        return {
            "direction": "outbound",
            "jobId": self.job_id,
            "transactionId": self.transaction_id,
            **self._facts(word),
            "retryAttempt": 0,
            "success": word.word == "delivered",
        }

    def _facts(self, word: Word) -> Json:
        start = int(self.received_at.timestamp())
        end = int(self.ended_at.timestamp()) if self.ended_at else None
        return {
            "fromNumber": self.from_number,
            "toNumber": self.to_number,
            "faxCallStart": start,
            "faxCallEnd": end,
            "faxCallLength": end - start if end else 0,
            "faxTotalPages": self.pages,
            "faxTransferredPages": self.transferred(word),
            "faxStatus": word.word,
            "code": word.code,
            "message": word.text,
        }

    def seen(self) -> Json:
        """What a test or a person wants to know of it."""
        return {
            "jobId": self.job_id,
            "transactionId": self.transaction_id,
            "faxNumber": self.to_number,
            "callerId": self.from_number,
            "faxQuality": self.quality,
            "names": [file.name for file in self.files],
            "sha256": [hashlib.sha256(file.data).hexdigest() for file in self.files],
            "pages": self.pages,
            "cover": self.cover,
            "request": self.request,
            "finished": self.end is not None,
            "state": (self.end or self.outcome.meanwhile).word,
            "code": (self.end or self.outcome.meanwhile).code,
            "transferred": self.transferred(self.end) if self.end else 0,
            "says": self.outcome.says,
            "polls": self.polls,
            "received_at": self.received_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
        }


@dataclass(slots=True)
class ReceivedFax:
    """A fax that came in for one of the account's numbers."""

    fax_id: int
    job_id: int
    transaction_id: int
    from_number: str | None
    to_number: str
    pages: int
    data: bytes
    media: Literal["application/pdf", "image/tiff"]
    started_at: datetime
    received_at: datetime
    downloads: int = 0

    def row(self) -> Json:
        """A row of a list."""
        return {
            "faxId": self.fax_id,
            "jobId": self.job_id,
            "transactionId": self.transaction_id,
            "receivedTime": self.received_at.strftime("%Y-%m-%d %H:%M:%S"),
            "fromNumber": self.from_number,
            "toNumber": self.to_number,
            "faxTotalPages": self.pages,
            "faxReceivedPages": self.pages,
            "faxStatus": "received",
            "markedAs": "Not Done",
        }

    def hook_object(self) -> Json:
        """The webhook that announces it."""
        start, end = int(self.started_at.timestamp()), int(self.received_at.timestamp())
        return {
            "direction": "inbound",
            "jobId": self.job_id,
            "transactionId": self.transaction_id,
            "faxCallLength": end - start,
            "faxCallStart": start,
            "faxCallEnd": end,
            "faxTotalPages": self.pages,
            "faxReceivedPages": self.pages,
            "faxStatus": "received",
            "success": True,
            "fromNumber": self.from_number,
            "toNumber": self.to_number,
            "code": 0,
            "message": "NORMAL_CLEARING",
        }

    def seen(self) -> Json:
        """What a test or a person wants to know of it."""
        return {
            **self.row(),
            "media": self.media,
            "sha256": hashlib.sha256(self.data).hexdigest(),
            "downloads": self.downloads,
        }


How = Literal["in hand", "answered", "cut", "silent"]


@dataclass(slots=True)
class Asked:
    """A call to the API, and what came of it."""

    path: str
    at: datetime
    how: How = "in hand"
    answered: int | None = None
    """The HTTP status, once there is an answer."""
    code: int | None = None
    """The code of a refusal."""
    taken: int | None = None
    """The job id of the fax that this call made."""

    def seen(self) -> Json:
        return {
            "path": self.path,
            "at": self.at.isoformat(),
            "how": self.how,
            "answered": self.answered,
            "code": self.code,
            "taken": self.taken,
        }


@dataclass
class Ledger:
    """All the carrier knows. Ids start where they can't be taken for one another."""

    now: Now = utc_now
    sent: dict[int, SentFax] = field(default_factory=dict)
    received: list[ReceivedFax] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    calls_to: Counter[str] = field(default_factory=Counter)
    sent_ids: Iterator[int] = field(default_factory=lambda: count(4_100_001))
    received_ids: Iterator[int] = field(default_factory=lambda: count(7_001_001))
    transaction_ids: Iterator[int] = field(default_factory=lambda: count(8_600_001))
    fax_ids: Iterator[int] = field(default_factory=lambda: count(88_001))
    invented_ids: Iterator[int] = field(default_factory=lambda: count(990_000_001))

    def ask(self, path: str) -> Asked:
        """Note a call that has come in."""
        asked = Asked(path, self.now())
        self.asked.append(asked)
        return asked

    def find_received(self, job_id: str, transaction_id: str) -> ReceivedFax | None:
        """A received fax by both of its ids, which come as text or as numbers."""
        return next(
            (fax for fax in self.received if (str(fax.job_id), str(fax.transaction_id)) == (job_id, transaction_id)),
            None,
        )
