"""What a sender asks for in the envelope is in the rows: RET, ENVID, NOTIFY, ORCPT (RFC 3461), and UTF-8 (RFC 6531)."""

from pathlib import Path

import pytest

from tests.support.intake_stand import Site, a_site

RECIPIENT = "RCPT TO:<+14155550123@fax.local>"


async def taken(site: Site, *commands: str) -> None:
    """A mail with these MAIL and RCPT commands, all of which are obeyed."""
    line = await site.greeted()
    for command in commands:
        assert (await line.say(command)).startswith("250 "), command
    assert (await line.data()).startswith("250 ")


@pytest.mark.parametrize(
    ("parameters", "row"),
    [
        ("", (None, "")),
        (" RET=FULL", ("FULL", "")),
        (" ret=hdrs ENVID=QQ314159", ("HDRS", "QQ314159")),
        (" ENVID=a+20b+2Bc SIZE=100 BODY=8BITMIME", (None, "a b+c")),
    ],
)
async def test_the_wishes_of_mail(parameters: str, row: tuple[str | None, str], tmp_path: Path) -> None:
    """RET and ENVID stand in the row of the message, decoded."""
    async with a_site(tmp_path) as site:
        await taken(site, f"MAIL FROM:<office@example.org>{parameters}", RECIPIENT)
        assert site.kept.rows("SELECT ret, envelope_id FROM message") == [row]


async def test_the_wishes_of_each_recipient(tmp_path: Path) -> None:
    """NOTIFY and ORCPT stand in the row of each fax; one recipient's wishes are not another's."""
    async with a_site(tmp_path) as site:
        await taken(
            site,
            "MAIL FROM:<office@example.org>",
            "RCPT TO:<+14155550101@fax.local> NOTIFY=NEVER",
            "RCPT TO:<+14155550102@fax.local> ORCPT=rfc822;dr+2Bbrown@example.org notify=delay,FAILURE",
            "RCPT TO:<+14155550103@fax.local>",
            "RCPT TO:<+14155550104@fax.local> NOTIFY=SUCCESS ORCPT=utf-8;b\u00fcro@example.org",
        )
        rows = site.kept.rows("SELECT notify, original_recipient FROM fax ORDER BY number")
        assert [(None if notify is None else set(notify.split(",")), original) for notify, original in rows] == [
            ({"NEVER"}, ""),
            ({"DELAY", "FAILURE"}, "rfc822;dr+brown@example.org"),
            (None, ""),
            ({"SUCCESS"}, "utf-8;b\u00fcro@example.org"),
        ]


async def test_the_wishes_of_one_mail_are_not_the_next_ones(tmp_path: Path) -> None:
    """RSET and the end of a mail forget what was asked for."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await line.say("MAIL FROM:<office@example.org> RET=FULL ENVID=one SMTPUTF8")).startswith("250 ")
        assert (await line.say(f"{RECIPIENT} NOTIFY=NEVER ORCPT=rfc822;a@b")).startswith("250 ")
        assert (await line.say("RSET")).startswith("250 ")
        assert (await line.say("MAIL FROM:<b\u00fcro@example.org>")).startswith("553 5.6.7 ")
        assert (await (await line.envelope()).data()).startswith("250 ")
        assert site.kept.rows("SELECT ret, envelope_id FROM message") == [(None, "")]
        assert site.kept.rows("SELECT notify, original_recipient FROM fax") == [(None, "")]


async def test_a_wish_that_is_refused_leaves_no_trace(tmp_path: Path) -> None:
    """A MAIL or RCPT refused for its parameters begins no mail and adds no recipient."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await line.say("MAIL FROM:<office@example.org> RET=FULL ENVID=a=b")).startswith("501 ")
        assert (await line.say(RECIPIENT)).startswith("503 ")
        assert (await line.say("MAIL FROM:<office@example.org>")).startswith("250 ")
        assert (await line.say(f"{RECIPIENT} NOTIFY=SOON")).startswith("501 ")
        assert (await line.say("DATA")).startswith("503 ")


@pytest.mark.parametrize(
    "sender", ["b\u00fcro@example.org", "office@m\u00fcller.example", "\u5c0f\u660e@\u4f8b\u5b50.example"]
)
async def test_a_sender_beyond_ascii_is_kept(sender: str, tmp_path: Path) -> None:
    """With SMTPUTF8 the address stands in message and fax as it came; without it the mail is refused with 553 5.6.7."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await line.say(f"MAIL FROM:<{sender}>")).startswith("553 5.6.7 ")
        await taken(site, f"MAIL FROM:<{sender}> SMTPUTF8 BODY=8BITMIME", RECIPIENT)
        assert site.kept.rows("SELECT envelope_sender FROM message") == [(sender,)]
        assert site.kept.rows("SELECT sender, notice_to FROM fax") == [(sender, sender)]


@pytest.mark.parametrize(
    "sender", ["bu\u0308ro@example.org", "a\u202eb@example.org", "\uff41@\uff45xample.org", "a\u00a0b@example.org"]
)
async def test_a_sender_nobody_could_write_is_refused(sender: str, tmp_path: Path) -> None:
    """Characters that are not normal, cannot be seen or change the direction of writing are no part of an address."""
    async with a_site(tmp_path) as site:
        assert (await (await site.greeted()).say(f"MAIL FROM:<{sender}> SMTPUTF8")).startswith("501 ")


@pytest.mark.parametrize("line_", [b"MAIL FROM:<b\xfcro@example.org> SMTPUTF8", b"EHLO b\xff", b"NOOP \xc3"])
async def test_what_is_no_utf8_is_refused(line_: bytes, tmp_path: Path) -> None:
    """Octets that are no UTF-8 are 500 5.5.2, and the session goes on."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await line.say(line_)).startswith("500 5.5.2 ")
        assert (await (await line.envelope()).data()).startswith("250 ")
