"""The daemon's end of the warm process: hand it a document, hear how the child ended."""

import asyncio
import socket
import subprocess
import sys
from typing import BinaryIO, Self

from bridge.document.job import KILLED, STATUS, Job, write_job
from bridge.errors import Unavailable

_ENDING = 5.0
"""Seconds in which a killed child, or the warm process, must be gone."""


class Converter:
    """The warm process, started when it is first needed, and anew if it has died; a context that ends it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def start(self) -> None:
        """Begin to load the libraries, so that the first document need not wait. Raises Unavailable."""
        if self._process is not None and self._process.poll() is None:
            return
        self._end()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - ourselves
                    [sys.executable, "-I", "-m", "bridge.document.warm", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env=_environment(),
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except OSError as error:
                raise Unavailable(f"the converter cannot be started ({error.strerror}); tried again later") from error

    async def run(self, job: Job, source: BinaryIO, seconds: float) -> int | None:
        """Have a child do the job, and return its exit status; None if it was killed for taking longer than that.

        No process of the child's is left, whatever happens here. Raises Unavailable.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            ours.setblocking(False)  # noqa: FBT003 - the socket module's own way
            with theirs:
                self._ask(job, source, theirs)
            told = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(ours, STATUS.size))
            try:
                await asyncio.wait({told}, timeout=seconds)
                if told.done():
                    return _status(told.result())
                return None
            finally:
                if not told.done():
                    ours.shutdown(socket.SHUT_WR)  # the warm process kills it, and then says so
                    await asyncio.wait({told}, timeout=_ENDING)
                    told.cancel()

    def _ask(self, job: Job, source: BinaryIO, answer: socket.socket) -> None:
        request = write_job(job)
        for last in (False, True):
            self.start()
            assert self._control is not None
            try:
                socket.send_fds(self._control, [request], [source.fileno(), answer.fileno()])
            except OSError as error:  # it died since we looked
                if last:
                    raise Unavailable("the converter does not stay up; tried again later") from error
                self._end()
            else:
                return

    def _end(self) -> None:
        """It ends when its socket is closed, and its children with it."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(_ENDING)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._control = None


def _status(told: bytes) -> int:
    """Nothing is told where the warm process itself was killed, and its children with it."""
    return int(STATUS.unpack(told)[0]) if len(told) == STATUS.size else KILLED


def _environment() -> dict[str, str]:
    """Nothing of ours: no credentials, no settings; each child's folders are its own."""
    nowhere = "/nonexistent"
    one_thread = {"OPENBLAS_NUM_THREADS": "1"}  # numpy would start others as it is loaded, which a fork would lose
    folders = {"HOME": nowhere, "TMPDIR": nowhere, "XDG_CACHE_HOME": nowhere}
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"} | folders | one_thread
