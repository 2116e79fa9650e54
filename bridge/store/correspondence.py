"""The tables of mails around faxes: bounces, previews, answers to notices, and what is told together."""

import sqlalchemy as sa

from bridge.store import schema
from bridge.store.instants import Instant
from bridge.store.schema import leased
from bridge.store.texts import Text

metadata = schema.metadata
_EMPTY = sa.text("''")

bounce = sa.Table(
    "bounce",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("delivery_id", sa.ForeignKey("delivery.id"), nullable=False),
    sa.Column("message_id", sa.ForeignKey("message.id"), nullable=False),
    sa.Column("why", Text(300), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    *leased(),
    sa.Column("done_at", Instant),
    sa.Column("result", sa.String(40)),
    sa.UniqueConstraint("delivery_id", "message_id"),
    sa.Index("ix_bounce_due", "due_at"),
)

preview = sa.Table(
    "preview",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("message_id", sa.ForeignKey("message.id"), nullable=False, index=True),
    sa.Column("recipient", Text(320), nullable=False),
    sa.Column("number", sa.String(16), nullable=False),
    sa.Column("person", Text(200), nullable=False),
    sa.Column("company", Text(200), nullable=False),
    sa.Column("sender", Text(320), nullable=False),
    sa.Column("caller_id", sa.String(16)),
    sa.Column("pages_to", Text(320), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    *leased(),
    sa.Column("done_at", Instant),
    sa.Column("result", Text(500)),
    sa.Index("ix_preview_due", "due_at"),
)

summary = sa.Table(
    "summary",
    metadata,
    sa.Column("message_id", sa.ForeignKey("message.id"), primary_key=True),
    sa.Column("created_at", Instant, nullable=False),
    *leased(),
    sa.Column("done_at", Instant),
    sa.Index("ix_summary_due", "due_at"),
)

reply_token = sa.Table(
    "reply_token",
    metadata,
    sa.Column("hashed", sa.String(64), primary_key=True),
    sa.Column("fax_id", sa.ForeignKey("fax.id"), nullable=False),
    sa.Column("notified", Text(320), nullable=False),
    sa.Column("actions", sa.String(80), nullable=False),
    sa.Column("number", sa.String(16), nullable=False, server_default=_EMPTY),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("said", Text(500)),
)

reply = sa.Table(
    "reply",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("message_id", sa.ForeignKey("message.id"), nullable=False, index=True),
    sa.Column("hashed", sa.ForeignKey("reply_token.hashed"), nullable=False),
    sa.Column("admitted", sa.Boolean, nullable=False),
    sa.Column("identity", sa.String(80)),
    sa.Column("created_at", Instant, nullable=False),
    *leased(),
    sa.Column("result", sa.String(10)),
    sa.Column("said", Text(500)),
    sa.Column("number", sa.String(16), nullable=False, server_default=_EMPTY),
    sa.Column("done_at", Instant),
    sa.Index("ix_reply_due", "due_at"),
)
