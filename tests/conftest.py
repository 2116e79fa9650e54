"""What tests of several rooms share."""

import os
import time
from collections.abc import Iterator

import pytest
from PIL import Image

from tests.support.postgresql import Cluster, a_cluster

os.environ["TZ"] = "UTC"  # what people read is by the machine's clock; the daemons of tests have another zone
time.tzset()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server, started for whoever asks for it first."""
    with a_cluster() as running:
        yield running


@pytest.fixture(autouse=True)
def _picture_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test that opens pictures in this process sets as their limit holds for no other test."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
