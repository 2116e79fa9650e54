"""Proof of senders: SPF and DKIM, by libraries that are an extra (``mailauth``), in threads of their own.

Without the extra nothing is proved and nothing of it is imported. With it a check always ends in a verdict, in bounded
time: many strangers can keep it busy, but none of them can make it raise, hang, or hold more than two mails in memory.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bridge.intake.proof.terms import Budget, Nameserver, Verdict
from bridge.mail.alignment import sender_domain
from bridge.mail.headers import HEADER_LIMIT
from bridge.runtime.clock import Clock

__all__ = ["Nameserver", "Prover", "Verdict"]

SPF_SECONDS = 8.0
SPF_AT_ONCE = 16
DKIM_SECONDS = 5.0
DKIM_AT_ONCE = 2
"""Each may hold a mail of the largest size."""

TURN_SECONDS = 8.0
"""How long a check waits for its turn before the client is told to come again."""

_SIGNED = re.compile(rb"^dkim-signature[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Libraries:
    """The two checks, once they could be imported."""

    spf: Callable[..., Verdict]
    dkim: Callable[..., Verdict]
    lookups: Callable[[Nameserver | None, Budget], object]


class Prover:
    """Finds out whether an envelope sender is what it says. Built once; ``close`` it in the end."""

    def __init__(self, clock: Clock, nameserver: Nameserver | None = None) -> None:
        self._clock = clock
        self._nameserver = nameserver
        self._libraries = _import_libraries()
        self._spf = _Lane("spf", SPF_AT_ONCE)
        self._dkim = _Lane("dkim", DKIM_AT_ONCE)

    @property
    def available(self) -> bool:
        """Whether the extra is installed. Without it every verdict is NONE."""
        return self._libraries is not None

    def close(self) -> None:
        """Let go of the threads; checks that are under way end within seconds, later ones are not made."""
        self._spf.close()
        self._dkim.close()

    async def spf(self, *, client: str, helo: str, sender: str) -> Verdict:
        """Whether SPF (RFC 7208) lets the client at this IP address send for ``sender``.

        NONE for the null sender, and for one whose domain cannot be told.
        """
        libraries, nameserver = self._libraries, self._nameserver
        if libraries is None or sender_domain(sender) is None:
            return Verdict.NONE

        def work(budget: Budget) -> Verdict:
            lookups = libraries.lookups(nameserver, budget)
            return libraries.spf(client=client, helo=helo, sender=sender, lookups=lookups)

        return await self._spf.run(work, SPF_SECONDS)

    async def dkim(
        self, *, head: bytes, message: Callable[[], bytes], sender: str, signed: tuple[bytes, ...] = ()
    ) -> Verdict:
        """Whether a domain that speaks for ``sender`` (``bridge.mail.alignment``) has signed the mail (RFC 6376).

        ``head`` is the mail's header with the blank line behind it; one longer than HEADER_LIMIT octets is not read.
        ``message`` gives the mail whole, line ends CR LF: it is called in a thread, once at most, and only for a mail
        whose header bears a good signature. What it raises goes through to the caller. Fields of the names ``signed``
        (lower case) may stand once, and count as unsigned mail unless the signature covers them.
        """
        libraries, nameserver, head = self._libraries, self._nameserver, head[:HEADER_LIMIT]
        if libraries is None or sender_domain(sender) is None or not _SIGNED.search(head.partition(b"\r\n\r\n")[0]):
            return Verdict.NONE
        now = self._clock.now().timestamp()

        def work(budget: Budget) -> Verdict:
            lookups = libraries.lookups(nameserver, budget)
            return libraries.dkim(head=head, message=message, sender=sender, lookups=lookups, now=now, signed=signed)

        return await self._dkim.run(work, DKIM_SECONDS)


class _Lane:
    """So many checks of one kind at once, each in a thread; others wait for their turn, but not for long."""

    def __init__(self, name: str, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._slots = asyncio.Semaphore(at_once)
        self._under_way: set[Budget] = set()
        self._closed = False

    async def run(self, work: Callable[[Budget], Verdict], seconds: float) -> Verdict:
        """The verdict of ``work``. Cancelled, it tells the thread, whose slot stays taken until it has ended."""
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            return Verdict.TEMPORARY
        if self._closed:
            self._slots.release()
            return Verdict.TEMPORARY
        budget = Budget(seconds)
        self._under_way.add(budget)
        check = asyncio.get_running_loop().run_in_executor(self._threads, work, budget)
        check.add_done_callback(lambda ended: self._end(ended, budget))
        try:
            return await asyncio.shield(check)
        finally:
            budget.stop()

    def _end(self, check: asyncio.Future[Verdict], budget: Budget) -> None:
        self._under_way.discard(budget)
        self._slots.release()
        if not check.cancelled():
            check.exception()  # has been told, or nobody waits for it any more

    def close(self) -> None:
        self._closed = True
        for budget in self._under_way:
            budget.stop()
        self._threads.shutdown(wait=False)


def _import_libraries() -> _Libraries | None:
    try:
        from bridge.intake.proof import lookups, sender_policy, signatures  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        return None
    return _Libraries(sender_policy.check, signatures.check, lookups.Lookups)
