"""Commands may be refused, and a fax may send an earlier one once more.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add two columns; no row is touched."""
    op.add_column("command", sa.Column("refused", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("fax", sa.Column("resend_of", sa.String(length=12), nullable=True))
    op.create_index(
        "ix_fax_resend_of",
        "fax",
        ["resend_of"],
        sqlite_where=sa.text("resend_of IS NOT NULL"),
        postgresql_where=sa.text("resend_of IS NOT NULL"),
    )
