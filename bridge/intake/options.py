"""How mail is taken in."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from bridge.fax.options import LimitOptions, Network


class Tls(StrEnum):
    """Whether a listener speaks TLS: never, when asked by STARTTLS (RFC 3207), or from the first byte (RFC 8314)."""

    OFF = "off"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


class Profile(StrEnum):
    """How much a listener forgives: nothing, or what copiers and old mailers get wrong."""

    STRICT = "strict"
    LEGACY = "legacy"


class Auth(StrEnum):
    """Whether a listener takes logins (RFC 4954), and whether it insists on them."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """One address that takes mail: ``host`` and ``port``, or the socket that systemd passes under ``socket_name``.

    ``front`` are peers that relay for others. With ``proxy`` their connections begin with a PROXY header; under
    ``front_name`` their ``Authentication-Results`` count (RFC 8601; empty: none do). ``bare_lf`` are the networks whose
    bare LF is taken for a line end, on a legacy listener alone.
    """

    host: str
    port: int
    socket_name: str = ""
    tls: Tls = Tls.OFF
    profile: Profile = Profile.STRICT
    auth: Auth = Auth.OPTIONAL
    front: tuple[Network, ...] = ()
    front_name: str = ""
    proxy: bool = False
    bare_lf: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class IntakeOptions:
    """``caller_id`` is the number faxes show, None for the account's own; ``reserve`` bytes of disk stay free.

    ``certificate`` and ``key`` are PEM files; None where no listener speaks TLS.
    ``refuse_after`` so many faxes that failed for good a number is refused; 0: never.
    """

    listeners: tuple[ListenerOptions, ...]
    domains: tuple[str, ...]
    hostname: str
    max_message_size: int
    admin: str
    caller_id: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    command_timeout: timedelta = timedelta(minutes=5)
    sessions: int = 200
    recipients: int = 100
    reserve: int = 0
    limits: LimitOptions = field(default_factory=LimitOptions)
    tell_duplicates: bool = True
    refuse_after: int = 5
