"""How much the notices of a fax may tell.

Revision ID: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """The notices of all faxes of before tell everything."""
    op.add_column("fax", sa.Column("privacy", sa.String(8), nullable=False, server_default=sa.text("'full'")))
