"""Both forms of webhook, plain and wrapped, both directions."""

import json
from typing import Any

import pytest

from bridge.ifax.models import Direction
from bridge.ifax.webhooks import HookEvent, read_form, read_json

RECEIVED = {
    "direction": "inbound",
    "jobId": 7001122,
    "transactionId": 8600991,
    "faxCallLength": 96,
    "faxCallStart": 1760000000,
    "faxCallEnd": 1760000096,
    "faxTotalPages": 3,
    "faxReceivedPages": 2,
    "faxStatus": "received",
    "success": True,
    "fromNumber": "+12125550177",
    "toNumber": "+14165550100",
    "code": 0,
    "message": "NORMAL_CLEARING",
}
SENT = {
    "direction": "outbound",
    "jobId": 4100217,
    "transactionId": 8600777,
    "fromNumber": "+14165550100",
    "toNumber": "+12125550177",
    "faxTotalPages": 1,
    "faxTransferredPages": 1,
    "retryAttempt": 0,
    "success": True,
    "faxStatus": "Delivered",
    "code": 0,
    "message": "NORMAL_CLEARING",
}


def _json(fields: dict[str, Any]) -> HookEvent:
    return read_json(json.dumps(fields).encode())


def _wrapped(fields: dict[str, Any]) -> HookEvent:
    return read_json(json.dumps({"event": "fax", "data": fields}).encode())


def _form(fields: dict[str, Any]) -> HookEvent:
    return read_form({name: "true" if value is True else str(value) for name, value in fields.items()})


FORMS = pytest.mark.parametrize("read", [_json, _wrapped, _form], ids=["json", "wrapped", "form"])


@FORMS
def test_received(read: Any) -> None:
    """A received fax is told alike by every form: ids as text, both numbers, pages, the start of the call."""
    event = read(RECEIVED)
    assert event.direction is Direction.IN
    heard = event.heard
    assert heard is not None
    assert (heard.job_id, heard.transaction_id) == ("7001122", "8600991")
    assert (heard.caller, heard.called) == ("+12125550177", "+14165550100")
    assert (heard.pages, heard.pages_total) == (2, 3)
    assert heard.started_at is not None
    assert heard.started_at.timestamp() == 1760000000
    assert "7001122" in event.raw


@FORMS
def test_sent(read: Any) -> None:
    """A sent fax is told alike by every form, and is never taken for a received one."""
    event = read(SENT)
    assert (event.direction, event.heard) == (Direction.OUT, None)
    assert (event.fax.job_id, event.fax.transaction_id) == ("4100217", "8600777")
    assert (event.fax.word, event.fax.code) == ("delivered", 0)


@FORMS
@pytest.mark.parametrize("word", ["OB", "sent", "Outbound", "out"])
def test_direction_words(read: Any, word: str) -> None:
    """Every word for the direction is understood, in any case."""
    assert read(SENT | {"direction": word}).direction is Direction.OUT


@FORMS
@pytest.mark.parametrize("word", ["", "sideways", None, 1])
def test_direction_by_its_fields(read: Any, word: object) -> None:
    """Where no word tells the direction a field does that only one kind has."""
    assert read(SENT | {"direction": word}).direction is Direction.OUT
    assert read(RECEIVED | {"direction": word}).direction is Direction.IN


def test_direction_by_its_path() -> None:
    """Where nothing else tells, the path does; where not even that, nothing is assumed."""
    body = json.dumps({"jobId": 1, "transactionId": 2}).encode()
    assert read_json(body, Direction.IN).heard is not None
    assert read_json(body, Direction.OUT).heard is None
    assert read_json(body) == HookEvent(None, read_json(body).fax, None, body.decode())


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("12125550177", "+12125550177"),
        ("+2125550177", "+12125550177"),
        (12125550177, "+12125550177"),
        (None, ""),
        ("anonymous", "anonymous"),
        ("+99912345678", "+99912345678"),
        ({"n": 1}, ""),
    ],
    ids=repr,
)
def test_callers(written: object, read: str) -> None:
    """A caller's number is E.164 where that is certain, else as it came, and never an error."""
    heard = _json(RECEIVED | {"fromNumber": written}).heard
    assert heard is not None
    assert heard.caller == read


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<xml/>", b'{"jobId": ', b"\xff\xfe", b'{"data": []}'])
def test_hooks_that_say_nothing(body: bytes) -> None:
    """A body that is no JSON object is an event that says nothing, kept as it came."""
    event = read_json(body)
    assert (event.direction, event.heard, event.fax.job_id) == (None, None, None)
    assert isinstance(event.raw, str)
