"""Sessions: how many there may be, and how they end when the daemon does."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.intake.acceptance import Acceptor
from tests.support.intake_stand import MAIL, PATIENCE, a_site, until


async def test_more_sessions_than_allowed_are_told_to_wait(tmp_path: Path) -> None:
    """The session over the limit gets 421 4.7.0 and is closed; when one has gone there is room again."""
    async with a_site(tmp_path, sessions=2) as site:
        first, _second = await site.greeted(), await site.greeted()
        third = await site.connect()
        assert [answer[:10] for answer in await third.rest()] == ["421 4.7.0 "]
        assert (await first.say("QUIT")).startswith("221")
        await until(lambda: len(site.sessions) == 1)
        assert (await (await (await site.greeted()).envelope()).data()).startswith("250 ")


async def test_a_refused_session_does_not_count(tmp_path: Path) -> None:
    """Many refused connections take no place from the one that is served."""
    async with a_site(tmp_path, sessions=1) as site:
        line = await site.greeted()
        for _ in range(5):
            refused = await site.connect()
            await refused.send(b"EHLO pushy.example.org\r\n")
            assert (await refused.reply()).startswith("421 4.7.0 ")
        assert len(site.sessions) == 1
        assert (await (await line.envelope()).data()).startswith("250 ")


async def test_sessions_share_nothing(tmp_path: Path) -> None:
    """Two sessions in DATA at once keep their envelopes and their bytes apart."""
    async with a_site(tmp_path) as site:
        one = await (await site.greeted()).envelope("+14155550101@fax.local")
        two = await (await site.greeted()).envelope("+14155550102@fax.local")
        assert (await one.say("DATA")).startswith("354 ")
        assert (await two.say("DATA")).startswith("354 ")
        await one.send(b"Subject: one\r\n")
        await two.send(b"Subject: two\r\n.\r\n")
        assert (await two.reply()).startswith("250 ")
        await one.send(b".\r\n")
        assert (await one.reply()).startswith("250 ")
        rows = site.kept.rows("SELECT number, blob_id FROM fax JOIN message ON message.id = message_id ORDER BY number")
        assert [(number, site.kept.plain(blob)) for number, blob in rows] == [
            ("+14155550101", b"Subject: one\r\n"),
            ("+14155550102", b"Subject: two\r\n"),
        ]


@pytest.mark.parametrize(
    "commands", [[], ["MAIL FROM:<a@example.org>"], ["MAIL FROM:<a@example.org>", "RCPT TO:<+14155550123@fax.local>"]]
)
async def test_a_session_between_mails_is_told_of_the_stop(commands: list[str], tmp_path: Path) -> None:
    """At the stop a session that is not in DATA gets 421 4.3.2 and ends, and so does the server."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        for command in commands:
            assert (await line.say(command)).startswith("250 ")
        site.stop.set()
        assert [answer[:10] for answer in await line.rest()] == ["421 4.3.2 "]
        async with asyncio.timeout(PATIENCE):
            await site.running


async def test_a_session_in_data_finishes_before_the_stop(tmp_path: Path) -> None:
    """At the stop a mail in hand is taken to its 250, then comes 421, and only then the server ends."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        await line.send(b"Subject: slow\r\n")
        site.stop.set()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.shield(site.running)
        await line.send(b"\r\ntext\r\n.\r\nMAIL FROM:<next@example.org>\r\n")
        assert (await line.reply()).startswith("250 2.0.0 ")
        assert (await line.reply()).startswith("421 4.3.2 ")
        assert await line.reply() == ""
        async with asyncio.timeout(PATIENCE):
            await site.running
        assert site.kept.counts() == (1, 1, 1)


async def test_a_mail_being_written_down_is_answered_before_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop between the final dot and the commit does not cost the client its 250."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    real = Acceptor.accept

    async def slow(*arguments: object) -> str:
        reached.set()
        await go_on.wait()
        return await real(*arguments)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(Acceptor, "accept", slow)
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        answer = asyncio.create_task(line.data())
        await reached.wait()
        site.stop.set()
        await until(lambda: site.sessions[0].closing)
        go_on.set()
        assert (await answer).startswith("250 2.0.0 ")
        assert (await line.reply()).startswith("421 4.3.2 ")


async def test_after_the_stop_no_connection_is_taken(tmp_path: Path) -> None:
    """While a mail is being finished after the stop, new connections are refused."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        site.stop.set()
        await until(lambda: site.sessions[0].closing)
        with pytest.raises(ConnectionRefusedError):
            await site.connect()
        await line.send(MAIL + b".\r\n")
        assert (await line.reply()).startswith("250 ")


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_that_comes_with_the_stop_ends_with_the_server(turns: int, tmp_path: Path) -> None:
    """However late before the stop a client came in: when the server has ended, so has the session."""
    async with a_site(tmp_path) as site:
        with socket.create_connection(("127.0.0.1", site.port)) as client:
            client.setblocking(False)
            for _ in range(turns):
                await asyncio.sleep(0)
            site.stop.set()
            async with asyncio.timeout(PATIENCE):
                await asyncio.shield(site.running)
            left_open = site.sessions
            for session in left_open:  # so that this test leaves nothing behind, whatever it finds
                session.finish_soon()
            await until(lambda: not site.sessions)
            assert not left_open
            with suppress(ConnectionResetError):
                async with asyncio.timeout(2):
                    while said := await asyncio.get_running_loop().sock_recv(client, 1000):
                        assert said[:4] in {b"220 ", b"421 "}
