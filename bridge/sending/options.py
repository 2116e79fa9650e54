"""How faxes go out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from bridge.fax.options import LimitOptions, RetryOptions

Enclosure = Literal["thumbnail", "document", "proof"]
"""What may go with a notice: page 1 as a picture, the fax as it was sent, its proof of transmission."""


@dataclass(frozen=True, slots=True)
class SendingOptions:
    """``first_poll`` after a fax was taken it is first asked after; ``accepted`` and ``delivered``: whether
    that is told too; ``delayed_after`` so long a wait for a call it is told that there is none yet.

    ``settle_window`` is how long a call of unknown outcome waits for evidence before a person is asked. ``limits`` are
    the site's; ``page_limits`` an identity's pages a day, by its name. ``senders`` are the patterns of
    addresses to which a whole mail may be given back (``policy.senders``); none means to nobody. ``retry``: what is
    tried again, and for how long. ``refuse_after`` so many failures in a row mail to a number is refused; 0: never.
    ``digest``: several faxes of a mail are told of together, at the end.
    ``enclosed`` is what goes with notices to addresses that policy names.
    """

    uploads: int
    max_document: int
    first_poll: timedelta
    accepted: bool = False
    delivered: bool = True
    delayed_after: timedelta = timedelta(hours=1)
    settle_window: timedelta = timedelta(hours=4)
    limits: LimitOptions = field(default_factory=LimitOptions)
    page_limits: Mapping[str, int] = field(default_factory=dict)
    refuse_after: int = 5
    digest: bool = False
    enclosed: frozenset[Enclosure] = frozenset()
    senders: tuple[str, ...] = ()
    retry: RetryOptions = field(default_factory=RetryOptions)
