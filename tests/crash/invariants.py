"""What must hold once all is quiet, whatever died when: held against a record, each breach said in a line.

Nothing is believed of the store that somebody else can tell: what was acknowledged the clients know, what was faxed the
carrier, what was mailed the mailbox.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from tests.crash.record import Arrived, Call, Record

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class Kind(StrEnum):
    """Of a breach."""

    LOST = "lost"
    DOUBLE = "faxed twice"
    UNTRUE = "told what is not so"
    NOTICES = "not exactly one word"
    REPEATED = "mailed twice"
    INVENTED = "nobody asked for it"
    SET_ASIDE = "set aside"
    STUBBORN = "called once too often"
    GIVEN_UP = "given up too soon"
    UNFINISHED = "not at its end"


@dataclass(frozen=True)
class Breach:
    """One thing that must not be."""

    kind: Kind
    what: str


ATTEMPTS = {"busy": 3, "no_answer": 3, "voice": 2, "line": 2}
"""How often such a house calls, by the class of what its calls end with."""

CLASSES = {263: "busy", 8021: "no_answer", 9015: "voice", 9012: "line"}
"""Of the carrier's codes that a house hears here; what has any other is final."""

FINAL = {"delivered", "failed", "cancelled"}
FINAL_NOTICES = {"delivered", "failed", "partial", "cancelled"}
ABOUT_RECEIVED = {"received", "received-partial", "received-lost"}


def breaches(record: Record) -> list[Breach]:
    """All of them; none is what must be."""
    rules = (
        _taken_on,
        _ended,
        _called,
        _retried,
        _told_truly,
        _notices,
        _hooks,
        _received,
        _previewed,
        _mailed,
        _repeats,
        _on_disk,
    )
    return [breach for rule in rules for breach in rule(record)]


def _taken_on(record: Record) -> Iterator[Breach]:
    """A mail that had its 250 is there with each of its faxes, once; no fax is there that no mail asked for."""
    rows = _by(record.faxes, lambda row: str(row["number"]))
    asked = {number: mail for mail in record.handed for number in mail.numbers}
    for number, mail in asked.items():
        there = rows.get(number, [])
        if len(there) > 1:
            yield Breach(Kind.DOUBLE, f"{len(there)} faxes of one mail to {number}")
        if mail.answer is not None and mail.answer not in {row["message_id"] for row in there}:
            yield Breach(Kind.LOST, f"mail {mail.answer} had its 250, and its fax to {number} is not there")
    for number in rows.keys() - asked.keys():
        yield Breach(Kind.INVENTED, f"a fax to {number}")


def _ended(record: Record) -> Iterator[Breach]:
    """Every fax is at its end, or waits for a person since nobody can know; none was set aside."""
    for row in record.faxes:
        if row["state"] == "held":
            yield Breach(Kind.SET_ASIDE, f"fax {row['id']} ({row['hold_reason']})")
        elif row["state"] not in FINAL | {"unconfirmed"}:
            yield Breach(Kind.UNFINISHED, f"fax {row['id']} is {row['state']}")
    for row in record.attempts:
        if row["result"] is None:
            yield Breach(Kind.UNFINISHED, f"the call {row['id']} has no result")


def _called(record: Record) -> Iterator[Breach]:
    """The carrier was given no fax that is not ours, and none again unless it knew that the one before had failed."""
    known = {row["number"] for row in record.faxes}
    for number, calls in _by(record.calls, lambda call: call.number).items():
        if number not in known:
            yield Breach(Kind.INVENTED, f"the carrier was given a fax to {number}")
        for first, second in pairwise(sorted(calls, key=lambda call: call.came_at)):
            if not _had_failed(first, second.came_at):
                yield Breach(Kind.DOUBLE, f"to {number}: job {second.job_id} while {first.job_id} had not failed")


def _had_failed(call: Call, moment: str) -> bool:
    return call.ended_at is not None and not call.delivered and call.ended_at <= moment


def _retried(record: Record) -> Iterator[Breach]:
    """What may be tried again is, so often as its class allows; what is final, or of which pages went over, is not."""
    faxes = {row["number"]: row for row in record.faxes}
    for number, calls in _by(record.calls, lambda call: call.number).items():
        in_order = sorted(calls, key=lambda call: call.came_at)
        classes = Counter(CLASSES.get(call.code) for call in in_order if not call.delivered and call.ended_at)
        for call in in_order[:-1]:
            if call.ended_at and (call.went or call.code not in CLASSES):
                yield Breach(Kind.STUBBORN, f"to {number}: again after job {call.job_id} had ended with {call.code}")
        for outcome, made in classes.items():
            if outcome is not None and made > ATTEMPTS[outcome]:
                yield Breach(Kind.STUBBORN, f"to {number}: {made} calls ended {outcome}")
        last, fax = in_order[-1], faxes.get(number)
        outcome = CLASSES.get(last.code)
        if fax and fax["state"] == "failed" and outcome and not last.went and classes[outcome] < ATTEMPTS[outcome]:
            yield Breach(Kind.GIVEN_UP, f"to {number}: after {classes[outcome]} calls that ended {outcome}")


def _told_truly(record: Record) -> Iterator[Breach]:
    """Delivered is what the carrier delivered; failed is not; unconfirmed is only what nobody can know."""
    calls = _by(record.calls, lambda call: call.number)
    results = _by(record.attempts, lambda row: str(row["fax_id"]))
    for row in record.faxes:
        delivered = any(call.delivered for call in calls.get(row["number"], []))
        known = {attempt["result"] for attempt in results.get(row["id"], [])}
        partial = row["outcome_class"] == "partial"
        if row["state"] == "delivered" and not delivered:
            yield Breach(Kind.UNTRUE, f"fax {row['id']} is delivered, and the carrier delivered none")
        if row["state"] == "failed" and not all(call.ended_at for call in calls.get(row["number"], [])):
            yield Breach(Kind.UNTRUE, f"fax {row['id']} is failed, and the carrier is at it still")
        if row["state"] == "failed" and delivered and not partial:
            yield Breach(Kind.UNTRUE, f"fax {row['id']} is failed, and the carrier delivered it")
        if row["state"] == "unconfirmed" and "unknown" not in known:
            yield Breach(Kind.UNTRUE, f"fax {row['id']} is unconfirmed, and every call's outcome is known")


def _notices(record: Record) -> Iterator[Breach]:
    """A fax at its end has one final notice, which says so; an unconfirmed one none, but it was told as such.

    It may have been told so once of each of its calls, those included whose outcome came to light later.
    """
    about = _by(record.arrived, lambda mail: mail.fax_id)
    results = _by(record.attempts, lambda row: str(row["fax_id"]))
    for row in record.faxes:
        mails = [mail for mail in about.get(row["id"], []) if mail.to == row["sender"]]
        final = {mail.message_id: mail.event for mail in mails if mail.event in FINAL_NOTICES}
        wanted = "partial" if row["outcome_class"] == "partial" else row["state"]
        if list(final.values()) != ([wanted] if row["state"] in FINAL else []):
            yield Breach(Kind.NOTICES, f"fax {row['id']} is {row['state']}; final notices: {sorted(final.values())}")
        unsure = {mail.message_id for mail in mails if mail.event == "unconfirmed"}
        if len(unsure) > len(results.get(row["id"], [])) or (row["state"] == "unconfirmed" and not unsure):
            yield Breach(Kind.NOTICES, f"fax {row['id']} was told as unconfirmed {len(unsure)} times")


def _hooks(record: Record) -> Iterator[Breach]:
    """What had its 2xx is kept: each hook as evidence, as often as it was acknowledged."""
    kept = Counter((row["direction"], row["carrier_job_id"]) for row in record.evidence if row["kind"] == "hook")
    for hook in record.hooks:
        if kept[hook.direction, hook.job_id] < hook.times:
            yield Breach(Kind.LOST, f"a hook about {hook.direction} {hook.job_id} had its 2xx and was not kept")


def _received(record: Record) -> Iterator[Breach]:
    """Each fax that came in is one row, delivered, and one mail for each mailbox; there is no row or mail beyond."""
    rows = _by(record.received, lambda row: (row["carrier_job_id"], row["transaction_id"]))
    about = _by((mail for mail in record.arrived if mail.event in ABOUT_RECEIVED), lambda mail: mail.fax_id)
    for fax in record.incoming:
        there = rows.pop((fax.job_id, fax.transaction_id), [])
        if len(there) != 1 or there[0]["state"] != "delivered":
            states = [row["state"] for row in there]
            yield Breach(Kind.LOST, f"received fax {fax.job_id}/{fax.transaction_id}: {states or 'not there'}")
        for row in there:
            yield from _one_mail_each(str(row["id"]), about.pop(str(row["id"]), []))
    for row in (row for there in rows.values() for row in there if row["state"] != "quarantined"):
        yield Breach(Kind.INVENTED, f"received fax {row['id']} ({row['state']})")
    for fax_id in about:
        yield Breach(Kind.INVENTED, f"a mail about received fax {fax_id}")


def _one_mail_each(fax_id: str, mails: list[Arrived]) -> Iterator[Breach]:
    if not mails:
        yield Breach(Kind.LOST, f"received fax {fax_id} was mailed to nobody")
    for to, those in _by(mails, lambda mail: mail.to).items():
        if (different := len({mail.message_id for mail in those})) != 1:
            yield Breach(Kind.NOTICES, f"received fax {fax_id} made {different} mails to {to}")


def _previewed(record: Record) -> Iterator[Breach]:
    """A preview that had its 250 is answered, in one mail; there is none that no mail asked for.

    A client that never heard the 250 hands its mail in again, and then each of the two has its answer.
    """
    rows = _by(record.previews, lambda row: str(row["message_id"]))
    asked = [mail for mail in record.handed if mail.preview]
    for mail in asked:
        if mail.answer is not None and mail.answer not in rows:
            yield Breach(Kind.LOST, f"mail {mail.answer} had its 250, and its preview is not there")
    if record.previews and not asked:
        yield Breach(Kind.INVENTED, "a preview")
    about = _by((mail for mail in record.arrived if mail.event == "preview"), lambda mail: mail.fax_id)
    for row in record.previews:
        answers = {mail.message_id for mail in about.pop(str(row["id"]), [])}
        if row["done_at"] is None:
            yield Breach(Kind.UNFINISHED, f"preview {row['id']}")
        elif len(answers) != 1:
            yield Breach(Kind.NOTICES, f"preview {row['id']} has {len(answers)} answers")
    for preview in about:
        yield Breach(Kind.INVENTED, f"an answer to preview {preview}")


def _mailed(record: Record) -> Iterator[Breach]:
    """What the outbox calls sent has arrived, nothing is owed or given up; nothing arrived that it does not know."""
    arrived = {mail.message_id for mail in record.arrived}
    for row in record.outbox:
        if row["state"] == "waiting":
            yield Breach(Kind.UNFINISHED, f"mail {row['id']} ({row['event']}) is still owed")
        elif row["state"] != "suppressed" and row["message_id"] not in arrived:
            yield Breach(Kind.LOST, f"mail {row['id']} ({row['event']}) is {row['state']} and did not arrive")
    for message_id in arrived - {row["message_id"] for row in record.outbox}:
        yield Breach(Kind.INVENTED, f"mail {message_id}")


def _repeats(record: Record) -> Iterator[Breach]:
    """A mail comes again only, and to the byte, if we died while it was owed: the relay may have had it by then."""
    for (message_id, to), copies in _by(record.arrived, lambda mail: (mail.message_id, mail.to)).items():
        if len({mail.content for mail in copies}) > 1:
            yield Breach(Kind.REPEATED, f"{message_id} to {to}: with different bytes")
        died = sum(message_id in death.owed for death in record.deaths)
        if len(copies) - 1 > died:
            yield Breach(Kind.REPEATED, f"{message_id} to {to}: {len(copies)} copies, {died} deaths while it was owed")


def _on_disk(record: Record) -> Iterator[Breach]:
    """Every blob that a row names is on disk, whole."""
    for name in record.missing:
        yield Breach(Kind.LOST, f"blob {name}")


def _by(things: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Things by a key of theirs."""
    grouped: dict[K, list[T]] = defaultdict(list)
    for thing in things:
        grouped[key(thing)].append(thing)
    return dict(grouped)
