"""How each call ended, and from when the time for trying a fax counts.

Revision ID: 0006
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_READY = sa.text("state = 'ready'")


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add columns; of the rows only those are touched that are still on their way out."""
    op.add_column("attempt", sa.Column("cause", sa.String(length=60), nullable=True))
    op.add_column("fax", sa.Column("counts_from", instant(), nullable=True))
    op.execute(
        "UPDATE fax SET counts_from = created_at WHERE state IN ('ready', 'submitting', 'sending', 'unconfirmed')"
    )
    op.create_index("ix_fax_ready_since", "fax", ["counts_from"], sqlite_where=_READY, postgresql_where=_READY)
