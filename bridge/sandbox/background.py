"""Work that goes on after its request was answered: owned by the one task group, ended with it."""

import asyncio
from collections.abc import Coroutine


class Background:
    """Starts tasks in a group that somebody else holds open, and knows which of them still run."""

    def __init__(self, group: asyncio.TaskGroup, closing: asyncio.Event) -> None:
        self._group = group
        self._running: set[asyncio.Task[None]] = set()
        self._closing = closing

    def start(self, work: Coroutine[None, None, None], name: str) -> None:
        """Do this on the side."""
        task = self._group.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def cancel(self) -> None:
        """End all that still runs."""
        for task in self._running:
            task.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait, but not for longer than the carrier is to live."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self._closing.wait(), seconds)
            except TimeoutError:
                return
