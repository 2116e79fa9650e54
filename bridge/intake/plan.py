"""One mail about to be taken on: everything that is written for it, and the premises under which it is written.

A plan is carried out in one transaction: whole, or not at all. Where a premise does not hold nothing is written, what
was found comes back, and the plan is made anew with the mails that are due then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from bridge.fax.arrivals import MailState
from bridge.fax.jobs import Fax, Message
from bridge.fax.states import FaxState, HoldReason
from bridge.intake.own import NOT_OURS, Own
from bridge.store import StoredBlob, blobs, faxes, history, outbox, submissions, usage
from bridge.store.outbox import Draft


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a submission that comes again became the first time."""

    fax: Fax
    message: Message
    first_at: datetime

    @property
    def premise(self) -> tuple[str, int]:
        """What must still hold when it is told of: which fax, in which version."""
        return self.fax.id, self.fax.version


@dataclass(frozen=True, slots=True)
class Found:
    """What the store says of a mail: its faxes that are there already (by key), and how many are ``over`` the limit.

    ``alarmed``: the operator knows of the limit.
    """

    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    over: int = 0
    alarmed: bool = True


NOTHING = Found()
"""What is found of a mail that is new."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was written. ``unused`` are mails that were not needed after all."""

    faxes: tuple[Fax, ...]
    kept: bool
    unused: tuple[Draft, ...]
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """``faxes`` stand by the key of their submission; those since ``since`` count as the same. ``own``: mails to us.

    ``found`` is what the mails were drafted for: ``duplicates`` by key, ``held`` by fax, ``alarm`` for the operator.
    ``counts``: whether its faxes do for the day; of a divided mail those of its first piece count.
    """

    message: Message
    stored: StoredBlob
    faxes: Mapping[str, Fax]
    since: datetime
    limit: int
    own: Own = NOT_OURS
    found: Found = NOTHING
    duplicates: Mapping[str, Draft] = field(default_factory=dict)
    held: Mapping[str, Draft] = field(default_factory=dict)
    alarm: Draft | None = None
    counts: bool = True

    @property
    def now(self) -> datetime:
        """When the mail came."""
        return self.message.received_at

    @property
    def answer(self) -> str:
        """The id the client gets: the message's, or, where all was there already, the first one's."""
        if self.own.any or len(self.found.earlier) < len(self.faxes):
            return self.message.id
        return next(self.found.earlier[key].message.id for key in self.faxes)

    def drafted(self) -> Iterable[Draft]:
        """The mails that belong to what was found."""
        return (*self.duplicates.values(), *self.held.values(), *((self.alarm,) if self.alarm else ()))


def alarm_purpose(now: datetime) -> str:
    """One alarm a day (UTC)."""
    return f"limit/faxes/site/{now:%Y-%m-%d}"


def carry_out(connection: sa.Connection, plans: Sequence[Plan]) -> list[Taken | Found]:
    """Take mails on as planned. For one that cannot be, nothing is written, and what was found stands in its place.

    What is new, within the limit and to nobody but fax numbers is nearly everything, and goes in together: a
    statement for many rows costs little more than one for one.
    """
    plain = _plain(plans)
    known = submissions.look(connection, [key for plan in plain for key in plan.faxes]) if plain else {}
    plain = [plan for plan in plain if not any(known[key].counts(plan.since) for key in plan.faxes if key in known)]
    number = sum(len(plan.faxes) for plan in plain if plan.counts)
    if plain and _count(connection, plain[0], number):
        _count(connection, plain[0], -number)
        plain = []
    if plain:
        blobs.record_all(connection, [(plan.stored, plan.now) for plan in plain], "message")
        faxes.add_messages(connection, [(plan.message, tuple(plan.faxes.values())) for plan in plain])
        submissions.claim(connection, {key: each for plan in plain for key, each in _claims(plan, plan.faxes)}, known)
    done = {plan.message.id for plan in plain}
    return [
        Taken(tuple(plan.faxes.values()), kept=True, unused=())
        if plan.message.id in done
        else _carry_out_one(connection, plan)
        for plan in plans
    ]


def _claims(plan: Plan, new: Mapping[str, Fax]) -> Iterable[tuple[str, tuple[str, datetime]]]:
    return ((key, (fax.id, plan.now)) for key, fax in new.items())


def _plain(plans: Sequence[Plan]) -> list[Plan]:
    """Those that may go in together: made without anything found, of one day, and none the same as one before it."""
    plain: list[Plan] = []
    keys: set[str] = set()
    for plan in plans:
        simple = plan.faxes and not plan.own.any and plan.found == NOTHING
        if simple and plan.now.date() == plans[0].now.date() and keys.isdisjoint(plan.faxes):
            plain.append(plan)
            keys.update(plan.faxes)
    return plain


def _carry_out_one(connection: sa.Connection, plan: Plan) -> Taken | Found:
    keys = list(plan.faxes)
    known = submissions.look(connection, keys) if keys else {}
    again = {key: each for key, each in known.items() if each.counts(plan.since)}
    new = {key: fax for key, fax in plan.faxes.items() if key not in again}
    number = len(new) if plan.counts else 0
    over = _count(connection, plan, number) if number else 0
    alarmed = not over or outbox.is_written(connection, alarm_purpose(plan.now))

    expected = {key: each.premise for key, each in plan.found.earlier.items()}
    as_expected = {key: (each.fax_id, each.version) for key, each in again.items()} == expected
    if not as_expected or (over and not plan.held) or not (alarmed or plan.alarm):
        if number:
            _count(connection, plan, -number)
        return Found({key: _earlier(connection, each) for key, each in again.items()}, over, alarmed)

    taken = tuple(new.values())
    kept = bool(taken or plan.own.any)
    if kept:
        blobs.record(connection, plan.stored, "message", plan.now)
        faxes.add_messages(connection, [(plan.message, taken)])
    if taken:
        submissions.claim(connection, dict(_claims(plan, new)), known)
    unused = plan.own.write(connection, plan.now)
    for key in again:
        _tell_again(connection, plan, key)
    held = taken[len(taken) - over :]
    for fax in held:
        _hold(connection, plan, fax)
    alarm = plan.alarm if not alarmed else None
    if alarm is not None:
        alarm.write(connection, plan.now)
    used = {fax.id for fax in held}
    unused += [draft for fax_id, draft in plan.held.items() if fax_id not in used]
    if plan.alarm is not None and alarm is None:
        unused.append(plan.alarm)
    return Taken(taken, kept, tuple(unused), tuple(used))


def _count(connection: sa.Connection, plan: Plan, number: int) -> int:
    """Count so many faxes for today, or give them back; how many of them are over the limit."""
    used = usage.take(connection, plan.now.date(), usage.SITE, faxes=number).faxes
    return max(0, min(number, used - plan.limit))


def _earlier(connection: sa.Connection, known: submissions.Submission) -> Earlier:
    fax = faxes.get(connection, known.fax_id)
    assert fax is not None  # the key's row refers to it
    return Earlier(fax, faxes.message_of(connection, fax.message_id), known.first_at)


def _tell_again(connection: sa.Connection, plan: Plan, key: str) -> None:
    first = plan.found.earlier[key].fax
    detail = f"the same mail from {plan.message.client}, for {plan.faxes[key].recipient}; not faxed twice"
    history.add(connection, at=plan.now, event="submitted_again", detail=detail, fax_id=first.id)
    _owe(connection, plan.duplicates[key], plan.now)


def _hold(connection: sa.Connection, plan: Plan, fax: Fax) -> None:
    faxes.change(
        connection,
        fax,
        FaxState.HELD,
        now=plan.now,
        event="held",
        detail=f"the limit of {plan.limit} faxes a day is reached",
        hold_reason=HoldReason.LIMIT,
    )
    _owe(connection, plan.held[fax.id], plan.now)


def _owe(connection: sa.Connection, notice: Draft, now: datetime) -> None:
    """A notice; one that is not wanted leaves a line in the fax's history."""
    notice.write(connection, now)
    mail = notice.mail
    if mail.state is MailState.SUPPRESSED:
        detail = f"{mail.event} to {mail.recipient}: {mail.reason}"
        history.add(connection, at=now, event="notice_suppressed", detail=detail, fax_id=mail.fax_id)
