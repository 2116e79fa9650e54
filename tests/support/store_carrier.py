"""A carrier in the same process: answers what it was told to, and notes what it was asked."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

from bridge.ifax.answers import Answer
from bridge.ifax.client import FaxRequest, IfaxClient, ListPage, Taken
from bridge.ifax.errors import CarrierError, NotTaken
from bridge.ifax.models import FaxObject, announcement
from bridge.mail.options import MailOptions
from bridge.sending.options import SendingOptions
from tests.support.store_bench import ADMIN

OPTIONS = SendingOptions(uploads=1, max_document=15_000_000, first_poll=timedelta(seconds=30))
MAIL = MailOptions("Fax <fax@fax.local>", "fax.local", "fax.local", ADMIN)

Meanwhile = Callable[[], Awaitable[object]]
"""What happens in the world while a call is in hand."""


def answer(value: Any, status: int = 200) -> Answer:
    """An answer whose body is this JSON."""
    return Answer.read(status, json.dumps(value).encode())


def taken(job: str = "4100217") -> Taken:
    """The carrier took a fax."""
    return Taken(job, answer({"status": 1, "message": "Fax processed for sending", "data": {"jobId": job}}))


def status(word: str, code: int = 0, text: str = "", **more: Any) -> Answer:
    """A Fax Object's answer."""
    said = {"jobId": 4100217, "transactionId": 8600777, "faxStatus": word, "code": code, "message": text, **more}
    return answer({"status": 1, "data": said})


def rows(*ids: int, **more: Any) -> list[dict[str, Any]]:
    """Rows of the received list, by job id."""
    return [{"faxId": 80_000 + each, "jobId": each, "transactionId": 900_000 + each, **more} for each in ids]


@dataclass
class FakeCarrier:
    """Each list is what comes next; an error in it is raised. An empty one is a call nobody foresaw."""

    sends: list[Taken | CarrierError] = field(default_factory=list)
    statuses: list[Answer | CarrierError] = field(default_factory=list)
    downloads: list[bytes | Answer | CarrierError] = field(default_factory=list)
    pages: list[list[dict[str, Any]] | CarrierError] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    qualities: list[str | None] = field(default_factory=list)
    """Those that were asked for, one a call."""
    quiet: float = 0.0
    """Seconds for which the carrier wishes no calls."""
    before: Meanwhile | None = None
    """What happens before the first byte of a fax goes out."""
    meanwhile: Meanwhile | None = None

    @property
    def client(self) -> IfaxClient:
        """As the workers know it."""
        return cast("IfaxClient", self)

    async def _note(self, *call: Any) -> None:
        self.asked.append(call)
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()

    def pause_left(self) -> float:
        return self.quiet

    async def fax_send(self, request: FaxRequest) -> Taken:
        if self.before is not None:
            happens, self.before = self.before, None
            await happens()
        if not request.may_begin():  # as the client does
            raise NotTaken("no call was made", "not-reached")
        self.qualities.append(request.quality)
        await self._note("send", request.number, request.pdf, request.caller_id)
        said: Taken = _given(self.sends.pop(0))
        return said

    async def fax_status(self, job_id: str) -> tuple[FaxObject, Answer]:
        await self._note("status", job_id)
        said = _given(self.statuses.pop(0))
        seen = FaxObject.read(said.data)
        if seen.job_id not in {None, job_id}:  # as the client does
            raise CarrierError("the fax service answered about another fax", said)
        return seen, said

    async def fax_download(self, job_id: str, transaction_id: str) -> tuple[bytes | None, Answer]:
        await self._note("download", job_id, transaction_id)
        said = _given(self.downloads.pop(0))
        return (said, Answer.read(200, said)) if isinstance(said, bytes) else (None, said)

    async def list_received(self, start: date, end: date, last_id: str | None) -> ListPage:
        await self._note("list", start, end, last_id)
        page = _given(self.pages.pop(0))
        heard = tuple(row for row in map(announcement, page) if row is not None)
        return ListPage(heard, str(page[-1]["faxId"]) if page else None)


def _given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value
