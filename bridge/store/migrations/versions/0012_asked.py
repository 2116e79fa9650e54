"""What a sender asks for in the mail itself is written down with the mail.

Revision ID: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Mails of before asked for nothing but a time, which is with their faxes."""
    op.add_column("message", sa.Column("asked", sa.JSON(), nullable=True))
