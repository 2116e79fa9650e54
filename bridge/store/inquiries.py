"""Jobs that hooks spoke of and no fax waits for: to be asked after once there is a reason to, and then forgotten."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.store import leases
from bridge.store.leases import Lease
from bridge.store.tables import inquiry

KEPT = timedelta(days=2)
"""Without a reason to ask in that time there never will be one: iFax repeats hooks for some hours."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A job to ask after; ``tries`` is how often that was done to no avail."""

    job_id: str
    tries: int


def hear(connection: sa.Connection, job_id: str, number: str, now: datetime, *, ask: bool) -> None:
    """A hook spoke of this job, as one to ``number`` (empty: it does not say). ``ask``: there is a reason to ask now.

    What nobody had a reason to ask after for days is forgotten.
    """
    connection.execute(inquiry.delete().where(inquiry.c.heard_at < now - KEPT))
    this = inquiry.c.carrier_job_id == job_id
    values = {"number": number, "heard_at": now} | ({"due_at": now} if ask else {})
    if connection.execute(inquiry.update().where(this).values(**values)).rowcount == 0:
        connection.execute(inquiry.insert().values(carrier_job_id=job_id, **values))


def wake(connection: sa.Connection, number: str, since: datetime, now: datetime) -> None:
    """A call to this number that began at ``since`` has an unknown outcome: what was heard since may be its job."""
    may_be = sa.and_(inquiry.c.number.in_((number, "")), inquiry.c.heard_at >= since, inquiry.c.due_at.is_(None))
    connection.execute(inquiry.update().where(may_be).values(due_at=now))


def claim(connection: sa.Connection, lease: Lease) -> Inquiry | None:
    """The job that has been due longest."""
    row = leases.claim(connection, inquiry, lease)
    return None if row is None else Inquiry(row.carrier_job_id, row.tries)


def renew(connection: sa.Connection, job_id: str, lease: Lease) -> bool:
    """Keep the claim."""
    return leases.renew(connection, inquiry, [job_id], lease)


def later(connection: sa.Connection, asked: Inquiry, owner: str, due_at: datetime | None, *, tries: int) -> None:
    """Ask again at ``due_at``, or, where that is None, when there is a new reason to."""
    leases.release(connection, inquiry, asked.job_id, owner, due_at=due_at, tries=tries)


def close(connection: sa.Connection, asked: Inquiry) -> None:
    """All there is to know of it is known."""
    connection.execute(inquiry.delete().where(inquiry.c.carrier_job_id == asked.job_id))
