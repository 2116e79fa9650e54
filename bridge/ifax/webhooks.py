"""Both forms of iFax webhook, read into one event. A hook is a hint from a stranger: it is read, not believed.

JSON carries no file (seen live); the page describes a form upload whose file part is named ``filename``. Either may
wrap its fields in ``data``. iFax signs nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.fax.arrivals import Announcement
from bridge.ifax.answers import json_object
from bridge.ifax.models import Direction, FaxObject, announcement, direction_of

FILE_FIELD = "filename"
"""The name of the form part that holds the PDF (ifax-api page, "receive fax callback")."""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What one hook says. ``direction`` is None where even that is unclear; ``heard`` is there for received faxes."""

    direction: Direction | None
    fax: FaxObject
    heard: Announcement | None
    raw: str


def read_json(body: bytes, hint: Direction | None = None) -> HookEvent:
    """A JSON hook; anything but a JSON object is an event that says nothing."""
    return _event(json_object(body), body.decode("utf-8", errors="replace"), hint)


def read_form(fields: Mapping[str, str], hint: Direction | None = None) -> HookEvent:
    """A form hook: its text fields, without the file."""
    return _event(dict(fields), json.dumps(dict(fields), ensure_ascii=False), hint)


def _event(fields: dict[str, Any], raw: str, hint: Direction | None) -> HookEvent:
    inner = fields.get("data")
    if isinstance(inner, dict) and "jobId" not in fields:
        fields = {**fields, **inner}
    direction = direction_of(fields, hint)
    heard = announcement(fields) if direction is Direction.IN else None
    return HookEvent(direction, FaxObject.read(fields), heard, raw)
