"""Daemons killed at random instants while mails and faxes come, the carrier at its worst; then what must hold."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bridge.runtime.crash import Point
from tests.crash.invariants import ATTEMPTS, Breach, breaches
from tests.crash.lives import live_on
from tests.crash.record import Record
from tests.crash.stage import Stage, a_big_mail, a_stage
from tests.support.nursery import Nursery
from tests.support.postgresql import Cluster
from tests.support.processes import OUR_NUMBER, OUR_OTHER_NUMBER, Daemon, Json, a_pdf_mail

LONGEST_LIFE = 2.0
"""Seconds from when a daemon is up to its end, at most, for those that are to die whatever they do."""

LONGEST_START = 0.6
"""The same, from its very first moment, for those that are to die while they start."""

STEPS = ("fax.prepared", "fax.submitting", "fax.taken", "fax.polled", "fax.ended", "received.fetched", "mail.sent")
"""What the others are to be seen doing before they die, soon after; but they are not waited for for ever."""

SOON, NOT_FOR_EVER = 0.15, 8.0

TROUBLES: Sequence[tuple[str, Json]] = (
    ("fax-send", {"drop": "before"}),
    ("fax-send", {"drop": "after"}),
    ("fax-send", {"hang": "before"}),
    ("fax-send", {"hang": "after"}),
    ("fax-send", {"delay": 0.5}),
    ("fax-send", {"http": 500, "taken": True}),
    ("fax-send", {"nonsense": "html"}),
    ("fax-send", {"shape": ["no-job-id"]}),
    ("fax-status", {"delay": 0.5}),
    ("fax-status", {"http": 500}),
    ("hook", {"withhold": True}),
    ("hook", {"repeat": 2}),
    ("hook", {"early": True}),
    ("hook", {"delay": 1}),
    ("hook", {"form": "multipart"}),
)
"""What the carrier may do at a fax of ours."""

ENDS: Sequence[tuple[Json, int]] = (
    ({"code": 263}, 1),
    ({"code": 263}, 2),
    ({"code": 263}, ATTEMPTS["busy"]),
    ({"code": 8021}, 1),
    ({"code": 9015}, ATTEMPTS["voice"]),
    ({"code": 9012}, 1),
    ({"code": 9012, "went": "all but one"}, 1),
    ({"code": 3912}, 1),
    ({"code": 6022}, 1),
)
"""With what calls to a number may fail, and so many of them: busy, no answer, a voice, the line, pages gone, dead."""

SIZES: Sequence[int] = (1, 1, 2, 3)
"""How many faxes a mail makes."""

Say = Callable[[str], None]


async def rage(stage: Stage, dice: random.Random, instants: int, say: Say, seat: int = 0) -> None:
    """So many lives on a seat, each with some work, each ended at some instant."""
    for at in range(1, instants + 1):
        point = dice.choice(list(Point)) if dice.random() < 0.25 else None
        daemon = await stage.begin(point, dice.randint(1, 3), seat=seat)
        working = asyncio.create_task(_work_comes(stage, dice))
        try:
            how = await _end(stage, daemon, dice)
        finally:
            await working
        say(f"{f'seat {seat}, ' if stage.books.seats > 1 else ''}{at} of {instants}: {how}")


async def _end(stage: Stage, daemon: Daemon, dice: random.Random) -> str:
    """Kill it at some instant, unless it died at a point before; when that was, in words."""
    if dice.random() < 0.25:
        patience, since = dice.uniform(0, LONGEST_START), "it was begun"
    else:
        patience, since = dice.uniform(0, LONGEST_LIFE), "it was up"
        with suppress(AssertionError, TimeoutError):  # it may die before that
            await stage.house.is_up(daemon)
            if dice.random() < 0.67:
                step = dice.choice(STEPS)
                patience, since = dice.uniform(0, SOON), f"{step}, or a while"
                async with asyncio.timeout(NOT_FOR_EVER):
                    await daemon.event(step)
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await daemon.child.wait()
    if daemon.child.returncode is not None:
        await stage.bury(daemon)
        return "at a named point"
    await stage.kill(daemon)
    return f"{patience:.3f} s after {since}"


async def _work_comes(stage: Stage, dice: random.Random) -> None:
    """A mail or two, with up to three faxes each that may meet trouble; perhaps a preview, or a fax from outside."""
    for _ in range(dice.choice((1, 1, 2))):
        numbers = tuple(stage.number() for _ in range(dice.choice(SIZES)))
        for number in numbers:
            if dice.random() < 0.4:
                on, do = dice.choice(TROUBLES)
                await stage.carrier.plan({"on": on, "number": number, "do": do})
            if dice.random() < 0.4:
                how, times = dice.choice(ENDS)
                await stage.carrier.plan({"on": "end", "number": number, "times": times, "do": {"fail": how}})
        mail = a_big_mail(*numbers) if dice.random() < 0.2 else a_pdf_mail(*numbers)
        stage.hand_in(mail, *numbers)
    if dice.random() < 0.2:
        stage.ask_for_a_preview()
    if dice.random() < 0.6:
        await stage.carrier.receive(
            to=dice.choice((OUR_NUMBER, OUR_OTHER_NUMBER)),
            form=dice.choice(("json", "multipart", "none")),
            hooks=dice.randint(1, 2),
            tiff=dice.random() < 0.3,
        )


async def storm(
    folder: Path, nursery: Nursery, seed: str, instants: int, say: Say, *, cluster: Cluster | None = None
) -> tuple[Record, list[Breach]]:
    """One house through a storm, until all is quiet: what is known then, and what must not be.

    With a server the house has two daemons, which die in turns that nobody has ordered.
    """
    async with a_stage(folder, nursery, cluster=cluster) as stage:
        await stage.first_life()
        seats = stage.books.seats
        async with asyncio.TaskGroup() as group:
            for seat in range(seats):
                dice = random.Random(seed if seats == 1 else f"{seed}/{seat}")
                group.create_task(rage(stage, dice, (instants + seat) // seats, say, seat))
        await live_on(stage)
        record = await stage.record()
        return record, breaches(record)
