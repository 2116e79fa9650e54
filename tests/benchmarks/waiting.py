"""Stores with so much waiting work, written in bulk, and how fast workers' claims find the next piece in them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bridge.fax.states import FaxState
from bridge.store import Store, destinations, faxes, outbox, tables
from bridge.store.leases import Lease
from bridge.store.options import StoreOptions

Claim = Callable[[sa.Connection, Lease], object]

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLAIMS = 100
"""Of one measurement, all in one transaction: what is measured is finding the row, not the disk."""

BATCH = 10_000
BUSY = "+14155550100"


def number(at: int) -> str:
    """A number that nobody has, another for each."""
    return f"+1415555{at:07}"


@contextmanager
def a_store(folder: Path) -> Iterator[Store]:
    """An empty store there."""
    store = Store.open_alone(StoreOptions(folder / "store" / "faxbridge.db", folder / "store" / "blobs"))
    try:
        yield store
    finally:
        store.close()


def fill(
    store: Store, count: int, state: FaxState, *, to: str = "", first: int = 0, leased: sa.Table = tables.fax
) -> None:
    """So many faxes in that state, each due a moment after the one before, to a number each or all to one.

    Where it is mails that are ``leased``, a mail is owed for each.
    """
    mails = leased is tables.outbox
    for start in range(first, first + count, BATCH):
        ids = range(start, min(start + BATCH, first + count))
        store.write_now(lambda connection, ids=ids: _insert(connection, ids, state, to, mails))  # type: ignore[misc]  # at once


def _insert(connection: sa.Connection, ids: range, state: FaxState, to: str, mails: bool) -> None:
    due = {at: NOW - timedelta(hours=2) + timedelta(milliseconds=at) for at in ids}
    rows: dict[sa.Table, list[dict[str, Any]]] = {
        tables.blob: [
            {"id": f"{at:032x}", "kind": "message", "size": 1, "sha256": "0" * 64, "created_at": due[at]} for at in ids
        ],
        tables.message: [
            {
                "id": f"M{at:011}",
                "blob_id": f"{at:032x}",
                "received_at": due[at],
                "client": "127.0.0.1",
                "envelope_sender": f"sender{at % 50}@example.org",
                "size": 1,
            }
            for at in ids
        ],
        tables.fax: [_fax(at, due[at], state, to) for at in ids],
        tables.outbox: [_notice(at, due[at]) for at in ids if mails],
    }
    if state is FaxState.SENDING:
        rows[tables.attempt] = [
            {
                "id": f"A{at:011}",
                "fax_id": f"F{at:011}",
                "ordinal": 1,
                "started_at": due[at],
                "result": "taken",
                "carrier_job_id": str(at),
            }
            for at in ids
        ]
    lines = {to or number(at): due[at] for at in reversed(ids)}
    known = connection.execute(
        sa.select(tables.destination.c.number).where(tables.destination.c.number == BUSY)
    ).first()
    rows[tables.destination] = [
        {"number": line, "due_at": at if state is FaxState.READY else None}
        for line, at in lines.items()
        if known is None or line != BUSY
    ]
    for table, values in rows.items():
        if values:
            connection.execute(table.insert(), values)


def _fax(at: int, due_at: datetime, state: FaxState, to: str) -> dict[str, Any]:
    return {
        "id": f"F{at:011}",
        "message_id": f"M{at:011}",
        "recipient": f"{to or number(at)}@fax.local",
        "number": to or number(at),
        "sender": f"sender{at % 50}@example.org",
        "state": state,
        "state_since": due_at,
        "version": 1,
        "due_at": due_at,
        "pages": 1,
        "created_at": due_at,
        "updated_at": due_at,
    }


def _notice(at: int, due_at: datetime) -> dict[str, Any]:
    return {
        "id": f"N{at:011}",
        "kind": "notice",
        "purpose": f"fax/{at}",
        "event": "delivered",
        "envelope_sender": "",
        "recipient": "sender@example.org",
        "message_id": f"<{at}@fax.local>",
        "state": "waiting",
        "due_at": due_at,
        "created_at": due_at,
    }


CLAIMED: dict[str, tuple[FaxState, sa.Table, Claim]] = {
    "line for a call": (FaxState.READY, tables.destination, destinations.claim),
    "fax to make pages of": (FaxState.ACCEPTED, tables.fax, faxes.claim_accepted),
    "fax to ask after": (FaxState.SENDING, tables.fax, faxes.claim_to_ask_after),
    "mail to hand over": (FaxState.READY, tables.outbox, outbox.claim),
}
"""What workers claim: the state of the faxes that wait for it, the table whose rows are leased, and the claim."""


def claims_a_second(store: Store, table: sa.Table, claim: Claim) -> float:
    """Claims one after the other in one transaction that is undone: what is measured is finding the row."""
    spent: list[float] = []

    def unit(connection: sa.Connection) -> None:
        savepoint = connection.begin_nested()
        began = time.perf_counter()
        for at in range(CLAIMS):
            if not claim(connection, Lease(f"worker-{at}", NOW, NOW, NOW + timedelta(minutes=1))):
                raise RuntimeError(f"nothing was found to claim in {table.name}")
        spent.append(time.perf_counter() - began)
        savepoint.rollback()

    store.write_now(unit)
    return CLAIMS / spent[0]
