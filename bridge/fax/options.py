"""The site's rules as configured: who may fax to where, and where received faxes go."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Literal, get_args

Network = IPv4Network | IPv6Network

Language = Literal["en", "de", "es", "fr"]
"""What people may be written to in."""
LANGUAGES: tuple[Language, ...] = get_args(Language)


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@(?:{_LABEL}(?:\.{_LABEL})*|\[[A-Za-z0-9:.]+\])", re.ASCII)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_OF_A_LABEL = frozenset("LMN")
"""The first letters of the categories of letters, marks and digits."""

ADDRESS_LIMIT = 254
"""Octets."""

RESERVED_NAMES = ("postmaster", "abuse", "bounce", "reply", "preview")
"""What stands before the @, or before a plus there, in addresses of our own; no alias is named so."""


def is_mail_address(text: str, *, utf8: bool = False) -> bool:
    """Whether ``text`` is a mailbox of RFC 5321, 4.1.2, in ASCII: the one grammar for all addresses we write to.

    With ``utf8`` it may be one of RFC 6531 as well: a character beyond ASCII may stand wherever a letter may, if it can
    be seen; a domain's only if it is a letter, mark or digit. What has two ways of being written is none.
    """
    if not text.isascii():
        if not (utf8 and _is_fit_for_mail(text)):
            return False
        text = _BEYOND_ASCII.sub("a", text)
    return len(text) <= ADDRESS_LIMIT and _ADDRESS.fullmatch(text) is not None


def _is_fit_for_mail(text: str) -> bool:
    """RFC 6531, 3.3, and 5892, 2.1, in short: printable, normal, no longer than an address may be in UTF-8."""
    local, _, domain = text.rpartition("@")
    return (
        text.isprintable()
        and unicodedata.is_normalized("NFC", local)
        and unicodedata.is_normalized("NFKC", domain)
        and (domain.isascii() or not domain.startswith("["))
        and all(unicodedata.category(char)[0] in _OF_A_LABEL for char in _BEYOND_ASCII.findall(domain))
        and len(text.encode()) <= ADDRESS_LIMIT
    )


_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``start`` to before ``end``, past midnight where ``start`` is the later; none if they are the same."""

    start: time
    end: time

    @classmethod
    def read(cls, written: str) -> "QuietHours":
        """``21:00-07:00``, or ``none``; raises ValueError that says what is wrong."""
        if written == "none":
            return cls(time(), time())
        found = _HOURS.fullmatch(written)
        if found is None:
            raise ValueError(f'{written!r} are no hours; write them like 21:00-07:00, or "none"')
        start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if start == end:
            raise ValueError(f'{written!r} would leave no hour of the day, or all; write "none" if none is quiet')
        return cls(start, end)

    def holds(self, clock: time) -> bool:
        """Whether it is quiet when the clock there shows that."""
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def __str__(self) -> str:
        return "none" if self.start == self.end else f"{self.start:%H:%M}-{self.end:%H:%M}"


class Privacy(StrEnum):
    """How much mail and pages of ours tell: ``minimal`` is no subject, no name, no picture, and a masked number."""

    FULL = "full"
    MINIMAL = "minimal"


BodyUse = Literal["cover", "page", "ignore"]
"""What the text of a mail with documents becomes."""
PagesUse = Literal["auto", "fax", "original"]
"""Which pages are brought into black and white here."""

PaperUse = Literal["auto", "letter", "a4"]
"""What is set, fitted and drawn here goes on; ``auto``: on what is usual where the number is."""
Quality = Literal["low", "standard", "fine"]
"""How finely the carrier sends."""

OPTION_NAMES = ("after", "body", "cover", "pages", "paper", "quality", "reference")
"""What a sender may ask for in the mail itself."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One client or person who may fax, known by a login, its networks, or proved senders.

    Its values override the site's; ``countries`` and ``quiet_hours`` None mean the site's. ``prefixes`` (E.164
    beginnings) name numbers that may be faxed to whatever their country and kind. ``notify`` is where its notices go;
    empty: to the envelope sender. ``automatic``: its mail may say that a program sent it. ``options``, ``privacy`` and
    ``language`` None, and ``cover`` empty: those of the site.
    """

    name: str
    password_hash: str = ""
    networks: tuple[Network, ...] = ()
    senders: tuple[str, ...] = ()
    caller_id: str | None = None
    countries: frozenset[str] | None = None
    prefixes: tuple[str, ...] = ()
    pages_per_day: int = 500
    notify: str = ""
    automatic: bool = False
    quiet_hours: QuietHours | None = None
    options: frozenset[str] | None = None
    cover: str = ""
    privacy: Privacy | None = None
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that stands for one number or, as a group, for several (E.164); ``name`` in lower case."""

    name: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """What the whole site may fax in one day (UTC) before faxes are held."""

    faxes_per_day: int = 5000
    pages_per_day: int = 20_000


MOST_TRANSMISSIONS = 12
"""Calls for one fax that the carrier may have acted on, whatever their outcomes were. No setting goes beyond it."""


@dataclass(frozen=True, slots=True)
class Redial:
    """How often a fax is called for while its calls end in one class of outcome.

    ``attempts`` counts the first call too; ``delays`` stand before the second, the third ... The last holds for all
    that follow; there is at least one.
    """

    attempts: int
    delays: tuple[timedelta, ...]


def _minutes(*delays: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=minutes) for minutes in delays)


REDIALS: Mapping[str, Redial] = {
    "busy": Redial(5, _minutes(2, 5, 15, 30)),
    "no_answer": Redial(4, _minutes(5, 15, 60)),
    "voice": Redial(2, _minutes(30)),
    "line": Redial(3, _minutes(5, 30)),
    "carrier": Redial(5, _minutes(10, 30, 60, 120)),
}
"""Busy and no answer soon and then later, congestion later, a voice once more; no other class of outcome ever."""


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """``classes``: by class of outcome. ``give_up_after`` it was taken on no call for a fax begins."""

    give_up_after: timedelta = timedelta(hours=24)
    classes: Mapping[str, Redial] = field(default_factory=lambda: REDIALS)


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """``senders`` are patterns (``*`` for anything but an @); none means any sender from an allowed network.

    In ``quiet_hours``, by the clock where the number is, no number is called; None: at any hour. ``options`` are what
    a sender may ask for in the mail itself; ``privacy`` is how much they are told by mail, and ``language`` in what.
    """

    networks: tuple[Network, ...] = ()
    senders: tuple[str, ...] = ()
    countries: frozenset[str] = field(default_factory=frozenset)
    default_country: str = "US"
    identities: tuple[Identity, ...] = ()
    aliases: tuple[Alias, ...] = ()
    quiet_hours: QuietHours | None = None
    options: frozenset[str] = frozenset(OPTION_NAMES)
    privacy: Privacy = Privacy.FULL
    language: Language = "en"


class DeliveryKind(StrEnum):
    """How a received fax leaves us."""

    MAILTO = "mailto"


@dataclass(frozen=True, slots=True)
class Target:
    """One delivery: by mail, to one address."""

    kind: DeliveryKind
    address: str

    @classmethod
    def read(cls, written: str) -> "Target":
        """``mailto:name@domain`` as a target; raises ValueError that says what is wrong."""
        scheme, colon, address = written.partition(":")
        if not colon or scheme.lower() != DeliveryKind.MAILTO:
            raise ValueError(f"{written!r} is not a way to deliver; write mailto:name@domain")
        return cls.mail(address)

    @classmethod
    def mail(cls, address: str) -> "Target":
        """Delivery by mail to ``address``; raises ValueError if it is none."""
        if not is_mail_address(address):
            raise ValueError(f"{address!r} is not a mail address")
        return cls(DeliveryKind.MAILTO, address)


@dataclass(frozen=True, slots=True)
class Route:
    """Faxes to ``number`` (ours; empty: any) from ``caller`` (a pattern, ``*`` for any digits; empty: any).

    ``privacy`` is how much their mails may tell beside the fax itself; None: as the site has it.
    """

    name: str
    number: str
    caller: str
    deliver: tuple[Target, ...]
    privacy: Privacy | None = None
