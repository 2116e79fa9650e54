"""What is known of a run once all is quiet: each fact from whoever was there, so that none vouches for himself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
"""A row of the store."""


@dataclass(frozen=True)
class Handed:
    """A mail that a client handed in: ``answer`` is the id that its 250 gave, None if it never had one.

    ``preview``: it asked for its pages by mail, and for no fax.
    """

    message_id: str
    numbers: tuple[str, ...]
    answer: str | None
    preview: bool = False


@dataclass(frozen=True)
class Call:
    """A fax as the carrier has it: when it took it, when and how that ended."""

    job_id: str
    number: str
    came_at: str
    ended_at: str | None
    delivered: bool
    code: int
    went: int
    """Pages that went over."""


@dataclass(frozen=True)
class Incoming:
    """A fax that came in at the carrier for us."""

    job_id: str
    transaction_id: str


@dataclass(frozen=True)
class Acknowledged:
    """A hook that had its 2xx; ``times`` it had one."""

    direction: str
    job_id: str
    transaction_id: str
    times: int


@dataclass(frozen=True)
class Arrived:
    """A mail as the mailbox's server was given it."""

    message_id: str
    event: str
    to: str
    fax_id: str
    content: bytes


@dataclass(frozen=True)
class Death:
    """The end of a process: at which point (empty: at some instant), and which mails the store still owed then."""

    at: str
    owed: frozenset[str]


@dataclass(frozen=True)
class Record:
    """Everything."""

    handed: tuple[Handed, ...]
    calls: tuple[Call, ...]
    incoming: tuple[Incoming, ...]
    hooks: tuple[Acknowledged, ...]
    arrived: tuple[Arrived, ...]
    deaths: tuple[Death, ...]
    faxes: tuple[Row, ...]
    attempts: tuple[Row, ...]
    received: tuple[Row, ...]
    evidence: tuple[Row, ...]
    outbox: tuple[Row, ...]
    previews: tuple[Row, ...]
    missing: tuple[str, ...]
    """Blobs that a row names and the disk does not have."""
