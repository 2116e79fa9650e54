"""What goes over the day's limit is held, not lost: the client has its 250, the sender is told, the operator once."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
import sqlalchemy as sa

from bridge.errors import Refused
from bridge.fax.arrivals import MailKind, MailState
from bridge.fax.options import Identity, LimitOptions
from bridge.fax.states import FaxState, HoldReason
from bridge.fax.wishes import Notify, Ret
from bridge.store import tables
from tests.support.acceptance_stand import BODY, Stand, a_mail, a_stand, permission
from tests.support.store_bench import ADMIN, NUMBER, OTHER, SENDER

THIRD = "+14155550103"
LIMIT = 2


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """An acceptor that lets two faxes a day go."""
    with a_stand(tmp_path, faxes_per_day=LIMIT) as opened:
        yield opened


def mail(number: int) -> bytes:
    """One of many different mails."""
    return a_mail(Message_ID=f"<{number}@example.org>")


async def states(stand: Stand) -> list[FaxState]:
    """The state of each fax, oldest first."""
    return [fax.state for fax in await stand.faxes()]


async def fill(stand: Stand) -> None:
    """Use the day's limit up."""
    for number in range(LIMIT):
        await stand.submit(mail=mail(number))


async def text(stand: Stand, event: str) -> str:
    """What the one mail of that event says."""
    (row,) = await stand.mails(event)
    whole = message_from_bytes(await stand.bench.store.read_blob(row.blob_id))
    part = next(part for part in whole.walk() if part.get_content_type() == "text/plain")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return f"{whole['Subject']} {' '.join(payload.decode().split())}"


async def test_up_to_the_limit_nothing_happens(stand: Stand) -> None:
    """As many faxes as the limit says are taken on as ever, and nobody is told of anything."""
    await fill(stand)
    assert await states(stand) == [FaxState.ACCEPTED] * LIMIT
    assert await stand.bench.rows(tables.outbox) == []


async def test_beyond_the_limit_a_fax_is_held(stand: Stand) -> None:
    """The next one has its 250 and its row, and is held for the limit; its history says accepted, then held."""
    await fill(stand)
    answer = await stand.submit(mail=mail(9))
    fax = (await stand.faxes())[-1]
    assert fax.message_id == answer
    assert (fax.state, fax.hold_reason, fax.version, fax.due_at) == (FaxState.HELD, HoldReason.LIMIT, 2, None)
    lines = await stand.bench.history(fax)
    assert [line.event for line in lines] == ["accepted", "held"]
    assert lines[-1].detail == "the limit of 2 faxes a day is reached"
    assert [(row.number, row.due_at) for row in await stand.bench.rows(tables.destination)] == [(NUMBER, None)]
    await stand.nothing_lies_about()


async def test_a_held_fax_is_not_lost(stand: Stand) -> None:
    """Its mail is kept whole, and it can go on from there when it is let go."""
    await fill(stand)
    await stand.submit(mail=mail(9))
    fax = (await stand.faxes())[-1]
    message = await stand.message(fax.message_id)
    assert await stand.bench.store.read_blob(message.blob_id) == mail(9)
    released = await stand.bench.move(fax, FaxState.ACCEPTED, due_at=stand.bench.clock.now())
    assert released.state is FaxState.ACCEPTED


async def test_the_sender_is_told_each_time(stand: Stand) -> None:
    """Each held fax has a notice that says it is kept, why, and who decides."""
    await fill(stand)
    await stand.submit(mail=mail(9))
    fax = (await stand.faxes())[-1]
    (notice,) = await stand.mails("held")
    assert (notice.kind, notice.recipient, notice.fax_id) == (MailKind.NOTICE, SENDER, fax.id)
    assert notice.state == MailState.WAITING
    said = await text(stand, "held")
    assert "is on hold" in said
    assert "this site may send 2 faxes a day" in said
    assert "administrator" in said
    await stand.submit(mail=mail(10))
    assert len({row.fax_id for row in await stand.mails("held")}) == 2


async def test_the_operator_is_told_once_a_day(stand: Stand) -> None:
    """The first breach of a day writes one alarm; the next day begins anew."""
    await fill(stand)
    for number in range(9, 14):
        await stand.submit(mail=mail(number))
    (alarm,) = await stand.mails("alarm")
    assert (alarm.kind, alarm.recipient, alarm.purpose) == (MailKind.ADMIN, ADMIN, "limit/faxes/site/2026-11-23")
    said = await text(stand, "alarm")
    assert "Faxes are held" in said
    assert "this site has taken on 2 faxes" in said
    assert "limits.faxes_per_day" in said
    stand.bench.clock.forward(timedelta(hours=16))
    for number in range(20, 23):
        await stand.submit(mail=mail(number))
    assert (await states(stand))[-3:] == [FaxState.ACCEPTED, FaxState.ACCEPTED, FaxState.HELD]
    assert [row.purpose for row in await stand.mails("alarm")][1:] == ["limit/faxes/site/2026-11-24"]


async def test_the_day_ends_at_midnight_utc(stand: Stand) -> None:
    """A second before midnight still counts for the old day, midnight for the new one."""
    await fill(stand)
    stand.bench.clock.forward(timedelta(hours=15, minutes=44, seconds=59))
    await stand.submit(mail=mail(9))
    stand.bench.clock.forward(timedelta(seconds=1))
    await stand.submit(mail=mail(10))
    assert (await states(stand))[-2:] == [FaxState.HELD, FaxState.ACCEPTED]


async def test_part_of_a_mail_goes(stand: Stand) -> None:
    """Of a mail that goes over with its last recipients, the first ones go and the last are held."""
    await stand.submit(mail=mail(0))
    answer = await stand.submit(NUMBER, OTHER, THIRD, mail=mail(1))
    sent, *held = (await stand.faxes())[1:]
    assert {fax.message_id for fax in (sent, *held)} == {answer}
    assert (sent.number, sent.state) == (NUMBER, FaxState.ACCEPTED)
    assert [(fax.number, fax.state) for fax in held] == [(OTHER, FaxState.HELD), (THIRD, FaxState.HELD)]
    assert {row.fax_id for row in await stand.mails("held")} == {fax.id for fax in held}
    assert len(await stand.mails("alarm")) == 1
    await stand.nothing_lies_about()


async def test_a_limit_of_nothing(tmp_path: Path) -> None:
    """With a limit of no fax at all every fax is held."""
    with a_stand(tmp_path, faxes_per_day=0) as stand:
        await stand.submit(NUMBER, OTHER)
        assert await states(stand) == [FaxState.HELD, FaxState.HELD]


async def test_identities_share_the_sites_limit(stand: Stand) -> None:
    """The limit is the whole site's, whoever sends."""
    for number in range(3):
        await stand.submit(mail=mail(number), under=permission(Identity(f"desk {number}")))
    assert await states(stand) == [FaxState.ACCEPTED, FaxState.ACCEPTED, FaxState.HELD]


async def test_duplicates_do_not_count(stand: Stand) -> None:
    """The same mail again uses up nothing; and beyond the limit it is told as before, not held."""
    for _ in range(5):
        await stand.submit(mail=mail(0))
    await stand.submit(mail=mail(1))
    assert await states(stand) == [FaxState.ACCEPTED, FaxState.ACCEPTED]
    await stand.submit(mail=mail(2))
    await stand.submit(mail=mail(0))
    assert await states(stand) == [FaxState.ACCEPTED, FaxState.ACCEPTED, FaxState.HELD]
    assert await stand.used() == 3


async def test_the_pieces_of_a_divided_mail_count_once(stand: Stand) -> None:
    """They become one fax, in whatever order they come; without their first piece they become none."""
    for number in (2, 1, 3):
        divided = a_mail(Content_Type=f'message/partial; id="x@scanner"; number={number}; total=3')
        await stand.submit(NUMBER, mail=divided)
    assert await stand.used() == 1
    await stand.submit(mail=mail(1))
    await stand.submit(mail=mail(2))
    assert await states(stand) == [*[FaxState.ACCEPTED] * 4, FaxState.HELD]


async def test_what_was_refused_does_not_count(stand: Stand) -> None:
    """Mail that must not be faxed uses up nothing."""
    for _ in range(5):
        with pytest.raises(Refused):
            await stand.submit(mail=a_mail(Auto_Submitted="auto-replied"))
    assert await stand.used() == 0


async def test_a_held_fax_again(stand: Stand) -> None:
    """The same mail as a held one is no second fax: its sender is told that the first is on hold."""
    await fill(stand)
    first = await stand.submit(mail=mail(9))
    assert await stand.submit(mail=mail(9)) == first
    assert len(await stand.faxes()) == 3
    assert "It is on hold" in await text(stand, "duplicate")


async def test_held_and_duplicate_in_one_mail(stand: Stand) -> None:
    """One recipient was there before, one goes, one is held: each is treated as its own, and all are told."""
    await stand.submit(NUMBER, mail=mail(0))
    await stand.submit(NUMBER, OTHER, THIRD, mail=mail(0))
    assert [(fax.number, fax.state) for fax in await stand.faxes()] == [
        (NUMBER, FaxState.ACCEPTED),
        (OTHER, FaxState.ACCEPTED),
        (THIRD, FaxState.HELD),
    ]
    assert [len(await stand.mails(event)) for event in ("duplicate", "held", "alarm")] == [1, 1, 1]
    assert await stand.used() == 3
    await stand.nothing_lies_about()


async def test_many_at_once(tmp_path: Path) -> None:
    """Of twenty mails at the same moment exactly as many go as the limit says; there is one alarm, and none is lost."""
    with a_stand(tmp_path, faxes_per_day=7) as stand:
        answers = await asyncio.gather(*(stand.submit(NUMBER, OTHER, mail=mail(number)) for number in range(20)))
        assert len(set(answers)) == 20
        found = await states(stand)
        assert (found.count(FaxState.ACCEPTED), found.count(FaxState.HELD)) == (7, 33)
        assert len(await stand.mails("held")) == 33
        assert len(await stand.mails("alarm")) == 1
        assert await stand.used() == 40
        await stand.nothing_lies_about()


async def test_one_mail_to_many(tmp_path: Path) -> None:
    """A hundred recipients in one mail: those within the limit go, the others are held and told."""
    with a_stand(tmp_path, faxes_per_day=30) as stand:
        await stand.submit(*(f"+141555501{number:02d}" for number in range(100)))
        found = await states(stand)
        assert found == [FaxState.ACCEPTED] * 30 + [FaxState.HELD] * 70
        assert len(await stand.mails("held")) == 70


@pytest.mark.parametrize(
    ("asked", "state"),
    [
        (None, MailState.WAITING),
        (Notify.DELAY, MailState.WAITING),
        (Notify.SUCCESS, MailState.SUPPRESSED),
        (Notify.FAILURE, MailState.SUPPRESSED),
        (Notify.NEVER, MailState.SUPPRESSED),
    ],
)
async def test_what_the_sender_wants_to_hear(stand: Stand, asked: Notify | None, state: MailState) -> None:
    """A held fax is a delay (RFC 3461, 4.1): who asked for other notices gets none, and the row says why."""
    await fill(stand)
    await stand.submit(mail=mail(9), notify=asked)
    (notice,) = await stand.mails("held")
    assert notice.state == state
    lines = [line.event for line in await stand.bench.history((await stand.faxes())[-1])]
    if state is MailState.SUPPRESSED:
        assert f"NOTIFY={asked}" in notice.reason
        assert lines == ["accepted", "held", "notice_suppressed"]
    else:
        assert lines == ["accepted", "held"]


async def test_what_the_sender_wants_back(stand: Stand) -> None:
    """Where RET asks for something the notice gives the header back, and never the document."""
    await fill(stand)
    await stand.submit(mail=a_mail(b"SECRET PAGE\r\n", Message_ID="<9@example.org>"), ret=Ret.FULL)
    (notice,) = await stand.mails("held")
    whole = await stand.bench.store.read_blob(notice.blob_id)
    assert b"text/rfc822-headers" in whole
    assert b"SECRET PAGE" not in whole


async def test_whom_a_held_fax_is_told_to(stand: Stand) -> None:
    """The notice goes where the notices of its identity go."""
    await fill(stand)
    await stand.submit(mail=mail(9), under=permission(Identity("desk", notify="desk@example.org")))
    (notice,) = await stand.mails("held")
    assert notice.recipient == "desk@example.org"


async def test_a_higher_limit_counts_at_once(stand: Stand) -> None:
    """After the operator has raised the limit and started again, faxes of the same day go."""
    await fill(stand)
    await stand.submit(mail=mail(9))
    stand.change(limits=LimitOptions(faxes_per_day=10))
    await stand.submit(mail=mail(10))
    assert (await states(stand))[-2:] == [FaxState.HELD, FaxState.ACCEPTED]


async def test_large_mails_beyond_the_limit(stand: Stand) -> None:
    """A mail that lies in a file is held like any other, and its file stays."""
    await fill(stand)
    await stand.submit(mail=a_mail(BODY * 5_000, Message_ID="<9@example.org>"))
    assert (await states(stand))[-1] is FaxState.HELD
    (row,) = await stand.bench.rows(tables.blob, sa.and_(tables.blob.c.kind == "message", tables.blob.c.size > 65536))
    assert row.content is None
    await stand.nothing_lies_about()


LONG_HEADER = b"".join(b"X-Line-%d: %s\r\n" % (number, b"\xe4" * 900) for number in range(60))
"""What makes a notice that gives it back (RET) too large for a row."""


async def test_notices_that_lie_in_files(stand: Stand) -> None:
    """Of the notices that were written to disk and not needed after all, no file is left."""
    await stand.submit(mail=mail(0))
    await stand.submit(NUMBER, OTHER, mail=LONG_HEADER + mail(1), ret=Ret.HDRS)
    (notice,) = await stand.mails("held")
    assert len(await stand.bench.store.read_blob(notice.blob_id)) > 65536
    await stand.nothing_lies_about()


async def test_notices_that_are_made_anew(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the notices had to be written once more, the first ones are gone."""
    await stand.submit(mail=LONG_HEADER + mail(0), ret=Ret.HDRS)
    delivered = tables.fax.update().where(tables.fax.c.number == NUMBER).values(state="delivered", version=4)
    tries = stand.meanwhile(monkeypatch, lambda number: delivered if number == 1 else None)
    await stand.submit(NUMBER, OTHER, THIRD, mail=LONG_HEADER + mail(0), ret=Ret.HDRS)
    assert len(tries) == 3
    assert [len(await stand.mails(event)) for event in ("duplicate", "held", "alarm")] == [1, 1, 1]
    await stand.nothing_lies_about()


async def test_an_alarm_that_was_not_written_after_all(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the transaction with the day's alarm came to nothing, the next fax that is held brings it."""
    await fill(stand)
    await stand.submit(mail=mail(9))
    gone = tables.outbox.delete().where(tables.outbox.c.event == "alarm")
    tries = stand.meanwhile(monkeypatch, lambda number: gone if number == 1 else None)
    await stand.submit(mail=mail(10))
    assert len(tries) == 3
    assert len(await stand.mails("alarm")) == 1
    assert await stand.used() == 4
