"""What a person decides about a fax of which nobody knows whether it was sent."""

from datetime import datetime

import sqlalchemy as sa

from bridge.errors import Permanent
from bridge.fax import outcomes
from bridge.fax.jobs import Fax, Outcome
from bridge.fax.states import FaxState
from bridge.runtime.worker import Bell
from bridge.sending.report import Change, Reporter
from bridge.store import faxes
from bridge.store.desk import Desk


class NothingToSettle(Permanent):
    """The fax is not unconfirmed."""


async def settle(desk: Desk, reporter: Reporter, fax: Fax, sent: bool, actor: str, now: datetime) -> None:  # noqa: FBT001, PLR0917 - the decision itself
    """End an unconfirmed fax as delivered on ``actor``'s word, or have it sent again on that word.

    Raises NothingToSettle when it is not unconfirmed, Stale when it changed since it was read.
    """
    if fax.state is not FaxState.UNCONFIRMED:
        raise NothingToSettle(
            f"fax {fax.id} is {fax.state}, not unconfirmed: there is nothing to settle. "
            f"To see it: faxbridge show {fax.id}"
        )
    if sent:
        await _end_as_sent(reporter, fax, actor, now)
    else:
        await _send_again(desk, fax, actor, now)
    desk.bells.ring(Bell.SUBMIT)


async def _end_as_sent(reporter: Reporter, fax: Fax, actor: str, now: datetime) -> None:
    cause = outcomes.cause("delivered-on-a-persons-word")
    change = Change(fax, FaxState.DELIVERED, Outcome(cause.outcome_class, cause.slug))

    def unit(connection: sa.Connection) -> None:
        detail = f"{actor} says that it was sent; the fax service never confirmed it"
        faxes.end(connection, fax, FaxState.DELIVERED, change.outcome, now=now, detail=detail, actor=actor)

    await reporter.carry_out(change, now, unit)


async def _send_again(desk: Desk, fax: Fax, actor: str, now: datetime) -> None:
    detail = f"{actor} says that it was not sent; it is sent again"
    await desk.store.write(
        lambda connection: faxes.change(
            connection, fax, FaxState.READY, now=now, event="settled", detail=detail, actor=actor, due_at=now, polls=0
        )
    )
