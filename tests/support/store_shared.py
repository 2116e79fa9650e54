"""Stores on PostgreSQL: a database for each test, made from one that was migrated once."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bridge.store import Store, marker
from bridge.store.options import ServerOptions
from tests.support.postgresql import Cluster
from tests.support.store_bench import Bench, FakeClock, open_bench

ON_EITHER = ("sqlite", "postgresql")
"""What a fixture of a bench is parametrised with, where its tests hold for either database."""

_templates: dict[Path, ServerOptions] = {}


def a_store(cluster: Cluster, folder: Path) -> ServerOptions:
    """A new database of our schema, and the blob folder that belongs to it."""
    template = _template(cluster)
    options = ServerOptions(cluster.database(urlsplit(template.url).path[1:]), folder / "blobs")
    options.blobs.mkdir()
    shutil.copy(template.blobs / marker.MARKER, options.blobs)
    return options


def _template(cluster: Cluster) -> ServerOptions:
    if cluster.folder not in _templates:
        made = ServerOptions(cluster.database(), cluster.folder / "blobs")
        made.blobs.mkdir()
        Store.migrate_alone(made)
        _templates[cluster.folder] = made
    return _templates[cluster.folder]


@asynccontextmanager
async def open_shared_bench(options: ServerOptions, clock: FakeClock | None = None) -> AsyncIterator[Bench]:
    """A bench on it, as one of several daemons would have it."""
    store = Store.open_shared(options)
    try:
        yield Bench(store, options.blobs, clock or FakeClock())
    finally:
        await store.finish()


@asynccontextmanager
async def open_bench_on(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Bench]:
    """A bench on the database that the fixture's parameter names; without one on SQLite."""
    if getattr(request, "param", "sqlite") == "sqlite":
        with open_bench(folder) as opened:
            yield opened
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    async with open_shared_bench(a_store(cluster, folder)) as opened:
        yield opened
