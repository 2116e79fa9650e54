"""How faxes go out."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class SendingOptions:
    """``first_poll`` after a fax was taken it is first asked after; ``delivered``: whether success is told too."""

    uploads: int
    max_document: int
    first_poll: timedelta
    delivered: bool = True
