"""The fax table: taking on, claiming, and the one way a fax's state changes."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bridge.errors import LeaseLost
from bridge.fax import asked
from bridge.fax.jobs import Document, Fax, Message, Outcome, Part
from bridge.fax.options import Privacy, QuietHours
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import ON_THE_LINE, FaxState, HoldReason, sources
from bridge.fax.wishes import Notify, Ret
from bridge.store import cursors, destinations, failing, history, leases, tables, turns
from bridge.store.instants import Instant
from bridge.store.leases import Lease
from bridge.store.tables import ACCEPTED_ROWS, attempt, document, fax, message, outbox

UNSETTLED_LIMIT = 100

PAGES_SERVED = "pages.served"
"""The cursor that tells whose mail had its pages made last."""

_ADD_MESSAGE = message.insert()
_ADD_FAX = fax.insert()
_ADD_LINE = tables.history.insert()


class Stale(LeaseLost):
    """The fax changed since it was read; what was decided on that ground must not be written."""


class Untold(Exception):
    """A mistake of ours: a fax was to end without the row of its notice."""


def add_messages(connection: sa.Connection, taken: Sequence[tuple[Message, Sequence[Fax]]]) -> None:
    """Take on mails with their faxes."""
    connection.execute(_ADD_MESSAGE, [_message_as_row(row) for row, _ in taken])
    if new := [fax for _, faxes in taken for fax in faxes]:
        connection.execute(_ADD_FAX, [_as_row(each) for each in new])
        connection.execute(_ADD_LINE, [_first_line(each) for each in new])


def _first_line(new: Fax) -> dict[str, Any]:
    return {
        "fax_id": new.id,
        "at": new.created_at,
        "event": "accepted",
        "actor": f"sender {new.sender}"[:330],
        "detail": f"for {new.recipient}",
    }


def change(
    connection: sa.Connection,
    before: Fax,
    target: FaxState,
    *,
    now: datetime,
    event: str,
    detail: str,
    actor: str = history.DAEMON,
    owner: str | None = None,
    due_at: datetime | None = None,
    **values: Any,
) -> None:
    """Move a fax to ``target``, write the history line, and keep its destination in step.

    Nothing changes unless the fax is still as ``before`` has it (state, version, and lease where ``owner`` is given)
    and the state table allows the step; else Stale is raised. Unless ``settle_at`` is given, no person is to be asked.
    """
    values.setdefault("settle_at", None)
    if target in {FaxState.READY, FaxState.ACCEPTED}:
        values.setdefault("counts_from", counts_from(before, now))
    if not leases.change_state(
        connection, fax, before, target, sources(target), now=now, owner=owner, due_at=due_at, **values
    ):
        raise Stale(f"fax {before.id} is no longer {before.state} (version {before.version})")
    history.add(connection, at=now, event=event, detail=detail, actor=actor, fax_id=before.id)
    destinations.refresh(connection, before.number, now, changed=before.id, state=target)


def counts_from(before: Fax, now: datetime) -> datetime:
    """When the time for trying began: when the fax was taken on, or when it was let go on after it had to wait.

    What a fax waited for a person or for proof is not held against it.
    """
    if before.state in {FaxState.HELD, FaxState.UNCONFIRMED}:
        return now
    return before.counts_from or before.created_at


def end(
    connection: sa.Connection,
    before: Fax,
    target: FaxState,
    outcome: Outcome,
    *,
    now: datetime,
    detail: str,
    actor: str = history.DAEMON,
    owner: str | None = None,
    pages_sent: int | None = None,
    parts: tuple[Part, ...] | None = None,
) -> None:
    """The final change: ``target`` is delivered, failed or cancelled, and the outcome stands in the row.

    Raises Untold unless the row of its notice is written before, in the same transaction.
    """
    notice = outbox.c.purpose.startswith(f"fax/{before.id}/final/", autoescape=True)
    if connection.execute(sa.select(outbox.c.id).where(outbox.c.fax_id == before.id, notice).limit(1)).first() is None:
        raise Untold(f"fax {before.id} would be {target}, and nobody would ever be told")
    values: dict[str, Any] = outcome_columns(outcome)
    if pages_sent is not None:
        values["pages_sent"] = pages_sent
    if parts is not None:
        values["parts"] = parts_as_json(parts)
    change(connection, before, target, now=now, event=target, detail=detail, actor=actor, owner=owner, **values)
    failing.note(connection, before.number, outcome, now)


def outcome_columns(outcome: Outcome) -> dict[str, Any]:
    """An outcome as columns of the fax table."""
    return {
        "outcome_class": outcome.outcome_class,
        "outcome_cause": outcome.cause,
        "outcome_code": outcome.code,
        "outcome_text": outcome.text,
    }


def add_again(connection: sa.Connection, new: Fax, old: Fax, actor: str) -> None:
    """Take on a fax that sends ``old`` once more; each names the other in its history."""
    made = {"document_id": new.document_id, "pages": new.pages, "counts_from": new.created_at}
    connection.execute(fax.insert().values(**_as_row(new), **made))
    detail = f"sends fax {old.id} ({old.state}) once more"
    history.add(connection, at=new.created_at, event="accepted", detail=detail, actor=actor, fax_id=new.id)
    detail = f"sent once more as fax {new.id}, to {new.number}"
    history.add(connection, at=new.created_at, event="resent", detail=detail, actor=actor, fax_id=old.id)
    destinations.refresh(connection, new.number, new.created_at, changed=new.id, state=new.state)


def still_going(connection: sa.Connection, old: Fax, number: str) -> Fax | None:
    """The fax that sends ``old`` once more to this number and has not ended yet."""
    ended = [state for state in FaxState if state.final]
    query = sa.select(fax).where(fax.c.resend_of == old.id, fax.c.number == number, fax.c.state.not_in(ended))
    row = connection.execute(query.limit(1)).first()
    return None if row is None else from_row(row)


def claim_accepted(connection: sa.Connection, lease: Lease, others_than: Collection[str] = ()) -> tuple[Fax, ...]:
    """All accepted faxes of the message whose turn it is: their pages are made once for all.

    Senders take turns, the first due first of each; those of ``others_than`` have none now.
    """
    waiting = sa.select(fax).where(ACCEPTED_ROWS, leases.free(fax, lease, in_turn=True))
    if others_than:
        waiting = waiting.where(fax.c.sender.not_in(others_than))
    waiting = waiting.order_by(fax.c.sender, fax.c.due_at, fax.c.id).limit(1).with_for_update(skip_locked=True)
    row = turns.after(connection, waiting, fax.c.sender, cursors.get(connection, PAGES_SERVED) or "")
    if row is None:
        return ()
    leases.hold(connection, fax, [row.id], lease)
    cursors.put(connection, PAGES_SERVED, row.sender, lease.now)
    # A message has a hundred faxes at most; asked for the accepted and due ones SQLite would look at all of those.
    others = [
        other
        for other in connection.execute(sa.select(fax).where(fax.c.message_id == row.message_id).order_by(fax.c.id))
        if other.id != row.id and other.state == FaxState.ACCEPTED and leases.is_free(other, lease)
    ]
    if others:
        leases.hold(connection, fax, [other.id for other in others], lease)
    return tuple(from_row(each) for each in (row, *others))


def prepare_later(connection: sa.Connection, batch: Iterable[Fax], owner: str, due_at: datetime) -> None:
    """Give them up; their pages are made another time."""
    for each in batch:
        leases.release(connection, fax, each.id, owner, due_at=due_at)


def claim_to_ask_after(connection: sa.Connection, lease: Lease) -> Fax | None:
    """A fax the carrier has, or may have under a known job id, that is due to be asked after.

    The job must be its last call's: how an earlier one ended says nothing of a later one.
    """
    latest = sa.select(sa.func.max(attempt.c.ordinal)).where(attempt.c.fax_id == fax.c.id).correlate(fax)
    has_job = sa.exists().where(
        attempt.c.fax_id == fax.c.id,
        attempt.c.carrier_job_id.is_not(None),
        attempt.c.ordinal == latest.scalar_subquery(),
    )
    found = [
        row
        for state in (FaxState.SENDING, FaxState.UNCONFIRMED)
        if (row := leases.first(connection, fax, lease, fax.c.state == state, has_job)) is not None
    ]
    if not found:
        return None
    row = min(found, key=lambda each: (each.due_at, each.id))
    leases.hold(connection, fax, [row.id], lease)
    return from_row(row)


def ask_later(connection: sa.Connection, asked: Fax, owner: str, due_at: datetime | None, polls: int) -> None:
    """No final word yet: ask again at ``due_at``, or, where that is None, when a hook speaks of it.

    ``polls`` is how often it was asked after in a row. A hook that came while we asked has set a due time of its own,
    and that one stays.
    """
    unchanged = fax.c.due_at.is_not_distinct_from(asked.due_at)
    later = sa.case((unchanged, sa.literal(due_at, Instant)), else_=fax.c.due_at)
    leases.release(connection, fax, asked.id, owner, due_at=later, polls=polls)


def renew(connection: sa.Connection, fax_ids: Iterable[str], lease: Lease) -> bool:
    """Keep the claim on these faxes."""
    return leases.renew(connection, fax, list(fax_ids), lease)


def ask_now(connection: sa.Connection, fax_id: str, now: datetime) -> None:
    """A hook spoke of this fax: it is due to be asked after, if it still waits for a word."""
    waiting = fax.c.state.in_((FaxState.SENDING, FaxState.UNCONFIRMED))
    connection.execute(fax.update().where(fax.c.id == fax_id, waiting).values(due_at=now))


def is_line_busy(connection: sa.Connection, number: str) -> bool:
    """Whether the carrier may be calling this number for a fax of ours."""
    query = sa.select(fax.c.id).where(fax.c.number == number, fax.c.state.in_(ON_THE_LINE))
    return connection.execute(query.limit(1)).first() is not None


def unsettled(connection: sa.Connection, now: datetime) -> list[Fax]:
    """Unconfirmed faxes for which no evidence came in time, longest waiting first."""
    over = sa.and_(fax.c.state == FaxState.UNCONFIRMED, fax.c.settle_at <= now)
    rows = connection.execute(sa.select(fax).where(over).order_by(fax.c.settle_at).limit(UNSETTLED_LIMIT))
    return [from_row(row) for row in rows]


def person_asked(connection: sa.Connection, before: Fax, now: datetime, detail: str) -> None:
    """From now on a person decides. Raises Stale where that was done already, or the fax came to something else."""
    waits = sa.and_(fax.c.id == before.id, fax.c.version == before.version, fax.c.settle_at.is_not(None))
    if connection.execute(fax.update().where(waits).values(settle_at=None)).rowcount != 1:
        raise Stale(f"fax {before.id} waits for evidence no longer")
    history.add(connection, at=now, event="person_asked", detail=detail, fax_id=before.id)


def get(connection: sa.Connection, fax_id: str) -> Fax | None:
    """One fax."""
    row = connection.execute(sa.select(fax).where(fax.c.id == fax_id)).first()
    return None if row is None else from_row(row)


def message_of(connection: sa.Connection, message_id: str) -> Message:
    """The mail a fax came in."""
    row = connection.execute(sa.select(message).where(message.c.id == message_id)).one()
    return Message(
        row.id,
        row.blob_id,
        row.received_at,
        row.client,
        row.envelope_sender,
        row.identity,
        row.header_message_id,
        row.size,
        None if row.ret is None else Ret(row.ret),
        row.envelope_id,
        asked.kept(row.asked),
        row.language,
    )


def add_document(connection: sa.Connection, row: Document, now: datetime) -> None:
    """Finished pages of a message."""
    connection.execute(
        document.insert().values(
            id=row.id,
            message_id=row.message_id,
            blob_id=row.blob_id,
            pages=row.pages,
            size=row.size,
            parts=parts_as_json(row.parts),
            cover_text=row.cover_text,
            created_at=now,
        )
    )


def document_of(connection: sa.Connection, document_id: str) -> Document:
    """The pages a fax is sent with."""
    row = connection.execute(sa.select(document).where(document.c.id == document_id)).one()
    parts = parts_from_json(row.parts)
    return Document(row.id, row.message_id, row.blob_id, row.pages, row.size, parts, row.cover_text)


def parts_of(connection: sa.Connection, fax_id: str) -> tuple[Part, ...]:
    """What became of each part of the mail: from the document, or, where there is none, from the failed fax."""
    joined = sa.select(fax.c.parts, document.c.parts.label("made")).select_from(fax.outerjoin(document))
    row = connection.execute(joined.where(fax.c.id == fax_id)).one()
    return parts_from_json(row.parts if row.parts is not None else row.made)


def parts_as_json(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    """As the contract's JSON has it."""
    return [{"name": p.name, "type": p.type, "pages": p.pages, "left_out": p.left_out} for p in parts]


def parts_from_json(value: Any) -> tuple[Part, ...]:
    """Back from the column."""
    rows = json.loads(value) if isinstance(value, str) else value or []
    return tuple(Part(row["name"], row["type"], row["pages"], row["left_out"]) for row in rows)


def from_row(row: sa.Row[Any]) -> Fax:
    """A row as the rooms know it."""
    outcome = None
    if row.outcome_class is not None:
        outcome = Outcome(OutcomeClass(row.outcome_class), row.outcome_cause, row.outcome_code, row.outcome_text)
    return Fax(
        id=row.id,
        message_id=row.message_id,
        document_id=row.document_id,
        recipient=row.recipient,
        number=row.number,
        sender=row.sender,
        identity=row.identity,
        caller_id=row.caller_id,
        state=FaxState(row.state),
        state_since=row.state_since,
        version=row.version,
        due_at=row.due_at,
        polls=row.polls,
        hold_reason=None if row.hold_reason is None else HoldReason(row.hold_reason),
        pages=row.pages,
        pages_sent=row.pages_sent,
        outcome=outcome,
        created_at=row.created_at,
        updated_at=row.updated_at,
        person=row.person,
        company=row.company,
        notify=None if row.notify is None else frozenset(Notify(word) for word in row.notify.split(",")),
        original_recipient=row.original_recipient,
        notice_to=row.notice_to,
        settle_at=row.settle_at,
        resend_of=row.resend_of,
        counts_from=row.counts_from,
        not_before=row.not_before,
        quiet_hours=None if row.quiet_hours is None else QuietHours.read(row.quiet_hours),
        carrier_cover=row.carrier_cover,
        privacy=Privacy(row.privacy),
    )


def _as_row(new: Fax) -> dict[str, Any]:
    return {
        "id": new.id,
        "message_id": new.message_id,
        "recipient": new.recipient,
        "number": new.number,
        "sender": new.sender,
        "identity": new.identity,
        "caller_id": new.caller_id,
        "state": new.state,
        "state_since": new.state_since,
        "version": new.version,
        "due_at": new.due_at,
        "created_at": new.created_at,
        "updated_at": new.updated_at,
        "person": new.person,
        "company": new.company,
        "notify": ",".join(sorted(new.notify or ())) or None,
        "original_recipient": new.original_recipient,
        "notice_to": new.notice_to,
        "resend_of": new.resend_of,
        "not_before": new.not_before,
        "quiet_hours": None if new.quiet_hours is None else str(new.quiet_hours),
        "carrier_cover": new.carrier_cover,
        "privacy": new.privacy,
    }


def _message_as_row(new: Message) -> dict[str, Any]:
    return {
        "id": new.id,
        "blob_id": new.blob_id,
        "received_at": new.received_at,
        "client": new.client,
        "envelope_sender": new.envelope_sender,
        "identity": new.identity,
        "header_message_id": new.header_message_id,
        "size": new.size,
        "ret": new.ret,
        "envelope_id": new.envelope_id,
        "asked": asked.write(new.asked),
        "language": new.language,
    }
