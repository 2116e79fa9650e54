"""A store of one's own for every test, on either database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.store_bench import Bench
from tests.support.store_shared import ON_EITHER, open_bench_on


@pytest.fixture(params=ON_EITHER)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """An open store with a clock."""
    async with open_bench_on(request, tmp_path) as opened:
        yield opened
