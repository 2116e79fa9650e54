"""Mail that only passes through: for postmaster and abuse, and bounces. It goes on as it came, with one line on top."""

from datetime import datetime
from email.utils import format_datetime

from bridge.mail.composing import ascii_line


def received_line(*, client: str, helo: str, hostname: str, row_id: str, now: datetime) -> bytes:
    """The trace line of RFC 5321, 4.4."""
    name = ascii_line(helo, 100) or "unknown"
    return (
        f"Received: from {name} ([{ascii_line(client, 64)}])\r\n"
        f"\tby {hostname} (Faxbridge) with ESMTP id {row_id};\r\n\t{format_datetime(now)}\r\n"
    ).encode("ascii", errors="replace")
