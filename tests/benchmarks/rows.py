"""What is measured, and what is asked of it: issue 3, "Speed and memory"."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks import loads
from tests.benchmarks.contenders import OURS, POSTFIX, SINK, Contender
from tests.benchmarks.loads import Load, Timed
from tests.benchmarks.usage import processor_seconds, watched

Figures = dict[str, float]
"""What one run came to, by name."""

ALL, SERIOUS = (OURS, POSTFIX, SINK), (OURS, POSTFIX)


@dataclass(frozen=True, slots=True)
class Target:
    """At least or at most ``limit``: times the figure of ``of``, or by itself."""

    limit: float
    of: str = ""
    at_least: bool = False

    def ratio(self, medians: Mapping[str, float]) -> float:
        """Our figure over the other's, or over one."""
        return medians[OURS] / (medians[self.of] if self.of else 1.0)

    def met(self, medians: Mapping[str, float]) -> bool:
        """Whether our median is what was asked for."""
        ratio = self.ratio(medians)
        return ratio >= self.limit if self.at_least else ratio <= self.limit


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a figure, with its unit, against a target."""

    figure: str
    unit: str
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to be measured: under what load, of whom, how. ``fresh``: each run on a server just started."""

    key: str
    title: str
    load: Load
    quick: Load
    who: tuple[str, ...]
    measure: Callable[[Contender, Load], Figures]
    lines: tuple[Line, ...]
    fresh: bool = False


def throughput(contender: Contender, load: Load) -> Figures:
    """Messages and megabytes a second, and processor time, until the client has its last reply."""
    before = processor_seconds(contender.leader)
    timed = loads.by_smtp_source(contender.port, load)
    used = processor_seconds(contender.leader) - before
    return {
        "messages": load.messages / timed.seconds,
        "megabytes": load.megabytes / timed.seconds,
        "processor": used * 1000 / load.megabytes,
    }


def memory(contender: Contender, load: Load) -> Figures:
    """Megabytes that the server grew by; of one process the kernel's own note of the peak, where that is more."""
    with watched(contender.leader) as rise:
        loads.by_smtp_source(contender.port, load)
    return {"rise": max(rise.whole, rise.leader if contender.name == OURS else 0) / 1e6}


def waits(contender: Contender, load: Load) -> Figures:
    """Milliseconds from the last byte to the 250: the median, the 99th of a hundred, and the longest."""
    timed = loads.by_own_client(contender.port, load)
    return {"p50": _percentile(timed, 0.5), "p99": _percentile(timed, 0.99), "max": _percentile(timed, 1.0)}


def _percentile(timed: Timed, share: float) -> float:
    """The smallest wait that is not exceeded by ``share`` of all (nearest rank), in milliseconds."""
    ordered = sorted(timed.waits)
    return ordered[math.ceil(share * len(ordered)) - 1] * 1000


_AS_POSTFIX = Target(1.0, POSTFIX, at_least=True)
_NEAR_SINK = Target(0.8, SINK, at_least=True)
_HALF_OF_POSTFIX = Target(0.5, POSTFIX)

_MANY = (Line("messages", "messages/s", _AS_POSTFIX), Line("processor", "processor ms/MB"))
_LARGE = (
    Line("megabytes", "MB/s", _AS_POSTFIX),
    Line("megabytes", "MB/s", _NEAR_SINK),
    Line("processor", "processor ms/MB", _HALF_OF_POSTFIX),
)

ROWS = (
    Row(
        "small",
        "20 sessions, 10 kB, a connection for each message",
        Load(20, 2000, 10_000),
        Load(20, 200, 10_000),
        ALL,
        throughput,
        _MANY,
    ),
    Row(
        "small-kept",
        "20 sessions, 10 kB, connections kept (-d)",
        Load(20, 2000, 10_000, kept=True),
        Load(20, 200, 10_000, kept=True),
        ALL,
        throughput,
        _MANY,
    ),
    Row(
        "medium",
        "20 sessions, 1 MB",
        Load(20, 400, 1_000_000),
        Load(20, 60, 1_000_000),
        ALL,
        throughput,
        _LARGE,
    ),
    Row(
        "large",
        "4 sessions, 20 MB",
        Load(4, 24, 20_000_000),
        Load(4, 4, 20_000_000),
        ALL,
        throughput,
        _LARGE,
    ),
    Row(
        "memory",
        "50 sessions, 20 MB each at once, memory added",
        Load(50, 50, 20_000_000),
        Load(50, 50, 20_000_000),
        SERIOUS if os.geteuid() == 0 else (OURS,),  # a stranger may not look into Postfix
        memory,
        (Line("rise", "MB", Target(60.0)),),
        fresh=True,
    ),
    Row(
        "wait-medium",
        "50 sessions, 1 MB, from the last byte to the 250",
        Load(50, 500, 1_000_000),
        Load(50, 100, 1_000_000),
        SERIOUS,
        waits,
        (Line("p50", "ms, p50"), Line("p99", "ms, p99", Target(250.0)), Line("max", "ms, max")),
    ),
    Row(
        "wait-large",
        "50 sessions, 20 MB, from the last byte to the 250",
        Load(50, 100, 20_000_000),
        Load(50, 50, 20_000_000),
        SERIOUS,
        waits,
        (Line("p50", "ms, p50"), Line("p99", "ms, p99", Target(3000.0)), Line("max", "ms, max")),
    ),
)
