"""Strict and legacy listeners in real dialogues: the same words, refused by the one and taken by the other."""

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.intake.options import ListenerOptions
from tests.support.intake_stand import FORMAL_MAIL, LISTENER, MAIL, POLICY, Dialogue, Site, a_site

STRICT = ListenerOptions("127.0.0.1", 0)
LEGACY = LISTENER
MENDING = replace(LISTENER, bare_lf=(ip_network("127.0.0.1/32"),))
MENDING_OTHERS = replace(LISTENER, bare_lf=(ip_network("192.0.2.0/24"), ip_network("::/0")))

MESSAGE_ID = b"Message-ID: <1@client.example.org>\r\n"
DATE = b"Date: Mon, 23 Nov 2026 08:15:30 +0000\r\n"
LONG_LINE = FORMAL_MAIL + b"x" * 999 + b"\r\n"

MESSAGES = {
    "no Date": (MESSAGE_ID + MAIL, "550 5.6.0 "),
    "no Message-ID": (DATE + MAIL, "550 5.6.0 "),
    "neither": (MAIL, "550 5.6.0 "),
    "no header": (b"Text.\r\n", "550 5.6.0 "),
    "nothing": (b"", "550 5.6.0 "),
    "a line of 999 octets": (LONG_LINE, "554 5.6.0 "),
    "a line of 100 000 octets": (FORMAL_MAIL + b"x" * 100_000 + b"\r\n", "554 5.6.0 "),
}


@pytest.mark.parametrize(("content", "reply"), MESSAGES.values(), ids=MESSAGES.keys())
async def test_a_message_out_of_form(content: bytes, reply: str, tmp_path: Path) -> None:
    """Strict refuses it after its end, keeps nothing and goes on; legacy keeps it to the byte."""
    async with a_site(tmp_path / "strict", listener=STRICT) as site:
        line = await (await site.greeted()).envelope()
        answer = await line.data(content)
        assert answer.startswith(reply)
        assert "legacy" in answer
        assert site.kept.counts() == (0, 0, 0)
        assert site.kept.files() == []
        assert (await (await line.envelope()).data(FORMAL_MAIL)).startswith("250 ")
    async with a_site(tmp_path / "legacy", listener=LEGACY) as site:
        assert (await (await (await site.greeted()).envelope()).data(content)).startswith("250 ")
        assert the_message(site) == content


async def test_lines_of_998_octets_are_in_form(tmp_path: Path) -> None:
    """The longest line there may be, in the header and at the very end, is taken by strict."""
    content = b"X-Long: " + b"x" * 990 + b"\r\n" + FORMAL_MAIL + b"x" * 998 + b"\r\n"
    async with a_site(tmp_path, listener=STRICT) as site:
        assert (await (await (await site.greeted()).envelope()).data(content)).startswith("250 ")
        assert the_message(site) == content


async def test_a_mail_to_ourselves_need_not_be_in_form(tmp_path: Path) -> None:
    """Strictness is for what is to be faxed; a mail to postmaster is passed on as it came."""
    async with a_site(tmp_path, listener=STRICT) as site:
        line = await (await site.greeted()).envelope("postmaster@fax.local")
        assert (await line.data(b"Subject: help\r\n\r\n" + b"x" * 2000 + b"\r\n")).startswith("250 ")


@pytest.mark.parametrize(
    "hello", ["HELO 192.0.2.1", "EHLO", "HELO", "EHLO copier room", "EHLO (none)", "EHLO -", "HELO b\u00fcro"]
)
async def test_a_greeting_without_a_name(hello: str, tmp_path: Path) -> None:
    """Strict wants a name and says so; legacy takes what the machine has to say, and its mail."""
    async with a_site(tmp_path / "strict", listener=STRICT) as site:
        line = await site.connect()
        await line.reply()
        assert (await line.say(hello)).startswith("501 5.5.4 " if hello.startswith("EHLO") else "501 ")
        assert (await line.say("MAIL FROM:<office@example.org>")).startswith("503 ")
        assert (await line.say("EHLO [192.0.2.1]")).startswith("250")
        assert (await (await line.envelope()).data(FORMAL_MAIL)).startswith("250 ")
    async with a_site(tmp_path / "legacy", listener=LEGACY) as site:
        line = await site.connect()
        await line.reply()
        assert (await line.say(hello)).startswith("250")
        assert (await (await line.envelope()).data()).startswith("250 ")


NEAR = replace(POLICY, networks=(ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8")))
BARE = b"From: copier@example.org\nSubject: scan\n\nOne line.\n..dotted\nlast line"


async def test_bare_lf_of_a_named_network_is_mended(tmp_path: Path) -> None:
    """A machine in ``bare_lf`` may end lines with LF: kept is what it meant, with CR LF; the end is as always."""
    async with a_site(tmp_path, listener=MENDING) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(BARE + b"\r\n")).startswith("250 ")
        assert the_message(site) == BARE.replace(b"\n..", b"\n.").replace(b"\n", b"\r\n") + b"\r\n"
        assert (await line.say("NOOP")).startswith("250 ")


async def test_a_proper_mail_of_a_named_network_is_kept_as_it_is(tmp_path: Path) -> None:
    """Where bare LF is mended a mail without it comes through to the byte, in pieces too."""
    content = FORMAL_MAIL + b"..dot\r\n\r\n" + b"x" * 200_000 + b"\r\n"
    async with a_site(tmp_path, listener=MENDING) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(content)).startswith("250 ")
        assert the_message(site) == content.replace(b"\r\n..", b"\r\n.")


@pytest.mark.parametrize("listener", [STRICT, LEGACY, MENDING_OTHERS], ids=["strict", "legacy", "others named"])
async def test_bare_lf_of_anybody_else_is_521(listener: ListenerOptions, tmp_path: Path) -> None:
    """Who is not named gets 521 5.5.2 and the connection ends, on either profile."""
    async with a_site(tmp_path, listener=listener) as site:
        line = await refused(await (await site.greeted()).envelope(), BARE + b"\r\n.\r\n")
        assert await line.rest() == []
        line.close()
        await site.until_no_sessions()
        assert site.kept.counts() == (0, 0, 0)


@pytest.mark.parametrize("content", [b"a\rb\r\n", b"a\0b\n", b"a\n.\r\n", b"a\r\n.\n", b"\n.\n", b"a\r\r\n"])
async def test_other_odd_line_ends_are_521_for_a_named_network_too(content: bytes, tmp_path: Path) -> None:
    """Bare CR, NUL, and a lone dot between odd line ends are never mended."""
    async with a_site(tmp_path, listener=MENDING) as site:
        line = await refused(await (await site.greeted()).envelope(), content + b"\r\n.\r\n")
        assert await line.rest() == []
        assert site.kept.counts() == (0, 0, 0)


async def test_the_client_behind_a_peer_in_front_is_the_one_that_is_named(tmp_path: Path) -> None:
    """``bare_lf`` means the machine that speaks: behind a peer in front, the one that peer told of."""
    listener = replace(LISTENER, front=(ip_network("127.0.0.1/32"),), bare_lf=(ip_network("10.0.0.0/8"),))
    for address, answer in (("10.1.2.3", "250 "), ("127.0.0.9", "521 ")):
        async with a_site(tmp_path / address, listener=listener, policy=NEAR) as site:
            line = await site.greeted()
            assert (await line.say(f"XCLIENT ADDR={address}")).startswith("220 ")
            assert (await line.say("EHLO copier")).startswith("250")
            assert (await (await line.envelope()).data(BARE + b"\r\n")).startswith(answer)


def the_message(site: Site) -> bytes:
    """The plain bytes of the one message."""
    [(blob_id,)] = site.kept.rows("SELECT blob_id FROM message")
    return site.kept.plain(blob_id)


async def refused(line: Dialogue, content: bytes) -> Dialogue:
    """DATA with these bytes, which must be answered with 521."""
    assert (await line.say("DATA")).startswith("354 ")
    await line.send(content)
    assert (await line.reply()).startswith("521 5.5.2 ")
    return line
