"""Calls to the carrier: the intent is a row before the call, the answer is evidence after it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bridge.errors import LeaseLost
from bridge.fax.jobs import Attempt, AttemptResult, Fax
from bridge.fax.states import FaxState
from bridge.store import destinations, faxes
from bridge.store.leases import Lease
from bridge.store.tables import attempt


def begin(connection: sa.Connection, before: Fax, attempt_id: str, lease: Lease) -> int:
    """Write the intent to call: the attempt's row, and the fax as ``submitting``. Returns the attempt's ordinal.

    Raises LeaseLost when the destination is no longer this worker's, Stale when the fax changed meanwhile.
    """
    if not destinations.held_by(connection, before.number, lease):
        raise LeaseLost(f"the line to fax {before.id} was taken over meanwhile")
    ordinal = len(of_fax(connection, before.id)) + 1
    connection.execute(attempt.insert().values(id=attempt_id, fax_id=before.id, ordinal=ordinal, started_at=lease.now))
    faxes.change(
        connection, before, FaxState.SUBMITTING, now=lease.now, event="submitting", detail=f"attempt {ordinal} begins"
    )
    return ordinal


def finish(
    connection: sa.Connection,
    attempt_id: str,
    result: AttemptResult,
    now: datetime,
    *,
    code: int | None = None,
    message: str | None = None,
    cause: str | None = None,
    job_id: str | None = None,
    transaction_id: str | None = None,
) -> None:
    """What came of the call. A job id or transaction id once known is never overwritten by nothing."""
    values: dict[str, Any] = {"result": result, "code": code, "message": message, "cause": cause}
    if result is not AttemptResult.TAKEN:
        values["ended_at"] = now
    if job_id is not None:
        values["carrier_job_id"] = job_id
    if transaction_id is not None:
        values["transaction_id"] = transaction_id
    connection.execute(attempt.update().where(attempt.c.id == attempt_id).values(**values))


def of_fax(connection: sa.Connection, fax_id: str) -> list[Attempt]:
    """A fax's attempts, first to last."""
    query = sa.select(attempt).where(attempt.c.fax_id == fax_id).order_by(attempt.c.ordinal)
    return [_from_row(row) for row in connection.execute(query)]


def note_transaction(connection: sa.Connection, attempt_id: str, transaction_id: str) -> None:
    """The carrier's second id, where it was not known yet."""
    mine = sa.and_(attempt.c.id == attempt_id, attempt.c.transaction_id.is_(None))
    connection.execute(attempt.update().where(mine).values(transaction_id=transaction_id))


def with_job(connection: sa.Connection, job_id: str) -> Attempt | None:
    """The attempt that the carrier knows under this job id."""
    row = connection.execute(sa.select(attempt).where(attempt.c.carrier_job_id == job_id)).first()
    return None if row is None else _from_row(row)


def count(connection: sa.Connection, fax_id: str, result: AttemptResult) -> int:
    """How many attempts of a fax came to this."""
    query = sa.select(sa.func.count()).where(attempt.c.fax_id == fax_id, attempt.c.result == result)
    return int(connection.execute(query).scalar_one())


def _from_row(row: sa.Row[Any]) -> Attempt:
    return Attempt(
        id=row.id,
        fax_id=row.fax_id,
        ordinal=row.ordinal,
        started_at=row.started_at,
        ended_at=row.ended_at,
        result=None if row.result is None else AttemptResult(row.result),
        carrier_job_id=row.carrier_job_id,
        transaction_id=row.transaction_id,
        code=row.code,
        message=row.message,
        cause=row.cause,
    )
