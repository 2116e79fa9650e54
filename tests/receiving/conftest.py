"""A store of one's own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.store_bench import Bench, open_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An open store with a clock."""
    with open_bench(tmp_path) as opened:
        yield opened
