"""The servers that are compared, each a real process with a folder of its own on the same file system."""

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.mail import SENDER
from tests.support.postfix import Postfix, a_postfix

OURS, POSTFIX, SINK = "ours", "Postfix", "smtp-sink"
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A server that runs. ``leader`` leads the group of its processes.

    ``taken`` counts the messages it has on record, None where it keeps none; ``done`` those whose delivery is over too,
    None where nothing comes after the 250.
    """

    name: str
    port: int
    leader: int
    taken: Callable[[], int] | None = None
    done: Callable[[], int] | None = None

    def settle(self, given: int) -> None:
        """Return once all that was given is dealt with, by the disk too: what one leaves over is no other's burden.

        Nor is the memory that its files take in the page cache, where we may have it given back (root may).
        """
        ends = time.monotonic() + PATIENCE
        while self.done is not None and (done := self.done()) != given:
            if time.monotonic() > ends:
                raise TimeoutError(f"{self.name} was given {given} messages and has dealt with {done}")
            time.sleep(0.05)
        os.sync()
        if os.geteuid() == 0:
            Path("/proc/sys/vm/drop_caches").write_text("1")


@contextmanager
def _ours(folder: Path) -> Iterator[Contender]:
    """Our intake and store as in production, without the workers behind them."""
    home = Path(tempfile.mkdtemp(prefix="ours-", dir=folder))
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.ours", str(home)], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert child.stdout is not None
        port = int(child.stdout.readline() or 0)
        if port:
            yield Contender(OURS, port, child.pid, taken=lambda: _rows(home / "faxbridge.db"))
        _end(child, home / "log")
    finally:
        child.kill()
        child.communicate()


def _end(child: subprocess.Popen[bytes], log: Path) -> None:
    """Stop our server; RuntimeError with the end of its log unless it stops as it should."""
    child.terminate()
    child.wait(PATIENCE)
    if child.returncode != 0:
        said = log.read_text()[-4000:] if log.exists() else "see above"
        raise RuntimeError(f"our own server ended with {child.returncode}: {said}")


def _rows(database: Path) -> int:
    """Messages with a fax each, as another process sees them."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        [(messages, faxes)] = connection.execute(
            "SELECT count(DISTINCT message.id), count(fax.id) FROM message JOIN fax ON fax.message_id = message.id"
        )
    assert messages == faxes
    return int(messages)


@contextmanager
def _postfix(folder: Path) -> Iterator[Contender]:
    """Postfix as Debian has it, with a larger limit; what it takes goes to its discard transport."""
    with a_postfix(folder, extra_main={}, transport="discard") as server:
        yield Contender(
            POSTFIX, server.port, server.master, taken=lambda: _queued(server), done=lambda: _removed(server)
        )


def _queued(server: Postfix) -> int:
    return sum(f"from=<{SENDER}>" in line and line.endswith("(queue active)") for line in server.log().splitlines())


def _removed(server: Postfix) -> int:
    return server.log().count(": removed\n")


@contextmanager
def _sink(_folder: Path) -> Iterator[Contender]:
    """smtp-sink: takes everything and keeps nothing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    user = ("-u", "postfix") if os.geteuid() == 0 else ()
    child = subprocess.Popen(["smtp-sink", *user, f"127.0.0.1:{port}", "1000"], start_new_session=True)
    with child:
        try:
            _await_port(port)
            yield Contender(SINK, port, child.pid)
        finally:
            child.terminate()


def _await_port(port: int) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.02)
        else:
            return


STARTERS: Mapping[str, Callable[[Path], AbstractContextManager[Contender]]] = {
    OURS: _ours,
    POSTFIX: _postfix,
    SINK: _sink,
}
"""How each is started in a folder, and ended."""
