"""The site's rules as configured: who may fax to where, and where received faxes go."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@(?:{_LABEL}(?:\.{_LABEL})*|\[[A-Za-z0-9:.]+\])", re.ASCII)
ADDRESS_LIMIT = 254


def is_mail_address(text: str) -> bool:
    """Whether ``text`` is a mailbox of RFC 5321, 4.1.2, in ASCII: the one grammar for all addresses we write to."""
    return len(text) <= ADDRESS_LIMIT and _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """``senders`` are patterns (``*`` for anything but an @); none means any sender from an allowed network."""

    networks: tuple[Network, ...] = ()
    senders: tuple[str, ...] = ()
    countries: frozenset[str] = field(default_factory=frozenset)
    default_country: str = "US"


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
    """Faxes to ``number`` (ours; empty: any) from ``caller`` (a pattern, ``*`` for any digits; empty: any)."""

    name: str
    number: str
    caller: str
    deliver: tuple[Target, ...]
