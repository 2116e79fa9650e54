"""When a fax may be called: what its sender asked for, and the quiet hours it is under.

Revision ID: 0010
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add the columns; faxes that are there may be called at any hour."""
    op.add_column("fax", sa.Column("not_before", instant(), nullable=True))
    op.add_column("fax", sa.Column("quiet_hours", sa.String(length=11), nullable=True))
