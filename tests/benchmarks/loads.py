"""What the servers are given: mail from smtp-source, or from a client of our own that notes how long replies take."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.benchmarks.mail import RECIPIENT, SENDER

PATIENCE = 600.0
"""Seconds one run may take."""


@dataclass(frozen=True, slots=True)
class Load:
    """``sessions`` at once, ``messages`` in all, ``size`` octets each; ``kept``: many messages on one connection."""

    sessions: int
    messages: int
    size: int
    kept: bool = False

    @property
    def megabytes(self) -> float:
        """Millions of octets in all."""
        return self.messages * self.size / 1e6


@dataclass(frozen=True, slots=True)
class Timed:
    """How many seconds it all took, and each message from its last byte to its 250 (where that was noted)."""

    seconds: float
    waits: tuple[float, ...] = ()


def by_smtp_source(port: int, load: Load) -> Timed:
    """Give it with Postfix's own client; fails unless every message was taken."""
    command = [
        *("smtp-source", "-M", "client.example.org", "-f", SENDER, "-t", RECIPIENT),
        *("-s", str(load.sessions), "-m", str(load.messages), "-l", str(load.size), *(["-d"] if load.kept else [])),
        f"127.0.0.1:{port}",
    ]
    began = time.perf_counter()
    subprocess.run(command, check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    return Timed(time.perf_counter() - began)


def by_own_client(port: int, load: Load) -> Timed:
    """Give it with our own client, in a process of its own; fails unless every message was taken."""
    each = load.messages // load.sessions
    arguments = [str(number) for number in (port, load.sessions, each, load.size)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.client", *arguments],
        check=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    said = json.loads(done.stdout)
    return Timed(said["seconds"], tuple(said["waits"]))
