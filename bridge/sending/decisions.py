"""What a person decides about a fax of which nobody knows whether it was sent."""

from collections.abc import Callable
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


Also = Callable[[sa.Connection], None]
"""What is written in the same transaction."""


def nothing(_: sa.Connection) -> None:
    """Nothing else is written."""


async def settle(  # noqa: PLR0917 - the decision itself
    desk: Desk,
    reporter: Reporter,
    fax: Fax,
    sent: bool,  # noqa: FBT001 - as above
    actor: str,
    now: datetime,
    also: Also = nothing,
) -> None:
    """End an unconfirmed fax as delivered on ``actor``'s word, or have it sent again on that word.

    Raises NothingToSettle when it is not unconfirmed, Stale when it changed since it was read.
    """
    if fax.state is not FaxState.UNCONFIRMED:
        raise NothingToSettle(
            f"fax {fax.id} is {fax.state}, not unconfirmed: there is nothing to settle. "
            f"To see it: faxbridge show {fax.id}"
        )
    if sent:
        await _end_as_sent(reporter, fax, actor, now, also)
    else:
        await _send_again(desk, fax, actor, now, also)
    desk.bells.ring(Bell.SUBMIT)


async def _end_as_sent(reporter: Reporter, fax: Fax, actor: str, now: datetime, also: Also) -> None:
    cause = outcomes.cause("delivered-on-a-persons-word")
    change = Change(fax, FaxState.DELIVERED, Outcome(cause.outcome_class, cause.slug))

    def unit(connection: sa.Connection) -> None:
        detail = f"{actor} says that it was sent; the fax service never confirmed it"
        faxes.end(connection, fax, FaxState.DELIVERED, change.outcome, now=now, detail=detail, actor=actor)
        also(connection)

    await reporter.carry_out(change, now, unit)


async def _send_again(desk: Desk, fax: Fax, actor: str, now: datetime, also: Also) -> None:
    detail = f"{actor} says that it was not sent; it is sent again"

    def unit(connection: sa.Connection) -> None:
        faxes.change(
            connection, fax, FaxState.READY, now=now, event="settled", detail=detail, actor=actor, due_at=now, polls=0
        )
        also(connection)

    await desk.store.write(unit)
