"""A store of one's own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.store import writing
from tests.support.store_bench import Bench, open_bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """An open store with a clock. However small, each blob is a file: files can be damaged, lost and left behind."""
    monkeypatch.setattr(writing, "INLINE_LIMIT", -1)
    with open_bench(tmp_path) as opened:
        yield opened
