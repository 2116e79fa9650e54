"""Jobs that hooks spoke of and no fax waits for: to be asked after.

Revision ID: 0007
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "inquiry",
        sa.Column("carrier_job_id", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=40), server_default="", nullable=False),
        sa.Column("heard_at", instant(), nullable=False),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("carrier_job_id", name=op.f("pk_inquiry")),
    )
    op.create_index(op.f("ix_inquiry_heard_at"), "inquiry", ["heard_at"])
    op.create_index("ix_inquiry_due", "inquiry", ["due_at"])
