"""A store of one's own for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.postgresql import Cluster
from tests.support.store_bench import Bench, open_bench
from tests.support.store_shared import a_store, open_shared_bench

ON_BOTH = {"test_leases", "test_states", "test_submissions", "test_usage", "test_units"}
"""The modules whose tests hold for either database."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run those tests on both."""
    if "bench" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in ON_BOTH:
        metafunc.parametrize("bench", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """An open store with a clock: on SQLite, unless the module's tests are for both."""
    if getattr(request, "param", "sqlite") == "sqlite":
        with open_bench(tmp_path) as opened:
            yield opened
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    async with open_shared_bench(a_store(cluster, tmp_path)) as opened:
        yield opened
