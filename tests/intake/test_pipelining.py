"""PIPELINING (RFC 2920): groups of commands in one packet, octet by octet, and everything between; replies in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.intake_stand import MAIL, Dialogue, Site, a_site

GROUP = (
    b"MAIL FROM:<office@example.org>\r\nRCPT TO:<+14155550101@fax.local>\r\nRCPT TO:<nobody@fax.local>\r\n"
    b"RCPT TO:<+14155550102@fax.local>\r\nDATA\r\n"
)
GROUP_CODES = ["250", "250", "550", "250", "354"]


async def at_once(line: Dialogue, said: bytes) -> None:
    """All in one packet."""
    await line.send(said)


async def by_octets(line: Dialogue, said: bytes) -> None:
    """Octet by octet, as packets of their own."""
    for at in range(len(said)):
        await line.send(said[at : at + 1])
        await asyncio.sleep(0)


async def torn_within_line_ends(line: Dialogue, said: bytes) -> None:
    """Cut between every CR and LF."""
    for piece in said.replace(b"\r\n", b"\r\0\n").split(b"\0"):
        await line.send(piece)
        await asyncio.sleep(0.001)


Way = Callable[[Dialogue, bytes], Awaitable[None]]
WAYS = pytest.mark.parametrize("send", [at_once, by_octets, torn_within_line_ends])


async def replies(line: Dialogue, count: int) -> list[str]:
    """The codes of the next replies."""
    return [(await line.reply())[:3] for _ in range(count)]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A legacy listener."""
    async with a_site(tmp_path) as running:
        yield running


@WAYS
async def test_a_group_before_the_message(send: Way, site: Site) -> None:
    """MAIL, RCPT and DATA in one go: each has its reply in order; a recipient refused among them costs only itself."""
    line = await site.greeted()
    await send(line, GROUP)
    assert await replies(line, 5) == GROUP_CODES
    await line.send(MAIL + b".\r\n")
    assert (await line.reply()).startswith("250 2.0.0 ")
    assert [number for _, number in site.kept.faxes()] == ["+14155550101", "+14155550102"]


@WAYS
async def test_the_message_with_its_envelope(send: Way, site: Site) -> None:
    """A client that does not even wait for 354 gets the same replies, and its mail is kept to the byte."""
    line = await site.greeted()
    await send(line, GROUP + MAIL + b".\r\nQUIT\r\n")
    assert await replies(line, 7) == [*GROUP_CODES, "250", "221"]
    assert bodies(site) == [MAIL]


@WAYS
async def test_two_mails_in_one_go(send: Way, site: Site) -> None:
    """Two whole mails, the commands of the second behind the end of the first: two mails, each with its own bytes."""
    line = await site.greeted()
    other = MAIL.replace(b"a test", b"another test") + b"..dot\r\n"
    await send(line, GROUP + MAIL + b".\r\n" + GROUP + other + b".\r\nQUIT\r\n")
    assert await replies(line, 13) == [*GROUP_CODES, "250", *GROUP_CODES, "250", "221"]
    assert bodies(site) == [MAIL, other.replace(b"\r\n..", b"\r\n.")]


@WAYS
async def test_a_whole_session(send: Way, tmp_path: Path) -> None:
    """From EHLO to QUIT before the greeting was read: every command has its reply."""
    async with a_site(tmp_path) as site:
        line = await site.connect()
        await send(line, b"EHLO client.example.org\r\n" + GROUP + MAIL + b".\r\nRSET\r\nNOOP\r\nVRFY x\r\nQUIT\r\n")
        codes = [reply[:3] for reply in await line.rest()]
        assert codes == ["220", "250", *GROUP_CODES, "250", "250", "250", "252", "221"]


async def test_a_group_without_a_recipient(site: Site) -> None:
    """Where all recipients are refused DATA is 503, and a client that waits for 354 sends no message."""
    line = await site.greeted()
    await line.send(b"MAIL FROM:<office@example.org>\r\nRCPT TO:<nobody@fax.local>\r\nDATA\r\nRSET\r\n")
    assert await replies(line, 4) == ["250", "550", "503", "250"]


async def test_an_empty_message_with_its_envelope(site: Site) -> None:
    """The final dot right behind DATA in the same packet is the end of an empty message."""
    line = await site.greeted()
    await line.send(GROUP + b".\r\nNOOP\r\n")
    assert await replies(line, 7) == [*GROUP_CODES, "250", "250"]
    assert bodies(site) == [b""]


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
async def test_the_end_torn_apart(cut: int, site: Site) -> None:
    """The final dot cut at any place, with the next command in the same packet as its last octet."""
    line = await site.greeted()
    await line.send(GROUP)
    assert await replies(line, 5) == GROUP_CODES
    tail = MAIL + b".\r\nNOOP\r\n"
    at = len(MAIL) - 2 + cut
    await line.send(tail[:at])
    await asyncio.sleep(0.02)
    await line.send(tail[at:])
    assert await replies(line, 2) == ["250", "250"]
    assert bodies(site) == [MAIL]


async def test_hundreds_of_commands_in_one_go(site: Site) -> None:
    """More commands than the buffer holds are answered one by one, in order, none twice and none left out."""
    line = await site.greeted()
    said = (b"NOOP\r\nRSET\r\nVRFY somebody\r\nMAIL FROM:<a@example.org>\r\n" + b"RCPT TO:<x@fax.local>\r\n") * 40
    sending = asyncio.create_task(line.send(said + b"NOOP " + b"y" * 40_000 + b"\r\nHELP\r\n"))
    assert await replies(line, 200) == ["250", "250", "252", "250", "550"] * 40
    assert await replies(line, 2) == ["500", "214"]
    await sending


async def test_commands_with_bare_lf(site: Site) -> None:
    """Commands that end with LF alone are obeyed one by one, as old scripts send them."""
    line = await site.greeted()
    await line.send(b"NOOP\nRSET\n\nNOOP\r\n")
    assert await replies(line, 4) == ["250", "250", "500", "250"]


def bodies(site: Site) -> list[bytes]:
    """The bytes of each message, in order."""
    return [site.kept.plain(str(blob)) for (blob,) in site.kept.rows("SELECT blob_id FROM message ORDER BY id")]
