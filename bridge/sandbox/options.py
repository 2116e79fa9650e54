"""What whoever starts the stand-in carrier may choose."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HookForm = Literal["json", "multipart"]


@dataclass(frozen=True)
class SandboxOptions:
    """Where it listens, whom it tells, how fast it is."""

    host: str
    port: int
    """0 takes any free one."""
    hooks: str
    """Where our customer takes webhooks of both kinds; called as given. Empty: none are sent."""
    keep: Path | None
    """A folder for what was faxed: ``JOBID.json`` and ``JOBID.pdf``."""
    token: str = "sandbox-key"  # noqa: S105 - a stand-in has no secrets
    page_seconds: float = 0.2
    """How long a page takes on the line."""
    hook_form: HookForm = "json"
    retry_seconds: tuple[float, ...] = (5, 10, 20, 30, 60)
    """Waits before a webhook that was not taken is repeated; iFax says minutes where these are seconds."""
    numbers: tuple[str, ...] = ("+14155550100", "+14165550100")
    """The numbers of the account; the first one calls when no caller ID is given."""
