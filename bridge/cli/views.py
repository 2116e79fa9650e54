"""A fax as JSON, as the contract has it, and as lines for a person."""

from collections.abc import Iterable
from typing import Any

from bridge.fax import outcomes
from bridge.fax.jobs import Attempt, Fax, HistoryEntry, Outcome, Part
from bridge.fax.states import FaxState, HoldReason
from bridge.runtime.clock import rfc3339
from bridge.store.overview import Arrived, Sent


def parts_as_json(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """What became of each part of a mail."""
    return [{"name": p.name, "type": p.type, "pages": p.pages, "left_out": p.left_out} for p in parts]


def as_json(row: Sent | Arrived) -> dict[str, Any]:
    """The contract's fields, the same set in both directions."""
    return _sent(row) if isinstance(row, Sent) else _arrived(row)


def _sent(row: Sent) -> dict[str, Any]:
    fax = row.fax
    return {
        "id": fax.id,
        "direction": "out",
        "state": fax.state,
        "state_since": rfc3339(fax.state_since),
        "due_at": _next_step(fax),
        "hold_reason": fax.hold_reason,
        "number": fax.number,
        "caller_id": fax.caller_id,
        "sender": fax.sender,
        "identity": fax.identity,
        "recipient": fax.recipient,
        "person": fax.person,
        "company": fax.company,
        "recipients": [],
        "message": fax.message_id,
        "header_message_id": row.message.header_message_id,
        "pages": fax.pages,
        "pages_sent": fax.pages_sent,
        "parts": parts_as_json(row.parts),
        "attempts": [_attempt(attempt) for attempt in row.attempts],
        "created_at": rfc3339(fax.created_at),
        "updated_at": rfc3339(fax.updated_at),
        "outcome": None if fax.outcome is None else _outcome(fax.outcome),
        "resend_of": fax.resend_of,
        "reference": row.message.asked.reference,
        "history": _history(row.history),
    }


def _next_step(fax: Fax) -> str | None:
    """When something is done about it next: a step of the work, or asking a person what no evidence has told."""
    due = min((at for at in (fax.due_at, fax.settle_at) if at is not None), default=None)
    return None if due is None else rfc3339(due)


def _arrived(row: Arrived) -> dict[str, Any]:
    fax = row.fax
    return {
        "id": fax.id,
        "direction": "in",
        "state": fax.state,
        "state_since": rfc3339(fax.state_since),
        "due_at": None if fax.due_at is None else rfc3339(fax.due_at),
        "hold_reason": None,
        "number": fax.caller or None,
        "caller_id": fax.called or None,
        "sender": None,
        "identity": None,
        "recipient": None,
        "person": "",
        "company": "",
        "recipients": [f"{each.target.kind}:{each.target.address}" for each in row.deliveries],
        "deliveries": [
            {"target": f"{each.target.kind}:{each.target.address}", "state": each.state} for each in row.deliveries
        ],
        "message": None,
        "header_message_id": None,
        "pages": fax.pages,
        "pages_sent": fax.pages_total,
        "parts": [],
        "attempts": [],
        "carrier_job_id": fax.carrier_job_id,
        "transaction_id": fax.transaction_id,
        "created_at": rfc3339(fax.created_at),
        "updated_at": rfc3339(fax.updated_at),
        "outcome": None,
        "resend_of": None,
        "history": _history(row.history),
    }


def summary(row: Sent | Arrived) -> list[str]:
    """One line of ``list``: id, direction, state, since, number, pages, what became of it."""
    fax = row.fax
    if isinstance(row, Sent):
        number, direction = row.fax.number, "out"
        last = _standing(row.fax)
    else:
        number, direction = row.fax.caller or "unknown", "in"
        last = ", ".join(each.target.address for each in row.deliveries)
    pages = "" if fax.pages is None else str(fax.pages)
    return [fax.id, direction, fax.state, rfc3339(fax.state_since)[:19] + "Z", number, pages, last]


def _standing(fax: Fax) -> str:
    """What became of a fax, or why it waits for somebody."""
    if fax.outcome is not None:
        return outcomes.cause(fax.outcome.cause).title
    if fax.state == FaxState.UNCONFIRMED:
        return "It may have been sent: " + ("you decide" if fax.settle_at is None else "evidence is waited for")
    return "" if fax.hold_reason is None else _HOLD_WORDS[fax.hold_reason]


_HOLD_WORDS = {
    HoldReason.LIMIT: "A daily limit was reached",
    HoldReason.APPROVAL: "It waits for approval",
    HoldReason.OPERATOR: "The operator holds it",
    HoldReason.POISON: "The work on it broke off three times",
    HoldReason.RESTORED: "It came back with a restored store",
}


def details(row: Sent | Arrived) -> list[tuple[str, str]]:
    """The facts of ``show`` as pairs; empty ones are left out."""
    shown = as_json(row)
    pairs = [(key, str(shown[key])) for key in _SHOWN if shown.get(key) not in (None, [], "")]
    if shown["outcome"] is not None:
        pairs.append(("outcome", f"{shown['outcome']['title']} ({shown['outcome']['class']})"))
        pairs.append(("", shown["outcome"]["explanation"]))
    for part in shown["parts"]:
        what = part["left_out"] or f"{part['pages']} {'page' if part['pages'] == 1 else 'pages'}"
        pairs.append(("part", f"{part['name']} ({part['type']}): {what}"))
    for number, attempt in enumerate(shown["attempts"], start=1):
        said = " ".join(str(attempt[key]) for key in ("code", "message") if attempt[key] is not None)
        words = [
            attempt["started_at"],
            attempt["result"] or "in hand",
            f"job {attempt['carrier_job_id'] or 'unknown'}",
            said,
        ]
        pairs.append((f"attempt {number}", ", ".join(word for word in words if word)))
    deliveries = [("delivery", f"{each['target']}: {each['state']}") for each in shown.get("deliveries", [])]
    lines = [("history", f"{e['at']} {e['event']} ({e['actor']}): {e['detail']}") for e in shown["history"]]
    return pairs + deliveries + lines


_SHOWN = (
    "id",
    "direction",
    "state",
    "state_since",
    "due_at",
    "hold_reason",
    "number",
    "caller_id",
    "identity",
    "sender",
    "recipient",
    "person",
    "company",
    "message",
    "header_message_id",
    "resend_of",
    "pages",
    "pages_sent",
    "carrier_job_id",
    "transaction_id",
    "reference",
)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "carrier_job_id": attempt.carrier_job_id,
        "transaction_id": attempt.transaction_id,
        "started_at": rfc3339(attempt.started_at),
        "ended_at": None if attempt.ended_at is None else rfc3339(attempt.ended_at),
        "result": attempt.result,
        "code": attempt.code,
        "message": attempt.message,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    cause = outcomes.cause(outcome.cause)
    return {
        "class": outcome.outcome_class,
        "code": outcome.code,
        "title": cause.title,
        "explanation": cause.explanation,
    }


def _history(entries: tuple[HistoryEntry, ...]) -> list[dict[str, str]]:
    return [
        {"at": rfc3339(entry.at), "event": entry.event, "actor": entry.actor, "detail": entry.detail}
        for entry in entries
    ]
