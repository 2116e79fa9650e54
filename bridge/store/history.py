"""What happened to a fax, append-only: the lines of ``show``, and the carrier's own words as evidence."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from bridge.fax.jobs import HistoryEntry
from bridge.store.tables import evidence, history

DAEMON = "daemon"
CARRIER = "carrier"

BODY_LIMIT = 20_000
"""Characters of an answer or hook that are kept as evidence."""


class EvidenceKind(StrEnum):
    """Where a piece of evidence comes from."""

    ANSWER = "answer"
    HOOK = "hook"
    STATUS = "status"
    LIST = "list"
    DOWNLOAD = "download"
    BREAK = "break"


def add(
    connection: sa.Connection,
    *,
    at: datetime,
    event: str,
    detail: str,
    actor: str = DAEMON,
    fax_id: str | None = None,
    received_id: str | None = None,
) -> None:
    """Append one line."""
    connection.execute(
        history.insert().values(
            fax_id=fax_id, received_id=received_id, at=at, event=event, actor=actor[:330], detail=detail
        )
    )


def add_evidence(
    connection: sa.Connection,
    *,
    at: datetime,
    kind: EvidenceKind,
    direction: str,
    body: str,
    carrier_job_id: str | None = None,
    transaction_id: str | None = None,
    attempt_id: str | None = None,
    received_id: str | None = None,
    http_status: int | None = None,
    blob_id: str | None = None,
) -> None:
    """Append a piece of evidence. No lease is asked for: what was seen was seen."""
    connection.execute(
        evidence.insert().values(
            at=at,
            kind=kind,
            direction=direction,
            carrier_job_id=carrier_job_id,
            transaction_id=transaction_id,
            attempt_id=attempt_id,
            received_id=received_id,
            http_status=http_status,
            body=body[:BODY_LIMIT],
            blob_id=blob_id,
        )
    )


def has(connection: sa.Connection, fax_id: str, event: str, *, since: datetime) -> bool:
    """Whether a fax's history has such a line, written ``since`` then."""
    query = sa.select(history.c.id).where(history.c.fax_id == fax_id, history.c.event == event, history.c.at >= since)
    return connection.execute(query.limit(1)).first() is not None


def was_hooked(connection: sa.Connection, job_id: str) -> bool:
    """Whether a hook of ours-to-send already spoke of this job: it may come before the answer to ``fax-send``."""
    query = sa.select(evidence.c.id).where(
        evidence.c.kind == EvidenceKind.HOOK, evidence.c.direction != "in", evidence.c.carrier_job_id == job_id
    )
    return connection.execute(query.limit(1)).first() is not None


def first_download_answer(connection: sa.Connection, received_id: str, since: datetime) -> datetime | None:
    """When the carrier first gave a proper answer (2xx) to a download of this fax, after ``since``."""
    proper = sa.and_(evidence.c.http_status >= 200, evidence.c.http_status < 300)  # noqa: PLR2004 - HTTP's successes
    query = sa.select(sa.func.min(evidence.c.at)).where(
        evidence.c.received_id == received_id,
        evidence.c.kind == EvidenceKind.DOWNLOAD,
        evidence.c.at >= since,
        proper,
    )
    first: datetime | None = connection.execute(query).scalar()
    return first


def of_fax(connection: sa.Connection, fax_id: str) -> list[HistoryEntry]:
    """A fax's lines, oldest first."""
    return _lines(connection, history.c.fax_id == fax_id)


def of_received(connection: sa.Connection, received_id: str) -> list[HistoryEntry]:
    """A received fax's lines, oldest first."""
    return _lines(connection, history.c.received_id == received_id)


def _lines(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[HistoryEntry]:
    rows = connection.execute(sa.select(history).where(which).order_by(history.c.id))
    return [HistoryEntry(row.at, row.event, row.actor, row.detail) for row in rows]
