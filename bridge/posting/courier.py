"""The courier: works off the outbox, due mail by due mail, with growing pauses for as long as five days."""

from dataclasses import replace
from datetime import datetime, timedelta

from bridge.fax.arrivals import Mail, MailKind
from bridge.mail import returned
from bridge.posting import relay
from bridge.posting.options import RelayOptions
from bridge.posting.undeliverable import End, Undeliverable
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell, Duty
from bridge.store import outbox
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk, Grip

PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
)
"""After each failed try; the last one again and again."""

GIVEN_UP_AFTER = timedelta(days=5)


class Courier:
    """The worker that hands mail to the relay."""

    def __init__(self, desk: Desk, options: RelayOptions, undeliverable: Undeliverable, name: str) -> None:
        self._desk = desk
        self._undeliverable = undeliverable
        self._options = options
        self._owner = name
        self._grip = Grip(desk, name)

    @property
    def duty(self) -> Duty[Mail]:
        """What the worker loop runs."""
        return Duty("post", Bell.POST, self._claim, self.deliver, self._renew, self._lose)

    async def deliver(self, mail: Mail) -> None:
        """One try for one mail."""
        crash_point(Point.POST_CLAIMED)
        assert mail.blob_id is not None
        try:
            content = await self._desk.store.read_blob(mail.blob_id)
        except BlobDamaged as error:
            await self._lose(mail, error.public)
            return
        lighter = returned.without_content if mail.kind is MailKind.NOTICE else None
        result = await relay.hand_over(
            self._options,
            mail.envelope_sender,
            mail.recipient,
            content,
            lighter=lighter,
            may_begin=lambda: self._grip.holds,
        )
        crash_point(Point.POST_TAKEN)
        now = self._desk.clock.now()
        owed_since = await self._desk.store.read(lambda connection: outbox.created_at(connection, mail.id))
        if result.taken:
            await self._desk.store.write(
                lambda connection: outbox.sent(connection, mail, self._owner, now, result.reply)
            )
            crash_point(Point.POST_COMMITTED)
            self._desk.events.mail_sent(mail=mail.id, kind=mail.kind)
        elif result.permanent or now - owed_since > GIVEN_UP_AFTER:
            await self._undeliverable.conclude(mail, self._failed(mail, result.reply, now), now)
            self._desk.events.mail_failed(mail=mail.id, kind=mail.kind, code=result.code)
        else:
            due_at = now + PAUSES[min(mail.tries, len(PAUSES) - 1)]
            await self._desk.store.write(
                lambda connection: outbox.defer(connection, mail, self._owner, due_at, result.reply)
            )
            self._desk.events.mail_deferred(mail=mail.id, kind=mail.kind, tries=mail.tries + 1, code=result.code)

    async def _lose(self, mail: Mail, why: str) -> None:
        """Its bytes are gone, or kill whoever reads them: they are not looked at, and that is said."""
        now = self._desk.clock.now()
        await self._undeliverable.conclude(replace(mail, blob_id=None), self._failed(mail, why, now), now)
        self._desk.events.mail_failed(mail=mail.id, kind=mail.kind, code=None)

    def _failed(self, mail: Mail, reply: str, now: datetime) -> End:
        return lambda connection, passed_on: outbox.failed(
            connection, mail, self._owner, now, reply, passed_on=passed_on
        )

    async def _claim(self) -> Mail | None:
        return self._grip.kept(
            await self._desk.store.write(lambda connection: outbox.claim(connection, self._grip.lease()))
        )

    async def _renew(self, mail: Mail) -> bool:
        return self._grip.kept(
            await self._desk.store.write(lambda connection: outbox.renew(connection, mail.id, self._grip.lease()))
        )
