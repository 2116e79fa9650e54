"""The places in which documents are worked on: as many as there are cores, and senders take turns at them.

What a hostile or merely large document costs is minutes. It must not cost them the others: one that has had its place
for longer than most take leaves it to whoever waits, and goes on beside. Its sender begins no other until it has ended.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

PATIENCE = 15.0
"""Seconds in a place; nearly all documents take less."""


@dataclass(eq=False, slots=True)
class _Turn:
    """A document that waits for a place, has one, or goes on beside."""

    sender: str
    begins: asyncio.Future[None]
    beside: bool = False


class Places:
    """``count`` places, and as many beside for what takes long."""

    def __init__(self, count: int, patience: float = PATIENCE) -> None:
        self._count = count
        self._patience = patience
        self._waiting: dict[str, deque[_Turn]] = {}
        self._in_hand: set[_Turn] = set()

    @asynccontextmanager
    async def place(self, sender: str) -> AsyncIterator[None]:
        """Wait for the turn of one of this sender's documents, and hold its place meanwhile."""
        loop = asyncio.get_running_loop()
        turn = _Turn(sender, loop.create_future())
        self._waiting.setdefault(sender, deque()).append(turn)
        self._give_out()
        try:
            await turn.begins
            yield
        finally:
            self._in_hand.discard(turn)
            self._forget(turn)
            self._give_out()

    def _forget(self, turn: _Turn) -> None:
        """One that was given up while it waited."""
        waiting = self._waiting.get(turn.sender, deque())
        if turn in waiting:
            waiting.remove(turn)
        if not waiting:
            self._waiting.pop(turn.sender, None)

    def _give_out(self) -> None:
        """Free places to the senders whose turn it is: whoever gets one goes behind the others."""
        while self._held() < self._count:
            slow = Counter(turn.sender for turn in self._in_hand if turn.beside)
            sender = next((each for each in self._waiting if not slow[each]), None)
            if sender is None:
                return
            turns = self._waiting.pop(sender)
            turn = turns.popleft()
            if turns:
                self._waiting[sender] = turns
            self._in_hand.add(turn)
            turn.begins.set_result(None)
            asyncio.get_running_loop().call_later(self._patience, self._lose_patience, turn)

    def _lose_patience(self, turn: _Turn) -> None:
        """Have a document that takes long go on beside, if there is room; else it is asked again later."""
        if turn not in self._in_hand:
            return
        if sum(each.beside for each in self._in_hand) < self._count:
            turn.beside = True
            self._give_out()
        else:
            asyncio.get_running_loop().call_later(self._patience, self._lose_patience, turn)

    def _held(self) -> int:
        return sum(not turn.beside for turn in self._in_hand)
