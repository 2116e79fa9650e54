"""Mail that only passes through: for postmaster and abuse, and bounces. It goes on as it came, with one line on top."""

import re
from datetime import datetime
from email.utils import format_datetime

_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9.:_\[\]-]", re.ASCII)


def received_line(*, client: str, helo: str, protocol: str, hostname: str, row_id: str, now: datetime) -> bytes:
    """The trace line of RFC 5321, 4.4, with a word of RFC 3848. What cannot stand in a host's name becomes ``?``."""
    return (
        f"Received: from {_name(helo, 100)} ([{_name(client, 64)}])\r\n"
        f"\tby {_name(hostname, 255)} (Faxbridge) with {protocol} id {row_id};\r\n\t{format_datetime(now)}\r\n"
    ).encode("ascii")


def _name(text: str, limit: int) -> str:
    return _NOT_OF_A_NAME.sub("?", text.strip()[:limit]) or "unknown"
