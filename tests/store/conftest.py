"""A store of one's own for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.store_bench import Bench
from tests.support.store_shared import ON_EITHER, open_bench_on

ON_BOTH = {
    *("test_failing", "test_leases", "test_states", "test_submissions"),
    *("test_texts", "test_trials", "test_units", "test_usage"),
}
"""The modules whose tests hold for either database."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run those tests on both."""
    if "bench" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in ON_BOTH:
        metafunc.parametrize("bench", ON_EITHER, indirect=True)


@pytest.fixture
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """An open store with a clock: on SQLite, unless the module's tests are for both."""
    async with open_bench_on(request, tmp_path) as opened:
        yield opened
