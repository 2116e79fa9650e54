"""What the daemon asks of a child, and how it hears of its end."""

import json
import signal
import struct
from dataclasses import asdict, dataclass, field
from typing import Literal

from bridge.document.limits import Limits
from bridge.document.options import DocumentOptions

Task = Literal["mail", "office", "cover", "received", "picture", "proof"]

STATUS = struct.Struct("i")
"""How an exit status is told; below 0 it is the signal that ended the child."""

KILLED = -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Job:
    """One document: what to do with it, and the private folder in which its pages and its report are left.

    ``office`` is LibreOffice's program, empty without it; ``at`` which of a mail's office documents is to be converted,
    ``converted`` whether all were.
    """

    task: Task
    folder: str
    limits: Limits = field(default_factory=Limits)
    options: DocumentOptions = field(default_factory=DocumentOptions)
    office: str = ""
    at: int = 0
    converted: bool = False


def read_job(request: bytes) -> Job:
    """As the daemon wrote it."""
    written = json.loads(request)
    written["limits"], written["options"] = Limits(**written["limits"]), DocumentOptions(**written["options"])
    return Job(**written)


def write_job(job: Job) -> bytes:
    """As ``read_job`` reads it."""
    return json.dumps(asdict(job)).encode()
