"""Every test has stages of its own, and daemons that are there at once."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.crash.stage import Stage, a_stage
from tests.support.nursery import Nursery, a_nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with a_nursery() as ready:
        yield ready


@pytest.fixture
async def stage(tmp_path: Path, nursery: Nursery) -> AsyncIterator[Stage]:
    """A house in which somebody has lived before."""
    async with a_stage(tmp_path, nursery, poll_interval="1h") as built:
        await built.first_life()
        yield built
