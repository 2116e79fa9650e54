"""The site's rules as configured: who may fax to where, and where received faxes go."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network


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
        local, at, domain = address.rpartition("@")
        if not at or not local or not domain or not address.isascii() or not address.isprintable() or " " in address:
            raise ValueError(f"{address!r} is not a mail address")
        return cls(DeliveryKind.MAILTO, address)


@dataclass(frozen=True, slots=True)
class Route:
    """Faxes to ``number`` (ours; empty: any) from ``caller`` (a pattern, ``*`` for any digits; empty: any)."""

    name: str
    number: str
    caller: str
    deliver: tuple[Target, ...]
