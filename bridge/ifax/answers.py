"""An answer of the carrier, read whatever it is: JSON, HTML, cut off, or nothing. Nothing in it can raise."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.runtime import foreign

ID_LENGTH = 80
TEXT_LENGTH = 300
"""Characters kept of the carrier's message."""

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,25}\s*", re.ASCII)
_MAX_TIMESTAMP = 4_102_444_800  # the year 2100, in seconds since 1970


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP status, the body as bytes, and what of the usual envelope was found in it."""

    http_status: int
    body: bytes
    fields: dict[str, Any]
    retry_after: str | None = None

    @classmethod
    def read(cls, http_status: int, body: bytes, retry_after: str | None = None) -> "Answer":
        """Whatever came, as an answer; ``fields`` is empty unless the body is a JSON object."""
        return cls(http_status, body, json_object(body), retry_after)

    @property
    def ok(self) -> bool:
        """2xx and ``status`` 1: the carrier's whole idea of success. HTTP 200 alone is not."""
        return self.is_2xx and integer(self.fields.get("status")) == 1

    @property
    def is_2xx(self) -> bool:
        return 200 <= self.http_status < 300  # noqa: PLR2004 - HTTP's success class

    @property
    def data(self) -> Any:
        return self.fields.get("data")

    @property
    def code(self) -> int | None:
        """The carrier's code, at the top or within ``data``."""
        inner = self.data.get("code") if isinstance(self.data, dict) else None
        return first(integer(self.fields.get("code")), integer(inner))

    @property
    def message(self) -> str:
        """The carrier's sentence, one line, bounded; empty if there is none."""
        for key in ("message", "error"):
            value = self.fields.get(key)
            if isinstance(value, str) and value.strip():
                return foreign.one_line(value, TEXT_LENGTH)
        return ""

    @property
    def job_id(self) -> str | None:
        """``data.jobId`` of an accepted ``fax-send``, as text."""
        return identifier(self.data.get("jobId")) if isinstance(self.data, dict) else None

    @property
    def evidence(self) -> str:
        """The body as text, to be kept; a document inside it is cut out."""
        return foreign.decode(self.body[:4000]) if len(self.body) <= 4000 else foreign.decode(self.body[:1000]) + "…"  # noqa: PLR2004


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``; empty for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def integer(value: object) -> int | None:
    """An integer, or text that is one; a float only when it is whole; everything else is None."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return None


def small(value: object) -> int | None:
    """A count or code that fits a database integer; else None."""
    number = integer(value)
    return number if number is not None and abs(number) < 2**31 else None


def count(value: object) -> int | None:
    """A number of pages; None for anything that can be none."""
    number = small(value)
    return number if number is not None and number >= 0 else None


def identifier(value: object) -> str | None:
    """A carrier's id as text: an integer of any length, or a short plain word. None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip() if isinstance(value, str) or abs(value) < 10**ID_LENGTH else ""
    return text if 0 < len(text) <= ID_LENGTH and text.isascii() and text.isprintable() and " " not in text else None


def moment(value: object) -> datetime | None:
    """Unix seconds, UTC, as a moment; None for nonsense."""
    seconds = integer(value)
    if seconds is None or not 0 < seconds < _MAX_TIMESTAMP:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def first(*values: int | None) -> int | None:
    """The first that is there."""
    return next((value for value in values if value is not None), None)
