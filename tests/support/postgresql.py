"""A real PostgreSQL server of our own: a cluster in a temporary folder, reached by a socket in it, gone at the end.

PostgreSQL refuses to run as root; there it runs as the user that Debian's package made.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
OWNER = "postgres"
START_SECONDS = 60
MEMORY = Path("/dev/shm")
"""Where a server syncs in no time. A crash of it loses nothing there either; one of the machine is not tried here."""


class Cluster:
    """The server. It confirms nothing that is not on disk: its settings are PostgreSQL's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._server: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """A new cluster on disk."""
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", OWNER, "--no-sync", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        options = [
            "-c",
            "listen_addresses=",
            "-c",
            f"unix_socket_directories={self.folder}",
            "-c",
            "max_connections=60",
        ]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", self._data, *options], stdout=log, stderr=log, **_as_owner()
            )
        end = time.monotonic() + START_SECONDS
        while subprocess.run([PROGRAMS / "pg_isready", "-q", "-h", self.folder], check=False).returncode != 0:
            assert time.monotonic() < end, (self.folder / "log").read_text()
            assert self._server.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a crash does: no transaction under way is finished, none that was confirmed is lost."""
        assert self._server is not None
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(START_SECONDS)
        self._server = None

    def database(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = f"faxbridge_{secrets.token_hex(6)}"
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def url(self, name: str) -> str:
        """As store.database has it."""
        return f"postgresql://{OWNER}@/{name}?host={self.folder}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql says to it: rows, columns parted by bars."""
        words = ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-U", OWNER, database]
        return self._run(*words, "-c", statement)

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [PROGRAMS / program, *arguments], check=False, capture_output=True, text=True, cwd="/", **_as_owner()
        )
        assert done.returncode == 0, done.stderr
        return str(done.stdout)


def _as_owner() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    who = pwd.getpwnam(OWNER)
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


@contextmanager
def a_cluster() -> Iterator[Cluster]:
    """A running server, cleared away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="faxbridge-pg-", dir=MEMORY if MEMORY.is_dir() else None))
    cluster = Cluster(folder)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, OWNER, OWNER)
        cluster.make()
        cluster.start()
        yield cluster
    finally:
        if cluster._server is not None:
            cluster.kill()
        shutil.rmtree(folder)
