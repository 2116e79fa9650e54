"""The private names of aiosmtpd that the server leans on do what it leans on them for."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from bridge.intake.envelopes import FaxEnvelope
from bridge.intake.server import FaxServer
from tests.support.intake_stand import a_site


@pytest.mark.parametrize(
    "name", ["_create_envelope", "_set_rset_state", "_set_post_data_state", "_reset_timeout", "handle_exception"]
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


async def test_set_rset_state_is_what_rset_and_helo_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``_set_rset_state``: the base class calls it for RSET and HELO, so that what we do in EHLO is the same."""
    calls: list[str] = []
    real = SMTP._set_rset_state

    def noted(self: SMTP) -> None:
        calls.append("reset")
        real(self)  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped

    monkeypatch.setattr(SMTP, "_set_rset_state", noted)
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        before = len(calls)
        await line.say("RSET")
        await line.say("HELO x.example.org")
        await line.say("EHLO x.example.org")
        assert len(calls) == before + 3


async def test_set_post_data_state_drops_the_envelope(tmp_path: Path) -> None:
    """``_set_post_data_state``: a new envelope, and the hello stays."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        [session] = site.sessions
        session._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped
        assert isinstance(session.envelope, FaxEnvelope)
        assert session.envelope.sender is None
        assert (await line.say("MAIL FROM:<a@example.org>")).startswith("250 ")


async def test_reset_timeout_puts_the_end_off(tmp_path: Path) -> None:
    """``_reset_timeout``: cancels the timer in ``_timeout_handle`` and sets one of the whole time-out."""
    async with a_site(tmp_path) as site:
        await site.greeted()
        [session] = site.sessions
        first: Any = session._timeout_handle
        session._reset_timeout()
        second: Any = session._timeout_handle
        assert first.cancelled()
        assert second.when() >= first.when()
        assert second.when() - asyncio.get_running_loop().time() > 299


async def test_what_is_put_before_the_readers_buffer_is_the_next_command(tmp_path: Path) -> None:
    """``_reader`` and its ``_buffer``: a bytearray; what stands at its head is read before what comes."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        [session] = site.sessions
        assert isinstance(session._reader, asyncio.StreamReader)
        buffer: Any = session._reader._buffer  # type: ignore[attr-defined]  # a private name of the standard library
        assert isinstance(buffer, bytearray)
        buffer[:0] = b"NOOP\r\n"
        await line.send(b"QUIT\r\n")
        assert [answer[:3] for answer in await line.rest()] == ["250", "221"]


async def test_handle_exception_is_asked_for_every_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``handle_exception``: an error out of a command comes there, and what it returns is the reply."""

    async def explode(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(FaxServer, "smtp_NOOP", explode)
    async with a_site(tmp_path) as site:
        assert (await (await site.greeted()).say("NOOP")).startswith("451 4.3.0 trouble")
