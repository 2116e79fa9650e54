"""What a request must be: tables of checks, the first broken one decides the refusal.

The real carrier's refusals were never captured. Ours are HTTP 200 with ``{"status": 0, "message": TEXT,
"data": {"code": N}}``, code and text from the page's table; only a wrong key is HTTP 401, without a code.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import PurePosixPath
from secrets import compare_digest
from typing import Any, Generic, TypeVar

from bridge.sandbox.actions import Refuse
from bridge.sandbox.codes import text_of
from bridge.sandbox.numbers import is_e164, is_us_or_canada
from bridge.sandbox.pages import KINDS_BY_ENDING, File, UnreadableError, count_pages, kind_of
from bridge.sandbox.shapes import Json

MAX_FILES = 25_000_000
"""Bytes of all files of a fax together."""

MAX_BODY = 40_000_000
"""Base64 of that and some more."""

COVER_FIELDS = ("subject", "from_name", "to_name", "message", "templateId")


@dataclass(frozen=True)
class Refusal:
    """How the carrier says no."""

    code: int | None
    message: str
    http: int = 200
    flat: bool = False

    def body(self) -> Json:
        """The JSON of it."""
        if self.code is None:
            return {"status": 0, "message": self.message}
        if self.flat:
            return {"status": 0, "code": self.code, "message": self.message}
        return {"status": 0, "message": self.message, "data": {"code": self.code}}


def page(code: int) -> Refusal:
    """The refusal with this code of the page."""
    return Refusal(code, text_of(code))


def ordered(refuse: Refuse) -> Refusal:
    """The refusal that a script asks for."""
    return Refusal(refuse.code, text_of(refuse.code) if refuse.message is None else refuse.message, flat=refuse.flat)


@dataclass(frozen=True)
class Call:
    """A request before anything of it is understood."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    token: str
    """The one that it should have."""

    @cached_property
    def content(self) -> Any:
        """The JSON that was sent; ``None`` where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Order:
    """The body of fax-send, read as far as it can be read."""

    body: Json

    @cached_property
    def items(self) -> list[Any]:
        """The list of files."""
        items = self.body.get("faxData")
        return items if isinstance(items, list) else []

    @cached_property
    def decoded(self) -> list[bytes | None]:
        """The files' bytes; ``None`` where that was no base64."""
        return [_from_base64(item.get("fileData")) for item in self.items]

    @cached_property
    def page_counts(self) -> list[int | None]:
        """The files' pages; ``None`` where there is no making pages of it."""
        return [_pages_or_none(data) for data in self.decoded]

    @property
    def files(self) -> tuple[File, ...]:
        """The files; only once all checks hold."""
        whole = zip(self.items, self.decoded, self.page_counts, strict=True)
        return tuple(File(item["fileName"], data or b"", pages or 0) for item, data, pages in whole)

    @property
    def cover(self) -> bool:
        """Whether the carrier puts a cover page before the files."""
        return any(self.body.get(name) for name in COVER_FIELDS)

    def without_bytes(self) -> Json:
        """The request with its files' base64 replaced by its length."""
        items = [
            {**item, "fileData": f"({len(item['fileData'])} characters)"} if "fileData" in item else item
            for item in self.items
        ]
        return {**self.body, "faxData": items}


T = TypeVar("T")


@dataclass(frozen=True)
class Check(Generic[T]):
    """One thing that must hold, and how the carrier refuses where it doesn't."""

    name: str
    holds: Callable[[T], bool]
    refusal: Refusal


def first_broken(checks: Sequence[Check[T]], subject: T) -> Refusal | None:
    """The refusal of the first check that doesn't hold."""
    return next((check.refusal for check in checks if not check.holds(subject)), None)


# Every call

ENVELOPE: tuple[Check[Call], ...] = (
    Check(
        "the key",
        lambda call: compare_digest(call.headers.get("accesstoken", "").encode(), call.token.encode()),
        Refusal(None, "API Secret Key is invalid.", http=401),
    ),
    Check("POST", lambda call: call.method == "POST", page(12010)),
    Check(
        "content type",
        lambda call: call.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json",
        Refusal(12009, "Invalid parameter: Content-Type must be application/json"),
    ),
    Check("not endless", lambda call: len(call.body) <= MAX_BODY, page(-1063)),
    Check("a JSON object", lambda call: isinstance(call.content, dict), page(12009)),
)

# The number list is asked with an empty object or an empty array.
ENVELOPE_OR_ARRAY: tuple[Check[Call], ...] = (
    *ENVELOPE[:-1],
    Check("a JSON object or []", lambda call: isinstance(call.content, dict) or call.content == [], page(12009)),
)


# fax-send


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isascii() and name.isprintable() and _ending(name) in KINDS_BY_ENDING


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _all_match_their_names(order: Order) -> bool:
    pairs = zip(order.items, order.decoded, strict=True)
    return all(kind_of(data or b"") == KINDS_BY_ENDING[_ending(item["fileName"])] for item, data in pairs)


def fax_send_checks(numbers: Sequence[str]) -> tuple[Check[Order], ...]:
    """The checks of fax-send, for an account with these numbers."""
    return (
        Check("faxNumber is there", lambda order: bool(order.body.get("faxNumber")), page(12020)),
        Check("faxNumber is E.164", lambda order: is_e164(order.body["faxNumber"]), page(120100)),
        Check("faxNumber is in the US or CA", lambda order: is_us_or_canada(order.body["faxNumber"]), page(120101)),
        Check(
            "callerId, if given, is E.164",
            lambda order: order.body.get("callerId") is None or is_e164(order.body["callerId"]),
            page(120103),
        ),
        Check(
            "callerId, if given, is the account's",
            lambda order: order.body.get("callerId") is None or order.body["callerId"] in numbers,
            page(120104),
        ),
        Check(
            "faxQuality, if given, is a known word",
            lambda order: order.body.get("faxQuality", "Standard") in ("Low", "Standard", "HD"),
            page(12009),
        ),
        Check(
            "cover fields are text",
            lambda order: all(isinstance(order.body.get(name, ""), str) for name in COVER_FIELDS),
            page(12009),
        ),
        # We have no calendar: better a refusal than a fax at the wrong time.
        Check("not scheduled", lambda order: not order.body.get("send_at"), page(12009)),
        Check("faxData has files", lambda order: bool(order.items), page(-123)),
        Check("files are objects", lambda order: all(isinstance(item, dict) for item in order.items), page(-123)),
        Check(
            "fileName is ASCII and ends in .pdf, .png, .jpg or .jpeg",
            lambda order: all(_is_name(item.get("fileName")) for item in order.items),
            page(120107),
        ),
        # The stand-in fetches nothing: whatever lies behind a URL, it couldn't get it.
        Check("no fileUrl", lambda order: not any(item.get("fileUrl") for item in order.items), page(120108)),
        Check("fileData is there", lambda order: all(item.get("fileData") for item in order.items), page(-123)),
        Check("fileData is base64", lambda order: None not in order.decoded, page(-1004)),
        Check("not too big", lambda order: sum(len(data or b"") for data in order.decoded) <= MAX_FILES, page(-1063)),
        Check("what is in it is what its name says", _all_match_their_names, page(120109)),
        Check("pages can be made of it", lambda order: None not in order.page_counts, page(-1004)),
    )


# The others

FAX_STATUS: tuple[Check[Json], ...] = (Check("jobId is there", lambda body: bool(body.get("jobId")), page(12123)),)
FAX_RESEND = FAX_STATUS
FAX_DOWNLOAD: tuple[Check[Json], ...] = (
    Check("jobId is there", lambda body: bool(body.get("jobId")), page(12123)),
    Check("transactionId is there", lambda body: bool(body.get("transactionId")), page(12123)),
)
FAX_LIST_ALL: tuple[Check[Json], ...] = (
    Check(
        "dates are MM/DD/YYYY",
        lambda body: all(date_of(body[name]) for name in ("startDate", "endDate") if body.get(name)),
        page(-2040),
    ),
    Check("sortBy, if given, is newest", lambda body: body.get("sortBy", "newest") == "newest", page(12009)),
)
FAX_LIST: tuple[Check[Json], ...] = (
    Check(
        "numberId and orderId are there",
        lambda body: all(isinstance(body.get(name), str) for name in ("numberId", "orderId")),
        page(12123),
    ),
    Check(
        "markedAs, if given, is Done or Not Done",
        lambda body: body.get("markedAs", "Done") in ("Done", "Not Done"),
        page(12009),
    ),
    *FAX_LIST_ALL,
)
NUMBER_LIST: tuple[Check[Json], ...] = ()


def id_of(value: object) -> str:
    """An id as text, whether it came as text or as an integer; empty for anything else."""
    text = str(value) if type(value) in (int, str) else ""
    return text if re.fullmatch(r"[0-9]{1,20}", text) else ""


def date_of(value: object) -> datetime | None:
    """The midnight (UTC) with which a day begins; ``None`` where it isn't MM/DD/YYYY."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{2}/[0-9]{2}/[0-9]{4}", value):
        return None
    try:
        return datetime.strptime(value, "%m/%d/%Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def _from_base64(text: object) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _pages_or_none(data: bytes | None) -> int | None:
    try:
        return count_pages(data or b"")
    except UnreadableError:
        return None
