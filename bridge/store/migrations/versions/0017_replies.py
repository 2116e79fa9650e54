"""Notices that can be answered, and the answers.

Revision ID: 0017
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """No notice of before can be answered."""
    op.create_table(
        "reply_token",
        sa.Column("hashed", sa.String(length=64), nullable=False),
        sa.Column("fax_id", sa.String(length=12), nullable=False),
        sa.Column("notified", sa.String(length=320), nullable=False),
        sa.Column("actions", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=16), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("expires_at", instant(), nullable=False),
        sa.Column("said", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["fax_id"], ["fax.id"], name=op.f("fk_reply_token_fax_id")),
        sa.PrimaryKeyConstraint("hashed", name=op.f("pk_reply_token")),
    )
    op.create_table(
        "reply",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("message_id", sa.String(length=12), nullable=False),
        sa.Column("hashed", sa.String(length=64), nullable=False),
        sa.Column("admitted", sa.Boolean(), nullable=False),
        sa.Column("identity", sa.String(length=80), nullable=True),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("result", sa.String(length=10), nullable=True),
        sa.Column("said", sa.String(length=500), nullable=True),
        sa.Column("number", sa.String(length=16), server_default=sa.text("''"), nullable=False),
        sa.Column("done_at", instant(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_reply_message_id")),
        sa.ForeignKeyConstraint(["hashed"], ["reply_token.hashed"], name=op.f("fk_reply_hashed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
    )
    op.create_index(op.f("ix_reply_message_id"), "reply", ["message_id"])
    op.create_index(op.f("ix_reply_due"), "reply", ["due_at"])
    held = sa.text("lease_owner IS NOT NULL")
    op.create_index("ix_reply_held", "reply", ["lease_until"], sqlite_where=held, postgresql_where=held)
