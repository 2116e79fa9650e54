"""Numbers to which fax after fax failed for good.

Revision ID: 0016
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Nothing is remembered of before."""
    op.create_table(
        "failing",
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(60), nullable=False),
        sa.Column("since", instant(), nullable=False),
        sa.Column("last_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_failing")),
    )
