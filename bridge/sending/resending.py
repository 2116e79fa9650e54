"""A fax that has ended is sent once more: as a new fax with the same pages, to the same number or to another one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from bridge.errors import NotAFaxNumber, Refused
from bridge.fax import failing as rules, numbers
from bridge.fax.failing import NumberFails
from bridge.fax.jobs import Fax
from bridge.fax.orders import Reply
from bridge.fax.policy import Permission, Policy
from bridge.fax.states import FaxState
from bridge.runtime.phrases import phrase
from bridge.sending import allowance
from bridge.sending.options import SendingOptions
from bridge.store import failing, faxes, usage
from bridge.store.desk import Desk

ALREADY = phrase("{old} was sent once more already, as {new}, which is {state}")
SITE_LIMIT = phrase("this site has sent as many faxes today as it may in one day")


class Resender:
    """Makes the new fax. It counts for the day."""

    def __init__(self, desk: Desk, policy: Policy, options: SendingOptions) -> None:
        self._desk = desk
        self._policy = policy
        self._options = options

    async def resend(
        self,
        old: Fax,
        to: str | None,
        now: datetime,
        actor: str,
        answer: Callable[[sa.Connection, Reply], None],
        *,
        within_limits: bool = False,
    ) -> None:
        """Take it on with its answer in one transaction; one that is on its way already is not doubled.

        ``within_limits``: not past the limits of the day, nor to a number that fails; an operator may.
        """
        try:
            number = self._number(old, to)
            if within_limits:
                await self._check_failing(number, now)
        except (NotAFaxNumber, Refused, NumberFails) as error:
            refusal = Reply(f"{old.id}: {error.public}", refused=True)
            await self._desk.store.write(lambda connection: answer(connection, refusal))
            return
        new = self._new(old, number, now)

        def unit(connection: sa.Connection) -> None:
            going = faxes.still_going(connection, old, number)
            if going is not None:
                text = ALREADY.format(old=old.id, new=going.id, state=going.state)
                answer(connection, Reply(text, refused=True))
                return
            if within_limits and (over := self._over(connection, new, now)):
                answer(connection, Reply(over, refused=True))
                return
            faxes.add_again(connection, new, old, actor)
            usage.take(connection, now.date(), usage.SITE, faxes=1)
            if new.pages is not None:
                allowance.use(connection, new, new.pages, now.date())
            answer(connection, Reply(f"{new.id} is the new fax, to {number}; it sends {old.id} once more"))

        await self._desk.store.write(unit)

    async def _check_failing(self, number: str, now: datetime) -> None:
        known = await self._desk.store.read(lambda connection: failing.of(connection, number))
        if known is not None:
            rules.check(number, {number: known}, self._options.refuse_after, now)

    def _over(self, connection: sa.Connection, new: Fax, now: datetime) -> str:
        """Which limit of the day it would go over; empty where it would go over none."""
        if usage.take(connection, now.date(), usage.SITE).faxes >= self._options.limits.faxes_per_day:
            return SITE_LIMIT
        if new.pages is None:
            return ""  # its pages are made first, and counted then
        held = allowance.find_held(connection, [new], new.pages, now.date(), self._options)
        return "; ".join(excess.in_words(new.pages) for excess in held.get(new.id, ()))

    def _number(self, old: Fax, to: str | None) -> str:
        """The number it goes to; raises NotAFaxNumber, or Refused where policy has something against it."""
        number = old.number if to is None else numbers.understand(to, self._policy.default_country)
        permission: Permission | None = self._policy.of_login(old.identity) if old.identity else None
        (permission or self._policy.site).check_number(number)
        return number

    def _new(self, old: Fax, number: str, now: datetime) -> Fax:
        """The same fax at its beginning. Elsewhere, what stood in the address or on a cover is not true."""
        domain = old.recipient.rpartition("@")[2]
        elsewhere = number != old.number
        return replace(
            old,
            id=self._desk.ids.new(),
            number=number,
            recipient=f"{number}@{domain}" if elsewhere else old.recipient,
            original_recipient="" if elsewhere else old.original_recipient,
            state=FaxState.ACCEPTED if old.document_id is None or elsewhere else FaxState.READY,
            document_id=None if elsewhere else old.document_id,
            pages=None if elsewhere else old.pages,
            carrier_cover=old.carrier_cover and not elsewhere,
            state_since=now,
            version=1,
            due_at=now,
            polls=0,
            hold_reason=None,
            pages_sent=None,
            outcome=None,
            settle_at=None,
            created_at=now,
            updated_at=now,
            resend_of=old.id,
            counts_from=now,
            not_before=None,
        )
