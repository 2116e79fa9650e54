"""Pages that are wanted by mail, and not to be faxed.

Revision ID: 0013
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add their table."""
    held = sa.text("lease_owner IS NOT NULL")
    op.create_table(
        "preview",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("message_id", sa.String(length=12), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("company", sa.String(length=200), nullable=False),
        sa.Column("sender", sa.String(length=320), nullable=False),
        sa.Column("caller_id", sa.String(length=16), nullable=True),
        sa.Column("pages_to", sa.String(length=320), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("done_at", instant(), nullable=True),
        sa.Column("result", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_preview_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preview")),
    )
    op.create_index("ix_preview_message_id", "preview", ["message_id"], unique=False)
    op.create_index("ix_preview_due", "preview", ["due_at"], unique=False)
    op.create_index("ix_preview_held", "preview", ["lease_until"], sqlite_where=held, postgresql_where=held)
