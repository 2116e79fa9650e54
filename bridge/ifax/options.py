"""How the carrier is called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from bridge.fax.options import Quality

QUALITIES: Mapping[Quality, str] = {"low": "Low", "standard": "Standard", "fine": "HD"}
"""A sender's words, and the carrier's."""


@dataclass(frozen=True, slots=True)
class IfaxOptions:
    """``base_url`` ends in the API's version, without a slash; ``max_document`` is in bytes."""

    base_url: str
    access_token: str = field(repr=False)
    quality: str = "Standard"
    connect_timeout: timedelta = timedelta(seconds=10)
    stall_timeout: timedelta = timedelta(seconds=60)
    call_timeout: timedelta = timedelta(minutes=10)
    uploads: int = 2
    downloads: int = 2
    calls_per_second: float = 5.0
    max_document: int = 15_000_000

    @property
    def is_loopback(self) -> bool:
        """Whether the carrier is a stand-in on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return False
