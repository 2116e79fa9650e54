"""The store as it is looked at from outside: SQLite's file, of one daemon, or PostgreSQL's tables, of several."""

import contextlib
import json
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from tests.support.postgresql import Cluster
from tests.support.processes import House, Json


class Books(Protocol):
    """What is written there."""

    seats: int
    """How many daemons work on it at once."""

    @property
    def settings(self) -> Json:
        """``[store]`` of the configuration."""

    def rows(self, query: str) -> list[Json]:
        """What a query finds while they live."""

    def left(self, query: str, **values: str) -> list[Json]:
        """What it finds when one has died; nothing where there is no such table yet."""


class OwnBooks:
    """A file. The dead are looked at in a copy, so that looking changes nothing for the one who comes next."""

    seats = 1

    def __init__(self, house: House) -> None:
        self._house = house
        self._file = house.database

    @property
    def settings(self) -> Json:
        return {"database": f"sqlite:///{self._file}", "blobs": str(self._house.folder / "store" / "blobs")}

    def rows(self, query: str) -> list[Json]:
        return self._house.rows(query)

    def left(self, query: str, **values: str) -> list[Json]:
        with tempfile.TemporaryDirectory() as folder:
            for path in self._file.parent.glob(self._file.name + "*"):
                if not path.name.endswith(("-shm", ".lock")):
                    shutil.copy(path, folder)
            with contextlib.closing(sqlite3.connect(Path(folder) / self._file.name)) as connection:
                connection.row_factory = sqlite3.Row
                try:
                    return [dict(row) for row in connection.execute(query, values)]
                except sqlite3.OperationalError as error:
                    if "no such table" not in str(error):
                        raise
                    return []


class SharedBooks:
    """A database that two daemons share; when one has died, the other goes on."""

    seats = 2

    def __init__(self, cluster: Cluster, house: House) -> None:
        self._cluster = cluster
        self._url = cluster.database()
        self._blobs = house.folder / "blobs"

    @property
    def settings(self) -> Json:
        return {"database": self._url, "blobs": str(self._blobs)}

    def rows(self, query: str) -> list[Json]:
        whole = f"SELECT coalesce(json_agg(found), '[]') FROM ({query}) AS found"
        rows: list[Json] = json.loads(self._cluster.sql(whole, urlsplit(self._url).path[1:]))
        return rows

    def left(self, query: str, **values: str) -> list[Json]:
        assert not values
        return self.rows(query)
