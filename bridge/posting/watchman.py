"""Looks round once a minute: what is wrong is told to the operator once, until it clears."""

import asyncio
from contextlib import suppress

import sqlalchemy as sa

from bridge.errors import BridgeError
from bridge.mail import alarms
from bridge.mail.options import MailOptions
from bridge.posting.troubles import Sign, Trouble
from bridge.runtime.worker import Bell
from bridge.store import troubles
from bridge.store.desk import Desk
from bridge.store.outbox import Draft

LOOK_EVERY_SECONDS = 60.0


class Watchman:
    """Goes from sign to sign. It holds no lease: of two daemons the first that writes a trouble down tells it."""

    def __init__(self, desk: Desk, mail: MailOptions, signs: tuple[Sign, ...]) -> None:
        self._desk = desk
        self._mail = mail
        self._signs = signs

    async def run(self, stop: asyncio.Event) -> None:
        """Look now and then until ``stop``, not at once: what waited while no daemon ran goes on its way first.

        What cannot be seen is looked at again next time.
        """
        while not await self._stopped(stop):
            for sign in self._signs:
                try:
                    await self.look(sign)
                except (BridgeError, OSError) as error:
                    self._desk.events.worker_failed(worker=f"watchman {sign.name}", error=error)

    async def _stopped(self, stop: asyncio.Event) -> bool:
        """Wait for the next round; whether there is none any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_SECONDS):
                await stop.wait()
        return stop.is_set()

    async def look(self, sign: Sign) -> None:
        """Tell its trouble if that is new, or note that it is over."""
        standing = await self._desk.store.read(troubles.standing)
        trouble = await sign.look(standing)
        if trouble is not None and sign.name not in standing:
            await self._tell(sign.name, trouble)
        elif trouble is None and sign.name in standing:
            await self._desk.store.write(lambda connection: troubles.end(connection, sign.name))
            self._desk.events.trouble_over(what=sign.name)

    async def _tell(self, name: str, trouble: Trouble) -> None:
        now = self._desk.clock.now()
        draft = await self._draft(name, trouble)

        def unit(connection: sa.Connection) -> bool:
            new = troubles.begin(connection, name, now)
            if new:
                draft.write(connection, now)
            return new

        if await self._desk.store.write_files(unit, draft.blob):
            self._desk.events.trouble_began(what=name, why=trouble.subject)
            self._desk.bells.ring(Bell.POST)
        elif draft.blob is not None:
            self._desk.store.blobs.discard(draft.blob)

    async def _draft(self, name: str, trouble: Trouble) -> Draft:
        row_id = self._desk.ids.new()
        last = "You are told once; when it is over and comes again, you are told again."
        mail, content = alarms.alarm(
            subject=trouble.subject,
            lines=(*trouble.lines, last),
            options=self._mail,
            row_id=row_id,
            purpose=f"trouble/{name}/{row_id}",
            now=self._desk.clock.now(),
        )
        return await self._desk.draft(mail, content)
