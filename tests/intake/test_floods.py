"""What a client may cost: connections, lines without end, errors, recipients, and time are all bounded."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.intake import connection, listeners
from bridge.intake.options import Profile
from tests.support.intake_stand import LISTENER, MAIL, a_site, until

SHORT = timedelta(seconds=0.3)


async def test_a_flood_of_connections(tmp_path: Path) -> None:
    """One client gets no more than its share of the sessions; who comes from elsewhere still gets in."""
    async with a_site(tmp_path, sessions=50) as site:
        lines = [await site.connect() for _ in range(40)]
        answers = [(await line.reply())[:10] for line in lines]
        assert answers.count("220 mx.fax") == 25
        assert answers.count("421 4.7.0 ") == 15
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, local_addr=("127.0.0.2", 0))
        assert (await reader.readline()).startswith(b"220 ")
        writer.close()


async def test_a_peer_in_front_may_have_them_all(tmp_path: Path) -> None:
    """A peer that relays for many is one address and many clients: only the limit of all holds for it."""
    listener = replace(LISTENER, front=(ip_network("127.0.0.1/32"),))
    async with a_site(tmp_path, listener=listener, sessions=30) as site:
        lines = [await site.connect() for _ in range(32)]
        answers = [(await line.reply())[:3] for line in lines]
        assert answers.count("220") == 30
        assert answers.count("421") == 2


async def test_connections_that_only_came_and_went(tmp_path: Path) -> None:
    """Hundreds of connections that say nothing and leave take no place for good."""
    async with a_site(tmp_path, sessions=30) as site:
        for _ in range(200):
            line = await site.connect()
            line.close()
        await until(lambda: site.listeners.count == 0)
        assert (await (await site.greeted()).say("NOOP")).startswith("250 ")


async def test_a_line_without_end(tmp_path: Path) -> None:
    """A command line that never ends is cut off with 421 after a million octets, and holds no memory meanwhile."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        try:
            for _ in range(60):
                await line.send(b"x" * 32_000)
        except ConnectionError:
            pass
        assert (await line.reply()).startswith("421 4.7.0 ")
        await site.until_no_sessions()


@pytest.mark.parametrize("size", [2049, 20_000, 300_000])
async def test_a_long_line_is_refused_and_the_session_goes_on(size: int, tmp_path: Path) -> None:
    """A command of more than 2048 octets is 500 5.5.2 once its end has come, and the next one is obeyed."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await line.say(b"NOOP " + b"x" * (size - 5))).startswith("500 5.5.2 ")
        assert (await line.say("NOOP")).startswith("250 ")


async def test_many_errors_end_the_session(tmp_path: Path) -> None:
    """Who does nothing but wrong things is let go with 421 4.7.0: nobody tries numbers by the thousand."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        await line.say("MAIL FROM:<a@example.org>")
        answers = []
        for number in range(connection.ERRORS + 10):
            answers.append(await line.say(f"RCPT TO:<415555{number:02}@fax.local>"))
            if answers[-1].startswith("421"):
                break
            if answers[-1].startswith("550") and len(answers) == connection.ERRORS + 1:
                answers.append(await line.reply())
                break
        assert answers[-1].startswith("421 4.7.0 ")
        assert len(answers) <= connection.ERRORS + 2


async def test_idle_commands_end_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NOOP for ever is not for ever; a mail that was taken on starts the count anew."""
    monkeypatch.setattr(connection, "COMMANDS", 20)
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        for round_ in range(3):
            for _ in range(10):
                assert (await line.say("NOOP")).startswith("250 ")
            await line.envelope(f"+1415555010{round_}@fax.local")
            assert (await line.data()).startswith("250 ")
        for _ in range(21):
            await line.send(b"NOOP\r\n")
        assert [answer[:3] for answer in await line.rest()][-1] == "421"


async def test_thousands_of_recipients(tmp_path: Path) -> None:
    """The recipients over the limit get 452 4.5.3 each, and those before it are faxed."""
    async with a_site(tmp_path, recipients=30) as site:
        line = await site.greeted()
        await line.say("MAIL FROM:<a@example.org>")
        answers = []
        for _ in range(30):
            await line.send(b"".join(b"RCPT TO:<+141555501%02d@fax.local>\r\n" % number for number in range(100)))
            answers += [(await line.reply())[:9] for _ in range(100)]
        assert (answers.count("250 2.1.5"), answers.count("452 4.5.3")) == (30, 2970)
        assert (await line.data()).startswith("250 ")
        assert len(site.kept.faxes()) == 30


async def test_silence_ends_a_session(tmp_path: Path) -> None:
    """A client that says nothing, or trickles a command an octet at a time, is told 421 4.4.2 and let go."""
    async with a_site(tmp_path, command_timeout=SHORT) as site:
        quiet = await site.greeted()
        assert (await quiet.reply()).startswith("421 4.4.2 ")
        slow = await site.greeted()
        answer = asyncio.create_task(slow.reply())
        for octet in b"MAIL FROM:<somebody@example.org>":
            if answer.done():
                break
            slow.writer.write(bytes([octet]))
            await asyncio.sleep(0.05)
        assert (await answer).startswith("421 4.4.2 ")


async def test_a_message_that_trickles_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DATA an octet at a time keeps no session for hours: below the slowest rate it is 421, and nothing is kept."""
    monkeypatch.setattr(connection, "SLOWEST", 1000)
    async with a_site(tmp_path, command_timeout=SHORT) as site:
        line = await (await site.greeted()).envelope()
        await line.say("DATA")
        answer = asyncio.create_task(line.reply())
        while not answer.done():
            line.writer.write(b"x")
            await asyncio.sleep(0.02)
        assert (await answer).startswith("421 4.4.2 ")
        await site.until_no_sessions()
        assert site.kept.counts() == (0, 0, 0)
        assert site.kept.files() == []


async def test_a_slow_but_steady_message_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that takes many time-outs to come is taken as long as enough of it keeps coming."""
    monkeypatch.setattr(connection, "SLOWEST", 100)
    async with a_site(tmp_path, command_timeout=SHORT) as site:
        line = await (await site.greeted()).envelope()
        await line.say("DATA")
        await line.send(MAIL)
        for _ in range(30):
            await line.send(b"x" * 60 + b"\r\n")
            await asyncio.sleep(0.04)
        await line.send(b".\r\n")
        assert (await line.reply()).startswith("250 ")


async def test_a_client_that_never_reads_is_let_go(tmp_path: Path) -> None:
    """Replies nobody reads fill the connection; after the time-out it is closed instead of waited for."""
    async with a_site(tmp_path, command_timeout=SHORT) as site:
        line = await site.connect()
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport can
        try:
            for _ in range(400):
                line.writer.write(b"HELP\r\n" * 2000)
                await asyncio.wait_for(line.writer.drain(), 0.05)
        except (TimeoutError, ConnectionError):
            pass
        await site.until_no_sessions()


async def test_a_session_does_not_last_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its hour a session ends between two commands with 421 4.4.2, whatever it does."""
    monkeypatch.setattr(connection, "SESSION_SECONDS", 0.3)
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        await asyncio.sleep(0.35)
        assert (await line.say("NOOP")).startswith("250 ")
        assert (await line.reply()).startswith("421 4.4.2 ")


async def test_a_copier_that_was_turned_away_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of a legacy listener refused for want of sessions is noted for the operator; of a strict one not."""
    monkeypatch.setattr(listeners, "FEW", 1)
    for profile, noted in ((Profile.LEGACY, 1), (Profile.STRICT, 0)):
        async with a_site(tmp_path / profile, listener=replace(LISTENER, profile=profile), sessions=1) as site:
            await site.greeted()
            assert (await (await site.connect()).reply()).startswith("421 4.7.0 ")
            assert len(site.intake.refusals._clients) == noted
