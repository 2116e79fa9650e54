"""A received fax whose mail comes back: from the mailbox's server to the fallback mailbox, through real processes."""

from email.message import EmailMessage
from email.policy import SMTP

from tests.support.processes import ADMIN, FALLBACK, FRONT_DESK, OUR_NUMBER, Daemon, House, page_count, talk_to, until
from tests.unit.test_bounces import NO_USER, postfix, report

ROUTES = [{"name": "desk", "number": OUR_NUMBER, "deliver": [f"mailto:{FRONT_DESK}"]}]


async def _comes_back(daemon: Daemon, address: str, content: bytes) -> None:
    """The mailbox's server hands in a mail with the null sender."""
    async with talk_to(daemon) as talk:
        assert (await talk.say("MAIL FROM:<>")).startswith("250")
        assert (await talk.say(f"RCPT TO:<{address}>")).startswith("250")
        assert (await talk.say("DATA")).startswith("354")
        await talk.send(content + b"\r\n.\r\n")
        assert (await talk.reply()).startswith("250 2.0.0 Ok: ")


async def test_a_bounce_goes_to_the_fallback_once_even_across_a_death(house: House) -> None:
    """Delays and automatic replies change nothing; a bounce, though the daemon dies on it, is passed on once."""
    sandbox, daemon = await house.start(receiving={"routes": ROUTES})
    await sandbox.receive(from_="+12125550177", to=OUR_NUMBER, pages=2, form="json")
    (mail,) = await house.sink.wait(to=FRONT_DESK)
    await house.settled()
    assert house.rows("SELECT state FROM received") == [{"state": "delivered"}]

    await _comes_back(daemon, mail.sender, report(postfix(b"delayed", b"4.4.1", b"x")))
    away = EmailMessage()
    away["Subject"], away["Auto-Submitted"] = "Away", "auto-replied"
    away.set_content("Back on Monday.")
    for _ in range(2):
        await _comes_back(daemon, mail.sender, away.as_bytes(policy=SMTP))
    await house.sink.wait(to=ADMIN)
    await house.settled()
    assert len(house.sink.mails) == 2
    assert {row["state"] for row in house.rows("SELECT state FROM delivery")} == {"delivered"}

    await _comes_back(daemon, mail.sender, report(NO_USER))
    await daemon.kill()
    daemon = await house.start_daemon()
    (copy,) = await house.sink.wait(to=FALLBACK)
    assert copy.content == mail.content
    assert copy.sender != mail.sender
    assert page_count(copy.pdf) == 2
    (alarm,) = await house.sink.wait(event="undeliverable", to=ADMIN)
    assert "5.1.1" in alarm.message.get_content()
    assert mail.sender not in alarm.content.decode()
    await _comes_back(daemon, mail.sender, report(NO_USER))

    async def worked_off() -> bool:
        return not house.rows("SELECT id FROM bounce WHERE due_at NOTNULL")

    await until("every bounce is worked off", worked_off)
    await house.settled()
    (shown,) = await house.run_json("list", "--direction", "in")
    assert [line["event"] for line in shown["history"] if line["event"].startswith("mail_")] == [
        "mail_delivered",
        "mail_report",
        "mail_answered",
        "mail_answered",
        "mail_passed_on",
        "mail_delivered",
    ]
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 4
    states = {row["target"]: row["state"] for row in house.rows("SELECT target, state FROM delivery")}
    assert states == {FRONT_DESK: "passed_on", FALLBACK: "delivered"}
