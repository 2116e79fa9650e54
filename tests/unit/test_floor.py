"""Many at work, or one alone."""

import asyncio
from contextlib import suppress

from bridge.runtime.floor import Floor


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_alone_waits_until_all_are_done_and_keeps_others_out() -> None:
    """Who is alone has waited for everybody in hand; who comes meanwhile begins afterwards."""
    floor, happened, done = Floor(), [], asyncio.Event()

    async def work(name: str, until: asyncio.Event) -> None:
        async with floor.among_others():
            happened.append(f"{name} begins")
            await until.wait()
            happened.append(f"{name} ends")

    async def alone() -> None:
        async with floor.alone(60) as quiet:
            happened.append(f"alone {quiet}")
            await _settle()
            happened.append("alone ends")

    ended = asyncio.Event()
    ended.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(work("first", done))
        await _settle()
        group.create_task(alone())
        await _settle()
        group.create_task(work("second", ended))
        await _settle()
        assert happened == ["first begins"]
        done.set()
    assert happened == ["first begins", "first ends", "alone True", "alone ends", "second begins", "second ends"]


async def test_who_would_be_alone_is_told_when_somebody_does_not_end() -> None:
    """After its patience it learns that it is not alone; then all may begin again, even if it breaks off."""
    floor, done = Floor(), asyncio.Event()
    async with asyncio.TaskGroup() as group:

        async def work() -> None:
            async with floor.among_others():
                await done.wait()

        group.create_task(work())
        await _settle()
        with suppress(ZeroDivisionError):
            async with floor.alone(0) as quiet:
                assert not quiet
                floor.heir_of = "somebody"
                1 / 0  # noqa: B018 - it breaks off
        assert floor.heir_of is None
        async with asyncio.timeout(1), floor.among_others():
            done.set()
