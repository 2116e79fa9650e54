"""The tables of the store. The fax table is the queue; leases and due times stand in the rows themselves.

Rows are turned into the frozen classes of ``bridge.fax`` by the modules beside this one; no row leaves the store raw.
"""

import sqlalchemy as sa

from bridge.fax.arrivals import DeliveryState, MailState
from bridge.fax.jobs import AttemptResult
from bridge.fax.states import ON_THE_LINE, FaxState, ReceivedState
from bridge.store import schema
from bridge.store.correspondence import bounce, preview, reply, summary
from bridge.store.instants import Instant
from bridge.store.schema import leased, one_of, partial, row_id
from bridge.store.texts import Text

metadata = schema.metadata
"""Of all tables: those of correspondence, and those here."""
_EMPTY = sa.text("''")

READY_ROWS = sa.text("state = 'ready'")
ACCEPTED_ROWS = sa.text("state = 'accepted'")
"""The condition of the indexes of ready faxes; a query that is to use them has it word for word."""

blob = sa.Table(
    "blob",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("content", sa.LargeBinary),
    sa.Column("split", sa.Integer),
)

message = sa.Table(
    "message",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("blob_id", sa.ForeignKey("blob.id"), nullable=False, unique=True),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("client", Text(64), nullable=False),
    sa.Column("envelope_sender", Text(320), nullable=False),
    sa.Column("identity", sa.String(80)),
    sa.Column("header_message_id", Text(250)),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("ret", sa.String(4)),
    sa.Column("envelope_id", Text(100), nullable=False, server_default=_EMPTY),
    sa.Column("asked", sa.JSON),
    sa.Column("language", sa.String(2), nullable=False, server_default=sa.text("'en'")),
)

document = sa.Table(
    "document",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("message_id", sa.ForeignKey("message.id"), nullable=False, index=True),
    sa.Column("blob_id", sa.ForeignKey("blob.id"), nullable=False, unique=True),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("parts", sa.JSON, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("cover_text", Text()),
)

fax = sa.Table(
    "fax",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("message_id", sa.ForeignKey("message.id"), nullable=False, index=True),
    sa.Column("document_id", sa.ForeignKey("document.id")),
    sa.Column("recipient", Text(320), nullable=False),
    sa.Column("number", sa.String(16), nullable=False),
    sa.Column("sender", Text(320), nullable=False),
    sa.Column("identity", sa.String(80)),
    sa.Column("caller_id", sa.String(16)),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("state_since", Instant, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    *leased(),
    sa.Column("polls", sa.Integer, nullable=False, server_default="0"),
    sa.Column("hold_reason", sa.String(12)),
    sa.Column("parts", sa.JSON),
    sa.Column("pages", sa.Integer),
    sa.Column("pages_sent", sa.Integer),
    sa.Column("outcome_class", sa.String(12)),
    sa.Column("outcome_cause", sa.String(60)),
    sa.Column("outcome_code", sa.Integer),
    sa.Column("outcome_text", Text(500)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("person", Text(200), nullable=False, server_default=_EMPTY),
    sa.Column("company", Text(200), nullable=False, server_default=_EMPTY),
    sa.Column("notify", sa.String(40)),
    sa.Column("original_recipient", Text(500), nullable=False, server_default=_EMPTY),
    sa.Column("notice_to", Text(320)),
    sa.Column("settle_at", Instant),
    sa.Column("resend_of", sa.String(12)),
    sa.Column("counts_from", Instant),
    sa.Column("not_before", Instant),
    sa.Column("quiet_hours", sa.String(11)),
    sa.Column("carrier_cover", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("privacy", sa.String(8), nullable=False, server_default=sa.text("'full'")),
    one_of("state", FaxState),
    sa.Index("ix_fax_due", "state", "due_at"),
    sa.Index("ix_fax_number_state_due", "number", "state", "due_at"),
    partial("ix_fax_settle", "settle_at", where=sa.text("settle_at IS NOT NULL")),
    partial("ix_fax_resend_of", "resend_of", where=sa.text("resend_of IS NOT NULL")),
    partial("ix_fax_turn", "number", "sender", "due_at", "id", where=READY_ROWS),
    partial("ix_fax_pages_turn", "state", "sender", "due_at", "id", where=ACCEPTED_ROWS),
    partial("ix_fax_ready_since", "counts_from", where=READY_ROWS),
    partial(
        "uq_fax_on_the_line",
        "number",
        where=sa.text("state IN ('{}')".format("', '".join(sorted(ON_THE_LINE)))),
        unique=True,
    ),
)

submission = sa.Table(
    "submission",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("fax_id", sa.ForeignKey("fax.id"), nullable=False),
    sa.Column("first_at", Instant, nullable=False),
)

usage = sa.Table(
    "usage",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("scope", sa.String(80), primary_key=True),
    sa.Column("faxes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("pages", sa.Integer, nullable=False, server_default="0"),
)

failing = sa.Table(
    "failing",
    metadata,
    sa.Column("number", sa.String(16), primary_key=True),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("cause", sa.String(60), nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
)

destination = sa.Table(
    "destination",
    metadata,
    sa.Column("number", sa.String(16), primary_key=True),
    *leased(),
    sa.Column("current_fax", sa.ForeignKey("fax.id")),
    sa.Column("sender", Text(320), nullable=False, server_default=_EMPTY),
    sa.Column("served", Text(320), nullable=False, server_default=_EMPTY),
    partial("ix_destination_turn", "sender", "due_at", "number", where=sa.text("due_at IS NOT NULL")),
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("fax_id", sa.ForeignKey("fax.id"), nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("result", sa.String(12)),
    sa.Column("carrier_job_id", Text(80), unique=True),
    sa.Column("transaction_id", Text(80)),
    sa.Column("code", sa.Integer),
    sa.Column("message", Text(500)),
    sa.Column("cause", sa.String(60)),
    one_of("result", AttemptResult),
    sa.UniqueConstraint("fax_id", "ordinal"),
)

evidence = sa.Table(
    "evidence",
    metadata,
    row_id(),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("direction", sa.String(3), nullable=False),
    sa.Column("carrier_job_id", Text(80)),
    sa.Column("transaction_id", Text(80)),
    sa.Column("attempt_id", sa.ForeignKey("attempt.id"), index=True),
    sa.Column("received_id", sa.ForeignKey("received.id"), index=True),
    sa.Column("http_status", sa.Integer),
    sa.Column("body", Text(), nullable=False),
    sa.Column("blob_id", sa.ForeignKey("blob.id")),
    sa.Index("ix_evidence_job", "direction", "carrier_job_id"),
)

inquiry = sa.Table(
    "inquiry",
    metadata,
    sa.Column("carrier_job_id", Text(80), primary_key=True),
    sa.Column("number", Text(40), nullable=False, server_default=_EMPTY),
    sa.Column("heard_at", Instant, nullable=False, index=True),
    *leased(),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Index("ix_inquiry_due", "due_at"),
)

history = sa.Table(
    "history",
    metadata,
    row_id(),
    sa.Column("fax_id", sa.ForeignKey("fax.id"), index=True),
    sa.Column("received_id", sa.ForeignKey("received.id"), index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("actor", Text(330), nullable=False),
    sa.Column("detail", Text(), nullable=False),
)

received = sa.Table(
    "received",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("direction", sa.String(3), nullable=False),
    sa.Column("carrier_job_id", Text(80), nullable=False),
    sa.Column("transaction_id", Text(80), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("state_since", Instant, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    *leased(),
    sa.Column("listed", sa.Boolean, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("caller", Text(40), nullable=False),
    sa.Column("called", Text(40), nullable=False),
    sa.Column("pages", sa.Integer),
    sa.Column("pages_total", sa.Integer),
    sa.Column("file_pages", sa.Integer),
    sa.Column("started_at", Instant),
    sa.Column("blob_id", sa.ForeignKey("blob.id"), unique=True),
    sa.Column("damaged", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("hook_blob_id", sa.ForeignKey("blob.id")),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    one_of("state", ReceivedState),
    sa.UniqueConstraint("direction", "carrier_job_id", "transaction_id"),
    sa.Index("ix_received_due", "state", "due_at"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("received_id", sa.ForeignKey("received.id"), nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("target", Text(330), nullable=False),
    sa.Column("token", sa.String(40), nullable=False, unique=True),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("state_since", Instant, nullable=False),
    one_of("state", DeliveryState),
    sa.UniqueConstraint("received_id", "kind", "target"),
)

UNTOLD = "state = 'failed' AND told_by IS NULL AND kind <> 'admin'"
"""Mails that cannot be delivered, of which the operator is still to be told. ``told_by`` is the alarm that tells it."""

ALARMS = "kind = 'admin'"
"""Mails to the operator."""

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("purpose", sa.String(420), nullable=False, unique=True),
    sa.Column("event", sa.String(20), nullable=False),
    sa.Column("envelope_sender", Text(320), nullable=False),
    sa.Column("recipient", Text(320), nullable=False),
    sa.Column("message_id", Text(250), nullable=False),
    sa.Column("blob_id", sa.ForeignKey("blob.id"), unique=True),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("reason", Text(200)),
    *leased(),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_reply", Text(500)),
    sa.Column("fax_id", sa.ForeignKey("fax.id"), index=True),
    sa.Column("received_id", sa.ForeignKey("received.id"), index=True),
    sa.Column("delivery_id", sa.ForeignKey("delivery.id")),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("told_by", sa.String(12)),
    one_of("state", MailState),
    sa.Index("ix_outbox_due", "state", "due_at"),
    partial("ix_outbox_untold", "ended_at", where=sa.text(UNTOLD)),
    partial("ix_outbox_alarms", "ended_at", where=sa.text(ALARMS)),
)

command = sa.Table(
    "command",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("what", sa.String(20), nullable=False),
    sa.Column("subject", Text(40)),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("actor", Text(100), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    *leased(),
    sa.Column("done_at", Instant),
    sa.Column("result", Text()),
    sa.Column("refused", sa.Boolean, nullable=False, server_default=sa.false()),
)

cursor = sa.Table(
    "cursor",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", Text(), nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

suspect = sa.Table(
    "suspect",
    metadata,
    sa.Column("what", sa.String(20), primary_key=True),
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("alone", sa.Boolean, nullable=False, server_default=sa.false()),
)

LEASED = (fax, destination, inquiry, received, outbox, bounce, preview, reply, summary, command)
"""The tables whose rows workers claim."""

for _table in LEASED:  # few rows are held at a time: those of the dead are found without looking at the others
    _held = _table.c.lease_owner.is_not(None)
    partial(f"ix_{_table.name}_held", _table.c.lease_until, where=_held)
