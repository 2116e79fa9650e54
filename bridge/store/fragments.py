"""Faxes of mails that were divided, which wait for one another."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState
from bridge.store import faxes
from bridge.store.tables import fax

MOST_BESIDE = 400
"""Faxes from one sender to one number that are looked at."""


def accepted_beside(connection: sa.Connection, one: Fax, since: datetime) -> list[Fax]:
    """Faxes from the same sender to the same number that wait for their pages, itself among them, in their order."""
    same = (fax.c.number == one.number, fax.c.sender == one.sender, fax.c.identity.is_not_distinct_from(one.identity))
    query = sa.select(fax).where(*same, fax.c.state == FaxState.ACCEPTED, fax.c.created_at >= since)
    rows = connection.execute(query.order_by(fax.c.created_at, fax.c.id).limit(MOST_BESIDE))
    return [faxes.from_row(row) for row in rows]


def beside(connection: sa.Connection, one: Fax, within: timedelta) -> list[Fax]:
    """Faxes from the same sender to the same number that came so long before or after, however they ended."""
    same = (fax.c.number == one.number, fax.c.sender == one.sender, fax.c.identity.is_not_distinct_from(one.identity))
    around = (fax.c.created_at >= one.created_at - within, fax.c.created_at <= one.created_at + within)
    query = sa.select(fax).where(*same, *around, fax.c.resend_of.is_(None))
    rows = connection.execute(query.order_by(fax.c.created_at, fax.c.id).limit(MOST_BESIDE))
    return [faxes.from_row(row) for row in rows]


def first_of(connection: sa.Connection, one: Fax) -> Fax:
    """The fax that came by mail, of which this one is a repetition."""
    while one.resend_of is not None and (before := faxes.get(connection, one.resend_of)) is not None:
        one = before
    return one


def accepted_of(connection: sa.Connection, message_id: str) -> tuple[Fax, ...]:
    """The faxes of a mail that wait for their pages."""
    of_mail = sa.select(fax).where(fax.c.message_id == message_id).order_by(fax.c.id)
    return tuple(faxes.from_row(row) for row in connection.execute(of_mail) if row.state == FaxState.ACCEPTED)
