"""Whose mail has its pages made next.

Revision ID: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Senders take turns at the converter as they do at calls."""
    accepted = sa.text("state = 'accepted'")
    columns = ["state", "sender", "due_at", "id"]
    op.create_index("ix_fax_pages_turn", "fax", columns, sqlite_where=accepted, postgresql_where=accepted)
