"""DATA: the bytes that come in are the bytes that are kept, and what is not wholly right is not kept at all."""

import asyncio
import random
import smtplib
from pathlib import Path
from typing import Any

import pytest

from bridge.intake.gate import Gate
from tests.support.intake_stand import MAIL, NUMBER, SENDER, Site, a_site, until

TO = f"{NUMBER}@fax.local"


def the_message(site: Site) -> bytes:
    """The plain bytes of the one message on disk."""
    [(blob_id,)] = site.kept.rows("SELECT blob_id FROM message")
    return site.kept.plain(blob_id)


async def test_smtplib_is_served(tmp_path: Path) -> None:
    """Python's own client sends a mail with dots and gets its bytes kept unchanged."""
    content = "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nend.\r\n"

    def send(port: int) -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", port, timeout=8) as client:
            return client.sendmail(SENDER, [TO, "nobody@fax.local"], content)

    async with a_site(tmp_path) as site:
        refused = await asyncio.to_thread(send, site.port)
        assert {to: code for to, (code, _) in refused.items()} == {"nobody@fax.local": 550}
        assert the_message(site) == content.encode()
        assert site.kept.faxes() == [(TO, NUMBER)]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"", b""),
        (b"\r\n", b"\r\n"),
        (b"..\r\n", b".\r\n"),
        (b"...\r\n", b"..\r\n"),
        (b"..x\r\n..\r\n\r\n..y\r\n", b".x\r\n.\r\n\r\n.y\r\n"),
        (b"a..b\r\n", b"a..b\r\n"),
        (b".x\r\n", b"x\r\n"),
        (bytes(range(1, 10)) + b"\x0b\x0c" + bytes(range(14, 256)) + b"\r\n", None),
    ],
)
async def test_dots_are_unstuffed(sent: bytes, kept: bytes | None, tmp_path: Path) -> None:
    """One leading dot goes from each line that has one, nothing else is touched."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(sent)).startswith("250 ")
        assert the_message(site) == (sent if kept is None else kept)


async def test_dots_are_unstuffed_wherever_the_chunks_fall(tmp_path: Path) -> None:
    """A mail that comes byte by byte, or torn at any place, is the same mail."""
    content = b"Subject: x\r\n\r\n..\r\n..dot\r\n\r\n.\r\nMAIL FROM:<x@y>\r\n".replace(b"\r\n.\r\n", b"\r\n..\r\n")
    expected = content.replace(b"\r\n..", b"\r\n.")
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        for at in range(len(content)):
            await line.send(content[at : at + 1])
            await asyncio.sleep(0)
        for piece in (b".", b"\r", b"\n"):
            await line.send(piece)
            await asyncio.sleep(0)
        assert (await line.reply()).startswith("250 ")
        assert the_message(site) == expected


async def test_a_large_mail_is_kept_to_the_byte(tmp_path: Path) -> None:
    """Many chunks make the same bytes as one, with the right size in the row."""
    chance = random.Random(7)
    lines = [chance.choice([b"", b"..", b"..x", b"x" * chance.randrange(998)]) for _ in range(8_000)]
    content = b"\r\n".join(lines) + b"\r\n"
    expected = b"\r\n".join(text[1:] if text.startswith(b".") else text for text in lines) + b"\r\n"
    async with a_site(tmp_path, max_message_size=20_000_000) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(content)).startswith("250 ")
        assert the_message(site) == expected
        assert site.kept.rows("SELECT size FROM message") == [(len(expected),)]


BAD = {
    "bare LF": b"Subject: x\r\n\r\none\ntwo\r\n",
    "bare LF at the start": b"\nSubject: x\r\n\r\none\r\n",
    "bare CR": b"Subject: x\r\n\r\none\rtwo\r\n",
    "CR CR LF": b"Subject: x\r\n\r\none\r\r\n",
    "NUL": b"Subject: x\r\n\r\no\0ne\r\n",
    "LF dot LF": b"Subject: x\r\n\r\none\n.\nMAIL FROM:<evil@example.org>\r\n",
    "LF dot CR LF": b"Subject: x\r\n\r\none\n.\r\nMAIL FROM:<evil@example.org>\r\n",
    "CR dot CR": b"Subject: x\r\n\r\none\r.\rMAIL FROM:<evil@example.org>\r\n",
    "CR LF dot LF": b"Subject: x\r\n\r\none\r\n.\nMAIL FROM:<evil@example.org>\r\n",
    "CR LF dot CR": b"Subject: x\r\n\r\none\r\n.\rMAIL FROM:<evil@example.org>\r\n",
    "late in a large mail": b"Subject: x\r\n\r\n" + b"y" * 700_000 + b"\nz\r\n",
    "early in a large mail": b"\n" + b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<+14155550199@fax.local>\r\n" * 9_000,
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
async def test_bad_line_ends_are_never_mended(content: bytes, tmp_path: Path) -> None:
    """A bare CR, a bare LF or a NUL in DATA is answered with 521, the connection ends, and nothing is kept."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        line.writer.write(content + b".\r\nNOOP\r\n")
        assert await line.reply() == "521 5.5.2 bare CR, bare LF or NUL in the message; lines end with CR LF"
        assert await line.rest() == []
        line.close()
        await site.until_no_sessions()
        assert site.kept.counts() == (0, 0, 0)
        assert site.kept.files() == []


@pytest.mark.parametrize(("over", "expected"), [(0, "250 2.0.0 "), (1, "552 5.3.4 "), (900_000, "552 5.3.4 ")])
async def test_the_size_limit_holds_for_data(over: int, expected: str, tmp_path: Path) -> None:
    """A message of exactly the limit is taken, one byte more is 552; the session goes on and the rest is no command."""
    limit = 300_000
    text = b"Subject: x\r\n\r\n"
    content = text + b"y" * (limit - len(text) - 2 + over) + b"\r\n"
    async with a_site(tmp_path, max_message_size=limit) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(content)).startswith(expected)
        if over:
            assert site.kept.files() == []
            assert site.kept.counts() == (0, 0, 0)
        assert (await (await line.envelope()).data()).startswith("250 2.0.0 ")


async def test_commands_behind_the_end_of_data_are_not_lost(tmp_path: Path) -> None:
    """Three mails pipelined in one write are three mails, each with its own bytes."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        for number in (1, 2, 3):
            line.writer.write(
                b"MAIL FROM:<office@example.org>\r\nRCPT TO:<+1415555012%d@fax.local>\r\nDATA\r\n" % number
                + b"Subject: %d\r\n\r\nnumber %d\r\n.\r\n" % (number, number)
            )
        line.writer.write(b"QUIT\r\n")
        answers = [answer[:3] for answer in await line.rest()]
        assert answers == ["250", "250", "354", "250"] * 3 + ["221"]
        assert [number for _, number in site.kept.faxes()] == ["+14155550121", "+14155550122", "+14155550123"]
        bodies = [site.kept.plain(str(row[0])) for row in site.kept.rows("SELECT blob_id FROM message ORDER BY id")]
        assert bodies == [b"Subject: %d\r\n\r\nnumber %d\r\n" % (number, number) for number in (1, 2, 3)]


async def test_a_large_pipelined_mail_does_not_eat_the_next(tmp_path: Path) -> None:
    """What stands behind the end of a mail of several chunks waits its turn, whatever its size."""
    async with a_site(tmp_path, max_message_size=5_000_000) as site:
        line = await site.greeted()
        mail = b"MAIL FROM:<office@example.org>\r\nRCPT TO:<+14155550123@fax.local>\r\nDATA\r\n"
        bodies = [b"Subject: big %d\r\n\r\n" % number + (b"z" * 86 + b"\r\n") * 9_000 for number in (1, 2)]
        line.writer.write(b"".join(mail + body + b".\r\n" for body in bodies) + b"QUIT\r\n")
        assert [answer[:3] for answer in await line.rest()] == ["250", "250", "354", "250"] * 2 + ["221"]
        kept = [site.kept.plain(str(row[0])) for row in site.kept.rows("SELECT blob_id FROM message ORDER BY id")]
        assert kept == bodies


async def test_several_mails_in_one_connection(tmp_path: Path) -> None:
    """Each mail of a connection stands alone: sender and recipients of the one before are gone."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await (await line.envelope("+14155550101@fax.local")).data()).startswith("250 ")
        assert (await line.say("DATA")).startswith("503 ")
        assert (await line.say(f"RCPT TO:<{TO}>")).startswith("503 ")
        assert (await (await line.envelope("+14155550102@fax.local", sender="b@example.org")).data()).startswith("250 ")
        assert site.kept.rows("SELECT sender, number FROM fax ORDER BY id") == [
            ("office@example.org", "+14155550101"),
            ("b@example.org", "+14155550102"),
        ]


@pytest.mark.parametrize("reset", ["RSET", "HELO again.example.org", "EHLO again.example.org"])
async def test_a_reset_forgets_the_envelope(reset: str, tmp_path: Path) -> None:
    """RSET and a second hello drop sender and recipients; NOOP does not."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope("+14155550101@fax.local")
        assert (await line.say("NOOP")).startswith("250")
        assert (await line.say("RCPT TO:<+14155550102@fax.local>")).startswith("250")
        assert (await line.say(reset)).startswith("250")
        assert (await line.say("DATA")).startswith("503 ")
        assert (await (await line.envelope("+14155550103@fax.local")).data()).startswith("250 ")
        assert [number for _, number in site.kept.faxes()] == ["+14155550103"]


@pytest.mark.parametrize("said", [b"", b"Subject: cut", b"Subject: cut\r\n\r\ntext\r\n", b"text\r\n.", b"z" * 600_000])
async def test_a_client_that_goes_away_in_data_leaves_nothing(said: bytes, tmp_path: Path) -> None:
    """A mail without its end is no mail: no row, no file, however much of it came."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        await line.send(said)
        line.close()
        await site.until_no_sessions()
        await until(lambda: not site.kept.files())
        assert site.kept.counts() == (0, 0, 0)


async def test_a_client_that_breaks_off_in_data_leaves_nothing(tmp_path: Path) -> None:
    """A reset connection is the same as one that ended."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        await line.send(b"Subject: cut\r\n")
        line.writer.transport.abort()
        await site.until_no_sessions()
        await until(lambda: not site.kept.files())
        assert site.kept.counts() == (0, 0, 0)


async def test_a_client_that_stops_writing_still_gets_its_answer(tmp_path: Path) -> None:
    """A client that pipelines a whole mail and closes its side for writing is answered: unanswered, it sends again."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        line.writer.write(
            b"MAIL FROM:<office@example.org>\r\nRCPT TO:<+14155550123@fax.local>\r\nDATA\r\n" + MAIL + b".\r\nQUIT\r\n"
        )
        line.writer.write_eof()
        assert [answer[:3] for answer in await line.rest()] == ["250", "250", "354", "250", "221"]
        assert site.kept.counts() == (1, 1, 1)


async def test_a_client_that_has_stopped_writing_before_we_came_to_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the end of what it says is here before its DATA is looked at, what stands behind the mail still counts."""
    real = Gate.admit

    async def slowly(*args: Any, **more: Any) -> Any:
        await asyncio.sleep(0.1)
        return await real(*args, **more)

    monkeypatch.setattr(Gate, "admit", slowly)
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        line.writer.write(
            b"MAIL FROM:<office@example.org>\r\nRCPT TO:<+14155550123@fax.local>\r\nDATA\r\n" + MAIL + b".\r\nQUIT\r\n"
        )
        line.writer.write_eof()
        assert [answer[:3] for answer in await line.rest()] == ["250", "250", "354", "250", "221"]
        assert site.kept.counts() == (1, 1, 1)
