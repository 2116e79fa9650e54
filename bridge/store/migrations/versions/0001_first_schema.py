"""The first schema: everything from a mail taken in to a notice sent, and the way back.

Revision ID: 0001
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def instant() -> sa.types.TypeEngine[str] | sa.types.TypeEngine[datetime]:
    """A moment in UTC: text of one width on SQLite, a timestamp with time zone on PostgreSQL."""
    return sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "blob",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob")),
    )
    op.create_table(
        "command",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("done_at", instant(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
    )
    op.create_table(
        "cursor",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursor")),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("blob_id", sa.String(length=32), nullable=False),
        sa.Column("received_at", instant(), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("envelope_sender", sa.String(length=320), nullable=False),
        sa.Column("identity", sa.String(length=80), nullable=True),
        sa.Column("header_message_id", sa.String(length=250), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_message_blob_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("blob_id", name=op.f("uq_message_blob_id")),
    )
    op.create_table(
        "received",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("carrier_job_id", sa.String(length=80), nullable=False),
        sa.Column("transaction_id", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_since", instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("caller", sa.String(length=40), nullable=False),
        sa.Column("called", sa.String(length=40), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("pages_total", sa.Integer(), nullable=True),
        sa.Column("file_pages", sa.Integer(), nullable=True),
        sa.Column("started_at", instant(), nullable=True),
        sa.Column("blob_id", sa.String(length=32), nullable=True),
        sa.Column("damaged", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("hook_blob_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.CheckConstraint(
            "state IN ('announced', 'fetched', 'routed', 'delivered', 'lost', 'quarantined')",
            name=op.f("ck_received_state"),
        ),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_received_blob_id")),
        sa.ForeignKeyConstraint(["hook_blob_id"], ["blob.id"], name=op.f("fk_received_hook_blob_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received")),
        sa.UniqueConstraint("blob_id", name=op.f("uq_received_blob_id")),
        sa.UniqueConstraint(
            "direction",
            "carrier_job_id",
            "transaction_id",
            name=op.f("uq_received_direction_carrier_job_id_transaction_id"),
        ),
    )
    op.create_index("ix_received_due", "received", ["state", "due_at"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("received_id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("target", sa.String(length=330), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_since", instant(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'passed_on', 'failed')", name=op.f("ck_delivery_state")),
        sa.ForeignKeyConstraint(["received_id"], ["received.id"], name=op.f("fk_delivery_received_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("received_id", "kind", "target", name=op.f("uq_delivery_received_id_kind_target")),
        sa.UniqueConstraint("token", name=op.f("uq_delivery_token")),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("message_id", sa.String(length=12), nullable=False),
        sa.Column("blob_id", sa.String(length=32), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_document_blob_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_document_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("blob_id", name=op.f("uq_document_blob_id")),
    )
    op.create_index(op.f("ix_document_message_id"), "document", ["message_id"], unique=False)
    op.create_table(
        "fax",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("message_id", sa.String(length=12), nullable=False),
        sa.Column("document_id", sa.String(length=12), nullable=True),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("sender", sa.String(length=320), nullable=False),
        sa.Column("identity", sa.String(length=80), nullable=True),
        sa.Column("caller_id", sa.String(length=16), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_since", instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("polls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hold_reason", sa.String(length=12), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("pages_sent", sa.Integer(), nullable=True),
        sa.Column("outcome_class", sa.String(length=12), nullable=True),
        sa.Column("outcome_cause", sa.String(length=60), nullable=True),
        sa.Column("outcome_code", sa.Integer(), nullable=True),
        sa.Column("outcome_text", sa.String(length=500), nullable=True),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.CheckConstraint(
            "state IN ('accepted', 'ready', 'submitting', 'unconfirmed', 'sending', 'held', "
            "'delivered', 'failed', 'cancelled')",
            name=op.f("ck_fax_state"),
        ),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_fax_document_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_fax_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fax")),
    )
    op.create_index("ix_fax_due", "fax", ["state", "due_at"], unique=False)
    op.create_index(op.f("ix_fax_message_id"), "fax", ["message_id"], unique=False)
    op.create_index("ix_fax_number_state_due", "fax", ["number", "state", "due_at"], unique=False)
    op.create_index(
        "uq_fax_on_the_line",
        "fax",
        ["number"],
        unique=True,
        sqlite_where=sa.text("state IN ('sending', 'submitting')"),
        postgresql_where=sa.text("state IN ('sending', 'submitting')"),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("fax_id", sa.String(length=12), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("started_at", instant(), nullable=False),
        sa.Column("ended_at", instant(), nullable=True),
        sa.Column("result", sa.String(length=12), nullable=True),
        sa.Column("carrier_job_id", sa.String(length=80), nullable=True),
        sa.Column("transaction_id", sa.String(length=80), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("message", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "result IN ('taken', 'refused', 'not_taken', 'unknown', 'delivered', 'failed', 'cancelled')",
            name=op.f("ck_attempt_result"),
        ),
        sa.ForeignKeyConstraint(["fax_id"], ["fax.id"], name=op.f("fk_attempt_fax_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("carrier_job_id", name=op.f("uq_attempt_carrier_job_id")),
        sa.UniqueConstraint("fax_id", "ordinal", name=op.f("uq_attempt_fax_id_ordinal")),
    )
    op.create_table(
        "destination",
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("current_fax", sa.String(length=12), nullable=True),
        sa.ForeignKeyConstraint(["current_fax"], ["fax.id"], name=op.f("fk_destination_current_fax")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_destination")),
    )
    op.create_index("ix_destination_due", "destination", ["due_at"], unique=False)
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("fax_id", sa.String(length=12), nullable=True),
        sa.Column("received_id", sa.String(length=12), nullable=True),
        sa.Column("at", instant(), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=330), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["fax_id"], ["fax.id"], name=op.f("fk_history_fax_id")),
        sa.ForeignKeyConstraint(["received_id"], ["received.id"], name=op.f("fk_history_received_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index(op.f("ix_history_fax_id"), "history", ["fax_id"], unique=False)
    op.create_index(op.f("ix_history_received_id"), "history", ["received_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("purpose", sa.String(length=420), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("envelope_sender", sa.String(length=320), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("message_id", sa.String(length=250), nullable=False),
        sa.Column("blob_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", instant(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_reply", sa.String(length=500), nullable=True),
        sa.Column("fax_id", sa.String(length=12), nullable=True),
        sa.Column("received_id", sa.String(length=12), nullable=True),
        sa.Column("delivery_id", sa.String(length=12), nullable=True),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("ended_at", instant(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed', 'suppressed')", name=op.f("ck_outbox_state")),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_outbox_blob_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_outbox_delivery_id")),
        sa.ForeignKeyConstraint(["fax_id"], ["fax.id"], name=op.f("fk_outbox_fax_id")),
        sa.ForeignKeyConstraint(["received_id"], ["received.id"], name=op.f("fk_outbox_received_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("blob_id", name=op.f("uq_outbox_blob_id")),
        sa.UniqueConstraint("purpose", name=op.f("uq_outbox_purpose")),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "due_at"], unique=False)
    op.create_index(op.f("ix_outbox_fax_id"), "outbox", ["fax_id"], unique=False)
    op.create_index(op.f("ix_outbox_received_id"), "outbox", ["received_id"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("carrier_job_id", sa.String(length=80), nullable=True),
        sa.Column("transaction_id", sa.String(length=80), nullable=True),
        sa.Column("attempt_id", sa.String(length=12), nullable=True),
        sa.Column("received_id", sa.String(length=12), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("blob_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_evidence_attempt_id")),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_evidence_blob_id")),
        sa.ForeignKeyConstraint(["received_id"], ["received.id"], name=op.f("fk_evidence_received_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_attempt_id"), "evidence", ["attempt_id"], unique=False)
    op.create_index("ix_evidence_job", "evidence", ["direction", "carrier_job_id"], unique=False)
    op.create_index(op.f("ix_evidence_received_id"), "evidence", ["received_id"], unique=False)
