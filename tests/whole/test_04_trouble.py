"""Calls that break, a carrier that is away, a relay that is away."""

import signal

from tests.support.processes import (
    ADMIN,
    ALSO_DELIVERED,
    DELIVERED,
    SENDER,
    House,
    a_pdf_mail,
    until,
)

UNKNOWN = {
    "+14155550160": "connection dropped, taken",
    "+14155550159": "connection dropped, not taken",
    "+14155550168": "500, taken",
    "+14155550173": "cut-off JSON, taken",
    "+14155550174": "no job id, taken",
    "+14155550172": "HTML, taken",
    "+14155550183": "nothing in it, taken",
}
ALWAYS_429, SOMETIMES_429 = "+14155550171", "+14155550170"


async def test_an_unknown_outcome_is_settled_by_its_hook_or_told_to_both(house: House) -> None:
    """Broken, 500 and unreadable answers to fax-send: what was taken ends delivered by its hook, the rest is asked."""
    sandbox, daemon = await house.start(ifax={"first_poll": "200ms", "uploads": 8, "settle_window": "5s"})
    await daemon.take(a_pdf_mail(*UNKNOWN), *UNKNOWN)
    lost = {number for number, what in UNKNOWN.items() if what.endswith("not taken")}
    await house.sink.wait(2 * len(lost), event="unconfirmed")
    for whom in (SENDER, ADMIN):
        notices = house.sink.those(event="unconfirmed", to=whom)
        assert {str(notice.message["X-Fax-Number"]) for notice in notices} == lost
        assert {notice.status["Action"] for notice in notices} == {"delayed"}
    taken = {fax["faxNumber"] for fax in await sandbox.taken()}
    assert taken == set(UNKNOWN) - lost
    await house.sink.wait(len(taken), event="delivered")

    house.hurry()
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await house.sink.wait(len(taken) + 1, event="delivered")
    await house.settled()
    assert await daemon.stop() == 0
    assert {house.fax(number)["state"] for number in taken} == {"delivered"}
    assert {house.fax(number)["state"] for number in lost} == {"unconfirmed"}
    assert len(await sandbox.asked("fax-send")) == len(UNKNOWN) + 1
    assert len(house.sink.mails) == 2 * len(lost) + len(taken) + 1


async def test_surely_not_taken_is_tried_until_time_is_out_and_then_told(house: House) -> None:
    """429 is tried until no time is left: the sender is told, the admin alarmed; a 429 that passes is no matter."""
    sandbox, daemon = await house.start(retry={"give_up_after": "25s"})
    await daemon.take(a_pdf_mail(ALWAYS_429, SOMETIMES_429), ALWAYS_429, SOMETIMES_429)

    async def told() -> bool:
        waiting = {row["state"] for row in house.rows("SELECT state FROM fax")}
        if waiting & {"ready", "sending"}:  # the carrier answers 429 when it is asked after a fax, too
            house.hurry()
        return {mail.event for mail in house.sink.those(to=SENDER)} == {"failed", "delivered"}

    await until("both have ended", told)
    (failed,) = house.sink.those(event="failed", to=SENDER)
    assert failed.message["X-Fax-Number"] == ALWAYS_429
    (alarm,) = await house.sink.wait(event="alarm", to=ADMIN)
    assert str(alarm.message["Subject"]).startswith("Faxes fail for want of time:")
    await house.settled()
    assert await daemon.stop() == 0
    tries = {
        number: [
            row["result"]
            for row in house.rows(
                "SELECT result FROM attempt JOIN fax ON fax.id = fax_id WHERE number = ? ORDER BY ordinal", number
            )
        ]
        for number in (ALWAYS_429, SOMETIMES_429)
    }
    assert tries == {ALWAYS_429: ["not_taken"] * 2, SOMETIMES_429: ["not_taken", "delivered"]}
    assert not await sandbox.taken(ALWAYS_429)
    assert len(await sandbox.taken(SOMETIMES_429)) == 1
    assert len(house.sink.mails) == 3


async def test_a_carrier_that_is_away_costs_a_try_and_nothing_else(house: House) -> None:
    """A fax that meets a closed port is ready again, and goes out once when the carrier is back."""
    sandbox, daemon = await house.start()
    port = sandbox.url.rpartition(":")[2]
    sandbox.send(signal.SIGTERM)
    assert await sandbox.ended() == 0
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await daemon.event("fax.not_taken", cause="not-reached")
    await house.fax_in(DELIVERED, "ready")
    assert not house.sink.mails

    sandbox = await house.start_sandbox(int(port))
    await sandbox.tell(house.hook_url(daemon))
    house.hurry()
    (notice,) = await house.sink.wait()
    assert (notice.event, notice.recipients) == ("delivered", (SENDER,))
    assert await daemon.stop() == 0
    assert len(await sandbox.taken()) == 1
    assert len(house.sink.mails) == 1


async def test_a_carrier_that_is_down_is_left_alone(house: House) -> None:
    """After five calls in a row that met a closed port no more are made; the faxes wait and go out when it is back."""
    sandbox, daemon = await house.start()
    port = sandbox.url.rpartition(":")[2]
    sandbox.send(signal.SIGTERM)
    assert await sandbox.ended() == 0
    numbers = [f"+141555501{last:02}" for last in range(10, 22)]
    await daemon.take(a_pdf_mail(*numbers), *numbers)
    await daemon.event("carrier.paused")
    ready = (await house.http.get(f"{daemon.admin_url}/health/ready")).json()
    assert "iFax does not answer" in ready["reasons"][0]
    assert "faxbridge_carrier_paused 1.0" in (await house.http.get(f"{daemon.admin_url}/metrics")).text
    calls = len(house.rows("SELECT id FROM attempt"))
    assert 5 <= calls <= 6, "two submitters may have had a call in hand"
    house.hurry()
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await house.fax_in(DELIVERED, "ready")
    assert len(house.rows("SELECT id FROM attempt")) == calls
    assert not house.sink.mails
    assert await daemon.stop() == 0

    sandbox = await house.start_sandbox(int(port))
    house.hurry()
    daemon = await house.start_daemon()
    await sandbox.tell(house.hook_url(daemon))
    await house.sink.wait(13, event="delivered")
    assert len(await sandbox.taken()) == 13


async def test_a_relay_that_refuses_for_now_gets_the_same_bytes_later(house: House) -> None:
    """A notice answered 451 stays owed and comes again unchanged; one answered 550 is shown, and the admin told."""
    _, daemon = await house.start()
    house.sink.answers.append("451 4.3.0 not now")
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await daemon.event("mail.deferred", code=451)
    (owed,) = house.rows("SELECT * FROM outbox")
    assert (owed["state"], owed["tries"], owed["last_reply"]) == ("waiting", 1, "451 4.3.0 not now")
    assert owed["due_at"] > owed["created_at"]
    metrics = (await house.http.get(f"{daemon.admin_url}/metrics")).text
    assert "faxbridge_notices_owed 1.0" in metrics
    assert house.fax(DELIVERED)["state"] == "delivered"

    await daemon.kill()
    house.hurry()
    daemon = await house.start_daemon()
    (notice,) = await house.sink.wait()
    assert [refused.content for refused in house.sink.refused] == [notice.content]

    house.sink.answers.append("550 5.1.1 no such user")
    await daemon.take(a_pdf_mail(ALSO_DELIVERED), ALSO_DELIVERED)
    await daemon.event("mail.failed", code=550)
    (shown,) = [fax for fax in await house.run_json("list") if fax["number"] == ALSO_DELIVERED]
    assert shown["state"] == "delivered"
    assert any("550 5.1.1 no such user" in line["detail"] for line in shown["history"])
    (alarm,) = await house.sink.wait(event="undeliverable")
    assert alarm.recipients == (ADMIN,)
    assert "550 5.1.1 no such user" in alarm.message.get_content()
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 2
