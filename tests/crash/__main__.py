"""``python -m tests.crash``: hundreds of random instants, seed and progress shown; see docs/durability.md."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from tests.crash.record import Record
from tests.crash.storm import storm
from tests.support.nursery import Nursery, a_nursery
from tests.support.postgresql import Cluster, a_cluster

A_HOUSE = 25
"""Instants for which one house serves; then all must be quiet and well."""


def say(text: str) -> None:
    """With the time, at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


async def one_house(folder: Path, nursery: Nursery, seed: str, instants: int, cluster: Cluster | None) -> bool:
    """Whether all was well in that house; else its folder is left as it is."""
    begun = time.monotonic()
    place = folder / seed.replace("/", "-")
    place.mkdir()
    try:
        record, found = await storm(
            place, nursery, seed, instants, lambda text: say(f"house {seed}: {text}"), cluster=cluster
        )
    except AssertionError as error:
        say(f"house {seed}: NOT WELL, see {place}: {error}")
        return False
    for breach in found:
        say(f"house {seed}: NOT WELL, see {place}: {breach.kind}: {breach.what}")
    say(f"house {seed}: {summary(record)}; {len(found)} breaches; {time.monotonic() - begun:.0f} s")
    if not found:
        shutil.rmtree(place)
    return not found


def summary(record: Record) -> str:
    """How much there was."""
    states = Counter(row["state"] for row in record.faxes)
    faxes = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    copies = len(record.arrived) - len({mail.message_id for mail in record.arrived})
    return (
        f"{len(record.deaths)} deaths; {len(record.handed)} mails, {len(record.faxes)} faxes ({faxes}), "
        f"{len(record.calls)} calls, "
        f"{len(record.received)} received, {len(record.arrived)} mails out ({copies} of them again)"
    )


async def run(seed: str, instants: int, houses: int, folder: Path, cluster: Cluster | None) -> bool:
    """All of it, so many houses at a time."""
    sizes = [A_HOUSE] * (instants // A_HOUSE) + ([instants % A_HOUSE] if instants % A_HOUSE else [])
    free = asyncio.Semaphore(houses)
    with a_nursery() as nursery:

        async def one(at: int, size: int) -> bool:
            async with free:
                return await one_house(folder, nursery, f"{seed}/{at}", size, cluster)

        well = await asyncio.gather(*(one(at, size) for at, size in enumerate(sizes, 1)))
    return all(well)


def main() -> int:
    """Exit status 0 if nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--instants", type=int, default=300)
    parser.add_argument("--houses", type=int, default=2, help="at a time")
    parser.add_argument("--postgresql", action="store_true", help="two daemons to a house, on one server")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**6)))
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="faxbridge-crash-"))
    say(f"seed {chosen.seed}: {chosen.instants} instants, {chosen.houses} houses at a time; files in {folder}")
    with a_cluster() if chosen.postgresql else nullcontext() as cluster:
        well = asyncio.run(run(chosen.seed, chosen.instants, chosen.houses, folder, cluster))
    if well:
        folder.rmdir()
    say(f"seed {chosen.seed}: {'all is well' if well else 'NOT WELL'}")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
