"""What work costs as it grows: claims, calls to the carrier, start-up, and faxes from end to end. Prints a table.

``python -m tests.benchmarks.work``; needs no root. Docs: docs/benchmarks.md.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.fax.states import FaxState
from bridge.store import tables
from tests.benchmarks import table
from tests.benchmarks.waiting import BUSY, CLAIMED, a_store, claims_a_second, fill
from tests.support.postgresql import a_cluster
from tests.support.processes import Daemon, House, a_house, a_pdf_mail, until

ROOT = Path(__file__).parents[2]
FLAT = 0.8
"""Of the claims a second among the fewest waiting faxes, so much must be left among the most."""

CALLS_PER_SECOND = 5
START_SECONDS = 3.0
AT_ONCE = 8
LEASED = 50
"""More than a daemon has in hand when it dies."""

AREAS = (312, 313, 617, 713, 818)


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    waiting: tuple[int, ...] = (100, 10_000, 100_000)
    busy: int = 5_000
    in_flight: int = 10_000
    seconds: int = 30
    rows: int = 100_000
    faxes: int = 300
    repeats: int = 5


QUICK = Size(waiting=(100, 2_000), busy=500, in_flight=500, seconds=5, rows=2_000, faxes=16, repeats=3)


@dataclass(frozen=True)
class Line:
    """One line of the table; ``met`` None where nothing is asked."""

    what: str
    figure: str
    asked: str = ""
    met: bool | None = None

    def written(self) -> str:
        verdict = {None: "", True: "met", False: "**not met**"}[self.met]
        return f"| {self.what} | {self.figure} | {self.asked} | {verdict} |"


def claims(folder: Path, size: Size) -> Iterator[Line]:
    """Claims a second, by what is claimed and how much of it waits."""
    base: dict[str, float] = {}
    for count in size.waiting:
        for what, (state, leased, claim) in CLAIMED.items():
            with tempfile.TemporaryDirectory(dir=folder) as name, a_store(Path(name)) as store:
                fill(store, count, state, leased=leased)
                found = statistics.median(claims_a_second(store, leased, claim) for _ in range(size.repeats))
                yield _flat(f"claims: {what}, {count} waiting", found, base.setdefault(what, found))
                if leased is tables.destination and count == size.waiting[1]:
                    fill(store, size.busy, state, to=BUSY, first=count)
                    found = statistics.median(claims_a_second(store, leased, claim) for _ in range(size.repeats))
                    more = f"{count} waiting, {size.busy} more behind one number"
                    yield _flat(f"claims: {what}, {more}", found, base[what])


def _flat(what: str, found: float, base: float) -> Line:
    if found == base:
        return Line(what, f"{found:.0f}/s")
    return Line(what, f"{found:.0f}/s", f"at least {FLAT:.0%} of {base:.0f}/s", found >= FLAT * base)


async def calls(folder: Path, size: Size) -> Line:
    """Calls to the carrier while so many faxes wait for its word, all of them due."""
    async with a_house(folder) as house:
        with a_store(folder) as store:
            fill(store, size.in_flight, FaxState.SENDING)
        sandbox = await house.start_sandbox()
        house.configure(ifax={"calls_per_second": CALLS_PER_SECOND})
        await house.start_daemon()
        await until("it asks", lambda: sandbox.asked("fax-status"))
        before, began = len((await sandbox.get("requests"))["requests"]), time.monotonic()
        await asyncio.sleep(size.seconds)
        made = len((await sandbox.get("requests"))["requests"]) - before
        a_minute, most = made * 60 / (time.monotonic() - began), CALLS_PER_SECOND * 60
    what = f"calls to the carrier, {size.in_flight} faxes in flight"
    return Line(what, f"{a_minute:.0f}/min", f"at most {most}/min", a_minute <= most * 1.02)


async def start(folder: Path, size: Size) -> Iterator[Line]:
    """From the first instant of the process until it listens, and until the first fax was claimed and asked after."""
    async with a_house(folder) as house:
        with a_store(folder) as store:
            fill(store, size.rows, FaxState.SENDING)
            some = tables.fax.update().where(tables.fax.c.id < f"F{LEASED:011}")
            held = some.values(lease_owner="dead", lease_until=tables.fax.c.due_at)
            store.write_now(lambda connection: connection.execute(held))
        sandbox = await house.start_sandbox()
        house.configure()
        began = time.monotonic()
        daemon = await house.spawn_daemon()
        await house.is_up(daemon)
        listens = time.monotonic() - began
        await until("it asks", lambda: sandbox.asked("fax-status"))
        asks = time.monotonic() - began
    what = f"start with {size.rows} faxes, {LEASED} with the lease of a dead daemon"
    return iter(
        [
            Line(f"{what}: listens", f"{listens:.1f} s", f"below {START_SECONDS:g} s", listens < START_SECONDS),
            Line(f"{what}: asks after the first", f"{asks:.1f} s"),
        ]
    )


async def whole(folder: Path, size: Size, database: str = "") -> Line:
    """Faxes a second from the first mail to the last notice, the carrier ending each at once."""
    async with a_house(folder) as house:
        await house.start_sandbox()
        changes = {"store": {"database": database}} if database else {}
        house.configure(ifax={"calls_per_second": 100, "uploads": AT_ONCE}, **changes)
        if database:
            assert (await house.run("migrate")).status == 0
        daemon = await house.start_daemon()
        await daemon.event("poll.done")
        spent, seconds = await _timed(house, daemon, size.faxes)
    name = "PostgreSQL" if database else "SQLite"
    share = (
        f"{size.faxes / seconds:.1f}/s; the daemon's processor {spent / seconds:.0%}, {spent / size.faxes:.2f} s a fax"
    )
    return Line(f"faxes from end to end on {name}", share)


async def _timed(house: House, daemon: Daemon, faxes: int) -> tuple[float, float]:
    """Seconds of the daemon's and its children's processor, and of the clock."""
    numbers = [f"+1{area}55501{last:02}" for last in range(100) for area in AREAS][:faxes]
    gate = asyncio.Semaphore(AT_ONCE)

    async def send(number: str) -> None:
        async with gate:
            await daemon.take(a_pdf_mail(number, subject=number), number)

    before, began = _processor(daemon.child.pid), time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(send(number))
    await until("all are told", _told(house, faxes), 600)
    return _processor(daemon.child.pid) - before, time.monotonic() - began


def _told(house: House, faxes: int) -> Callable[[], Awaitable[bool]]:
    async def probe() -> bool:
        return len(house.sink.those(event="delivered")) >= faxes

    return probe


def _processor(pid: int) -> float:
    """Seconds of a process and its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


async def measure(folder: Path, size: Size) -> list[Line]:
    """All of it, each in a folder of its own."""
    lines: list[Line] = []
    for line in claims(folder, size):
        say(lines, line)
    for name in ("calls", "start", "sqlite", "postgresql"):
        place = folder / name
        place.mkdir()
        if name == "calls":
            say(lines, await calls(place, size))
        elif name == "start":
            for line in await start(place, size):
                say(lines, line)
        elif name == "sqlite":
            say(lines, await whole(place, size))
        else:
            with a_cluster() as cluster:
                say(lines, await whole(place, size, cluster.database()))
    return lines


def say(lines: list[Line], line: Line) -> None:
    lines.append(line)
    sys.stderr.write(f"{line.what}: {line.figure}\n")


def as_table(about: Mapping[str, str], lines: Iterable[Line]) -> str:
    """Versions and machine, and a row for each line."""
    head = [f"{each}: {value}  " for each, value in about.items()]
    return "\n".join([*head, "", "| what | is | asked | |", "|---|---|---|---|", *map(Line.written, lines), ""])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.work", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="with little work: to see that it runs, not how fast")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="on the file system to be measured")
    chosen = parser.parse_args()
    size = QUICK if chosen.quick else Size()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.folder) as name:
        lines = asyncio.run(measure(Path(name), size))
        about = table.machine(Path(name), size.repeats)
    sys.stdout.write(as_table(about, lines))


if __name__ == "__main__":
    main()
