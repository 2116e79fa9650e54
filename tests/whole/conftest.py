"""Each test of the whole has a house of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.processes import House, a_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as built:
        yield built
