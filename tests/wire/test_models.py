"""Whatever JSON the carrier sends in whatever field: it is read, bounded, and nothing raises."""

import json
from typing import Any

from hypothesis import example, given, settings, strategies as st

from bridge.fax.arrivals import Announcement
from bridge.ifax import verdicts, webhooks
from bridge.ifax.answers import Answer, identifier, integer, json_object, moment, small
from bridge.ifax.client import document_in
from bridge.ifax.models import Direction, FaxObject, announcement

FIELDS = (
    "jobId",
    "transactionId",
    "faxId",
    "faxStatus",
    "status",
    "code",
    "message",
    "error",
    "data",
    "direction",
    "fromNumber",
    "toNumber",
    "faxTotalPages",
    "faxTransferredPages",
    "faxReceivedPages",
    "faxCallStart",
    "faxCallEnd",
    "success",
)

TEXTS = st.one_of(
    st.text(max_size=60),
    st.integers().map(str),
    st.from_regex(r"\+?[0-9]{5,16}", fullmatch=True),
    st.sampled_from(["delivered", "FAILED", "inbound", "OB", "\x00", "\ud800", "1e400", "NaN", "٣", "¹", " 1 "]),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-(10**60), 10**60), st.floats(), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from(FIELDS), TEXTS), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=9)


@settings(deadline=None, max_examples=120)
@example(fields={"jobId": 1, "transactionId": 2, "fromNumber": "+99912345678"}, http=200)
@given(fields=OBJECTS, http=st.integers(100, 599))
def test_any_object_is_read(fields: dict[str, Any], http: int) -> None:
    """Any JSON value in any field never raises, and what is read of it is bounded."""
    answer = Answer.read(http, json.dumps(fields).encode())
    for seen in (FaxObject.read(fields), FaxObject.read(answer.fields)):
        assert len(seen.word) <= 40
        assert len(seen.text) <= 300
        assert seen.code is None or abs(seen.code) < 2**31
        verdicts.verdict(seen, 2)
    _check(announcement(fields))
    assert answer.code is None or isinstance(answer.code, int)
    assert len(answer.message) <= 300
    assert answer.job_id is None or answer.job_id
    assert verdicts.refusal_cause(answer)
    assert verdicts.download_fate(answer, listed=True)
    document_in(answer)
    assert isinstance(answer.evidence, str)


def _check(heard: Announcement | None) -> None:
    if heard is not None:
        assert heard.job_id
        assert heard.transaction_id
        assert len(heard.caller) <= 40
        assert heard.caller.isprintable()
        assert heard.pages is None or abs(heard.pages) < 2**31


@settings(deadline=None, max_examples=120)
@example(fields={"direction": "in", "jobId": 1, "transactionId": 2, "fromNumber": "+99912345678"})
@given(fields=OBJECTS)
def test_any_hook_is_read(fields: dict[str, Any]) -> None:
    """A hook of any shape, as JSON or as a form, plain or wrapped, is an event and never an error."""
    for shape in (fields, {"data": fields}, [fields]):
        event = webhooks.read_json(json.dumps(shape).encode())
        _check(event.heard)
    form = {name: value for name, value in fields.items() if isinstance(value, str)}
    _check(webhooks.read_form(form).heard)


@settings(deadline=None)
@given(body=st.binary(max_size=300), http=st.integers(100, 599))
def test_any_bytes_are_read(body: bytes, http: int) -> None:
    """Bytes that are nothing at all are an answer that says nothing."""
    answer = Answer.read(http, body)
    assert isinstance(answer.fields, dict)
    assert isinstance(answer.evidence, str)
    document_in(answer)
    webhooks.read_json(body)


@settings(deadline=None)
@given(value=VALUES)
def test_single_values(value: Any) -> None:
    """Every reader of a single value gives its own kind or nothing."""
    assert isinstance(integer(value), int | None)
    found = small(value)
    assert found is None or abs(found) < 2**31
    name = identifier(value)
    assert name is None or (name.isascii() and name.isprintable() and " " not in name)
    read = moment(value)
    assert read is None or read.tzinfo is not None


def test_missing_fields() -> None:
    """A fax of which nothing is said says nothing, and is no announcement."""
    assert FaxObject.read({}) == FaxObject(None, None, "", None, "", None, None)
    assert announcement({}) is None
    assert announcement({"jobId": 1}) is None
    assert announcement({"transactionId": 1}) is None


def test_numbers_as_text() -> None:
    """Numbers as text are the numbers; ids stay text to the last digit."""
    seen = FaxObject.read(
        {
            "jobId": "1595500000000000001",
            "transactionId": 1595500000000000002,
            "faxStatus": "Failed",
            "code": "-22",
            "faxTotalPages": "3",
            "faxTransferredPages": " 2 ",
        }
    )
    assert seen == FaxObject("1595500000000000001", "1595500000000000002", "failed", -22, "", 3, 2, Direction.OUT)


def test_ids_are_bounded() -> None:
    """An id longer than its column is none: it could never be asked after."""
    assert identifier("9" * 80) == "9" * 80
    assert identifier("9" * 81) is None
    assert identifier(int("9" * 81)) is None


def test_deep_nesting() -> None:
    """JSON nested beyond all measure is nothing."""
    assert json_object(b"[" * 200_000) == {}
    assert json_object(b'{"a":' * 200_000) == {}
