"""Mail that came back, and which alarm tells the operator of a mail that cannot be delivered.

Revision ID: 0003
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_UNTOLD = "state = 'failed' AND told_by IS NULL AND kind <> 'admin'"
_ALARMS = "kind = 'admin'"


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add them. The operator was told of each mail that failed before, at the time: those count as told."""
    op.add_column("outbox", sa.Column("told_by", sa.String(length=12), nullable=True))
    op.execute("UPDATE outbox SET told_by = id WHERE state = 'failed'")
    op.create_index(
        "ix_outbox_untold",
        "outbox",
        ["ended_at"],
        unique=False,
        sqlite_where=sa.text(_UNTOLD),
        postgresql_where=sa.text(_UNTOLD),
    )
    op.create_index(
        "ix_outbox_alarms",
        "outbox",
        ["ended_at"],
        unique=False,
        sqlite_where=sa.text(_ALARMS),
        postgresql_where=sa.text(_ALARMS),
    )
    op.create_table(
        "bounce",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("delivery_id", sa.String(length=12), nullable=False),
        sa.Column("message_id", sa.String(length=12), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("done_at", instant(), nullable=True),
        sa.Column("result", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_bounce_delivery_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_bounce_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce")),
        sa.UniqueConstraint("delivery_id", "message_id", name=op.f("uq_bounce_delivery_id_message_id")),
    )
    op.create_index("ix_bounce_due", "bounce", ["due_at"], unique=False)
