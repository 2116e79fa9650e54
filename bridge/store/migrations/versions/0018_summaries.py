"""Mails whose faxes are told of together.

Revision ID: 0018
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Each fax of before has its own notice."""
    op.create_table(
        "summary",
        sa.Column("message_id", sa.String(length=12), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("done_at", instant(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_summary_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_summary")),
    )
    op.create_index(op.f("ix_summary_due"), "summary", ["due_at"])
    held = sa.text("lease_owner IS NOT NULL")
    op.create_index("ix_summary_held", "summary", ["lease_until"], sqlite_where=held, postgresql_where=held)
