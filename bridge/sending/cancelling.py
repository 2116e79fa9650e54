"""A fax is called off that is not with the carrier, by an operator or by its sender."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from bridge.fax import outcomes
from bridge.fax.jobs import Fax, Outcome
from bridge.fax.states import FaxState
from bridge.sending.report import Change, Reporter, write_end


async def cancel(
    reporter: Reporter, fax: Fax, now: datetime, *, actor: str, why: str, answer: Callable[[sa.Connection], None]
) -> None:
    """End it with its notice, and write the answer to whoever asked, in one transaction. Raises faxes.Stale."""
    cause = outcomes.cause("cancelled")
    change = Change(fax, FaxState.CANCELLED, Outcome(cause.outcome_class, cause.slug), why=why)

    def unit(connection: sa.Connection) -> None:
        write_end(connection, change, now, f"while it was {fax.state}", actor=actor)
        answer(connection)

    await reporter.carry_out(change, now, unit)
