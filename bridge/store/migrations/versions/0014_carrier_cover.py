"""Whether the carrier puts a cover page of its own before a fax, and what of the mail is to stand on it.

Revision ID: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """No fax of before has one."""
    op.add_column("document", sa.Column("cover_text", sa.Text(), nullable=True))
    op.add_column("fax", sa.Column("carrier_cover", sa.Boolean(), nullable=False, server_default=sa.false()))
