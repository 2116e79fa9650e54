"""The operator is told of each mail that reaches nobody, once, and by one mail an hour at most.

The first is told at once. What fails within the hour after it (a relay that refuses a domain fails hundreds) is told
together at its end. What cannot be told, since it is the operator who cannot be reached, makes no further mail: it
stands in the log, the metrics and ``/health/ready``.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from bridge.fax.arrivals import Mail
from bridge.mail import alarms
from bridge.mail.options import MailOptions
from bridge.runtime.clock import rfc3339
from bridge.runtime.worker import Bell, Duty
from bridge.store import cursors, outbox
from bridge.store.desk import Desk
from bridge.store.outbox import Untold

INTERVAL = timedelta(hours=1)
LAST = "undeliverable.told"
"""The cursor: when the operator was last told."""

AT_ONCE = 1000
"""Mails that one alarm tells of; more are told an hour later."""

LISTED = 20
"""Of these are told one by one."""

Batch = tuple[Untold, ...]


class Alarms:
    """The worker that tells the operator."""

    def __init__(self, desk: Desk, options: MailOptions) -> None:
        self._desk = desk
        self._options = options

    @property
    def duty(self) -> Duty[Batch]:
        """What the worker loop runs."""
        return Duty("alarm", Bell.ALARM, self._find, self.tell, self._no_lease)

    async def tell(self, batch: Batch) -> None:
        """One mail about all of these, unless another daemon has told of one of them."""
        now, row_id = self._desk.clock.now(), self._desk.ids.new()
        mail, content = self._mail(batch, row_id, now)
        draft = await self._desk.draft(mail, content)

        def unit(connection: sa.Connection) -> None:
            if not outbox.tell(connection, [each.mail.id for each in batch], row_id):
                raise outbox.Stale("another daemon has told of one of these mails")
            draft.write(connection, now)
            cursors.put(connection, LAST, rfc3339(now), now)

        await self._desk.store.write_files(unit, draft.blob)
        self._desk.bells.ring(Bell.POST)

    def _mail(self, batch: Batch, row_id: str, now: datetime) -> tuple[Mail, bytes]:
        only = batch[0] if len(batch) == 1 else None
        subject = (
            f"Mail about {_about(only.mail)} cannot be delivered" if only else f"{len(batch)} mails cannot be delivered"
        )
        lines = [line for each in batch[:LISTED] for line in _lines(each)]
        if len(batch) > LISTED:
            lines.append(f"And {len(batch) - LISTED} more: mail.failed in the log has each (journalctl -u faxbridge).")
        lines += [
            "What to do: check the addresses in the configuration or with the senders, and what the relay says.",
            "You are told of such mails once an hour at most.",
        ]
        return alarms.alarm(
            subject=subject,
            lines=tuple(lines),
            options=self._options,
            row_id=row_id,
            purpose=f"undeliverable/{batch[0].mail.id}",
            now=now,
            event="undeliverable",
        )

    async def _find(self) -> Batch | None:
        """What is to be told, once an hour has gone by; a clock that jumped back holds nothing up."""

        def query(connection: sa.Connection) -> tuple[list[Untold], str | None]:
            found = outbox.untold(connection, AT_ONCE)
            return found, cursors.get(connection, LAST) if found else None

        found, last = await self._desk.store.read(query)
        now = self._desk.clock.now()
        if last is not None and timedelta() <= now - datetime.fromisoformat(last) < INTERVAL:
            return None
        return tuple(found) or None

    async def _no_lease(self, _: Batch) -> bool:
        return True


def _about(mail: Mail) -> str:
    about = mail.fax_id or mail.received_id
    return f"fax {about}" if about else "something forwarded"


def _lines(untold: Untold) -> tuple[str, str]:
    mail = untold.mail
    then = "The fax goes to the fallback mailboxes instead." if untold.passed_on else "It is not sent to anybody else."
    return (
        f"A mail ({mail.event}) about {_about(mail)} to {mail.recipient} cannot be delivered.",
        f"Why: {untold.reply} {then}" if untold.reply.endswith(".") else f"Why: {untold.reply}. {then}",
    )
