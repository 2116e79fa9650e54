"""What an operator must hear of before senders do: each look says what is wrong, or nothing.

A look is told which troubles stand already, so that one at the edge does not come and go.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from asn1crypto import pem, x509

from bridge.mail.wording import in_words
from bridge.posting.options import WatchOptions
from bridge.store import cursors, overview, pauses, troubles
from bridge.store.desk import Desk
from bridge.store.pauses import Work

OWED_TOO_LONG = timedelta(hours=1)
LIST_TOO_OLD = timedelta(hours=1)
LOOKS_MISSED = 3
"""So many looks at the carrier's list may fail before it is told."""

CERTIFICATE_NEAR = timedelta(days=14)
DISK_LOW = "disk-low"
LOW, ENOUGH = 2.0, 2.5
"""Times the reserve: below the one the disk is low, above the other it no longer is."""

HOOKS_SINCE = timedelta(days=7)
HOOKS_MISSED = 3
"""Of so many changes within that time a webhook should have told, had any come."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, in words for the operator."""

    subject: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """A trouble by name, and how to see whether it is there (given those that stand)."""

    name: str
    look: Callable[[frozenset[str]], Awaitable[Trouble | None]]


def signs(desk: Desk, options: WatchOptions) -> tuple[Sign, ...]:
    """All that is looked at on this site."""
    signs_ = _Signs(desk, options)
    found = [
        Sign("mail-owed", signs_.mail_owed),
        Sign("fax-waiting", signs_.fax_waiting),
        Sign(DISK_LOW, signs_.disk_low),
        Sign("list-unread", signs_.list_unread),
    ]
    if options.hooked:
        found += [Sign("hooks-sent", signs_.hooks_sent), Sign("hooks-received", signs_.hooks_received)]
    if options.certificate is not None:
        found.append(Sign("certificate", signs_.certificate))
    return tuple(found)


class _Signs:
    """The looks themselves. Each raises BridgeError or OSError where it cannot see."""

    def __init__(self, desk: Desk, options: WatchOptions) -> None:
        self._desk = desk
        self._options = options
        self._reads_since = desk.clock.now()
        """Since when the list is read: while no daemon ran, or receiving was paused, nobody did."""

    async def mail_owed(self, _: frozenset[str]) -> Trouble | None:
        """Mail that the relay has not taken for an hour."""
        now = self._desk.clock.now()
        counts = await self._desk.store.read(lambda connection: overview.counts(connection, now))
        if counts.oldest_mail_seconds < OWED_TOO_LONG.total_seconds():
            return None
        return _trouble(
            f"{counts.mails_owed} mails wait for the relay",
            f"{counts.mails_owed} mails wait for the relay, the oldest since "
            f"{in_words(now - timedelta(seconds=counts.oldest_mail_seconds))}. "
            "Senders have not heard what became of their faxes, or received faxes have not been passed on.",
            "Nothing is lost: each is tried again until it is taken.",
            "What to do: see what the relay answers (mail.deferred in the log, journalctl -u faxbridge); "
            "check relay.url and its password.",
        )

    async def fax_waiting(self, _: frozenset[str]) -> Trouble | None:
        """A fax without a final word for longer than any should be."""
        now = self._desk.clock.now()

        def query(connection: sa.Connection) -> troubles.Oldest | None:
            paused = pauses.of(connection, Work.SENDING) is not None
            return None if paused else troubles.oldest_waiting(connection, now)

        oldest = await self._desk.store.read(query)
        if oldest is None or now - oldest.since < self._options.fax_too_old:
            return None
        return _trouble(
            f"Fax {oldest.fax_id} has waited since {in_words(oldest.since)}",
            f"Fax {oldest.fax_id} has no final word yet, and has waited since {in_words(oldest.since)}. "
            f"Its state is {oldest.state}.",
            "A fax that is held or unconfirmed waits for a person: it goes on when you say so. "
            "Any other that is so old should not be there.",
            f"What to do: look at it with faxbridge show {oldest.fax_id}, and at the others with faxbridge list; "
            "then release, settle or cancel it.",
        )

    async def disk_low(self, standing: frozenset[str]) -> Trouble | None:
        """Less than twice the reserve is free."""
        reserve = self._options.reserve
        free = await asyncio.to_thread(self._desk.store.blobs.free_bytes)
        if not reserve or free >= reserve * (ENOUGH if DISK_LOW in standing else LOW):
            return None
        return _trouble(
            "The disk is nearly full",
            f"{_megabytes(free)} are free where store.blobs lies. Below {_megabytes(reserve)} (limits.reserve) "
            "mail is refused for the time being, and copiers that do not try again lose it.",
            "What to do: make room there.",
        )

    async def list_unread(self, _: frozenset[str]) -> Trouble | None:
        """The carrier's list of received faxes has not been read to its end for long."""
        now = self._desk.clock.now()

        def query(connection: sa.Connection) -> tuple[bool, str | None]:
            return pauses.of(connection, Work.RECEIVING) is not None, cursors.get(connection, cursors.LAST_WALK)

        paused, last = await self._desk.store.read(query)
        if paused:
            self._reads_since = now
        read_at = max(self._reads_since, datetime.fromisoformat(last)) if last else self._reads_since
        if now - read_at < max(LIST_TOO_OLD, LOOKS_MISSED * self._options.poll_interval):
            return None
        return _trouble(
            "Received faxes may be missed: iFax's list cannot be read",
            f"The list of received faxes has not been read to its end since {in_words(read_at)}. "
            "A fax that came in since, and of which no webhook told, is not known here.",
            "Nothing is lost: iFax keeps it, and it is fetched as soon as the list can be read.",
            "What to do: see why it cannot (poll.failed in the log, journalctl -u faxbridge): "
            "with http 401 iFax refuses ifax.access_token.",
        )

    async def hooks_sent(self, _: frozenset[str]) -> Trouble | None:
        """Calls ended, and no webhook told of any of them."""
        return await self._hooks(
            troubles.unhooked_calls, "the end of sent faxes", "A fax's end is heard of later, when it is asked after."
        )

    async def hooks_received(self, _: frozenset[str]) -> Trouble | None:
        """Faxes came in, and no webhook told of any of them."""
        return await self._hooks(
            troubles.unhooked_arrivals, "received faxes", "They come in later, when the list is read."
        )

    async def _hooks(
        self, look: Callable[[sa.Connection, datetime, datetime], tuple[int, int]], what: str, then: str
    ) -> Trouble | None:
        now = self._desk.clock.now()
        changes, told = await self._desk.store.read(lambda connection: look(connection, now, now - HOOKS_SINCE))
        if told or changes < HOOKS_MISSED:
            return None
        return _trouble(
            f"iFax's webhooks do not come: {what}",
            f"None of iFax's webhooks told of {what}: the last {changes} were found by asking. {then} Nothing is lost.",
            "What to do: see whether the address in iFax's dashboard is http.public_url with /hooks/ifax/ and one "
            "of http.hook_secrets, whether it is reached from outside, and whether hook.refused stands in the log.",
        )

    async def certificate(self, _: frozenset[str]) -> Trouble | None:
        """It ends within two weeks."""
        assert self._options.certificate is not None
        ends = await asyncio.to_thread(ends_at, self._options.certificate)
        now = self._desk.clock.now()
        if ends - now >= CERTIFICATE_NEAR:
            return None
        return _trouble(
            f"The certificate {'has ended' if ends <= now else 'ends soon'}: {in_words(ends)}",
            f"The certificate {self._options.certificate} {'has ended' if ends <= now else 'ends'} on "
            f"{in_words(ends)}. Programs that check it send no mail then.",
            "What to do: renew it. A new file is read by itself.",
        )


def ends_at(certificate: Path) -> datetime:
    """When the first certificate of a PEM file ends (UTC). Raises OSError where none can be read."""
    content = certificate.read_bytes()
    try:
        _, _, der = next(iter(pem.unarmor(content, multiple=True)))
        ends = x509.Certificate.load(der)["tbs_certificate"]["validity"]["not_after"].native
    except (ValueError, StopIteration) as error:
        raise OSError(f"{certificate} holds no certificate") from error
    return datetime.fromtimestamp(ends.timestamp(), UTC)


def _trouble(subject: str, *lines: str) -> Trouble:
    return Trouble(subject, lines)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB"
