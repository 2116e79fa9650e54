"""What a mail's sender is written to in.

Revision ID: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """There was no other than English before."""
    op.add_column("message", sa.Column("language", sa.String(2), nullable=False, server_default=sa.text("'en'")))
