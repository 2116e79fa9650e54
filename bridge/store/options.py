"""Where things are kept."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """``database`` is the SQLite file, ``blobs`` the folder of message and document bytes."""

    database: Path
    blobs: Path
