"""Where things are kept."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """``database`` is the SQLite file, ``blobs`` the folder of message and document bytes."""

    database: Path
    blobs: Path

    @property
    def place(self) -> Path:
        """What belongs to the store's owner."""
        return self.database


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """``url`` is the PostgreSQL database, as libpq and asyncpg read it; ``blobs`` the folder all its daemons share."""

    url: str
    blobs: Path

    @property
    def place(self) -> Path:
        """What belongs to the store's owner."""
        return self.blobs
