"""Text of others can be written down whatever is in it, and reads the same from either database."""

import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

from bridge.fax.jobs import AttemptResult, Message
from bridge.store import attempts, faxes, history, tables
from bridge.store.history import EvidenceKind
from bridge.store.texts import Text, storable
from tests.support.faxes import a_fax
from tests.support.store_bench import Bench

OURS = """
id kind sha256 identity ret number caller_id state hold_reason outcome_class outcome_cause notify resend_of key day
scope result cause direction event token purpose told_by what name lease_owner quiet_hours privacy language
hashed actions
"""
"""Columns whose words we make up ourselves, or whose grammar leaves no room: numbers are E.164, names come by settings.

A key must not be cut: two would become one.
"""

ODD = ["nul \0 inside", "\0", "half \ud800 a pair \udfff", "\udcff" * 400, "x" * 30_000, "é\u202e\x1b[2J\uffff", ""]

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=700)


def test_every_column_of_others_is_of_that_type() -> None:
    """No column holds plain text but those whose words are ours; the carrier's ids and numbers are not among these."""
    plain = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.String) and column.name not in OURS.split() and not column.foreign_keys
    }
    assert plain == set()
    assert isinstance(tables.inquiry.c.number.type, Text)


@given(anything, st.integers(0, 50))
def test_what_is_storable_stays(text: str, limit: int) -> None:
    """It fits, can be encoded, has no NUL, keeps every other character, and is left alone the second time."""
    stored = storable(text, limit)
    assert len(stored) == min(len(text), limit)
    assert "\0" not in stored.encode().decode()
    assert all(there in {char, "\ufffd"} for char, there in zip(text, stored, strict=False))
    assert storable(stored, limit) == stored


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
async def test_any_text_is_written_and_read(bench: Bench, text: str) -> None:
    """A mail, a call's answer, evidence and history take any text; what comes back is what can be stored of it."""
    now, stored = bench.clock.now(), await bench.blob(b"mail", "message")
    odd = dict.fromkeys(("recipient", "person", "company", "original_recipient", "sender"), text)
    fax = a_fax(id=bench.ids.new(), message_id=bench.ids.new(), created_at=now, **odd)
    mail = Message(fax.message_id, stored.id, now, text, text, None, text, stored.size, None, text)
    attempt = bench.ids.new()

    def unit(connection: sa.Connection) -> None:
        faxes.add_messages(connection, [(mail, [fax])])
        connection.execute(tables.attempt.insert().values(id=attempt, fax_id=fax.id, ordinal=1, started_at=now))
        attempts.finish(connection, attempt, AttemptResult.UNKNOWN, now, message=text, job_id=f"7{text}")
        history.add(connection, at=now, event="x", detail=text, actor=text, fax_id=fax.id)
        history.add_evidence(
            connection, at=now, kind=EvidenceKind.HOOK, direction="out", body=text, carrier_job_id=text, http_status=200
        )

    await bench.store.write(unit)
    (message,) = await bench.rows(tables.message, tables.message.c.id == fax.message_id)
    assert (message.client, message.envelope_sender) == (storable(text, 64), storable(text, 320))
    read = await bench.fax(fax.id)
    assert (read.recipient, read.person, read.original_recipient) == tuple(storable(text, n) for n in (320, 200, 500))
    (call,) = await bench.attempts(fax)
    assert (call.message, call.carrier_job_id) == (storable(text, 500), storable(f"7{text}", 80))
    (*_, line) = await bench.history(fax)
    assert (line.detail, line.actor) == (storable(text), storable(text, 330))
    (kept,) = await bench.rows(tables.evidence, tables.evidence.c.carrier_job_id == text)
    assert kept.body == storable(text, history.BODY_LIMIT), "what is compared is treated alike"
