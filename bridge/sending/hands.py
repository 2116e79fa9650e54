"""Whose mails the workers that make pages have in hand, so that one sender does not take all of them."""

import asyncio
from collections import Counter

from bridge.document.limits import CORES


class InHand:
    """Whose mails the workers of this process have in hand: of one sender no more than there are places."""

    def __init__(self) -> None:
        self._senders: Counter[str] = Counter()
        self.claiming = asyncio.Lock()
        """One claims at a time, so that each knows of the others."""

    @property
    def full(self) -> tuple[str, ...]:
        """The senders whose other mails are left to wait, so that some worker is free for another's."""
        return tuple(sender for sender, mails in self._senders.items() if mails >= CORES)

    def begin(self, sender: str) -> None:
        """A mail of this sender was claimed."""
        self._senders[sender] += 1

    def end(self, sender: str) -> None:
        """It is done with."""
        self._senders -= Counter([sender])
