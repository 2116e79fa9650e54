"""Daemons that are there at once: a process that has everything imported forks one for each order.

What is forked is a whole ``faxbridge serve`` of its own; only the seconds in which Python reads modules are saved, of
which a test that kills hundreds of daemons has none to give. Orders come by a Unix socket (the standard input): JSON,
and the descriptor for the log. The answer is a process id; a second kind of order asks how that one ended.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

LONGEST = 64 * 1024


class Child:
    """A forked daemon, to be treated as asyncio's own kind of process is."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._line = line
        self._descriptor = os.pidfd_open(pid)

    def send_signal(self, number: int) -> None:
        signal.pidfd_send_signal(self._descriptor, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """How it ended, as ``subprocess`` says it."""
        if self.returncode is None:
            loop, ended = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(self._descriptor, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(self._descriptor)
            if self.returncode is None:  # nobody else who waited was told before us
                self.returncode = int(_ask(self._line, {"ended": self.pid}))
                os.close(self._descriptor)
        return self.returncode


class Nursery:
    """The process that forks."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    async def start(
        self, *words: str, folder: Path, environment: Mapping[str, str]
    ) -> tuple[Child, asyncio.StreamReader]:
        """``faxbridge`` with these words; what it says on standard error."""
        read, write = os.pipe()
        order = {"words": words, "folder": str(folder), "environment": dict(environment)}
        try:
            pid = int(_ask(self._line, order, write))
        finally:
            os.close(write)
        said = asyncio.StreamReader()
        pipe = os.fdopen(read, "rb", 0)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), pipe)
        return Child(pid, self._line), said


@contextmanager
def a_nursery() -> Iterator[Nursery]:
    """One that is ready; ended, with all its children, afterwards."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.nursery"], stdin=theirs.fileno(), cwd=Path(__file__).parents[2]
            )
        try:
            assert ours.recv(LONGEST) == b"ready"
            yield Nursery(ours)
        finally:
            ours.close()
            process.wait()


def _ask(line: socket.socket, order: Mapping[str, object], *descriptors: int) -> str:
    """The answer, which the nursery has at once."""
    socket.send_fds(line, [json.dumps(order).encode()], list(descriptors))
    return line.recv(LONGEST).decode()


def main() -> None:
    """Take orders until nobody is there to give any."""
    from bridge import app, cli  # noqa: F401, PLC0415 - what the daemons need is imported once, here

    line = socket.socket(fileno=os.dup(0))
    line.send(b"ready")
    living: set[int] = set()
    while True:
        raw, descriptors, _, _ = socket.recv_fds(line, LONGEST, 1)
        if not raw:
            break
        order = json.loads(raw)
        if "ended" in order:
            _, status = os.waitpid(order["ended"], 0)
            living.discard(order["ended"])
            line.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        if (pid := os.fork()) == 0:
            line.close()
            _become_faxbridge(order, descriptors[0])
        living.add(pid)
        os.close(descriptors[0])
        line.send(str(pid).encode())
    for pid in living:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _become_faxbridge(order: Mapping[str, object], log: int) -> None:
    """In the forked process: from here on it is ``faxbridge``, and never comes back."""
    from bridge.cli import main as faxbridge  # noqa: PLC0415 - as above

    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for source, target in ((nothing, 0), (nothing, 1), (log, 2)):
            os.dup2(source, target)
        os.close(nothing)
        os.close(log)
        os.chdir(str(order["folder"]))
        os.environ.clear()
        os.environ.update(order["environment"])  # type: ignore[call-overload]  # as it was sent
        time.tzset()
        sys.argv = ["faxbridge", *order["words"]]  # type: ignore[misc]  # likewise
        faxbridge()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
