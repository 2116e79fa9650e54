"""Logins: AUTH PLAIN and LOGIN (RFC 4954, 4616), passwords checked beside the loop, guessers slowed down and shut out.

An argon2 check takes about a tenth of a second of a processor and some megabytes: only so many run at once, and who
guesses wrong waits longer each time, by address, and is then shut out for a while whatever he says.
"""

import asyncio
import base64
import binascii
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from weakref import WeakValueDictionary

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bridge.errors import Permanent, Transient
from bridge.fax.options import Identity
from bridge.fax.policy import Permission, Policy
from bridge.intake.standing import household
from bridge.runtime.clock import Clock

MECHANISMS = ("PLAIN", "LOGIN")

CHECKS_AT_ONCE = 2
FREE_FAILURES = 3
SHUT_OUT_AFTER = 10
"""Failures of one address: the first few cost a second each, then twice as much every time; then it is shut out."""

LONGEST_DELAY = 30.0
FORGET_AFTER = 15 * 60.0
"""Seconds without a failure after which an address starts anew; so long it is shut out, too."""

ADDRESSES = 10_000
PASSWORD_LIMIT = 1000

Ask = Callable[[str], Awaitable[bytes]]
"""Sends a challenge in base64 and gives the client's answer, without its line end."""


class BadLogin(Permanent):
    """Name or password is wrong; which of them, nobody is told."""

    reply = "535 5.7.8"


class ShutOut(Transient):
    """Too many wrong passwords from there."""

    reply = "454 4.7.0"


class BadExchange(Permanent):
    """The exchange of AUTH cannot be read, or was broken off by the client."""

    reply = "501 5.5.2"


class NoSuchMechanism(Permanent):
    """A way to log in that is not offered."""

    reply = "504 5.5.4"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client says it is."""

    name: str
    password: str


async def read_credentials(argument: str | None, ask: Ask) -> Credentials:
    """Carry the exchange through. Raises BadExchange or NoSuchMechanism."""
    mechanism, _, initial = (argument or "").partition(" ")
    if mechanism.upper() == "PLAIN":
        said = initial.strip() or await _answer(ask, "")
        pieces = _decoded("" if said == "=" else said).split("\0")
        if len(pieces) != 3 or pieces[0] not in {"", pieces[1]}:  # noqa: PLR2004 - RFC 4616: authzid, authcid, passwd
            raise BadExchange("AUTH PLAIN takes one name and its password")
        return _bounded(pieces[1], pieces[2])
    if mechanism.upper() == "LOGIN":
        name = _decoded(initial.strip() or await _answer(ask, "VXNlcm5hbWU6"))
        return _bounded(name, _decoded(await _answer(ask, "UGFzc3dvcmQ6")))
    raise NoSuchMechanism(f"AUTH can be {' or '.join(MECHANISMS)}")


async def _answer(ask: Ask, challenge: str) -> str:
    said = (await ask(challenge)).decode("ascii", errors="replace")
    if said == "*":
        raise BadExchange("the login was broken off")
    return said


def _decoded(said: str) -> str:
    try:
        return base64.b64decode(said.encode("ascii"), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise BadExchange("that is not base64 of UTF-8") from error


def _bounded(name: str, password: str) -> Credentials:
    if not name or not password or len(name) > PASSWORD_LIMIT or len(password) > PASSWORD_LIMIT:
        raise BadExchange("a login has a name and a password")
    return Credentials(name, password)


@dataclass(slots=True)
class _Failures:
    count: int
    last: float


class Logins:
    """Checks passwords, and remembers who guessed wrong."""

    def __init__(self, policy: Policy, clock: Clock, identities: tuple[Identity, ...]) -> None:
        self._policy = policy
        self._clock = clock
        self._hashes = {identity.name: identity.password_hash for identity in identities if identity.password_hash}
        self._threads = ThreadPoolExecutor(CHECKS_AT_ONCE, thread_name_prefix="logins")
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # Who does not exist is checked against a hash as costly as those of who does: time tells nothing.
        self._nobody = next(iter(self._hashes.values()), "")

    @property
    def any(self) -> bool:
        """Whether there is anybody to log in."""
        return bool(self._hashes)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self, said: Credentials, address: str) -> Permission:
        """Under what permission this login faxes. Raises BadLogin or ShutOut, the slower the more often."""
        source = household(address)
        async with self._turns.setdefault(source, asyncio.Lock()):  # one guess at a time, or the delays are no delays
            return await self._check(said, source)

    async def _check(self, said: Credentials, source: str) -> Permission:
        if self._failures_of(source) >= SHUT_OUT_AFTER:
            raise ShutOut("too many wrong passwords from there; try again in a quarter of an hour")
        stored = self._hashes.get(said.name)
        good = await asyncio.get_running_loop().run_in_executor(
            self._threads, _verify, stored or self._nobody, said.password
        )
        permission = self._policy.of_login(said.name) if good and stored else None
        if permission is not None:
            self._failures.pop(source, None)
            return permission
        failures = self._add_failure(source)
        await self._clock.sleep(min(2.0 ** max(failures - FREE_FAILURES, 0), LONGEST_DELAY))
        raise BadLogin("the name or the password is wrong")

    def _failures_of(self, source: str) -> int:
        found = self._failures.get(source)
        if found is None or self._clock.monotonic() - found.last > FORGET_AFTER:
            return 0
        return found.count

    def _add_failure(self, source: str) -> int:
        count = self._failures_of(source) + 1
        self._failures[source] = _Failures(count, self._clock.monotonic())
        self._failures.move_to_end(source)
        while len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)
        return count


def _verify(stored: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
