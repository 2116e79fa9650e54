"""Copiers that were turned away for our own trouble: many do not try again, so the operator is told by mail.

What is refused is noted in memory, for the database may be the trouble; the mail is owed as soon as the store takes it.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bridge.mail import alarms
from bridge.mail.options import MailOptions
from bridge.mail.wording import in_words
from bridge.runtime.worker import Bell
from bridge.store import outbox
from bridge.store.desk import Desk
from bridge.store.outbox import Draft

CLIENTS = 1000
"""Clients that are kept one by one; of those beyond it is known only how often they were refused."""

BATCH = 50
"""Mails of one transaction."""

PAUSE_SECONDS = 10.0
"""Between two tries while the store takes nothing."""

OTHERS = "others"
"""Stands for the clients beyond; no address reads like that."""

_OUR_TROUBLE = {
    "4.3.0": "The disk or the database did not answer, or something failed within Faxbridge; its log has more "
    "(journalctl -u faxbridge).",
    "4.3.1": "There is not enough free space on the disk that store.database and store.blobs lie on. Make room there; "
    "limits.reserve says how much must stay free.",
    "4.3.2": "Faxbridge was being stopped, or takes no mail just now. Nothing needs to be mended if that was meant.",
    "4.7.0": "There were too many connections at once. Find out who holds them open, or raise limits.sessions.",
}
"""RFC 3463 details of refusals that are our own doing (contract, "SMTP"), and what they mean for the operator."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What one client met with since the operator was last told, in the hour ``told``; ``reply`` is the last one."""

    client: str
    identity: str | None
    reply: str
    first_at: datetime
    last_at: datetime
    times: int = 1
    told: str = ""

    @property
    def hour(self) -> str:
        """The hour its mail counts for."""
        return f"{self.last_at:%Y-%m-%dT%H}"

    @property
    def owed(self) -> bool:
        """Whether the operator must still hear of it: once an hour is enough."""
        return self.times > 0 and self.hour != self.told

    @property
    def purpose(self) -> str:
        """One mail a client and hour, whatever happens to this process."""
        return f"refused/{self.client}/{self.hour}"


class Refusals:
    """Notes who was refused (``note``), and owes the mails about it while it runs (``run``)."""

    def __init__(self, desk: Desk, mail: MailOptions) -> None:
        self._desk = desk
        self._mail = mail
        self._clients: dict[str, Refused] = {}
        self._news = asyncio.Event()

    def note(self, client: str, identity: str | None, reply: str) -> None:
        """A client heard this reply. Only temporary ones count that are our own doing. Never raises, never waits."""
        if _detail(reply) not in _OUR_TROUBLE or (_detail(reply) == "4.7.0" and not reply.startswith("421")):
            return
        now = self._desk.clock.now()
        key = client if self._has_room_for(client) else OTHERS
        known = self._clients.get(key)
        if known is None:
            self._clients[key] = Refused(key, identity, reply, now, now)
        else:
            first_at = known.first_at if known.times else now
            self._clients[key] = replace(
                known, identity=identity, reply=reply, first_at=first_at, last_at=now, times=known.times + 1
            )
        if self._clients[key].owed:
            self._news.set()

    def _has_room_for(self, client: str) -> bool:
        if client in self._clients:
            return True
        if len(self._clients) >= CLIENTS:
            self._clients = {key: each for key, each in self._clients.items() if each.owed}
        return len(self._clients) < CLIENTS

    async def run(self, stop: asyncio.Event) -> None:
        """Owe the mails until ``stop``; then once more, whatever comes of it."""
        while not stop.is_set():
            await _first_of(self._news.wait(), stop.wait())
            self._news.clear()
            while not stop.is_set() and not await self._tell():
                await _first_of(self._desk.clock.sleep(PAUSE_SECONDS), stop.wait())
        await self._tell()

    async def _tell(self) -> bool:
        """Whether the store took all that is owed."""
        while batch := [each for each in self._clients.values() if each.owed][:BATCH]:
            try:
                await self._write(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is: this is told later, and ends no daemon
                self._desk.events.worker_failed(worker="refusals", error=error)
                return False
            for each in batch:
                self._mark_told(each)
        return True

    async def _write(self, batch: list[Refused]) -> None:
        now = self._desk.clock.now()
        drafts = [await self._draft(each, now) for each in batch]

        def unit(connection: sa.Connection) -> None:
            for draft in drafts:
                if not outbox.is_written(connection, draft.mail.purpose):
                    draft.write(connection, now)

        await self._desk.store.write(unit)
        self._desk.bells.ring(Bell.POST)

    def _mark_told(self, told: Refused) -> None:
        """What came in while the mail was being written counts for the next one."""
        known = self._clients[told.client]
        left = known.times - told.times
        self._clients[told.client] = replace(known, times=left, first_at=told.last_at, told=told.hour)

    async def _draft(self, refused: Refused, now: datetime) -> Draft:
        who = "Several machines" if refused.client == OTHERS else refused.client
        mail, content = alarms.alarm(
            subject=f"A machine may have lost a fax: {who} was turned away",
            lines=_lines(refused),
            options=self._mail,
            row_id=self._desk.ids.new(),
            purpose=refused.purpose,
            now=now,
        )
        return await self._desk.draft(mail, content)


def _lines(refused: Refused) -> tuple[str, ...]:
    who = f"The machine at {refused.client}" + (f" ({refused.identity})" if refused.identity else "")
    if refused.client == OTHERS:
        who = "More machines than Faxbridge counts one by one"
    when = f"on {in_words(refused.last_at)}"
    if refused.times > 1:
        when = f"{refused.times} times from {in_words(refused.first_at)} to {in_words(refused.last_at)}"
    return (
        f"{who} wanted to hand in a fax and was turned away {when}.",
        "The reason lies here, not with the machine.",
        "Many copiers do not try again by themselves: the fax may be lost, and nobody there may have noticed.",
        "What to do: look at the machine's panel or its journal, and have what was not sent sent again.",
        f"What is wrong here: {_OUR_TROUBLE[_detail(refused.reply)]}",
        f"It was told: {refused.reply}",
        "You are told of each machine once an hour at most.",
    )


def _detail(reply: str) -> str:
    """The status code behind the reply code: ``4.3.1`` of ``452 4.3.1 not enough room``."""
    return reply.split(" ")[1] if reply.startswith("4") and " " in reply else ""


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when the first of these does; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
