"""Faxes of one mail are told of together: once, when the last has ended, whichever of them that is."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from bridge.fax.jobs import Fax, Outcome
from bridge.fax.options import Privacy
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.fax.wishes import Notify, Ret
from bridge.sending.report import Change, Reporter, write_end
from bridge.sending.summaries import LOOK_AGAIN, Summariser
from bridge.store import summaries, tables
from bridge.store.summaries import COLLECTED
from tests.support.store_bench import ADMIN, NUMBER, OTHER, SENDER, Bench, set_aside, work
from tests.support.store_carrier import MAIL, OPTIONS
from tests.support.unit_mail import parts_of, status_of

DELIVERED = Outcome(OutcomeClass.OK, "delivered", 0, "SUCCESS")
DEAD = Outcome(OutcomeClass.NUMBER, "number-not-in-use", 3912, "unassigned")


class Site:
    """Where faxes end."""

    def __init__(self, bench: Bench, *, digest: bool = True) -> None:
        self.bench = bench
        self.senders: tuple[str, ...] = ("*@example.org",)
        self.reporter = Reporter(bench.desk, replace(OPTIONS, digest=digest), MAIL)

    def worker(self, number: int = 0) -> Summariser:
        """One that tells."""
        return Summariser(self.bench.desk, self.senders, MAIL, f"summary-{number}/x")

    async def end(self, fax: Fax, outcome: Outcome = DELIVERED) -> None:
        """It ends so, as the workers have it."""
        fax = await self.bench.fax(fax.id)
        target = FaxState.DELIVERED if outcome is DELIVERED else FaxState.FAILED
        change, now = Change(fax, target, outcome, pages_sent=2 if outcome is DELIVERED else 0), self.bench.clock.now()
        write = partial(write_end, change=change, now=now, detail="ended")
        await self.reporter.carry_out(change, now, write)

    async def told(self) -> list[tuple[str, str]]:
        """Which mails were written, to whom."""
        rows = await self.bench.rows(tables.outbox, tables.outbox.c.state == "waiting")
        return [(row.event, row.recipient) for row in rows]


async def on_their_way(bench: Bench, **more: object) -> list[Fax]:
    """A mail to two numbers, both with the carrier."""
    made = await bench.accepted(NUMBER, OTHER, **more)  # type: ignore[arg-type]
    return [await bench.move(await bench.move(fax, FaxState.READY), FaxState.SUBMITTING) for fax in made]


async def with_the_carrier(bench: Bench, **more: object) -> list[Fax]:
    """The same, taken by it."""
    return [await bench.move(fax, FaxState.SENDING) for fax in await on_their_way(bench, **more)]


async def test_the_last_one_has_it_told(bench: Bench) -> None:
    """Nothing before; then one mail with both, and nothing more."""
    site = Site(bench)
    first, second = await with_the_carrier(bench)
    await site.end(first)
    assert await site.told() == []
    assert not await work(site.worker().duty)
    await site.end(second, DEAD)
    assert await work(site.worker().duty)
    assert await site.told() == [("digest", SENDER)]
    [mail] = await bench.mail_bytes("digest")
    assert [block["Action"] for block in status_of(mail)[1:]] == ["delivered", "failed"]
    assert not await work(site.worker().duty)
    assert bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}


@pytest.mark.parametrize(
    ("ret", "outcome", "named", "kinds"),
    [
        (None, DEAD, True, []),
        (Ret.HDRS, DEAD, True, ["text/rfc822-headers"]),
        (Ret.FULL, DEAD, True, ["message/rfc822"]),
        (Ret.FULL, DEAD, False, ["text/rfc822-headers"]),
        (Ret.FULL, DELIVERED, True, ["text/rfc822-headers"]),
    ],
)
async def test_what_it_gives_back(
    bench: Bench, ret: Ret | None, outcome: Outcome, named: bool, kinds: list[str]
) -> None:
    """RET as in any notice: the whole mail where one of its faxes failed, and only to whom policy names."""
    site = Site(bench)
    site.senders = ("*@example.org",) if named else ()
    faxes = await with_the_carrier(bench)
    change = tables.message.update().values(ret=ret)
    await bench.store.write(lambda connection: connection.execute(change))
    for fax, end in zip(faxes, (DELIVERED, outcome), strict=True):
        await site.end(fax, end)
    assert await work(site.worker().duty)
    [mail] = await bench.mail_bytes("digest")
    assert [part.get_content_type() for part in parts_of(mail)][2:] == kinds


async def test_two_that_end_at_once(bench: Bench) -> None:
    """Whatever either sees of the other, both are told of, once."""
    site = Site(bench)
    first, second = await with_the_carrier(bench)
    await asyncio.gather(site.end(first), site.end(second))
    bench.clock.forward(LOOK_AGAIN)
    while await work(site.worker().duty):
        pass
    assert await site.told() == [("digest", SENDER)]


async def test_a_look_too_early_changes_nothing(bench: Bench) -> None:
    """While one is on its way it is looked at again later; its end makes it due at once."""
    site = Site(bench)
    first, second = await with_the_carrier(bench)
    await site.end(first)
    bench.clock.forward(summaries.LOOK_AGAIN)
    assert await work(site.worker().duty)
    assert await site.told() == []
    await site.end(second)
    assert await work(site.worker().duty)
    assert await site.told() == [("digest", SENDER)]


@pytest.mark.parametrize("digest", [True, False])
async def test_a_mail_to_one_number_has_its_notice(bench: Bench, digest: bool) -> None:
    """So has each fax where the site does not wish it otherwise."""
    site = Site(bench, digest=digest)
    await site.end(await bench.sending())
    assert await site.told() == [("delivered", SENDER)]
    if not digest:
        for fax in await with_the_carrier(bench):
            await site.end(fax, DEAD)
        assert await site.told() == [("delivered", SENDER), ("failed", SENDER), ("failed", SENDER)]


@pytest.mark.parametrize("delivered_last", [True, False])
async def test_whoever_wants_no_notice_is_left_out(bench: Bench, delivered_last: bool) -> None:
    """NOTIFY counts for each recipient, whichever ends last; the reasons stand in the rows."""
    site = Site(bench)
    first, second = await with_the_carrier(bench, notify=frozenset({Notify.FAILURE}))
    for fax, outcome in (
        ((second, DEAD), (first, DELIVERED)) if delivered_last else ((first, DELIVERED), (second, DEAD))
    ):
        await site.end(fax, outcome)
    assert await work(site.worker().duty)
    [mail] = await bench.mail_bytes("digest")
    assert [block["Final-Recipient"] for block in status_of(mail)[1:]] == [f"fax; {OTHER}"]
    rows = await bench.rows(tables.outbox, tables.outbox.c.state == "suppressed")
    assert sorted(row.reason == COLLECTED for row in rows) == [False, True]


async def test_where_nobody_wants_one_there_is_none(bench: Bench) -> None:
    """And it is not looked for again."""
    site = Site(bench)
    for fax in await with_the_carrier(bench, notify=frozenset({Notify.NEVER})):
        await site.end(fax)
    assert await work(site.worker().duty)
    assert await site.told() == []
    assert not await work(site.worker().duty)


async def test_under_minimal_privacy_it_names_no_number(bench: Bench) -> None:
    """As each by itself."""
    site = Site(bench)
    for fax in await with_the_carrier(bench, privacy=Privacy.MINIMAL, person="Margaret"):
        await site.end(fax, DEAD)
    assert await work(site.worker().duty)
    [mail] = await bench.mail_bytes("digest")
    assert not [secret for secret in (b"5550101", b"5550102", b"555-010", b"Margaret", b"unassigned") if secret in mail]


async def test_what_the_daemon_dies_of_is_not_tried_for_ever(bench: Bench) -> None:
    """It is set aside, and the operator hears that the sender has not."""
    site = Site(bench)
    for fax in await with_the_carrier(bench):
        await site.end(fax)
    assert await set_aside(site.worker().duty)
    assert not await work(site.worker().duty)
    assert await site.told() == [("alarm", ADMIN)]
