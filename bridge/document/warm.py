"""The warm process: it has the libraries loaded, opens no file of anybody's, and forks a child for each document.

Started as ``python -m bridge.document.warm FD`` with an end of a SOCK_SEQPACKET pair, on which ``Converter`` asks. A
request is one message: a ``Job``, and with it the document's open file and a socket on which the child's exit
status is told. If the asker lets go of that socket, or says anything on it, the child is killed with all its own.

No child lives longer than its document, so that what one does to its child no other document sees.
"""

import gc
import os
import resource
import select
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from bridge.document import child
from bridge.document.job import STATUS, Job, read_job
from bridge.document.report import NO_PROCESS

_LONGEST_REQUEST = 100_000
Work = Callable[[Job], int]


class _NobodyAsksError(Exception):
    """The daemon is gone."""


@dataclass(frozen=True, slots=True)
class _Running:
    process: int
    ended: int
    """A descriptor of the process, which can be read when it has ended."""
    asker: socket.socket


def serve(control: socket.socket, work: Work) -> None:
    """Fork children as asked, until the asker is gone; then none is left."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    by_descriptor: dict[int, _Running] = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == control.fileno():
                try:
                    running = _take(control, work)
                except _NobodyAsksError:
                    return  # the children end with this process
                if running is None:
                    continue
                for one in (running.ended, running.asker.fileno()):
                    by_descriptor[one] = running
                    poll.register(one, select.POLLIN)
            elif (running := by_descriptor.get(descriptor)) is None:
                continue  # it ended a moment ago
            elif descriptor == running.ended:
                for one in (running.ended, running.asker.fileno()):
                    del by_descriptor[one]
                    _if_there(poll.unregister, one)
                _tell(running)
            else:
                poll.unregister(descriptor)
                _kill(running)


def _take(control: socket.socket, work: Work) -> _Running | None:
    """Begin what is asked for; None where no process is to be had, which is no document's fault, and is told."""
    request, descriptors, _, _ = socket.recv_fds(control, _LONGEST_REQUEST, 2)
    if not request:
        raise _NobodyAsksError
    document, answer = descriptors
    asker = socket.socket(fileno=answer)
    try:
        process = os.fork()
    except OSError:
        with asker:
            _if_there(asker.send, STATUS.pack(NO_PROCESS))
        os.close(document)
        return None
    if process == 0:
        _be_a_child(read_job(request), document, work)
    os.close(document)
    return _Running(process, os.pidfd_open(process), asker)


def _be_a_child(job: Job, document: int, work: Work) -> NoReturn:
    """In the new process: let go of all that is not this document's, and do the work."""
    status = 1
    try:
        child.die_with_parent()
        os.setsid()
        os.chdir(job.folder)
        for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
            os.environ[name] = job.folder
        tempfile.tempdir = job.folder
        os.dup2(document, 0)
        os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        status = work(job)
    except BaseException:  # noqa: BLE001 - whatever it was, this process ends here, and says so where tests can hear it
        traceback.print_exc()
    finally:
        os._exit(status)


def _kill(running: _Running) -> None:
    """With all its own; it may not have a group yet."""
    for kill in (os.killpg, os.kill):
        _if_there(kill, running.process, signal.SIGKILL)


def _tell(running: _Running) -> None:
    """End what the child may have left behind, and say how it ended."""
    _if_there(os.killpg, running.process, signal.SIGKILL)  # the child is dead, and its number still its own
    _, status = os.waitpid(running.process, 0)
    os.close(running.ended)
    with running.asker as asker:
        _if_there(asker.send, STATUS.pack(os.waitstatus_to_exitcode(status)))


def _if_there(act: Callable[..., object], *arguments: object) -> None:
    """Do it; that its object is gone already is no error."""
    try:
        act(*arguments)
    except (OSError, KeyError):
        return


def load() -> None:
    """All that children need, so that they begin with it; nothing here may start a thread, which a fork would lose."""
    import pypdfium2  # noqa: F401, PLC0415 - for the children
    from PIL import Image  # noqa: PLC0415

    from bridge.document import coverpage, fetching, mime, pages, typesetting, unpack  # noqa: F401, PLC0415

    typesetting.load()
    Image.init()
    gc.collect()
    gc.freeze()


def main(work: Work = child.run) -> None:
    """The process."""
    child.die_with_parent()
    load()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        serve(control, work)


if __name__ == "__main__":
    main()
