"""Calls to the carrier: the intent is a row before the call, the answer is evidence after it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bridge.errors import LeaseLost
from bridge.fax.adoption import Call
from bridge.fax.jobs import Attempt, AttemptResult, Fax
from bridge.fax.states import FaxState
from bridge.store import destinations, faxes, tables
from bridge.store.leases import Lease
from bridge.store.tables import attempt

WITHOUT_JOB_LIMIT = 200
"""Far more than can wait for evidence to one number within hours: each keeps the line for a while."""


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
    values["ended_at"] = None if result is AttemptResult.TAKEN else now
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


def call(connection: sa.Connection, made: Attempt) -> Call:
    """A call with its fax as it stands."""
    fax = faxes.get(connection, made.fax_id)
    assert fax is not None
    return Call(made, fax, latest=of_fax(connection, fax.id)[-1].id == made.id)


def call_of(connection: sa.Connection, fax_id: str, attempt_id: str) -> Call:
    """This call for this fax."""
    return call(connection, next(each for each in of_fax(connection, fax_id) if each.id == attempt_id))


def without_job(connection: sa.Connection, number: str, since: datetime) -> list[Call]:
    """The calls to a number (empty: to any) begun since then whose job is not known, those in hand among them."""
    unknown = sa.or_(attempt.c.result.is_(None), attempt.c.result == AttemptResult.UNKNOWN)
    query = sa.select(attempt).where(attempt.c.carrier_job_id.is_(None), unknown, attempt.c.started_at >= since)
    if number:
        query = query.join(tables.fax, tables.fax.c.id == attempt.c.fax_id).where(tables.fax.c.number == number)
    rows = connection.execute(query.order_by(attempt.c.started_at).limit(WITHOUT_JOB_LIMIT))
    return [call(connection, _from_row(row)) for row in rows]


def is_any_unknown(connection: sa.Connection, number: str, since: datetime) -> bool:
    """Whether there are such calls whose own answer will not come any more."""
    return any(not each.in_hand for each in without_job(connection, number, since))


def name_job(connection: sa.Connection, attempt_id: str, job_id: str) -> None:
    """The carrier's id of what came of the call; whether it took it for good is not said with that."""
    connection.execute(attempt.update().where(attempt.c.id == attempt_id).values(carrier_job_id=job_id))


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
