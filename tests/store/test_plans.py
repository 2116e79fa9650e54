"""What is claimed is found through an index, in its order: a claim costs the same however much waits."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bridge.store.leases import Lease
from tests.benchmarks.waiting import CLAIMED, NOW, a_store, fill


@pytest.mark.parametrize("what", CLAIMED)
def test_no_claim_looks_at_all_that_waits(tmp_path: Path, what: str) -> None:
    """SQLite scans no table and sorts no more than what is due at the same moment, in any statement of a claim."""
    state, leased, claim = CLAIMED[what]
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        if not statement.startswith(("EXPLAIN", "SAVEPOINT", "BEGIN")):
            asked.append((statement, values))

    def unit(connection: sa.Connection) -> list[str]:
        sa.event.listen(connection, "before_cursor_execute", note)
        assert claim(connection, Lease("w", NOW, NOW, NOW + timedelta(minutes=1)))
        plans = []
        for statement, values in asked:
            found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[arg-type]
            plans += [f"{row.detail}: {statement}" for row in found]
        return plans

    with a_store(tmp_path) as store:
        fill(store, 50, state, leased=leased)
        plans = store.write_now(unit)
    assert len(plans) > 1
    bad = ("SCAN fax", "SCAN destination", "SCAN outbox", "SCAN attempt", "USE TEMP B-TREE FOR ORDER BY")
    assert [plan for plan in plans if plan.startswith(bad) and "message_id = ?" not in plan] == []
    assert not [plan for plan in plans if "(state=?" in plan and "message_id = ?" in plan]
