"""The relay that takes our mail."""

from dataclasses import dataclass, field
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
