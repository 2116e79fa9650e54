"""The checker by itself: a run in which all is well, then that run with one thing wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.crash.invariants import Kind, breaches
from tests.crash.record import Acknowledged, Arrived, Call, Death, Handed, Incoming, Record, Row

SENDER, FALLBACK = "ward@example.org", "fallback@example.org"
SURE, UNSURE, BUSY = "+13125550101", "+13125550102", "+13125550103"


def a_call(
    job_id: str,
    number: str,
    came_at: str,
    ended_at: str | None,
    *,
    delivered: bool = False,
    code: int = 263,
    went: int = 0,
) -> Call:
    """A call that was busy, if nothing else is said."""
    return Call(job_id, number, came_at, ended_at, delivered=delivered, code=0 if delivered else code, went=went)


def with_call(at: int, **values: Any) -> "Spoil":
    """One call with other values."""

    def spoil(record: Record) -> Record:
        calls = list(record.calls)
        calls[at] = replace(calls[at], **values)
        return replace(record, calls=tuple(calls))

    return spoil


ALL_IS_WELL = Record(
    handed=(
        Handed("<1@x>", (SURE, UNSURE), "M1"),
        Handed("<2@x>", (BUSY,), "M2"),
        Handed("<3@x>", ("+13125550104",), None),
        Handed("<4@x>", (), "M3", preview=True),
    ),
    calls=(
        a_call("1", SURE, "10:00", "10:01", delivered=True),
        a_call("2", UNSURE, "10:00", None),
        a_call("3", BUSY, "10:00", "10:01"),
        a_call("4", BUSY, "10:05", "10:06"),
        a_call("5", BUSY, "10:08", "10:09"),
    ),
    incoming=(Incoming("71", "81"),),
    hooks=(Acknowledged("out", "1", "9", 2), Acknowledged("in", "71", "81", 1)),
    arrived=(
        Arrived("<n1>", "delivered", SENDER, "F1", b"delivered"),
        Arrived("<n2>", "unconfirmed", SENDER, "F2", b"unconfirmed"),
        Arrived("<n3>", "failed", SENDER, "F3", b"failed"),
        Arrived("<n4>", "received", FALLBACK, "R1", b"a fax"),
        Arrived("<n4>", "received", FALLBACK, "R1", b"a fax"),
        Arrived("<n5>", "preview", SENDER, "P1", b"pages"),
    ),
    deaths=(Death("post.taken", frozenset({"<n4>"})), Death("", frozenset({"<n3>"}))),
    faxes=(
        {"id": "F1", "message_id": "M1", "number": SURE, "state": "delivered", "sender": SENDER, "outcome_class": "ok"},
        {
            "id": "F2",
            "message_id": "M1",
            "number": UNSURE,
            "state": "unconfirmed",
            "sender": SENDER,
            "outcome_class": None,
        },
        {"id": "F3", "message_id": "M2", "number": BUSY, "state": "failed", "sender": SENDER, "outcome_class": "busy"},
    ),
    attempts=(
        {"id": "A1", "fax_id": "F1", "result": "delivered"},
        {"id": "A2", "fax_id": "F2", "result": "unknown"},
        {"id": "A3", "fax_id": "F3", "result": "failed"},
        {"id": "A4", "fax_id": "F3", "result": "failed"},
        {"id": "A5", "fax_id": "F3", "result": "failed"},
    ),
    received=({"id": "R1", "carrier_job_id": "71", "transaction_id": "81", "state": "delivered"},),
    evidence=(
        {"kind": "hook", "direction": "out", "carrier_job_id": "1"},
        {"kind": "hook", "direction": "out", "carrier_job_id": "1"},
        {"kind": "status", "direction": "out", "carrier_job_id": "1"},
        {"kind": "hook", "direction": "in", "carrier_job_id": "71"},
    ),
    outbox=tuple({"id": f"O{at}", "message_id": f"<n{at}>", "event": "x", "state": "sent"} for at in (1, 2, 3, 4, 5)),
    previews=({"id": "P1", "message_id": "M3", "done_at": "10:00"},),
    missing=(),
)

Spoil = Callable[[Record], Record]


def put(record: Record, table: str, things: tuple[Any, ...]) -> Record:
    """The record with these things in that place."""
    place: dict[str, Any] = {table: things}
    return replace(record, **place)


def changed(table: str, row_id: str, **values: Any) -> Spoil:
    """One row with other values."""

    def spoil(record: Record) -> Record:
        rows: tuple[Row, ...] = getattr(record, table)
        assert any(row["id"] == row_id for row in rows)
        return put(record, table, tuple({**row, **values} if row["id"] == row_id else row for row in rows))

    return spoil


def without(table: str, at: int) -> Spoil:
    """One thing less."""

    def spoil(record: Record) -> Record:
        things = list(getattr(record, table))
        del things[at]
        return put(record, table, tuple(things))

    return spoil


def beside(table: str, thing: object) -> Spoil:
    """One thing more."""
    return lambda record: put(record, table, (*getattr(record, table), thing))


SPOILT: dict[str, tuple[Kind, Spoil]] = {
    "a mail that had its 250 has no fax": (Kind.LOST, without("faxes", 0)),
    "a fax of a mail that had its 250 belongs to another": (Kind.LOST, changed("faxes", "F1", message_id="M9")),
    "a mail made two faxes to one number": (
        Kind.DOUBLE,
        beside("faxes", {**ALL_IS_WELL.faxes[0], "id": "F9"}),
    ),
    "a fax that no mail asked for": (
        Kind.INVENTED,
        beside("faxes", {**ALL_IS_WELL.faxes[0], "id": "F9", "number": "+13125550199"}),
    ),
    "a fax still waits": (Kind.UNFINISHED, changed("faxes", "F1", state="ready")),
    "a fax is with the carrier for ever": (Kind.UNFINISHED, changed("faxes", "F1", state="sending")),
    "an innocent fax is set aside": (Kind.SET_ASIDE, changed("faxes", "F1", state="held", hold_reason="poison")),
    "a call that nobody settled": (Kind.UNFINISHED, changed("attempts", "A2", result=None)),
    "faxed again after it was delivered": (
        Kind.DOUBLE,
        beside("calls", a_call("9", SURE, "10:02", "10:03", delivered=True)),
    ),
    "faxed again before the first had failed": (
        Kind.DOUBLE,
        with_call(3, came_at="10:00:30"),
    ),
    "an unknown outcome was tried again": (
        Kind.DOUBLE,
        beside("calls", a_call("9", UNSURE, "10:02", "10:03")),
    ),
    "the carrier was given a fax that is nobody's": (
        Kind.INVENTED,
        beside("calls", a_call("9", "+13125550199", "10:02", "10:03", delivered=True)),
    ),
    "delivered, and the carrier did not": (
        Kind.UNTRUE,
        with_call(0, delivered=False),
    ),
    "delivered, and the carrier never had it": (Kind.UNTRUE, without("calls", 0)),
    "failed, and the carrier delivered it": (
        Kind.UNTRUE,
        with_call(4, delivered=True),
    ),
    "failed, and the carrier is at it": (Kind.UNTRUE, with_call(4, ended_at=None)),
    "called again though the number is dead": (Kind.STUBBORN, with_call(2, code=3912)),
    "called again though pages went over": (Kind.STUBBORN, with_call(2, went=1)),
    "called more often than the class allows": (
        Kind.STUBBORN,
        beside("calls", a_call("9", BUSY, "10:11", "10:12")),
    ),
    "given up while tries were left": (Kind.GIVEN_UP, without("calls", 4)),
    "unconfirmed, though its call was refused": (Kind.UNTRUE, changed("attempts", "A2", result="refused")),
    "no final notice": (Kind.NOTICES, without("arrived", 0)),
    "two final notices": (Kind.NOTICES, beside("arrived", Arrived("<n9>", "delivered", SENDER, "F1", b"again"))),
    "a final notice with the wrong word": (
        Kind.NOTICES,
        lambda record: replace(record, arrived=(replace(record.arrived[0], event="failed"), *record.arrived[1:])),
    ),
    "a final notice of a fax that is not at its end": (
        Kind.NOTICES,
        beside("arrived", Arrived("<n9>", "failed", SENDER, "F2", b"failed")),
    ),
    "nobody was told that it is unconfirmed": (Kind.NOTICES, without("arrived", 1)),
    "told twice that it is unconfirmed": (
        Kind.NOTICES,
        beside("arrived", Arrived("<n9>", "unconfirmed", SENDER, "F2", b"again")),
    ),
    "a hook that had its 2xx was not kept": (Kind.LOST, without("evidence", 3)),
    "a hook that had two 2xx was kept once": (Kind.LOST, without("evidence", 0)),
    "a received fax has no row": (Kind.LOST, without("received", 0)),
    "a received fax waits for ever": (Kind.LOST, changed("received", "R1", state="fetched")),
    "a received fax was set aside": (Kind.LOST, changed("received", "R1", state="quarantined")),
    "a received fax was mailed to nobody": (
        Kind.LOST,
        lambda record: replace(record, arrived=record.arrived[:3], outbox=record.outbox[:3]),
    ),
    "a received fax made two mails": (
        Kind.NOTICES,
        beside("arrived", Arrived("<n9>", "received", FALLBACK, "R1", b"a fax")),
    ),
    "a received fax that the carrier does not have": (
        Kind.INVENTED,
        beside("received", {"id": "R9", "carrier_job_id": "79", "transaction_id": "81", "state": "announced"}),
    ),
    "a mail about a received fax that is not there": (
        Kind.INVENTED,
        beside("arrived", Arrived("<n4>", "received", FALLBACK, "R9", b"a fax")),
    ),
    "a preview that had its 250 is not there": (Kind.LOST, without("previews", 0)),
    "a preview waits for ever": (Kind.UNFINISHED, changed("previews", "P1", done_at=None)),
    "a preview has no answer": (
        Kind.NOTICES,
        lambda record: replace(record, arrived=record.arrived[:5], outbox=record.outbox[:4]),
    ),
    "a preview has two answers": (
        Kind.NOTICES,
        beside("arrived", Arrived("<n9>", "preview", SENDER, "P1", b"pages again")),
    ),
    "a preview that nobody asked for": (
        Kind.INVENTED,
        lambda record: replace(record, handed=record.handed[:3]),
    ),
    "a mail is owed for ever": (Kind.UNFINISHED, changed("outbox", "O3", state="waiting")),
    "a mail was given up": (
        Kind.LOST,
        beside("outbox", {"id": "O9", "message_id": "<n9>", "event": "x", "state": "failed"}),
    ),
    "a mail is called sent and never came": (
        Kind.LOST,
        beside("outbox", {"id": "O9", "message_id": "<n9>", "event": "x", "state": "sent"}),
    ),
    "a mail that no row knows": (Kind.INVENTED, without("outbox", 2)),
    "a repeat without a death": (Kind.REPEATED, without("deaths", 0)),
    "two repeats and one death": (Kind.REPEATED, beside("arrived", ALL_IS_WELL.arrived[4])),
    "a repeat with other bytes": (
        Kind.REPEATED,
        lambda record: replace(
            record, arrived=(*record.arrived[:4], replace(record.arrived[4], content=b"another fax"))
        ),
    ),
    "a blob's file is gone": (Kind.LOST, beside("missing", "abcdef")),
}


def test_what_is_well_is_not_objected_to() -> None:
    """Delivered, unconfirmed, failed after a retry, received, a repeat owed to a death: none of it is a breach."""
    assert breaches(ALL_IS_WELL) == []


@pytest.mark.parametrize("what", SPOILT)
def test_each_kind_of_breach_is_seen(what: str) -> None:
    """With that one thing wrong the checker objects, and names it for what it is."""
    kind, spoil = SPOILT[what]
    found = breaches(spoil(ALL_IS_WELL))
    assert kind in {breach.kind for breach in found}, found


def test_every_kind_is_tried() -> None:
    """There is a spoilt run for each kind of breach there is."""
    assert {kind for kind, _ in SPOILT.values()} == set(Kind)
