"""The quick form of ``make crash``: a few random instants; see docs/durability.md."""

from pathlib import Path

import pytest

from tests.crash.storm import storm
from tests.support.nursery import Nursery
from tests.support.postgresql import Cluster

INSTANTS = 4


@pytest.mark.parametrize("seed", ["quick/1", "quick/2"])
async def test_nothing_is_lost_or_doubled_at_random_instants(tmp_path: Path, nursery: Nursery, seed: str) -> None:
    """Killed at random instants under load, the daemon ends with each fax, mail and hook accounted for, once."""
    said: list[str] = []
    record, found = await storm(tmp_path, nursery, seed, INSTANTS, said.append)
    assert found == [], "\n".join(said)
    assert len(record.deaths) == INSTANTS + 1, "the first life is not one of them"
    assert len(record.faxes) >= INSTANTS


async def test_nor_between_two_daemons(tmp_path: Path, nursery: Nursery, cluster: Cluster) -> None:
    """The same where two of them share a database, and each goes on with what the other died with in hand."""
    said: list[str] = []
    record, found = await storm(tmp_path, nursery, "quick/1", INSTANTS, said.append, cluster=cluster)
    assert found == [], "\n".join(said)
    assert len(record.deaths) == INSTANTS + 1
    assert len(record.faxes) >= INSTANTS
