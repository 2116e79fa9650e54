"""When a person is asked about an unconfirmed fax.

Revision ID: 0004
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add the column; of faxes that are unconfirmed already people were told at once, and need not be asked again."""
    op.add_column("fax", sa.Column("settle_at", instant(), nullable=True))
    waiting = sa.text("settle_at IS NOT NULL")
    op.create_index("ix_fax_settle", "fax", ["settle_at"], sqlite_where=waiting, postgresql_where=waiting)
