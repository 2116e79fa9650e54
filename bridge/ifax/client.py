"""The calls themselves, over httpx; nothing else in the program speaks HTTP to the carrier.

The key goes to ``base_url``'s host only: redirects are not followed, and no URL found in an answer is ever fetched.
``fax-send`` gets a connection of its own each time, so that an idle one closed by the far side can't look like a fax
that may have been taken. Every body is read whatever the HTTP status, up to a bound.
"""

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from bridge.fax import numbers
from bridge.fax.arrivals import Announcement
from bridge.fax.options import Quality
from bridge.ifax import verdicts
from bridge.ifax.answers import Answer, identifier, integer
from bridge.ifax.errors import CallRefused, CarrierError, NotTaken, OutcomeUnknown
from bridge.ifax.models import FaxObject, announcement
from bridge.ifax.options import QUALITIES, IfaxOptions
from bridge.runtime.clock import Clock
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.events import Events
from bridge.runtime.phrases import phrase

BROKE = phrase("the call broke while the fax was handed over ({how})")
UNCLEAR = phrase("the fax service's answer (HTTP {status}) does not say what it did")

ANSWER_LIMIT = 1_000_000
DOWNLOAD_LIMIT = 150_000_000
"""Bytes of one answer at most: base64 makes a third more of a document."""

TOO_MANY_REQUESTS = 429

LONGEST_RETRY_AFTER = 3600.0
"""Seconds; what the carrier asks for beyond an hour is not waited for."""

FILE_NAME = "fax.pdf"
"""Our own ASCII name for every document; the sender's names are nobody's business on the way."""

_CHUNK = 64 * 1024
_UNCLEAR_STATUSES = {408, 425, 499}
_ELSEWHERE = {301, 307, 308}
"""Redirections that come before any work; 302 and 303 may come after it."""

_SAYING_NO = {0, -1, -2, -4, -5}
"""Values of ``status`` that clients have seen with refusals; -3 is the carrier's word for "sent"."""

_WHITE_SPACE = re.compile(r"\s+")
_MAGIC = re.compile(rb"%PDF-|II\*\x00|MM\x00\*")


@dataclass(frozen=True, slots=True)
class CoverWords:
    """What the carrier is to put on a cover page of its own, which it makes where any of these is sent."""

    subject: str
    from_name: str
    to_name: str
    message: str


@dataclass(frozen=True, slots=True)
class FaxRequest:
    """One fax to send: the number in E.164, the PDF's bytes. Without ``cover`` the carrier puts no page before them.

    ``quality`` None is the site's.
    """

    number: str
    pdf: bytes
    caller_id: str | None = None
    cover: CoverWords | None = None
    may_begin: Callable[[], bool] = lambda: True
    quality: Quality | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The carrier has the fax under this job id."""

    job_id: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class ListPage:
    """Rows of the received list, newest first; ``last_id`` asks for the page after it, None when there are no rows."""

    rows: tuple[Announcement, ...]
    last_id: str | None


class IfaxClient:
    """The typed client; an async context manager. Safe to share between workers."""

    def __init__(self, options: IfaxOptions, clock: Clock, events: Events) -> None:
        self._options = options
        self._clock = clock
        self._events = events
        stall = options.stall_timeout.total_seconds()
        timeout = httpx.Timeout(stall, connect=options.connect_timeout.total_seconds())
        headers = {
            "accessToken": options.access_token,
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # a few bytes of compressed answer can be gigabytes
        }
        common: dict[str, Any] = {"timeout": timeout, "headers": headers, "trust_env": False, "follow_redirects": False}
        self._http = httpx.AsyncClient(**common)
        self._once = httpx.AsyncClient(**common, limits=httpx.Limits(max_keepalive_connections=0))
        self._uploads = asyncio.Semaphore(options.uploads)
        self._downloads = asyncio.Semaphore(options.downloads)
        self._next_call = 0.0
        self._quiet_until = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
        await self._once.aclose()

    def pause_left(self) -> float:
        """Seconds for which the carrier wishes no calls at all (429 with ``Retry-After``, to whatever call)."""
        return max(0.0, self._quiet_until - self._clock.monotonic())

    def _wish(self, answer: Answer) -> float | None:
        return _seconds(answer.retry_after or "", self._clock.now())

    async def fax_send(self, request: FaxRequest) -> Taken:
        """Hand one fax to the carrier. Taken means 2xx, ``status`` 1 and a job id, nothing less.

        Raises CallRefused, NotTaken or OutcomeUnknown.
        """
        if numbers.is_fictional(request.number) and not self._options.is_loopback:
            raise CallRefused("the number is reserved for fiction", "fictional-number")
        if (left := self.pause_left()) > 0:
            raise NotTaken("the fax service wishes no calls just now", "rate-limited", None, left)
        body = await asyncio.to_thread(self._send_body, request)
        upload = _FaxUpload(body, request.may_begin)
        async with self._uploads:
            crash_point(Point.CALL_UNSENT)
            try:
                answer = await self._call(self._once, "fax-send", upload, len(body), ANSWER_LIMIT)
            except _TooLateError as error:
                raise NotTaken("no call was made: the daemon had stood still for too long", "not-reached") from error
            except (httpx.HTTPError, TimeoutError, OSError) as error:
                if upload.begun:
                    raise OutcomeUnknown(BROKE.format(how=_name(error))) from error
                raise NotTaken(f"the fax service cannot be reached ({_name(error)})", "not-reached") from error
        return self._read_send_answer(answer)

    async def fax_status(self, job_id: str) -> tuple[FaxObject, Answer]:
        """What the carrier says of a fax it has. Raises CarrierError when it says nothing usable."""
        answer = await self._ask("fax-status", {"jobId": _as_sent(job_id)})
        if not answer.ok or not isinstance(answer.data, dict):
            raise CarrierError("the fax service gave no usable answer about the fax", answer)
        seen = FaxObject.read(answer.data)
        if seen.job_id not in {None, job_id}:
            raise CarrierError("the fax service answered about another fax", answer)
        return seen, answer

    async def fax_download(self, job_id: str, transaction_id: str) -> tuple[bytes | None, Answer]:
        """The file of a received fax (PDF or TIFF by its first bytes), or None with the answer that had none.

        Raises CarrierError when no answer came at all.
        """
        body = {"jobId": job_id, "transactionId": transaction_id}
        async with self._downloads:
            answer = await self._ask("inbound/fax-download", body, DOWNLOAD_LIMIT)
        return await asyncio.to_thread(document_in, answer), answer

    async def list_received(self, start: date, end: date, last_id: str | None) -> ListPage:
        """A page of the account's received faxes between two days, newest first, after the row ``last_id``."""
        body: dict[str, Any] = {"startDate": f"{start:%m/%d/%Y}", "endDate": f"{end:%m/%d/%Y}", "sortBy": "newest"}
        if last_id is not None:
            body["lastFaxId"] = _as_sent(last_id)
        answer = await self._ask("inbound/fax-list-all", body, ANSWER_LIMIT * 10)
        if not answer.ok or not isinstance(answer.data, list | None):
            raise CarrierError("the fax service gave no usable list of received faxes", answer)
        rows = [row for row in answer.data or [] if isinstance(row, dict)]
        read = tuple(heard for row in rows if (heard := announcement(row)) is not None)
        last = (identifier(rows[-1].get("faxId")) or identifier(rows[-1].get("jobId"))) if rows else None
        return ListPage(read, last)

    async def _ask(self, call: str, body: dict[str, Any], limit: int = ANSWER_LIMIT) -> Answer:
        """A call that changes nothing at the carrier, so that any failure may simply be tried again later."""
        if self.pause_left() > 0:
            raise CarrierError("the fax service wishes no calls just now")
        content = json.dumps(body).encode()
        try:
            return await self._call(self._http, call, _Upload(content), len(content), limit)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise CarrierError(f"the fax service does not answer ({_name(error)})") from error

    async def _call(self, http: httpx.AsyncClient, call: str, upload: "_Upload", length: int, limit: int) -> Answer:
        await self._wait_for_turn()
        url = f"{self._options.base_url}/customer/{call}"
        headers = {"Content-Type": "application/json", "Content-Length": str(length)}
        async with (
            self._timed(call) as timed,
            asyncio.timeout(self._options.call_timeout.total_seconds()),
            http.stream("POST", url, content=upload, headers=headers) as response,
        ):
            raw = bytearray()
            async for chunk in response.aiter_raw():
                raw += chunk
                if len(raw) > limit:
                    raise httpx.ReadError("the answer is longer than anything we ask for")
            timed.result = str(response.status_code)
            retry_after = response.headers.get("Retry-After")
        answer = await asyncio.to_thread(Answer.read, response.status_code, bytes(raw), retry_after)
        if answer.http_status == TOO_MANY_REQUESTS:
            self._quiet_until = max(self._quiet_until, self._clock.monotonic() + (self._wish(answer) or 0))
        return answer

    async def _wait_for_turn(self) -> None:
        """Space calls evenly so that no more than ``calls_per_second`` go out."""
        now = self._clock.monotonic()
        turn = max(now, self._next_call)
        self._next_call = turn + 1 / self._options.calls_per_second
        if turn > now:
            await self._clock.sleep(turn - now)

    @asynccontextmanager
    async def _timed(self, call: str) -> AsyncIterator["_Timed"]:
        started, timed = self._clock.monotonic(), _Timed()
        try:
            yield timed
        finally:
            seconds = self._clock.monotonic() - started
            self._events.meters.carrier_seconds.labels(call=call, result=timed.result).observe(seconds)

    def _send_body(self, request: FaxRequest) -> bytes:
        file = {"fileName": FILE_NAME, "fileData": base64.b64encode(request.pdf).decode("ascii")}
        quality = self._options.quality if request.quality is None else QUALITIES[request.quality]
        body: dict[str, Any] = {"faxNumber": request.number, "faxQuality": quality, "faxData": [file]}
        if request.caller_id:
            body["callerId"] = request.caller_id
        if request.cover is not None:
            body |= {name: value for name, value in asdict(request.cover).items() if value}
        return json.dumps(body).encode()

    def _read_send_answer(self, answer: Answer) -> Taken:
        """Taken, or what it was instead. Whatever may have been taken is unknown: see docs/decisions/0003."""
        if answer.ok and answer.job_id is not None:
            return Taken(answer.job_id, answer)
        if _may_be_taken(answer):
            raise OutcomeUnknown(UNCLEAR.format(status=answer.http_status), answer)
        if answer.http_status == TOO_MANY_REQUESTS:
            raise NotTaken("the fax service takes no more calls just now", "rate-limited", answer, self._wish(answer))
        if answer.http_status in _ELSEWHERE:
            raise NotTaken("the fax service sends us elsewhere; ifax.base_url is wrong", "not-reached", answer)
        raise CallRefused(answer.message or f"HTTP {answer.http_status}", verdicts.refusal_cause(answer), answer)


def _may_be_taken(answer: Answer) -> bool:
    """Whether a fax may be going out in spite of this answer: it is no plain refusal."""
    status = integer(answer.fields.get("status"))
    if answer.job_id is not None or status == 1 or not verdicts.is_refusal_in_words(answer):
        return True
    if answer.is_2xx:
        return status not in _SAYING_NO
    refuses = 400 <= answer.http_status < 500 and answer.http_status not in _UNCLEAR_STATUSES  # noqa: PLR2004 - HTTP
    return not refuses and answer.http_status not in _ELSEWHERE


class _Upload(httpx.AsyncByteStream):
    """A request's body that knows whether any of it was handed to the connection."""

    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)
        self.begun = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), _CHUNK):
            self.begun = True
            yield bytes(self._body[start : start + _CHUNK])


class _TooLateError(Exception):
    """Not a byte of the fax may go out any more."""


class _FaxUpload(_Upload):
    """A fax's, whose bytes are away once the next ones are asked for; the first only if it still may go."""

    def __init__(self, body: bytes, may_begin: Callable[[], bool]) -> None:
        super().__init__(body)
        self._may_begin = may_begin

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self._may_begin():
            raise _TooLateError
        async for piece in super().__aiter__():
            yield piece
            crash_point(Point.CALL_BEGUN)
        crash_point(Point.CALL_SENT)


class _Timed:
    result = "broken"


def document_in(answer: Answer) -> bytes | None:
    """The PDF or TIFF in a download's answer: base64 in ``data``, a data URI, or the raw file as the body itself."""
    if answer.is_2xx and _looks_like_document(answer.body):
        return answer.body
    data = answer.data
    if not answer.ok or not isinstance(data, str):
        return None
    text = _WHITE_SPACE.sub("", data)
    if text[:5].lower() == "data:":
        text = text.partition(",")[2]
    with contextlib.suppress(ValueError):
        raw = base64.b64decode(text, validate=True)
        if _looks_like_document(raw):
            return raw
    return None


def _looks_like_document(raw: bytes) -> bool:
    """PDF (perhaps after some junk) or TIFF by its first bytes; never an answer in words that merely speaks of one."""
    if raw.lstrip()[:1] in {b"{", b"[", b"<"}:
        return False
    found = _MAGIC.search(raw[:1024])
    return found is not None and (found.start() == 0 or found.group() == b"%PDF-")


def _as_sent(identity: str) -> int | str:
    """An id as the page wants it: an integer where it is one."""
    return int(identity) if identity.isascii() and identity.isdigit() and str(int(identity)) == identity else identity


def _seconds(text: str, now: datetime) -> float | None:
    """What ``Retry-After`` (RFC 9110, 10.2.3) asks for: seconds, or a date, which must be told with its zone."""
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _name(error: BaseException) -> str:
    """What broke, in words that may stand in a notice."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return phrase("no answer in time")
    if isinstance(error, httpx.ConnectError):
        return phrase("no connection")
    return phrase("the connection was cut")
