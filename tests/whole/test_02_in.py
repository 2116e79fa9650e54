"""Fax in, mail out: by hook in both forms, by the list alone, and what must not become mail."""

import re

from tests.support.processes import (
    ADMIN,
    FALLBACK,
    FRONT_DESK,
    OUR_NUMBER,
    OUR_OTHER_NUMBER,
    Daemon,
    House,
    Json,
    page_count,
    talk_to,
    until,
)

CALLER, OTHER_CALLER = "+12125550177", "+13105550188"
ARCHIVE, NIGHT_DESK = "archive@example.org", "night@example.org"
ROUTES = [
    {"name": "night", "number": OUR_OTHER_NUMBER, "caller": "+1212*", "deliver": [f"mailto:{NIGHT_DESK}"]},
    {"name": "front desk", "number": OUR_NUMBER, "deliver": [f"mailto:{FRONT_DESK}", f"mailto:{ARCHIVE}"]},
]


async def test_hooks_in_both_forms_bring_the_pdf_to_the_mailbox_the_route_names(house: House) -> None:
    """A hook, with or without a file, brings one mail to each mailbox of the first fitting route, else the fallback."""
    sandbox, daemon = await house.start(receiving={"routes": ROUTES})
    desk = await sandbox.receive(from_=CALLER, to=OUR_NUMBER, pages=2, form="json")
    night = await sandbox.receive(from_=CALLER, to=OUR_OTHER_NUMBER, pages=1, form="multipart")
    unknown = await sandbox.receive(from_=OTHER_CALLER, to=OUR_OTHER_NUMBER, pages=3, form="json", tiff=True)
    mails = await house.sink.wait(4)
    expected: dict[str, tuple[Json, str, str, int]] = {
        FRONT_DESK: (desk, CALLER, OUR_NUMBER, 2),
        ARCHIVE: (desk, CALLER, OUR_NUMBER, 2),
        NIGHT_DESK: (night, CALLER, OUR_OTHER_NUMBER, 1),
        FALLBACK: (unknown, OTHER_CALLER, OUR_OTHER_NUMBER, 3),
    }
    assert sorted(mail.recipients for mail in mails) == sorted((mailbox,) for mailbox in expected)
    for mailbox, (fax, caller, called, pages) in expected.items():
        (mail,) = house.sink.those(to=mailbox)
        head = mail.message
        (row,) = house.rows("SELECT * FROM received WHERE carrier_job_id = ?", str(fax["jobId"]))
        assert (mail.event, head["X-Fax-Id"], head["Auto-Submitted"]) == ("received", row["id"], "auto-generated")
        assert (head["X-Fax-Number"], head["X-Fax-To"]) == (caller, called)
        assert head["To"] == mailbox
        assert page_count(mail.pdf) == pages
        assert re.fullmatch(r"bounce\+[0-9a-z]{20,}@fax\.local", mail.sender)
    assert len({mail.sender for mail in mails}) == 4
    assert len({str(mail.message["Message-ID"]) for mail in mails}) == 4

    (with_file,) = house.rows("SELECT * FROM received WHERE carrier_job_id = ?", str(night["jobId"]))
    assert with_file["hook_blob_id"]
    (evidence,) = house.rows("SELECT * FROM evidence WHERE kind = 'hook' AND blob_id IS NOT NULL")
    assert evidence["received_id"] == with_file["id"]

    # An answer to such an address goes to the operator, and is never faxed; a token of nobody's is refused.
    async with talk_to(daemon) as talk:
        assert (await talk.say("MAIL FROM:<>")).startswith("250")
        assert (await talk.say("RCPT TO:<bounce+0123456789abcdefghjkmnpqrs@fax.local>")).startswith("550 5.1.1")
        assert (await talk.say(f"RCPT TO:<{house.sink.those(to=FRONT_DESK)[0].sender}>")).startswith("250")
        assert (await talk.say("DATA")).startswith("354")
        await talk.send(b"Subject: Away\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday\r\n.\r\n")
        assert (await talk.reply()).startswith("250 2.0.0 Ok: ")
    (answer,) = await house.sink.wait(to=ADMIN)
    assert answer.sender == ""
    assert b"Back on Monday" in answer.content
    await house.settled()
    assert await daemon.stop() == 0
    assert {row["state"] for row in house.rows("SELECT state FROM received")} == {"delivered"}
    assert len(house.sink.mails) == 5


async def test_polling_alone_finds_every_fax_over_several_pages_once(house: House) -> None:
    """Eleven faxes that no hook announced, on three pages of the list, each arrive as one mail."""
    sandbox, daemon = await house.start(receiving={"poll_interval": "700ms"})
    await sandbox.plan(page_size=5)
    jobs = {str((await sandbox.receive(from_=CALLER, to=OUR_NUMBER, form="none"))["jobId"]) for _ in range(11)}
    mails = await house.sink.wait(11, to=FALLBACK)
    (first, *_) = daemon.events("poll.done")
    assert (first["new"], first["backlog"]) == (0, 0)
    assert {row["carrier_job_id"] for row in house.rows("SELECT carrier_job_id FROM received")} == jobs
    assert len({str(mail.message["X-Fax-Id"]) for mail in mails}) == 11
    assert not await sandbox.hooks()

    seen = len(daemon.events("poll.done"))

    async def polled_again() -> bool:
        return len(daemon.events("poll.done")) > seen + 1

    await until("two more polls", polled_again)
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 11
    assert {fax["downloads"] for fax in await sandbox.get("received")} == {1}


async def test_a_backlog_waits_for_the_operator_who_is_told_once(house: House) -> None:
    """What the first look finds is quarantined, told to the admin once, and let go by ``backlog --release``."""
    sandbox = await house.start_sandbox()
    for _ in range(2):
        await sandbox.receive(from_=CALLER, to=OUR_NUMBER, form="none")
    house.configure(receiving={"poll_interval": "500ms"})
    daemon = await house.start_daemon()
    (told,) = await house.sink.wait()
    assert told.recipients == (ADMIN,)
    assert told.message["Subject"] == "2 older received faxes found in the iFax account"
    assert "faxbridge backlog --release" in told.text
    assert (await daemon.event("poll.done"))["backlog"] == 2
    await sandbox.receive(from_=OTHER_CALLER, to=OUR_NUMBER, form="none")
    (fresh,) = await house.sink.wait(to=FALLBACK)
    assert fresh.message["X-Fax-Number"] == OTHER_CALLER
    assert await daemon.stop() == 0

    daemon = await house.start_daemon()
    await daemon.event("poll.done")
    rows = house.rows("SELECT state FROM received ORDER BY id")
    assert sorted(row["state"] for row in rows) == ["delivered", "quarantined", "quarantined"]
    ran = await house.run("backlog", "--release")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.strip() == "2 received faxes released"
    await house.sink.wait(3, to=FALLBACK)
    await house.settled()
    assert await daemon.stop() == 0
    assert {row["state"] for row in house.rows("SELECT state FROM received")} == {"delivered"}
    assert len(house.sink.those(to=ADMIN)) == 1
    assert len(house.sink.mails) == 4


async def test_an_invented_event_is_quarantined_without_a_mail(house: House) -> None:
    """A hook about a fax the carrier knows nothing of is kept, shown as quarantined, and mails nobody."""
    sandbox, daemon = await house.start()
    await sandbox.post("announce", {"form": "json"})
    await sandbox.post("announce", {"form": "multipart", "fields": {"jobId": "990000777"}})
    await sandbox.post("announce", {"direction": "outbound"})
    await sandbox.post("announce", {"fields": {"jobId": "../../etc/passwd", "transactionId": "';DROP-TABLE-fax;--"}})
    await sandbox.post("announce", {"fields": {"jobId": None, "transactionId": None}})

    async def quarantined() -> bool:
        return len(daemon.events("received.quarantined")) == 3

    await until("three are set aside", quarantined)
    shown = await house.run_json("list", "--direction", "in")
    states = {row["carrier_job_id"]: row["state"] for row in shown}
    assert states["990000777"] == "quarantined"
    assert set(states.values()) == {"quarantined"}
    assert len(states) == 3
    assert {answer for hook in await sandbox.hooks() for answer in hook["answers"]} == {200}
    assert not house.rows("SELECT id FROM outbox")
    assert await daemon.stop() == 0
    assert not house.sink.mails


async def test_a_repeated_hook_gives_one_mail_even_across_a_restart(house: House) -> None:
    """The same received hook three times at once, and once more after a restart, gives one mail."""
    sandbox, daemon = await house.start()
    fax = await sandbox.receive(from_=CALLER, to=OUR_NUMBER, hooks=3, form="multipart")
    await house.sink.wait(to=FALLBACK)
    await _hooked(daemon, 3)
    await house.settled()
    assert await daemon.stop() == 0
    daemon = await house.start_daemon()
    again = {key: fax[key] for key in ("jobId", "transactionId", "fromNumber", "toNumber")}
    await sandbox.post("announce", {"form": "multipart", "fields": again})
    await _hooked(daemon, 1)
    await daemon.event("poll.done")
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 1
    (row,) = house.rows("SELECT * FROM received")
    assert row["state"] == "delivered"
    assert len(house.rows("SELECT id FROM evidence WHERE kind = 'hook'")) == 4
    (seen,) = await sandbox.get("received")
    assert seen["downloads"] == 1


async def test_a_file_that_is_not_there_yet_is_asked_for_again_and_one_that_is_gone_goes_to_the_fallback(
    house: House,
) -> None:
    """Empty, 500 and garbage downloads are tried again until there is a PDF; a lost file is told to the fallback."""
    # What only a hook has spoken of and cannot be found is set aside, until the list shows that it is real.
    sandbox, daemon = await house.start(receiving={"routes": ROUTES, "poll_interval": "1s"})
    late, gone = "+12125550178", "+12125550179"
    await sandbox.plan(
        {"on": "fax-download", "number": late, "do": {"data": "empty"}},
        {"on": "fax-download", "number": late, "do": {"http": 500}},
        {"on": "fax-download", "number": late, "do": {"data": "garbage"}},
        {"on": "fax-download", "number": late, "do": {"data": "data-uri"}},
        {"on": "fax-download", "number": gone, "times": 100, "do": {"data": "gone"}},
    )
    await sandbox.receive(from_=gone, to=OUR_NUMBER, pages=1, form="multipart")
    await sandbox.receive(from_=late, to=OUR_NUMBER, pages=2, form="json")
    (lost,) = await house.sink.wait(event="received-lost")
    assert lost.recipients == (FALLBACK,)
    assert lost.message["X-Fax-Number"] == gone
    assert page_count(lost.pdf) == 1

    async def hurried() -> bool:
        house.hurry()
        return bool(house.sink.those(event="received", to=FRONT_DESK))

    await until("the late one comes", hurried)
    (mail,) = house.sink.those(event="received", to=FRONT_DESK)
    assert page_count(mail.pdf) == 2
    await house.settled()
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 3
    states = {row["caller"]: row["state"] for row in house.rows("SELECT caller, state FROM received")}
    assert states == {late: "delivered", gone: "lost"}


async def _hooked(daemon: Daemon, times: int) -> None:
    async def probe() -> bool:
        return len(daemon.events("hook.received")) >= times

    await until(f"{times} hooks", probe)
