"""The backlog: received faxes that were set aside, let go when an operator asks for it."""

import sqlalchemy as sa

from bridge.fax.states import ReceivedState
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell, Duty
from bridge.store import arrivals, commands
from bridge.store.commands import Command
from bridge.store.desk import Desk

RELEASE = "release-backlog"


class BacklogClerk:
    """The worker that carries out ``faxbridge backlog --release``."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk = desk
        self._owner = name

    @property
    def duty(self) -> Duty[Command]:
        """What the worker loop runs."""
        return Duty("backlog", Bell.COMMAND, self._claim, self.release, self._renew, self._set_aside)

    async def release(self, asked: Command) -> None:
        """Everything set aside is announced again, and so fetched, routed and mailed."""
        crash_point(Point.COMMAND_CLAIMED)
        now = self._desk.clock.now()

        def unit(connection: sa.Connection) -> None:
            waiting = arrivals.quarantined(connection)
            for fax in waiting:
                arrivals.change(
                    connection,
                    fax,
                    ReceivedState.ANNOUNCED,
                    now=now,
                    due_at=now,
                    tries=0,
                    detail="released",
                    actor=f"operator {asked.actor}",
                )
            text = f"{len(waiting)} received {'fax' if len(waiting) == 1 else 'faxes'} released"
            commands.done(connection, asked.id, self._owner, now, text)

        await self._desk.store.write(unit)
        crash_point(Point.COMMAND_COMMITTED)
        self._desk.bells.ring(Bell.FETCH)

    async def _set_aside(self, asked: Command, why: str) -> None:
        now = self._desk.clock.now()
        await self._desk.store.write(
            lambda c: commands.done(c, asked.id, self._owner, now, f"this is not done: {why}", refused=True)
        )

    async def _claim(self) -> Command | None:
        return await self._desk.store.write(
            lambda connection: commands.claim(connection, self._desk.lease(self._owner), RELEASE)
        )

    async def _renew(self, asked: Command) -> bool:
        return await self._desk.store.write(
            lambda connection: commands.renew(connection, asked.id, self._desk.lease(self._owner))
        )
