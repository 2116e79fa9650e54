"""How faxes come in."""

from dataclasses import dataclass
from datetime import timedelta

from bridge.fax.options import Privacy, Route, Target


@dataclass(frozen=True, slots=True)
class ReceivingOptions:
    """``fallback`` gets what no route fits, and all that needs a person's eye; ``privacy`` is the site's."""

    poll_interval: timedelta
    fallback: tuple[Target, ...]
    routes: tuple[Route, ...]
    privacy: Privacy = Privacy.FULL
    downloads: int = 2
