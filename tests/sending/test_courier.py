"""The courier and the relay: at least once, the same bytes, for days; what the relay says is understood."""

import asyncio
import socket
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from bridge.errors import LeaseLost
from bridge.fax.arrivals import Delivery, DeliveryState, Mail, MailKind, Received
from bridge.fax.options import Target
from bridge.fax.states import ReceivedState
from bridge.posting import relay
from bridge.posting.alarms import Alarms
from bridge.posting.courier import Courier
from bridge.posting.options import RelayOptions
from bridge.posting.undeliverable import Undeliverable
from bridge.runtime.worker import LEASE_SECONDS
from bridge.store import StoredBlob, arrivals, outbox, tables
from tests.support.fake_relay import a_relay
from tests.support.store_bench import ADMIN, DIED, SENDER, Bench, set_aside, work
from tests.support.store_carrier import MAIL

OFFICE = "office@example.org"
DESK = "front-desk@example.org"
CONTENT = b"Subject: a notice\r\n\r\n.a line that begins with a dot\r\nlast line\r\n"


def _courier(bench: Bench, port: int, *fallback: str, name: str = "post-0/x") -> Courier:
    undeliverable = Undeliverable(bench.desk, MAIL, tuple(map(Target.mail, fallback or (OFFICE,))))
    return Courier(bench.desk, RelayOptions("127.0.0.1", port, "none", "fax.local"), undeliverable, name)


async def _work_all(bench: Bench, courier: Courier) -> None:
    """Until nothing is due: mails, and what the operator is told of them."""
    while await work(courier.duty) or await work(Alarms(bench.desk, MAIL).duty):
        pass


async def _owed(
    bench: Bench, *, delivery: Delivery | None = None, kind: MailKind = MailKind.NOTICE, fax: str | None = None
) -> str:
    """A mail in the outbox."""
    stored = await bench.store.blobs.put(bench.ids.file_name(), CONTENT)
    row = bench.ids.new()
    mail = Mail(
        id=row,
        kind=kind,
        purpose=f"test/{row}",
        event="delivered",
        envelope_sender="" if delivery is None else f"bounce+{delivery.token}@fax.local",
        recipient=SENDER if delivery is None else delivery.target.address,
        message_id=f"<{row}@fax.local>",
        blob_id=stored.id,
        fax_id=fax,
        received_id=None if delivery is None else delivery.received_id,
        delivery_id=None if delivery is None else delivery.id,
    )
    await bench.store.write(lambda connection: outbox.add(connection, mail, stored, bench.clock.now()))
    return row


async def _routed(bench: Bench, *addresses: str) -> Received:
    """A received fax that was routed to these mailboxes, its mails owed."""
    fax = await bench.moved(await bench.announced(), ReceivedState.FETCHED)
    fax = await bench.moved(fax, ReceivedState.ROUTED)
    made = [
        Delivery(
            bench.ids.new(), fax.id, Target.mail(each), bench.ids.token(), DeliveryState.WAITING, bench.clock.now()
        )
        for each in addresses
    ]
    await bench.store.write(lambda connection: arrivals.add_deliveries(connection, made))
    for each in made:
        await _owed(bench, delivery=each, kind=MailKind.RECEIVED)
    return fax


async def _deliveries(bench: Bench) -> dict[str, str]:
    """By mailbox."""
    return {row.target: row.state for row in await bench.rows(tables.delivery)}


async def _told(bench: Bench) -> list[str]:
    """What the operator is told of mail that cannot be delivered, each mail as it reads."""
    await work(Alarms(bench.desk, MAIL).duty)
    mails = await bench.mail_bytes("undeliverable")
    return [message_from_bytes(mail, policy=default).get_content().replace("\n", " ") for mail in mails]


async def _no_file_left_behind(bench: Bench) -> bool:
    return bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}


async def _state(bench: Bench) -> tuple[str, int]:
    """Of the one mail that is no word to the operator about another."""
    (mail,) = await bench.rows(tables.outbox, tables.outbox.c.event != "undeliverable")
    return mail.state, mail.tries


async def test_taken(bench: Bench) -> None:
    """A mail the relay takes is sent, byte by byte, from the null sender, and never again."""
    await _owed(bench)
    async with a_relay() as made:
        courier = _courier(bench, made.port)
        assert await work(courier.duty)
        assert not await work(courier.duty)
    ((sender, recipient, body),) = made.mails
    assert "<>" in sender
    assert SENDER in recipient
    assert body == CONTENT.replace(b"\r\n.a", b"\r\n..a") + b".\r\n"
    assert await _state(bench) == ("sent", 1)


async def test_a_line_that_breaks_after_the_word(bench: Bench) -> None:
    """Once the relay has said yes the mail is sent, however the connection ends."""
    await _owed(bench)
    async with a_relay(QUIT=None) as made:
        assert await work(_courier(bench, made.port).duty)
    assert await _state(bench) == ("sent", 1)


LATER: list[tuple[str, dict[str, bytes | None]]] = [
    ("421 at the door", {"greeting": b"421 too many"}),
    ("554 at the door", {"greeting": b"554 no service here"}),
    ("550 at HELO", {"EHLO": b"550 who are you", "HELO": b"550 who are you"}),
    ("550 at MAIL", {"MAIL": b"550 5.7.1 not from you"}),
    ("552 at MAIL", {"MAIL": b"552 5.3.4 too big"}),
    ("451 at RCPT", {"RCPT": b"451 4.7.1 greylisted"}),
    ("452 after the dot", {"dot": b"452 4.3.1 full"}),
    ("broken after the dot", {"dot": None}),
    ("broken at DATA", {"DATA": None}),
    ("broken at the door", {"greeting": None}),
    ("no SMTP", {"greeting": b"HTTP/1.1 400 Bad Request"}),
]


@pytest.mark.parametrize(("name", "replies"), LATER, ids=[case[0] for case in LATER])
async def test_later(bench: Bench, name: str, replies: dict[str, bytes | None]) -> None:
    """What may pass is tried again after a pause; a relay that refuses us altogether is the operator's to mend."""
    await _owed(bench)
    async with a_relay(**replies) as made:
        assert await work(_courier(bench, made.port).duty)
    assert await _state(bench) == ("waiting", 1)
    (mail,) = await bench.rows(tables.outbox)
    assert mail.due_at == bench.clock.now() + timedelta(seconds=30)
    assert mail.lease_owner is None
    assert mail.last_reply


NEVER = [
    ("550 at RCPT", {"RCPT": b"550 5.1.1 no such user"}),
    ("554 at DATA", {"DATA": b"554 5.5.1 no"}),
    ("554 after the dot", {"dot": b"554 5.6.0 no"}),
]


@pytest.mark.parametrize(("name", "replies"), NEVER, ids=[case[0] for case in NEVER])
async def test_never(bench: Bench, name: str, replies: dict[str, bytes | None]) -> None:
    """A recipient or a mail that is refused for good is failed, with the relay's words."""
    await _owed(bench)
    async with a_relay(**replies) as made:
        assert await work(_courier(bench, made.port).duty)
    assert await _state(bench) == ("failed", 1)
    (mail,) = await bench.rows(tables.outbox, tables.outbox.c.event != "undeliverable")
    said = next(reply for reply in replies.values() if reply is not None).decode()
    assert said in mail.last_reply
    (told,) = await _told(bench)
    assert said in told
    assert SENDER in told


@pytest.mark.parametrize("kind", list(MailKind))
async def test_the_operator_is_told(bench: Bench, kind: MailKind) -> None:
    """Of any mail that cannot be delivered the admin is told once; of the admin's own there is nobody left to tell."""
    fax = await bench.ready()
    row = await _owed(bench, kind=kind, fax=fax.id if kind is MailKind.NOTICE else None)
    async with a_relay(RCPT=b"550 5.1.1 no such user") as made:
        courier = _courier(bench, made.port)
        assert await work(courier.duty)
        alarms = Alarms(bench.desk, MAIL)
        assert await work(alarms.duty) is (kind is not MailKind.ADMIN)
        told = await bench.rows(tables.outbox, tables.outbox.c.event == "undeliverable")
        expected = [] if kind is MailKind.ADMIN else [(f"undeliverable/{row}", ADMIN, "admin", "", "waiting")]
        assert [
            (mail.purpose, mail.recipient, mail.kind, mail.envelope_sender, mail.state) for mail in told
        ] == expected
        if kind is MailKind.NOTICE:
            assert fax.id in (await _told(bench))[0]
            assert "notice_failed" in [line.event for line in await bench.history(fax)]
        assert await work(courier.duty) is bool(told)
        bench.clock.forward(timedelta(days=1))
        assert not await work(courier.duty)
        assert not await work(alarms.duty), "that the word to the admin is refused too is told to nobody"
    assert {mail.state for mail in await bench.rows(tables.outbox)} == {"failed"}
    assert len(await bench.rows(tables.outbox)) == 1 + len(told)


async def test_given_up_after_days_is_told_as_well(bench: Bench) -> None:
    """A mail that is given up for want of an answer goes the same way as one that was refused."""
    fax = await _routed(bench, DESK)
    async with a_relay(greeting=b"421 later") as made:
        courier = _courier(bench, made.port)
        bench.clock.forward(timedelta(days=5))
        assert await work(courier.duty)
        assert await _deliveries(bench) == {DESK: "waiting"}
        bench.clock.forward(timedelta(hours=2))
        assert await work(courier.duty)
    assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "waiting"}
    assert len(await _told(bench)) == 1
    assert await bench.events() == sorted([("delivered", DESK), ("delivered", OFFICE), ("undeliverable", ADMIN)])
    assert (await bench.received(fax.id)).state is ReceivedState.ROUTED


async def test_passed_on_to_the_fallback(bench: Bench) -> None:
    """A received fax that a mailbox will never take goes to the fallback, the same bytes, as a delivery of its own."""
    fax = await _routed(bench, DESK)
    async with a_relay() as made:
        made.refused[DESK] = b"550 5.1.1 no such user"
        courier = _courier(bench, made.port)
        assert await work(courier.duty)
        assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "waiting"}
        assert (await bench.received(fax.id)).state is ReceivedState.ROUTED
        tokens = {row.target: (row.id, row.token) for row in await bench.rows(tables.delivery)}
        (copy,) = await bench.rows(tables.outbox, tables.outbox.c.recipient == OFFICE)
        (first,) = await bench.rows(tables.outbox, tables.outbox.c.recipient == DESK)
        assert copy.delivery_id == tokens[OFFICE][0]
        assert (copy.kind, copy.event, copy.received_id) == ("received", first.event, fax.id)
        assert copy.envelope_sender == f"bounce+{tokens[OFFICE][1]}@fax.local"
        assert copy.purpose == f"received/{fax.id}/{copy.delivery_id}"
        assert copy.blob_id != first.blob_id
        assert tokens[OFFICE][1] != tokens[DESK][1]
        (told,) = await _told(bench)
        assert fax.id in told
        assert DESK in told
        assert "goes to the fallback" in told
        await _work_all(bench, courier)
    assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "delivered"}
    assert (await bench.received(fax.id)).state is ReceivedState.DELIVERED
    bodies = [body for _, recipient, body in made.mails if OFFICE in recipient]
    assert bodies == [CONTENT.replace(b"\r\n.a", b"\r\n..a") + b".\r\n"]
    assert await _no_file_left_behind(bench)


async def test_passed_on_to_each_fallback_once(bench: Bench) -> None:
    """Every fallback mailbox gets the fax, one named twice once; and once only, however many mailboxes refuse it."""
    fax = await _routed(bench, DESK, "second@example.org")
    async with a_relay() as made:
        made.refused = {DESK: b"550 no", "second@example.org": b"550 no"}
        courier = _courier(bench, made.port, OFFICE, "third@example.org", OFFICE)
        await _work_all(bench, courier)
    assert await _deliveries(bench) == {
        DESK: "passed_on",
        "second@example.org": "passed_on",
        OFFICE: "delivered",
        "third@example.org": "delivered",
    }
    assert sorted(recipient.split("<")[1].split(">")[0] for _, recipient, _ in made.mails) == sorted(
        [
            OFFICE,
            "third@example.org",
            ADMIN,
        ]
    )
    assert (await bench.received(fax.id)).state is ReceivedState.DELIVERED


async def test_passed_on_leaves_no_file_behind(bench: Bench) -> None:
    """Where the fallback has the fax already the copy that was made for it goes again."""
    await _routed(bench, DESK, OFFICE)
    async with a_relay() as made:
        made.refused[DESK] = b"550 no"
        courier = _courier(bench, made.port)
        await _work_all(bench, courier)
    assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "delivered"}
    assert await _no_file_left_behind(bench)


async def test_a_fallback_that_has_failed_already(bench: Bench) -> None:
    """A fax whose fallback has refused it is not passed on to it again, nor called so, in state or in word."""
    fax = await _routed(bench, OFFICE, DESK)
    async with a_relay() as made:
        made.refused = {OFFICE: b"550 no", DESK: b"550 no"}
        courier = _courier(bench, made.port)
        await _work_all(bench, courier)
    assert await _deliveries(bench) == {OFFICE: "failed", DESK: "failed"}
    for told in await _told(bench):
        assert "goes to the fallback" not in told
    assert (await bench.received(fax.id)).state is ReceivedState.ROUTED


@pytest.mark.parametrize("others", [(), ("third@example.org",)], ids=["alone", "one of two"])
async def test_a_fallback_that_refuses(bench: Bench, others: tuple[str, ...]) -> None:
    """What a fallback mailbox itself refuses goes nowhere else: failed, and the admin is told so."""
    fax = await _routed(bench, OFFICE)
    async with a_relay() as made:
        made.refused[OFFICE] = b"550 no"
        courier = _courier(bench, made.port, OFFICE, *others)
        await _work_all(bench, courier)
    assert await _deliveries(bench) == {OFFICE: "failed"}
    assert await bench.events() == sorted([("delivered", OFFICE), ("undeliverable", ADMIN)])
    (told,) = await _told(bench)
    assert "not sent to anybody else" in told
    assert (await bench.received(fax.id)).state is ReceivedState.ROUTED


async def test_the_chain_ends(bench: Bench) -> None:
    """Passed on and refused there too: one delivery each, both told, and no end of mails."""
    fax = await _routed(bench, DESK)
    async with a_relay() as made:
        made.refused = {DESK: b"550 no", OFFICE: b"550 no"}
        courier = _courier(bench, made.port)
        await _work_all(bench, courier)
    assert await _deliveries(bench) == {DESK: "passed_on", OFFICE: "failed"}
    (told,) = await _told(bench)
    assert "goes to the fallback" in told
    assert "not sent to anybody else" in told
    assert await bench.events() == sorted(
        [
            ("delivered", DESK),
            ("delivered", OFFICE),
            ("undeliverable", ADMIN),
        ]
    )
    assert (await bench.received(fax.id)).state is ReceivedState.ROUTED


async def test_two_mailboxes_refuse_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two couriers fail with the same fax at the same moment the fallback gets it once, and both are done."""
    await _routed(bench, DESK, "second@example.org")
    write_files, both, first = bench.store.write_files, asyncio.Barrier(2), [None, None]

    async def together(unit: Any, *files: StoredBlob | None) -> Any:
        """The first write of each waits for the other's; what is begun anew after that goes by itself."""
        if first:
            first.pop()
            async with asyncio.timeout(8):
                await both.wait()
        return await write_files(unit, *files)

    monkeypatch.setattr(bench.store, "write_files", together)
    async with a_relay(RCPT=b"550 no") as made:
        couriers = [_courier(bench, made.port, name=name) for name in ("post-0/x", "post-1/x")]
        assert await asyncio.gather(*(work(courier.duty) for courier in couriers)) == [True, True]
    assert await _deliveries(bench) == {DESK: "passed_on", "second@example.org": "passed_on", OFFICE: "waiting"}
    assert [recipient for _, recipient in await bench.events()].count(OFFICE) == 1
    assert await _no_file_left_behind(bench)


async def test_a_failure_written_too_late(bench: Bench) -> None:
    """A courier that lost its lease before the no came writes nothing: no copy, no word, no file."""
    await _routed(bench, DESK)
    files = bench.blob_files()
    async with a_relay(RCPT=b"550 no") as made:
        courier = _courier(bench, made.port)
        piece = await courier.duty.claim()
        assert piece is not None
        made.happens["RCPT"] = lambda: bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))
        made.happens["QUIT"] = lambda: bench.store.write_now(
            lambda connection: outbox.claim(connection, bench.desk.lease("post-1/y"))
        )
        with pytest.raises(LeaseLost):
            await courier.duty.work(piece)
    assert await _deliveries(bench) == {DESK: "waiting"}
    assert await bench.events() == [("delivered", DESK)]
    assert bench.blob_files() == files


@pytest.mark.parametrize("renewed", [False, True])
async def test_a_courier_that_stood_still(bench: Bench, renewed: bool) -> None:
    """One that cannot know whether its lease still holds hands nothing over: the mail may be another's by now."""
    await _owed(bench)
    async with a_relay() as made:
        courier = _courier(bench, made.port)
        piece = await courier.duty.claim()
        assert piece is not None
        bench.clock.forward(timedelta(seconds=LEASE_SECONDS / 2))
        assert not renewed or await courier.duty.renew(piece)
        made.happens["EHLO"] = lambda: bench.clock.forward(timedelta(seconds=LEASE_SECONDS / 2))
        if renewed:
            await courier.duty.work(piece)
        else:
            with pytest.raises(LeaseLost):
                await courier.duty.work(piece)
    assert len(made.mails) == renewed
    assert await _state(bench) == (("sent", 1) if renewed else ("waiting", 0))


async def test_tried_for_days(bench: Bench) -> None:
    """Pauses grow to an hour; after five days the mail is given up, and not before."""
    await _owed(bench)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        courier = _courier(bench, nobody.getsockname()[1])
        pauses = []
        while True:
            assert await work(courier.duty)
            (mail,) = await bench.rows(tables.outbox, tables.outbox.c.event != "undeliverable")
            if mail.state != "waiting":
                break
            assert not await work(courier.duty)
            pauses.append(mail.due_at - bench.clock.now())
            bench.clock.forward(pauses[-1])
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=1)
    assert mail.state == "failed"
    assert timedelta(days=5) < timedelta(seconds=bench.clock.seconds) < timedelta(days=5, hours=2)


async def test_the_same_bytes_again(bench: Bench) -> None:
    """A repeat is identical to the byte."""
    await _owed(bench)
    async with a_relay(dot=None) as made:
        assert await work(_courier(bench, made.port).duty)
        made.replies.clear()
        bench.clock.forward(timedelta(seconds=30))
        assert await work(_courier(bench, made.port).duty)
    assert len(made.mails) == 2
    assert made.mails[0] == made.mails[1]


async def test_a_courier_that_died(bench: Bench) -> None:
    """A mail whose courier died after the relay's word comes back when its lease ends, and is handed over again."""
    await _owed(bench)
    async with a_relay() as made:
        courier = _courier(bench, made.port)
        assert await courier.duty.claim() is not None
        assert not await work(courier.duty)
        bench.clock.forward(timedelta(seconds=LEASE_SECONDS + 1))
        assert await work(courier.duty)
    assert await _state(bench) == ("sent", 1)


@pytest.mark.parametrize("missing", [False, True], ids=["damaged", "missing"])
async def test_a_damaged_mail(bench: Bench, missing: bool) -> None:
    """A mail whose bytes on disk are damaged or gone is never sent: it fails at once, and the admin is told."""
    row = await _owed(bench)
    (mail,) = await bench.rows(tables.outbox)
    if missing:
        bench.store.blobs.remove(mail.blob_id)
    else:
        bench.damage(mail.blob_id)
    async with a_relay() as made:
        assert await work(_courier(bench, made.port).duty)
        assert made.mails == []
    assert (await _state(bench))[0] == "failed"
    (words,) = await _told(bench)
    (told,) = await bench.rows(tables.outbox, tables.outbox.c.event == "undeliverable")
    assert (told.purpose, told.recipient) == (f"undeliverable/{row}", ADMIN)
    assert "stored file" in words


async def test_what_is_told_of_a_damaged_mail(bench: Bench) -> None:
    """Of a mail that is damaged on our own disk the admin is not told that the relay refused it: it was never asked."""
    await _owed(bench)
    (mail,) = await bench.rows(tables.outbox)
    bench.damage(mail.blob_id)
    async with a_relay() as made:
        assert await work(_courier(bench, made.port).duty)
    (words,) = await _told(bench)
    assert "relay will not" not in words


async def test_a_damaged_received_mail(bench: Bench) -> None:
    """A received fax's mail whose bytes are damaged is passed on to nobody: its delivery failed, the admin is told."""
    fax = await _routed(bench, DESK)
    (mail,) = await bench.rows(tables.outbox)
    bench.damage(mail.blob_id)
    async with a_relay() as made:
        assert await work(_courier(bench, made.port).duty)
        assert made.mails == []
    assert await _deliveries(bench) == {DESK: "failed"}
    (told,) = await _told(bench)
    assert await bench.events() == sorted([("delivered", DESK), ("undeliverable", ADMIN)])
    assert fax.id in told


async def test_a_delivery_arrives_with_its_mail(bench: Bench) -> None:
    """A received fax is delivered when the relay took the mail of its last delivery."""
    fax = await _routed(bench, SENDER, DESK)
    async with a_relay() as made:
        courier = _courier(bench, made.port)
        assert await work(courier.duty)
        assert (await bench.received(fax.id)).state is ReceivedState.ROUTED
        assert await work(courier.duty)
    assert (await bench.received(fax.id)).state is ReceivedState.DELIVERED


@pytest.mark.parametrize("recipient", ["josé@example.org", "x" * 3000 + "@example.org", "a b@example.org", ""])
async def test_hand_over_never_raises(recipient: str) -> None:
    """Whatever the address, handing over gives an answer and no error."""
    async with a_relay() as made:
        done = await relay.hand_over(RelayOptions("127.0.0.1", made.port, "none", "fax.local"), "", recipient, CONTENT)
    assert isinstance(done.reply, str)


async def test_starttls_is_never_left_out() -> None:
    """Where TLS is asked for and the relay offers none nothing is handed over."""
    async with a_relay() as made:
        done = await relay.hand_over(
            RelayOptions("127.0.0.1", made.port, "starttls", "fax.local", "user", "secret"), "", SENDER, CONTENT
        )
    assert (done.taken, done.permanent, made.mails) == (False, False, [])


async def test_what_the_daemon_died_of_is_not_handed_over(bench: Bench) -> None:
    """Its bytes are not looked at again, for nobody; the operator is told of it as of any mail that reaches nobody."""
    await _routed(bench, DESK)
    courier = _courier(bench, 1)
    assert await set_aside(courier.duty)
    assert await _state(bench) == ("failed", 1)
    assert await _deliveries(bench) == {DESK: "failed"}
    assert not await work(courier.duty)
    (told,) = await _told(bench)
    assert DIED in told
