"""Faxes of which the work on them died again and again are held, and the operator is told."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from bridge.fax import outcomes
from bridge.fax.jobs import Fax, Outcome
from bridge.fax.states import FaxState, HoldReason
from bridge.sending.report import Change, Reporter
from bridge.store import faxes, suspects
from bridge.store.desk import Desk


class Poison:
    """Sets aside what the converter, or the daemon itself, died of three times."""

    def __init__(self, desk: Desk, reporter: Reporter) -> None:
        self._desk = desk
        self._reporter = reporter

    async def hold(self, batch: Sequence[Fax], why: str, owner: str | None) -> None:
        """Faxes of one message are held; each sender is told, and the operator once.

        ``owner`` holds them, if anybody does.
        """
        cause = outcomes.cause("held-poison")
        for fax in batch:
            now = self._desk.clock.now()
            change = Change(fax, FaxState.HELD, Outcome(cause.outcome_class, cause.slug), why=why)
            alarm = await self._reporter.alarms.poison(fax, len(batch), why, now)
            apply = partial(_hold, fax=fax, why=why, now=now, owner=owner)
            await self._reporter.carry_out(change, now, apply, alarm=alarm)


def _hold(connection: sa.Connection, fax: Fax, why: str, now: datetime, owner: str | None) -> None:
    faxes.change(
        connection,
        fax,
        FaxState.HELD,
        now=now,
        event="held",
        detail=why,
        owner=owner,
        hold_reason=HoldReason.POISON,
    )
    suspects.clear(connection, suspects.DOCUMENT, fax.message_id)
