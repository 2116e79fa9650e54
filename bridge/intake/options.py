"""How mail is taken in."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class IntakeOptions:
    """``listeners`` are (host, port) pairs; ``caller_id`` is the number faxes show, None for the account's own."""

    listeners: tuple[tuple[str, int], ...]
    domains: tuple[str, ...]
    hostname: str
    max_message_size: int
    admin: str
    caller_id: str | None = None
    command_timeout: timedelta = timedelta(minutes=5)
    sessions: int = 200
    recipients: int = 100
