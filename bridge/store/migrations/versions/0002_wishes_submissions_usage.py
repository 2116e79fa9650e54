"""What a sender asks for, small blobs in their rows, one fax a submission, and how much was faxed on a day.

Revision ID: 0002
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add columns and tables; no row is touched, so that a large database is through in a moment."""
    op.add_column("blob", sa.Column("content", sa.LargeBinary(), nullable=True))
    op.add_column("blob", sa.Column("split", sa.Integer(), nullable=True))
    op.add_column("message", sa.Column("ret", sa.String(length=4), nullable=True))
    op.add_column("message", sa.Column("envelope_id", sa.String(length=100), server_default="", nullable=False))
    op.add_column("fax", sa.Column("person", sa.String(length=200), server_default="", nullable=False))
    op.add_column("fax", sa.Column("company", sa.String(length=200), server_default="", nullable=False))
    op.add_column("fax", sa.Column("notify", sa.String(length=40), nullable=True))
    op.add_column("fax", sa.Column("original_recipient", sa.String(length=500), server_default="", nullable=False))
    op.add_column("fax", sa.Column("notice_to", sa.String(length=320), nullable=True))
    op.create_table(
        "submission",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("fax_id", sa.String(length=12), nullable=False),
        sa.Column("first_at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["fax_id"], ["fax.id"], name=op.f("fk_submission_fax_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_submission")),
    )
    op.create_table(
        "usage",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("scope", sa.String(length=80), nullable=False),
        sa.Column("faxes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("day", "scope", name=op.f("pk_usage")),
    )
