"""A daemon killed at every named crash point, one life after the other, and what became of everything in the end."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.runtime.crash import Point
from tests.crash import lives
from tests.crash.invariants import breaches
from tests.crash.lives import Life
from tests.crash.record import Record
from tests.crash.stage import Stage, a_stage
from tests.support.nursery import Nursery


def _last_point(row: tuple[Life, ...]) -> str:
    return row[-1].point


async def test_deaths_on_the_way_in(stage: Stage) -> None:
    """Dead at any instant from DATA to the 250, the daemon keeps what it said yes to, once, and nothing by halves."""
    await lives.play(stage, lives.INTAKE)
    await lives.live_on(stage)
    record = await stage.record()
    assert breaches(record) == []
    assert sorted(row["state"] for row in record.faxes) == ["delivered", "delivered"]
    assert not list((stage.house.folder / "store" / "blobs" / "tmp").iterdir())


@pytest.mark.parametrize("row", lives.SENDING, ids=_last_point)
async def test_deaths_on_the_way_to_the_final_word(stage: Stage, row: tuple[Life, ...]) -> None:
    """Dead at any instant but the call's, the daemon faxes once and says so once; only a mail in hand comes again."""
    await lives.play(stage, row)
    await lives.live_on(stage)
    record = await stage.record()
    assert breaches(record) == []
    assert {fax["state"] for fax in record.faxes} == {"delivered"}
    assert len(record.faxes) == sum(life.scene is not None for life in row)
    in_hand = any(life.point is Point.POST_TAKEN for life in row)
    assert _repeated(record) == ({"delivered": 1} if in_hand else {}), "the relay had it, and our commit was not done"


async def test_deaths_at_the_joining_of_a_divided_mail(stage: Stage) -> None:
    """Dead at any instant of it, the daemon makes one fax of the pieces: all that they held, called once, told once."""
    await lives.play(stage, lives.JOINING)
    await lives.live_on(stage)
    record = await stage.record()
    numbers = {row["number"] for row in record.faxes}
    ends = [(row["number"], row["state"]) for row in record.faxes]
    assert sorted(ends) == sorted((number, end) for number in numbers for end in ("cancelled", "delivered"))
    assert {row["pages"] for row in record.faxes if row["state"] == "delivered"} == {1}
    joined = tuple(row for row in record.faxes if row["state"] == "delivered")
    mails = {row["message_id"] for row in joined}
    handed = tuple(each for each in record.handed if each.answer in mails)
    assert breaches(replace(record, faxes=joined, handed=handed)) == []
    assert len(record.calls) == len(numbers) == 2
    assert _repeated(record) == {}


async def test_deaths_on_the_way_to_a_preview(stage: Stage) -> None:
    """Dead at any instant, the daemon mails the pages that were asked for, once, and faxes nothing."""
    await lives.play(stage, lives.LOOKING)
    await lives.live_on(stage)
    record = await stage.record()
    assert breaches(record) == []
    assert len(record.previews) == 2
    assert _repeated(record) == {}
    assert (record.faxes, record.calls) == ((), ())


async def test_deaths_on_the_way_to_an_answer(stage: Stage) -> None:
    """Dead at any instant, the daemon does what an answer to a notice asks for once, and tells it once."""
    await lives.play(stage, lives.ANSWERING)
    await lives.live_on(stage)
    record = await stage.record()
    assert breaches(record) == []
    assert [(row["state"], row["resend_of"] is not None) for row in _in_order(record)] == [
        ("delivered", False),
        ("delivered", True),
    ]
    assert len([mail for mail in record.arrived if mail.event == "reply"]) == 2


async def test_deaths_with_the_call_in_hand(stage: Stage) -> None:
    """Dead from the intent to the answer's commit, the daemon never calls again; only evidence makes it delivered."""
    await lives.play(stage, lives.CALLING)
    await lives.live_on(stage)
    record = await stage.record()
    assert breaches(record) == []
    ends = {
        life.point: row["state"]
        for life, row in zip([life for life in lives.CALLING if life.scene], _in_order(record), strict=True)
    }
    never_there = (Point.SUBMIT_INTENDED, Point.CALL_UNSENT, Point.CALL_BEGUN)
    assert {point: ends[point] for point in never_there} == dict.fromkeys(never_there, "unconfirmed")
    assert ends[Point.TRACK_COMMITTED] == "delivered"
    assert len(record.calls) == 3, "the first one, sent whole, and answered"


async def test_deaths_on_the_way_to_the_proof(stage: Stage) -> None:
    """Dead while a hook's word on a call is being followed up, the daemon follows it up again, and it counts."""
    await lives.play(stage, lives.EVIDENCE)
    await lives.live_on(stage)
    record = await stage.record()
    assert breaches(record) == []
    assert [row["state"] for row in record.faxes] == ["delivered", "delivered"]
    assert len(record.calls) == 2


@pytest.mark.parametrize("row", lives.RECEIVING, ids=_last_point)
async def test_deaths_on_the_way_to_the_mailbox(stage: Stage, row: tuple[Life, ...]) -> None:
    """Dead at any instant from the hook to the mail, the daemon mails a received fax once; only one in hand twice."""
    await lives.play(stage, row)
    await lives.live_on(stage)
    record = await stage.record()
    assert breaches(record) == []
    assert {fax["state"] for fax in record.received} == {"delivered"}
    assert len(record.received) == sum(life.scene is lives.a_fax_comes for life in row)
    in_hand = any(life.point is Point.POST_TAKEN for life in row)
    assert _repeated(record) == ({"received": 1} if in_hand else {})


async def test_deaths_at_start_and_in_any_transaction(tmp_path: Path, nursery: Nursery) -> None:
    """Dead amid a migration or at start, the daemon starts anew; a command is carried out; no transaction is half."""
    async with a_stage(tmp_path, nursery) as stage:
        await lives.play(stage, lives.STARTING)
        await stage.first_life()
        await lives.play(stage, lives.ASKING)
        await lives.live_on(stage)
        record = await stage.record()
        assert breaches(record) == []
        assert [row["state"] for row in record.faxes] == ["delivered", "delivered"]


def test_every_point_is_visited() -> None:
    """Each named crash point ends a life in one of the rows above."""
    rows = (
        lives.INTAKE,
        *lives.SENDING,
        lives.JOINING,
        lives.LOOKING,
        lives.ANSWERING,
        lives.CALLING,
        lives.EVIDENCE,
        *lives.RECEIVING,
        lives.STARTING,
        lives.ASKING,
    )
    assert {life.point for row in rows for life in row} == set(Point)


def _in_order(record: Record) -> list[dict[str, str]]:
    """The faxes as they came."""
    return [dict(row) for row in sorted(record.faxes, key=lambda row: str(row["created_at"]))]


def _repeated(record: Record) -> dict[str, int]:
    """How often a mail came again, by its event."""
    copies = Counter((mail.message_id, mail.event) for mail in record.arrived)
    return dict(Counter(event for (_, event), number in copies.items() for _ in range(number - 1)))
