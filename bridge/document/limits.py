"""What one document may cost. Beyond these a fax fails with a clear notice; the daemon never notices."""

import os
from dataclasses import dataclass

CORES = len(os.sched_getaffinity(0))
"""So many documents are worked on at once, and in each so many pages."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on the child process and on what it may be asked to draw."""

    memory: int = 3 * 1024**3
    cpu_seconds: int = 120
    wall_seconds: float = 180.0
    file_size: int = 200_000_000
    open_files: int = 64
    parts: int = 100
    depth: int = 20
    pages: int = 200
    archive_files: int = 0
    """In a ZIP; 0: none is opened."""
    archive_bytes: int = 200_000_000
    pixels: int = 120_000_000
