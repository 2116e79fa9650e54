"""What an attacker found, one test each: it stays mended."""

import asyncio
import errno
import io
import os
import socket
import threading
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Unavailable
from bridge.intake import connection
from bridge.intake.acceptance import Acceptor
from bridge.intake.data import DataStream
from bridge.intake.dots import DotDecoder
from bridge.intake.envelopes import BadSyntax
from bridge.intake.loops import check_header
from bridge.intake.parameters import read_recipient_wishes
from bridge.intake.sink import Sink
from bridge.intake.standing import household, of_peer
from bridge.mail.headers import HEADER_LIMIT, read_headers
from bridge.runtime.events import Events, Unbreakable
from bridge.store.blobs import Blobs
from bridge.store.folder import Folder
from bridge.store.writing import INLINE_LIMIT, BlobWriter
from tests.support.intake_stand import MAIL, POLICY, a_site, until

LARGE = MAIL + b"One more line of text.\r\n" * 4_000
INJECTED = b"RSET\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<+14155550199@fax.local>\r\nDATA\r\n"


async def test_a_client_that_never_reads_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replies nobody reads keep no session: some time after the time-out it is gone, whatever is still unsent."""
    monkeypatch.setattr(connection, "CLOSE_SECONDS", 0.5)
    async with a_site(tmp_path, command_timeout=timedelta(seconds=0.5)) as site:
        site.listeners._sockets[0][1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)  # as on a real network
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", site.port))
        try:
            async with asyncio.timeout(1):
                await loop.sock_sendall(client, b"EHLO client.example.org\r\n" * 4_900)
        except TimeoutError:
            pass
        try:
            await until(lambda: bool(site.sessions))
            await until(lambda: not site.sessions, 4)
        finally:
            client.close()


async def test_own_trouble_within_data_makes_no_commands_of_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that turns read-only under way (write fails, and unlink too): one 45x after the end, nothing obeyed."""

    def put(*_: object) -> None:
        raise Unavailable("the disk")

    def unlink(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    async with a_site(tmp_path, max_message_size=5_000_000) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        block = MAIL + (b"x" * 98 + b"\r\n") * 3000
        await line.send(block)  # more than a block: the file is there
        await until(lambda: bool(site.kept.files()))
        with monkeypatch.context() as patch:
            patch.setattr(BlobWriter, "_put", put)
            patch.setattr(Path, "unlink", unlink)
            await line.send(block)
            await asyncio.sleep(0.1)
        await line.send(INJECTED + MAIL + b".\r\nQUIT\r\n")
        codes = [reply[:3] for reply in await line.rest()]
        assert codes in (["451", "221"], ["452", "221"], ["421"])
        assert site.kept.faxes() == []


async def test_a_session_cut_off_while_its_file_is_named_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is gone while the last sync runs: no row comes, so no file may stay."""
    reached, go_on = threading.Event(), threading.Event()
    real = BlobWriter._commit

    def slow(self: BlobWriter) -> Any:
        reached.set()
        go_on.wait(5)
        return real(self)

    monkeypatch.setattr(BlobWriter, "_commit", slow)
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        await line.send(LARGE + b".\r\n")
        await asyncio.to_thread(reached.wait, 5)
        session: Any = site.sessions[0]
        session.transport.abort()  # a reset by the peer
        await asyncio.sleep(0.05)
        go_on.set()
        await until(lambda: not site.sessions)
        await asyncio.sleep(0.3)
        assert len(site.kept.files()) == site.kept.counts()[0]


async def test_an_endless_message_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message far over the limit that keeps coming holds its session no longer than any other may last."""
    monkeypatch.setattr(connection, "SESSION_SECONDS", 0.5)
    async with a_site(tmp_path, max_message_size=10_000) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        answer = asyncio.create_task(line.reply())
        sent = 0
        for _ in range(300):
            if answer.done():
                break
            line.writer.write(b"x" * 98_000 + b"\r\n")
            await line.writer.drain()
            sent += 98_002
            await asyncio.sleep(0.01)
        assert answer.done()


async def test_commands_behind_a_message_are_not_piled_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a session is busy, what its client goes on sending waits on the line, not in our memory."""
    hold = asyncio.Event()
    real = Folder.in_thread

    async def slow(self: Folder, work: Any) -> Any:
        await asyncio.wait_for(hold.wait(), 5)
        return await real(self, work)

    async def accept(*_: object) -> str:
        await asyncio.sleep(2)
        return "X"

    async with a_site(tmp_path, max_message_size=50_000_000) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        await line.send(MAIL + b"x" * 76 + b"\r\n")
        session: Any = site.sessions[0]
        with monkeypatch.context() as patch:
            patch.setattr(Folder, "in_thread", slow)
            patch.setattr(Acceptor, "accept", accept)
            for _ in range(60):  # over the mark at which a sync is due, while that waits
                await line.send((b"x" * 98 + b"\r\n") * 700)
                await asyncio.sleep(0.005)
            line.writer.write(b"x" * 14_000 + b"\r\n.\r\n" + b"NOOP\r\n" * 7_500)
            await asyncio.sleep(0.2)
            hold.set()
            flood = asyncio.create_task(line.send(b"NOOP\r\n" * 5_000_000))
            most = 0
            for _ in range(100):
                await asyncio.sleep(0.01)
                most = max(most, len(session._reader._buffer))
            flood.cancel()
            line.writer.transport.abort()
            assert most < 1_000_000


async def test_a_log_that_fails_costs_no_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are committed; if the log cannot be written then (its disk is full), the mail's file must stay."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        with monkeypatch.context() as patch:
            patch.setattr(Events, "fax_accepted", fail)
            await line.data(LARGE)
        again = await (await line.envelope()).data(LARGE)
        assert again.startswith("250 ")
        [(blob,)] = site.kept.rows("SELECT blob_id FROM message")
        assert site.kept.plain(blob) == LARGE


async def test_a_browser_is_no_mail_client(tmp_path: Path) -> None:
    """An HTTP request whose body holds SMTP commands (a web page can have a browser send it) is never obeyed."""
    async with a_site(tmp_path) as site:
        line = await site.connect()
        body = b"EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<+14155550123@fax.local>\r\nDATA\r\n" + MAIL + b".\r\n"
        await line.send(
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1:2525\r\nContent-Type: text/plain\r\n\r\n" + body + b"QUIT\r\n"
        )
        assert site.kept.faxes() == []


async def test_a_display_name_is_no_address() -> None:
    """A person whose mail program shows the carrier's address as a name is no carrier."""
    head = read_headers(b'From: "no-reply@ifaxapp.com" <office@example.org>\r\n\r\n')
    check_header(head, "office@example.org", frozenset())


def test_a_stuffed_dot_is_not_counted() -> None:
    """RFC 5321, 4.5.3.1.6: 1000 octets with CR LF, not counting the leading dot added for transparency."""
    decoder = DotDecoder(998)
    decoder.feed(b".." + b"x" * 997 + b"\r\n.\r\n")
    assert not decoder.too_long


def test_orcpt_fits_its_column() -> None:
    """fax.original_recipient has 500 characters, the type included."""
    with pytest.raises(BadSyntax):
        read_recipient_wishes({"ORCPT": "rfc822;" + "a" * 500})


async def test_packets_of_two_octets_cost_no_more_memory_than_large_ones(tmp_path: Path) -> None:
    """What is held of a message takes no more memory than its bytes, whatever the packets were."""

    class Line(asyncio.Transport):
        def pause_reading(self) -> None: ...
        def resume_reading(self) -> None: ...

    blobs = Blobs(tmp_path / "blobs")
    blobs.open()
    sink = Sink(blobs.writer("ab" + "0" * 30), 1_000_000)
    stream = DataStream(DotDecoder(), Line(), sink)
    tracemalloc.start()
    for _ in range(130_000):
        stream.feed(bytes([120, 121]))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sink.drop()
    blobs.close()
    assert used < HEADER_LIMIT + 3 * INLINE_LIMIT


def test_a_log_that_fails_harms_nobody() -> None:
    """A line of the log that cannot be written (disk full, pipe closed) costs that line, and nothing else."""

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    stream = Unbreakable(Full())
    assert stream.write("a line") == 0
    stream.flush()
    assert stream.lost == 1
    closed = io.StringIO()
    closed.close()
    Unbreakable(closed).write("a line")


async def test_one_household_is_one_client(tmp_path: Path) -> None:
    """Of IPv6 the /64 counts: anybody there may pick any address (logins count so too)."""
    async with a_site(tmp_path, sessions=50) as site:
        for number in range(25):
            site.listeners._clients[household(f"2001:db8::{number:x}")] += 1
        assert site.listeners._refusal(of_peer("2001:db8::ffff", ()))
        assert not site.listeners._refusal(of_peer("2001:db8:0:1::ffff", ()))


async def test_mail_for_postmaster_is_never_whole_in_memory(tmp_path: Path) -> None:
    """A stranger's large mail to postmaster goes on to the operator byte by byte as it came, a piece at a time."""
    policy = replace(POLICY, networks=())
    block, blocks = (b"0123456789" * 7 + b"\r\n") * 900, 160
    async with a_site(tmp_path, policy, max_message_size=20_000_000) as site:
        line = await (await site.greeted()).envelope("postmaster@fax.local")
        assert (await line.say("DATA")).startswith("354 ")
        tracemalloc.start()
        for piece in (MAIL, *(block for _ in range(blocks)), b".\r\n"):
            await line.send(piece)
        assert (await line.reply()).startswith("250 ")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        content = MAIL + block * blocks
        [(blob,)] = site.kept.rows("SELECT blob_id FROM outbox")
        assert site.kept.plain(blob).endswith(content)
        assert site.kept.plain(blob).startswith(b"Received: from client.example.org ([127.0.0.1])")
        assert peak < len(content) / 2
