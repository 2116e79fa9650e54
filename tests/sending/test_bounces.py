"""Received faxes whose mail came back though the relay had taken it: once to the fallback, told once, then no more."""

from datetime import timedelta
from functools import partial

import pytest

from bridge.fax.arrivals import Delivery, DeliveryState, Mail, MailKind, Received
from bridge.fax.jobs import Message
from bridge.fax.options import Target
from bridge.fax.states import ReceivedState
from bridge.posting.alarms import INTERVAL, Alarms
from bridge.posting.bounces import LOOK_AGAIN, Bounces
from bridge.posting.undeliverable import Undeliverable
from bridge.runtime.worker import LEASE_SECONDS
from bridge.store import arrivals, bounces, correspondence, faxes, outbox, tables
from bridge.store.bounces import Bounce
from tests.support.store_bench import ADMIN, Bench, set_aside, work
from tests.support.store_carrier import MAIL

OFFICE = "office@example.org"
DESK = "front-desk@example.org"
CONTENT = b"Subject: a fax\r\n\r\nits pages\r\n"


def _clerk(bench: Bench, *fallback: str, name: str = "bounce-0/x") -> Bounces:
    undeliverable = Undeliverable(bench.desk, MAIL, tuple(map(Target.mail, fallback or (OFFICE,))))
    return Bounces(bench.desk, undeliverable, name)


async def _delivered(bench: Bench, *addresses: str, sent: bool = True) -> Received:
    """A received fax whose mails to these mailboxes the relay took."""
    fax = await bench.moved(await bench.announced(), ReceivedState.FETCHED)
    fax = await bench.moved(fax, ReceivedState.ROUTED)
    for address in addresses:
        row, now = bench.ids.new(), bench.clock.now()
        delivery = Delivery(
            bench.ids.new(), fax.id, Target.mail(address), bench.ids.token(), DeliveryState.WAITING, now
        )
        mail = Mail(
            id=row,
            kind=MailKind.RECEIVED,
            purpose=f"received/{fax.id}/{delivery.id}",
            event="received",
            envelope_sender=f"bounce+{delivery.token}@fax.local",
            recipient=address,
            message_id=f"<{row}@fax.local>",
            received_id=fax.id,
            delivery_id=delivery.id,
        )

        await bench.store.write(partial(arrivals.add_deliveries, rows=[delivery]))
        await bench.store.write(partial((await bench.desk.draft(mail, CONTENT)).write, now=now))
    for _ in addresses if sent else ():
        taken = await bench.store.write(lambda connection: outbox.claim(connection, bench.desk.lease("post")))
        assert taken is not None
        await bench.store.write(
            lambda connection, taken=taken: outbox.sent(connection, taken, "post", bench.clock.now(), "250 ok")  # type: ignore[misc]  # bound now
        )
    return await bench.received(fax.id)


async def _comes_back(bench: Bench, address: str, why: str = "5.1.1 no such user") -> None:
    """A bounce to the token of that mailbox, as intake leaves it."""
    (row,) = await bench.rows(tables.delivery, tables.delivery.c.target == address)
    stored = await bench.blob(b"a bounce", "message")
    message = Message(bench.ids.new(), stored.id, bench.clock.now(), "192.0.2.7", "", None, None, stored.size)
    came = Bounce(bench.ids.new(), row.id, message.id, why)
    await bench.store.write(partial(faxes.add_messages, taken=[(message, ())]))
    await bench.store.write(partial(bounces.add, came=came, now=bench.clock.now()))


async def _deliveries(bench: Bench) -> dict[str, str]:
    return {row.target: row.state for row in await bench.rows(tables.delivery)}


async def _results(bench: Bench) -> list[str | None]:
    return [row.result for row in sorted(await bench.rows(correspondence.bounce), key=lambda row: str(row.id))]


async def _told(bench: Bench) -> list[str]:
    """What the operator is told by now."""
    await work(Alarms(bench.desk, MAIL).duty)
    return [mail.decode() for mail in await bench.mail_bytes("undeliverable")]


async def test_once_to_the_fallback(bench: Bench) -> None:
    """What came back goes to the fallback: the same bytes, a delivery and a token of its own; the operator is told."""
    fax = await _delivered(bench, DESK)
    assert fax.state is ReceivedState.DELIVERED
    await _comes_back(bench, DESK)
    assert await work(_clerk(bench).duty)
    assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "waiting"}
    (copy,) = await bench.rows(tables.outbox, tables.outbox.c.recipient == OFFICE)
    tokens = {row.target: row.token for row in await bench.rows(tables.delivery)}
    assert copy.envelope_sender == f"bounce+{tokens[OFFICE]}@fax.local"
    assert tokens[OFFICE] != tokens[DESK]
    assert await bench.store.read_blob(copy.blob_id) == CONTENT
    (first,) = await bench.rows(tables.outbox, tables.outbox.c.recipient == DESK)
    assert (first.state, first.last_reply) == ("failed", "it came back: 5.1.1 no such user")
    (told,) = await _told(bench)
    for word in (fax.id, DESK, "5.1.1 no such user", "goes to the fallback"):
        assert word in told.replace("=\r\n", "")
    assert await _results(bench) == ["passed on"]
    assert not await work(_clerk(bench).duty)


async def test_twice_the_same(bench: Bench) -> None:
    """The same bounce again, at once or a day later, does nothing more: no mail, no alarm, no change."""
    await _delivered(bench, DESK)
    for _ in range(2):
        await _comes_back(bench, DESK)
        assert await work(_clerk(bench).duty)
    assert len(await _told(bench)) == 1
    bench.clock.forward(timedelta(days=1))
    await _comes_back(bench, DESK, "5.0.0 other words")
    assert await work(_clerk(bench).duty)
    assert len(await _told(bench)) == 1
    assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "waiting"}
    assert await _results(bench) == ["passed on", "known already", "known already"]
    assert len(await bench.rows(tables.outbox)) == 3


async def test_the_fallbacks_own_mail(bench: Bench) -> None:
    """A bounce of a fallback mailbox's own mail goes nowhere else: the operator is told, and that is all."""
    await _delivered(bench, OFFICE)
    await _comes_back(bench, OFFICE)
    assert await work(_clerk(bench, OFFICE, "third@example.org").duty)
    assert await _deliveries(bench) == {OFFICE: "failed"}
    (told,) = await _told(bench)
    assert "not sent to anybody else" in told.replace("=\r\n", "")
    assert await _results(bench) == ["told"]
    assert len(await bench.rows(tables.outbox)) == 2


async def test_the_fallback_has_it_already(bench: Bench) -> None:
    """Where the route names a fallback mailbox too the fax is there, and nothing is sent again."""
    await _delivered(bench, DESK, OFFICE)
    await _comes_back(bench, DESK)
    assert await work(_clerk(bench).duty)
    assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "delivered"}
    assert len(await bench.rows(tables.outbox)) == 2


async def test_two_mailboxes_of_one_fax(bench: Bench) -> None:
    """Two mails of one fax that come back: the fallback gets the fax once, the operator hears of both."""
    await _delivered(bench, DESK, "second@example.org")
    for address in (DESK, "second@example.org"):
        await _comes_back(bench, address)
        assert await work(_clerk(bench).duty)
    assert await _deliveries(bench) == {DESK: "passed_on", "second@example.org": "passed_on", OFFICE: "waiting"}
    (told,) = await _told(bench)
    assert DESK in told.replace("=\r\n", "")
    assert "second@example.org" in told.replace("=\r\n", "")


async def test_here_before_the_relays_answer(bench: Bench) -> None:
    """A bounce of a mail we do not yet know to be taken (we died in between) waits until we do, and then counts."""
    await _delivered(bench, DESK, sent=False)
    await _comes_back(bench, DESK)
    assert await work(_clerk(bench).duty)
    assert not await work(_clerk(bench).duty)
    assert await _deliveries(bench) == {DESK: "waiting"}
    mail = await bench.store.write(lambda connection: outbox.claim(connection, bench.desk.lease("post")))
    assert mail is not None
    await bench.store.write(lambda connection: outbox.sent(connection, mail, "post", bench.clock.now(), "250 ok"))
    bench.clock.forward(LOOK_AGAIN)
    assert await work(_clerk(bench).duty)
    assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "waiting"}


async def test_bytes_that_are_lost(bench: Bench) -> None:
    """Where our own copy of the mail is damaged nothing is passed on, and the operator is told so."""
    await _delivered(bench, DESK)
    (mail,) = await bench.rows(tables.outbox)
    bench.damage(mail.blob_id)
    await _comes_back(bench, DESK)
    assert await work(_clerk(bench).duty)
    assert await _deliveries(bench) == {DESK: "failed"}
    (told,) = await _told(bench)
    assert "not sent to anybody else" in told.replace("=\r\n", "")


async def test_two_workers_at_one_bounce(bench: Bench) -> None:
    """A worker that lost its lease before it was done writes nothing; the other's work stands, once."""
    await _delivered(bench, DESK)
    await _comes_back(bench, DESK)
    slow, files = _clerk(bench), bench.blob_files()
    piece = await slow.duty.claim()
    assert piece is not None
    bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))
    assert await work(_clerk(bench, name="bounce-0/y").duty)
    assert len(bench.blob_files() - files) == 1
    with pytest.raises(Exception, match=r"taken over|not one that was sent"):
        await slow.duty.work(piece)
    assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "waiting"}
    assert len(bench.blob_files() - files) == 1


async def test_hundreds_fail_for_one_reason(bench: Bench) -> None:
    """The first is told at once; hundreds more within the hour make one more mail at its end, which counts them all."""
    await _delivered(bench, DESK)
    await _comes_back(bench, DESK)
    assert await work(_clerk(bench, DESK).duty)
    assert len(await _told(bench)) == 1

    async def fail(count: int) -> None:
        now = bench.clock.now()
        rows = [
            {
                "id": bench.ids.new(),
                "kind": "notice",
                "purpose": f"test/{now}/{number}",
                "event": "failed",
                "envelope_sender": "",
                "recipient": f"person{number}@refused.example.org",
                "message_id": "<1@fax.local>",
                "state": "failed",
                "last_reply": "550 5.7.1 domain refused",
                "created_at": now,
                "ended_at": now,
            }
            for number in range(count)
        ]
        await bench.store.write(lambda connection: connection.execute(tables.outbox.insert(), rows))

    await fail(300)
    bench.clock.forward(INTERVAL / 2)
    assert len(await _told(bench)) == 1
    bench.clock.forward(INTERVAL / 2)
    second = (await _told(bench))[1].replace("=\r\n", "")
    assert "Subject: 300 mails cannot be delivered" in second
    assert "And 280 more" in second
    bench.clock.forward(timedelta(days=3))
    assert len(await _told(bench)) == 2, "each is told once"
    await fail(1)
    assert len(await _told(bench)) == 3
    alarms = await bench.rows(tables.outbox, tables.outbox.c.event == "undeliverable")
    assert {(mail.recipient, mail.kind) for mail in alarms} == {(ADMIN, "admin")}
    assert {mail.told_by for mail in await bench.rows(tables.outbox, tables.outbox.c.state == "failed")} == {
        mail.id for mail in alarms
    }


async def test_a_clock_that_jumped_back_holds_up_no_alarm(bench: Bench) -> None:
    """Where the last alarm seems to lie ahead the next one is not waited for."""
    await _delivered(bench, DESK)
    await _comes_back(bench, DESK)
    assert await work(_clerk(bench).duty)
    assert len(await _told(bench)) == 1
    bench.clock.seconds -= 1_000_000
    await bench.store.write(lambda connection: connection.execute(tables.outbox.update().values(told_by=None)))
    assert await Alarms(bench.desk, MAIL).duty.claim() is not None


async def test_what_the_daemon_died_of_is_told_and_not_passed_on(bench: Bench) -> None:
    """That the mail came back is told to the operator; its fax goes to nobody else."""
    await _delivered(bench, DESK)
    await _comes_back(bench, DESK)
    assert await set_aside(_clerk(bench).duty)
    assert await _deliveries(bench) == {DESK: "failed"}
    (told,) = await _told(bench)
    assert "it came back" in told.replace("=\r\n", "")
    assert await _results(bench) == ["set aside"]
    assert not await work(_clerk(bench).duty)
