"""Pages that are wanted by mail: a row for each, which the room of outgoing faxes works off without sending any."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from bridge.fax.jobs import Preview
from bridge.store import leases
from bridge.store.correspondence import preview
from bridge.store.leases import Lease

_FIELDS = tuple(Preview.__dataclass_fields__)


def add(connection: sa.Connection, wanted: Sequence[Preview], now: datetime) -> None:
    """Write them down, due at once."""
    if wanted:
        rows = [asdict(each) | {"created_at": now, "due_at": now} for each in wanted]
        connection.execute(preview.insert(), rows)


def claim(connection: sa.Connection, lease: Lease) -> Preview | None:
    """The one that has been due longest."""
    row = leases.claim(connection, preview, lease)
    return None if row is None else Preview(**{name: getattr(row, name) for name in _FIELDS})


def renew(connection: sa.Connection, preview_id: str, lease: Lease) -> bool:
    """Keep the claim."""
    return leases.renew(connection, preview, [preview_id], lease)


def later(connection: sa.Connection, preview_id: str, owner: str, due_at: datetime) -> None:
    """Not yet: come back at ``due_at``."""
    leases.release(connection, preview, preview_id, owner, due_at=due_at)


def done(connection: sa.Connection, preview_id: str, owner: str, now: datetime, result: str) -> None:
    """Answered, with what came of it."""
    leases.release(connection, preview, preview_id, owner, due_at=None, done_at=now, result=result)
