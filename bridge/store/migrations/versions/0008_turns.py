"""Senders take turns, at each number and over all.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_READY = sa.text("state = 'ready'")
_DUE = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    """Add columns and indexes; whose turn it is is found at the next change of each number."""
    for name in ("sender", "served"):
        op.add_column("destination", sa.Column(name, sa.String(length=320), server_default="", nullable=False))
    op.drop_index("ix_destination_due", table_name="destination")
    turn = ["sender", "due_at", "number"]
    op.create_index("ix_destination_turn", "destination", turn, sqlite_where=_DUE, postgresql_where=_DUE)
    turn = ["number", "sender", "due_at", "id"]
    op.create_index("ix_fax_turn", "fax", turn, sqlite_where=_READY, postgresql_where=_READY)
