"""The relay that takes our mail, and what the watchman looks at."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

RelaySecurity = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """Where and how; with ``starttls`` and ``tls`` a valid certificate is required."""

    host: str
    port: int
    security: RelaySecurity
    hostname: str
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """``fax_too_old`` so long no fax should be without a final word; ``reserve`` bytes of disk are to stay free.

    ``hooked``: webhooks are set up. ``certificate`` is the SMTP listeners' PEM file; None where none speaks TLS.
    """

    fax_too_old: timedelta
    poll_interval: timedelta
    reserve: int
    hooked: bool
    certificate: Path | None = None
