"""What the dead held is found by itself, and tried alone.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TABLES = ("fax", "destination", "inquiry", "received", "outbox", "bounce", "command")


def upgrade() -> None:
    """Add an index of held rows to each table, and to the suspects whether one is being tried alone."""
    op.add_column("suspect", sa.Column("alone", sa.Boolean(), server_default=sa.false(), nullable=False))
    held = sa.text("lease_owner IS NOT NULL")
    for table in TABLES:
        op.create_index(f"ix_{table}_held", table, ["lease_until"], sqlite_where=held, postgresql_where=held)
