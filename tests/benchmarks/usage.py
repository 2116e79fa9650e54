"""What a server uses, read from /proc: processor time and memory of all its processes."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.postfix import process_group

SAMPLE_SECONDS = 0.05
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024


def processor_seconds(leader: int) -> float:
    """User and system time of every process in the leader's group, and of the leader's children that have ended."""
    total = sum(sum(_times(pid)[:2]) for pid in process_group(leader))
    return (total + sum(_times(leader)[2:])) / _TICKS


def _times(pid: int) -> tuple[int, ...]:
    """utime, stime, cutime and cstime (proc(5)); zeros for a process that has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return tuple(int(field) for field in fields[11:15])
    return (0, 0, 0, 0)


@dataclass(slots=True)
class Rise:
    """By how many bytes memory rose at most. ``whole`` is the group's Pss, ``leader`` what the kernel noted of it."""

    whole: int = 0
    leader: int = 0


@contextmanager
def watched(leader: int) -> Iterator[Rise]:
    """Watch a server's memory for a while; the result holds once the block is left. Needs the right to read it.

    Pss is sampled, and counts a page that processes share only once. VmHWM misses no peak, but stands for one process.
    """
    rise, over = Rise(), threading.Event()
    (_PROC / str(leader) / "clear_refs").write_text("5")  # VmHWM begins anew
    resident, before = _kib(leader, "status", "VmRSS"), _pss(leader)
    peak = before

    def sample() -> None:
        nonlocal peak
        while not over.wait(SAMPLE_SECONDS):
            peak = max(peak, _pss(leader))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield rise
    finally:
        over.set()
        sampler.join()
    rise.whole = (max(peak, _pss(leader)) - before) * _KIB
    rise.leader = (_kib(leader, "status", "VmHWM") - resident) * _KIB


def _pss(leader: int) -> int:
    return sum(_kib(pid, "smaps_rollup", "Pss") for pid in process_group(leader))


def _kib(pid: int, file: str, name: str) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in (_PROC / str(pid) / file).read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0
