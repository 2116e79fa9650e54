"""The private names of aiosmtpd and asyncio that the server leans on do what it leans on them for."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from bridge.intake.connection import LINE_BUFFER
from bridge.intake.envelopes import FaxEnvelope
from bridge.intake.options import Tls
from bridge.intake.server import FaxServer
from tests.intake.test_tls import trusting, upgraded
from tests.support.intake_stand import LISTENER, MAIL, a_pair, a_site, until

COMMANDS = {"HELO", "EHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP"} | {
    *("AUTH", "STARTTLS", "XCLIENT")
}


@pytest.mark.parametrize(
    "name",
    [
        *("_create_envelope", "_set_rset_state", "_set_post_data_state"),
        *("_reset_timeout", "_timeout_cb", "_handle_client"),
    ],
)
def test_the_name_is_there(name: str) -> None:
    """The base class still has a method of this name."""
    assert callable(getattr(SMTP, name))


async def test_create_envelope_makes_every_envelope(tmp_path: Path) -> None:
    """``_create_envelope``: the base class takes its envelopes from it, at the start and after each reset."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        [session] = site.sessions
        seen = [session.envelope]
        for command in ("RSET", "HELO x.example.org", "EHLO x.example.org"):
            assert (await line.say(command)).startswith("250")
            seen.append(session.envelope)
        assert all(isinstance(each, FaxEnvelope) for each in seen)
        assert len({id(each) for each in seen}) == len(seen)


async def test_set_rset_state_drops_the_envelope_and_keeps_the_hello(tmp_path: Path) -> None:
    """``_set_rset_state``: the mail that was begun is forgotten, and what was said in EHLO is not."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        [session] = site.sessions
        session._set_rset_state()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped
        assert isinstance(session.envelope, FaxEnvelope)
        assert (session.envelope.sender, session.envelope.recipients) == (None, 0)
        assert (await line.say("MAIL FROM:<a@example.org>")).startswith("250 ")


async def test_set_post_data_state_drops_the_envelope(tmp_path: Path) -> None:
    """``_set_post_data_state``: a new envelope, and the hello stays."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        [session] = site.sessions
        session._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped
        assert isinstance(session.envelope, FaxEnvelope)
        assert session.envelope.sender is None
        assert (await line.say("MAIL FROM:<a@example.org>")).startswith("250 ")


async def test_the_timer_is_cancelled_with_the_connection(tmp_path: Path) -> None:
    """``_timeout_handle``: set by ``_reset_timeout`` for ``_timeout_duration``, cancelled when the connection ends."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        [session] = site.sessions
        timer: Any = session._timeout_handle
        assert session._timeout_duration == 300
        assert 290 < timer.when() - asyncio.get_running_loop().time() <= 300
        line.close()
        await site.until_no_sessions()
        last: Any = session._timeout_handle
        assert last.cancelled()


async def test_reset_timeout_is_called_before_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``_reset_timeout``: called by the base class as soon as the connection is there, so that silence ends."""
    calls: list[object] = []
    real = FaxServer._reset_timeout

    def noted(session: FaxServer, duration: float | None = None) -> None:
        calls.append(session)
        real(session, duration)

    monkeypatch.setattr(FaxServer, "_reset_timeout", noted)
    async with a_site(tmp_path) as site:
        line = await site.connect()
        assert (await line.reply()).startswith("220 ")
        assert calls == site.sessions


async def test_timeout_cb_is_what_the_timer_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``_timeout_cb``: called without arguments when the time is over."""
    calls: list[object] = []

    def noted(session: FaxServer) -> None:
        calls.append(session)

    monkeypatch.setattr(FaxServer, "_timeout_cb", noted)
    async with a_site(tmp_path, command_timeout=timedelta(seconds=0.05)) as site:
        await site.greeted()
        await until(lambda: bool(calls))
        assert calls == site.sessions


async def test_handle_client_is_the_task_of_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``_handle_client``: begun once a connection, before a byte was read, as the task that a lost line cancels."""
    begun: list[FaxServer] = []
    ended: list[str] = []

    async def handle(session: FaxServer) -> None:
        begun.append(session)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    monkeypatch.setattr(FaxServer, "_handle_client", handle)
    async with a_site(tmp_path) as site:
        line = await site.connect()
        await line.send(b"NOOP\r\n")
        await asyncio.sleep(0.05)
        assert begun == site.sessions
        transport: Any = begun[0].transport
        transport.abort()
        await until(lambda: ended == ["cancelled"])
        assert site.sessions == []


async def test_smtp_methods_are_the_commands(tmp_path: Path) -> None:
    """``_smtp_methods``: every ``smtp_NAME`` that ``dir`` shows, bound, by NAME; those of the base class among them."""
    async with a_site(tmp_path) as site:
        await site.greeted()
        [session] = site.sessions
        assert set(session._smtp_methods) == COMMANDS
        assert all(method.__self__ is session for method in session._smtp_methods.values())


async def test_the_reader_is_fed_by_data_received(tmp_path: Path) -> None:
    """``_reader``: a StreamReader of our limit; ``data_received`` of the base class feeds it."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        [session] = site.sessions
        assert isinstance(session._reader, asyncio.StreamReader)
        assert session._reader._limit == LINE_BUFFER  # type: ignore[attr-defined]  # a private name of asyncio
        SMTP.data_received(session, b"NOOP\r\n")
        assert (await line.reply()).startswith("250 ")


async def test_the_readers_buffer_holds_what_is_not_read_yet(tmp_path: Path) -> None:
    """``_reader._buffer``: a bytearray; what stands at its head is read before what comes."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        [session] = site.sessions
        buffer: Any = session._reader._buffer  # type: ignore[attr-defined]  # a private name of asyncio
        assert isinstance(buffer, bytearray)
        buffer[:0] = b"NOOP\r\n"
        await line.send(b"QUIT\r\n")
        assert [answer[:3] for answer in await line.rest()] == ["250", "221"]


async def test_maybe_resume_transport_resumes_once_there_is_room() -> None:
    """``_reader._maybe_resume_transport``: a transport paused for a full buffer goes on when that is empty again."""
    calls: list[str] = []

    class Paused(asyncio.Transport):
        def pause_reading(self) -> None:
            calls.append("pause")

        def resume_reading(self) -> None:
            calls.append("resume")

    reader: Any = asyncio.StreamReader(limit=10)
    reader.set_transport(Paused())
    reader.feed_data(b"x" * 30)
    reader._maybe_resume_transport()
    assert calls == ["pause"]
    reader._buffer.clear()
    reader._maybe_resume_transport()
    assert calls == ["pause", "resume"]


async def test_eof_is_known_before_the_buffer_is_read(tmp_path: Path) -> None:
    """``_reader._eof``: true as soon as the client has said all, so that a message without its end does not wait."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        line.writer.write(b"DATA\r\n" + MAIL)
        line.writer.write_eof()
        assert [answer[:9] for answer in await line.rest()] == ["354 end d", "421 4.4.2"]
        await site.until_no_sessions()
        assert site.kept.counts() == (0, 0, 0)


async def test_starttls_puts_its_transport_in_place_of_the_first(tmp_path: Path) -> None:
    """``smtp_STARTTLS`` of the base class takes ``tls_context``; afterwards ``transport`` is the one within TLS."""
    pair = a_pair(tmp_path / "tls")
    async with a_site(tmp_path, listener=replace(LISTENER, tls=Tls.STARTTLS), pair=pair) as site:
        line = await site.greeted()
        [session] = site.sessions
        before = session.transport
        assert not session.encrypted()
        await upgraded(line, trusting(pair.certificate))
        assert (await line.say("EHLO again.example.org")).startswith("250")
        assert session.transport is not before
        assert session._original_transport is before
        assert session.encrypted()


async def test_an_error_in_a_command_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop over commands is ours: what a command raises is 451 in our words, and the next one is obeyed."""

    async def explode(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(FaxServer, "smtp_NOOP", explode)
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await line.say("NOOP")) == "451 4.3.0 trouble on our side; nothing was taken on, try again later"
        assert (await line.say("RSET")).startswith("250 ")
