"""Who is at work: several workers at once, or one alone, with the others kept out until it is done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Floor:
    """Every piece of work is done on it. ``heir_of`` is set while one works alone: whose work alone may be claimed."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._at_work = 0
        self.heir_of: str | None = None

    @asynccontextmanager
    async def among_others(self) -> AsyncIterator[None]:
        """Claim and work within; waits while somebody works alone."""
        while not self._open.is_set():
            await self._open.wait()
        self._at_work += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._quiet.set()

    @asynccontextmanager
    async def alone(self, patience: float) -> AsyncIterator[bool]:
        """Nobody begins anything within; True unless, after ``patience`` seconds, somebody was still at work."""
        self._open.clear()
        try:
            try:
                async with asyncio.timeout(patience):
                    await self._quiet.wait()
                quiet = True
            except TimeoutError:
                quiet = False
            yield quiet
        finally:
            self.heir_of = None
            self._open.set()
