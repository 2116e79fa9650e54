"""SIGTERM with work in hand, and ``kill -9`` where it hurts most."""

import asyncio
import signal

import pytest

from tests.support.processes import (
    ADMIN,
    DELIVERED,
    FALLBACK,
    OUR_NUMBER,
    SENDER,
    Caught,
    House,
    Json,
    a_pdf_mail,
    talk_to,
    until,
)


async def test_sigterm_waits_for_the_call_in_hand(house: House) -> None:
    """Stopped during fax-send the daemon takes the answer and exits 0; after a restart the fax ends delivered."""
    sandbox, daemon = await house.start(ifax={"first_poll": "500ms"})
    await sandbox.plan({"on": "fax-send", "do": {"delay": 2}})
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await daemon.event("fax.submitting")

    async def in_hand() -> bool:
        return [call["how"] for call in await sandbox.asked("fax-send")] == ["in hand"]

    await until("the call is in hand", in_hand)
    assert await daemon.stop() == 0
    assert daemon.events("daemon.stopping", signal="SIGTERM")
    assert daemon.events("daemon.stopped", clean=True)
    row = house.fax(DELIVERED)
    assert row["state"] == "sending"
    (attempt,) = house.rows("SELECT * FROM attempt")
    assert (attempt["result"], attempt["ended_at"]) == ("taken", None)

    daemon = await house.start_daemon()
    (notice,) = await house.sink.wait()
    assert (notice.event, notice.message["X-Fax-Id"]) == ("delivered", row["id"])
    await house.settled()
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 1
    assert len(await sandbox.taken()) == len(await sandbox.asked("fax-send")) == 1


async def test_sigterm_lets_a_mail_in_hand_finish_and_takes_no_other(house: House) -> None:
    """Stopped amid DATA the daemon still answers 250 and keeps that mail; idle and new clients are sent away."""
    sandbox, daemon = await house.start()
    async with talk_to(daemon) as idle, talk_to(daemon) as open_one, talk_to(daemon) as talk:
        assert (await open_one.say(f"MAIL FROM:<{SENDER}>")).startswith("250")
        await talk.begin(DELIVERED)
        content = a_pdf_mail(DELIVERED).as_bytes().replace(b"\n", b"\r\n")
        await talk.send(content[:1000])
        daemon.send(signal.SIGTERM)
        await daemon.event("daemon.stopping")
        assert (await idle.reply()).startswith("421 4.3.2")
        assert (await open_one.reply()).startswith("421 4.3.2")
        assert await idle.closed() == b""

        async def refused() -> bool:
            try:
                _, writer = await asyncio.open_connection(*daemon.smtp)
            except ConnectionRefusedError:
                return True
            writer.close()
            return False

        await until("no new client is let in", refused)
        await talk.send(content[1000:] + b"\r\n.\r\n")
        reply = await talk.reply()
        assert reply.startswith("250 2.0.0 Ok: ")
        assert (await talk.closed()).startswith(b"421 4.3.2")
    assert await daemon.ended() == 0
    assert house.fax(DELIVERED)["message_id"] == reply.removeprefix("250 2.0.0 Ok: ")
    assert not await sandbox.taken() or house.fax(DELIVERED)["state"] in {"sending", "delivered"}

    daemon = await house.start_daemon()
    (notice,) = await house.sink.wait()
    assert notice.event == "delivered"
    assert await daemon.stop() == 0
    assert len(await sandbox.taken()) == 1


async def test_kill_right_after_the_250_loses_nothing_and_doubles_nothing(house: House) -> None:
    """Killed the moment the client has read its 250, the restarted daemon sends that fax once and tells of it once."""
    sandbox, daemon = await house.start()
    async with talk_to(daemon) as talk:
        await talk.begin(DELIVERED)
        await talk.send(a_pdf_mail(DELIVERED).as_bytes().replace(b"\n", b"\r\n") + b"\r\n.\r\n")
        reply = await talk.reply()
        await daemon.kill()
    assert reply.startswith("250 2.0.0 Ok: ")
    assert not await sandbox.asked("fax-send")

    daemon = await house.start_daemon()
    (notice,) = await house.sink.wait()
    row = house.fax(DELIVERED)
    assert row["message_id"] == reply.removeprefix("250 2.0.0 Ok: ")
    assert (notice.event, notice.message["X-Fax-Id"]) == ("delivered", row["id"])
    await house.settled()
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 1
    assert len(await sandbox.taken()) == 1
    assert not list((house.folder / "store" / "blobs" / "tmp").iterdir())


async def test_kill_while_pages_are_made_leaves_nothing_lying_about(house: House) -> None:
    """Killed with the converter at work, the daemon makes the pages anew and clears away what the dead one left."""
    sandbox, daemon = await house.start()
    workspace = house.folder / "store" / "blobs" / "tmp"
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)

    async def at_work() -> bool:
        return any(path.is_dir() for path in workspace.iterdir())

    await until("the converter is at work", at_work)
    await daemon.kill()
    assert any(path.is_dir() for path in workspace.iterdir())
    daemon = await house.start_daemon()
    (notice,) = await house.sink.wait()
    assert notice.event == "delivered"
    assert await daemon.stop() == 0
    assert len(await sandbox.taken()) == 1
    assert not list(workspace.iterdir())


@pytest.mark.parametrize("when", ["before", "after"])
async def test_kill_with_the_call_in_hand_is_unconfirmed_and_never_sent_again(house: House, when: str) -> None:
    """Killed between the attempt's row and the answer, the fax is never sent again by itself.

    If the carrier took it, its hook settles the fax and nobody is asked; else both are asked, once.
    """
    window = "500ms" if when == "before" else "1m"
    sandbox, daemon = await house.start(ifax={"first_poll": "200ms", "settle_window": window})
    await sandbox.plan({"on": "fax-send", "do": {"hang": when}})
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)

    async def silent() -> bool:
        return [call["how"] for call in await sandbox.asked("fax-send")] == ["silent"]

    await until("the call is in hand", silent)
    await daemon.kill()
    taken = len(await sandbox.taken())
    assert taken == (1 if when == "after" else 0)

    daemon = await house.start_daemon()
    for whom in (SENDER, ADMIN) if not taken else ():
        (notice,) = await house.sink.wait(event="unconfirmed", to=whom)
        assert notice.status["Action"] == "delayed"
        assert notice.status["Status"].startswith("4.")
    if taken:
        await house.sink.wait(event="delivered", to=SENDER)
    state = "delivered" if taken else "unconfirmed"
    assert house.fax(DELIVERED)["state"] == state
    (attempt,) = house.rows("SELECT * FROM attempt")
    assert attempt["result"] == ("delivered" if taken else "unknown")
    told = len(house.sink.mails)

    # Another restart, and all that waits made due: it is told no second time, and the carrier is called no second time.
    await house.settled()
    await daemon.kill()
    house.hurry()
    daemon = await house.start_daemon()
    await daemon.take(a_pdf_mail("+14155550104"), "+14155550104")
    await house.sink.wait(taken + 1, event="delivered")
    assert await daemon.stop() == 0
    assert house.fax(DELIVERED)["state"] == state
    assert len(house.sink.mails) == told + 1
    assert len(await sandbox.taken(DELIVERED)) == taken
    assert len(await sandbox.asked("fax-send")) == 2


async def test_a_stop_is_bounded_whatever_hangs(house: House) -> None:
    """A call, a mail and a hook that hang hold a stop up for no longer than configured; then all is told."""
    sandbox, daemon = await house.start(service={"shutdown_timeout": "1s"}, ifax={"settle_window": "500ms"})
    await sandbox.plan({"on": "fax-send", "do": {"hang": "before"}})
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)

    async def silent() -> bool:
        return [call["how"] for call in await sandbox.asked("fax-send")] == ["silent"]

    await until("the call is in hand", silent)
    host, _, port = daemon.http_url.removeprefix("http://").rpartition(":")
    hook_reader, hook_writer = await asyncio.open_connection(host, int(port))
    path = house.hook_url(daemon).removeprefix(daemon.http_url)
    hook_writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
    async with talk_to(daemon) as talk:
        await talk.begin("+14155550102")
        await talk.send(b"Subject: never ended\r\n\r\n")
        async with asyncio.timeout(10):
            assert await daemon.stop() == 0
        assert await talk.closed() == b""
    assert not (await hook_reader.read()).startswith(b"HTTP/1.1 2")
    hook_writer.close()
    assert daemon.events("daemon.stopped", clean=False)
    assert house.fax(DELIVERED)["state"] == "submitting"

    daemon = await house.start_daemon()
    await house.sink.wait(2, event="unconfirmed")
    await house.settled()
    assert await daemon.stop() == 0
    assert house.fax(DELIVERED)["state"] == "unconfirmed"
    assert len(house.sink.mails) == 2
    assert len(await sandbox.asked("fax-send")) == 1


async def test_a_notice_repeated_after_a_death_is_the_same_to_the_byte(house: House) -> None:
    """Killed between the relay's taking a notice and our knowing it, the daemon hands over the same bytes again."""
    _, daemon = await house.start()
    house.sink.before_answer.append(lambda: daemon.send(signal.SIGKILL))
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await house.sink.wait()
    await daemon.ended()
    daemon = await house.start_daemon()
    first, second = await house.sink.wait(2)
    assert first == second
    await house.settled()
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 2


async def test_kills_at_every_step_lose_nothing_and_double_nothing(house: House) -> None:
    """Killed again and again, each time at another step, every fax is taken at most once and every sender told."""
    sandbox, daemon = await house.start(
        ifax={"first_poll": "300ms", "settle_window": "10s"}, receiving={"poll_interval": "1s"}
    )
    steps = ("fax.prepared", "fax.submitting", "fax.taken", "received.fetched", "mail.sent")
    numbers = [f"+14155550{101 + at}" for at in range(2 * len(steps))]
    for at, step in enumerate(steps):
        pair = numbers[2 * at : 2 * at + 2]
        await sandbox.receive(from_="+12125550177", to=OUR_NUMBER, form="json" if at % 2 else "none")
        await daemon.take(a_pdf_mail(*pair), *pair)
        await daemon.event(step)
        await daemon.kill()
        daemon = await house.start_daemon()

    async def all_ended() -> bool:
        out = [row["state"] for row in house.rows("SELECT state FROM fax WHERE settle_at IS NULL")]
        back = [row["state"] for row in house.rows("SELECT state FROM received")]
        return (
            len(out) == len(numbers) and set(out) <= {"delivered", "unconfirmed"} and back == ["delivered"] * len(steps)
        )

    await until("every fax has ended or is unconfirmed", all_ended)
    await house.settled()
    assert await daemon.stop() == 0
    taken = [fax["faxNumber"] for fax in await sandbox.taken()]
    assert len(taken) == len(set(taken))
    for number in numbers:
        row = house.fax(number)
        told = {(mail.event, mail.message["Message-ID"]) for mail in house.sink.those(to=SENDER) if _is_of(mail, row)}
        events = [event for event, _ in told]
        assert row["state"] in events, number
        assert len(events) == len(set(events)), number
    received = house.sink.those(to=FALLBACK)
    assert len({str(mail.message["X-Fax-Id"]) for mail in received}) == len(steps)
    assert len({mail.content for mail in house.sink.mails}) == len({_id_of(mail) for mail in house.sink.mails})


def _is_of(mail: Caught, row: Json) -> bool:
    return bool(mail.message["X-Fax-Id"] == row["id"])


def _id_of(mail: Caught) -> str:
    return str(mail.message["Message-ID"])
