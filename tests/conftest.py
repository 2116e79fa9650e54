"""What tests of several rooms share."""

from collections.abc import Iterator

import pytest

from tests.support.postgresql import Cluster, a_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server, started for whoever asks for it first."""
    with a_cluster() as running:
        yield running
