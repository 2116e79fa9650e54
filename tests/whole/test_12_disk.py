"""Trouble with disk and database, at real daemons: nothing is taken on that cannot be kept, and work goes on after it.

No daemon is restarted here. Where this process may mount, the disk is a small one of its own; where not, the kernel is
made to say so (strace).
"""

import asyncio
import contextlib
import io
import os
import shutil
import signal
import smtplib
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.policy import SMTP
from pathlib import Path

import pytest
from PIL import Image

from bridge.runtime.worker import LEASE_SECONDS
from tests.support.processes import (
    ADMIN,
    ALSO_DELIVERED,
    DELIVERED,
    DELIVERED_TOO,
    PATIENCE,
    SENDER,
    Daemon,
    House,
    a_mail,
    a_pdf_mail,
    until,
)


def _answer(daemon: Daemon, content: bytes) -> tuple[int, str]:
    """What the server says to a mail: the first reply that is no yes, or the last."""
    with smtplib.SMTP(*daemon.smtp, timeout=PATIENCE) as client:
        client.ehlo("client.example.org")
        for code, text in (client.mail(SENDER), client.rcpt(f"{DELIVERED}@fax.local")):
            if code != 250:
                return code, text.decode()
        code, text = client.data(content)
        return code, text.decode()


async def answer(daemon: Daemon, size: int = 0) -> tuple[int, str]:
    """The same for a mail whose text has about so many bytes; each is another mail."""
    mail = a_mail(DELIVERED, body="A line of text.\n" * (1 + size // 16))
    return await asyncio.to_thread(_answer, daemon, mail.as_bytes(policy=SMTP))


async def ready(house: House, daemon: Daemon) -> tuple[int, list[str]]:
    """What health says, once it has looked anew."""
    said = await house.http.get(f"{daemon.admin_url}/health/ready")
    return said.status_code, said.json()["reasons"]


async def until_ready(house: House, daemon: Daemon, code: int) -> list[str]:
    """The reasons, once health answers so."""

    async def probe() -> list[list[str]]:
        said, reasons = await ready(house, daemon)
        return [reasons] if said == code else []

    (reasons,) = await until(f"health says {code}", probe)
    return reasons


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[bool]:
    """A file system of its own; whether there is one: not everybody may mount."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place)], check=False, capture_output=True
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", str(place)], check=True)


@asynccontextmanager
async def injected(daemon: Daemon, folder: Path, fault: str) -> AsyncIterator[Path]:
    """While this lasts the kernel answers the daemon's calls with ``fault``, as strace writes it; what it noted."""
    notes = folder / "faults"
    calls = fault.partition(":")[0]
    strace = await asyncio.create_subprocess_exec(
        *("strace", "-f", "-y", "-o", str(notes), "-e", f"trace={calls}", "-e", f"inject={fault}"),
        *("-p", str(daemon.child.pid)),
        stderr=asyncio.subprocess.PIPE,
    )
    assert strace.stderr is not None
    async with asyncio.timeout(PATIENCE):
        first = await strace.stderr.readline()
    assert b"attached" in first, first
    try:
        yield notes
    finally:
        strace.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            await strace.communicate()


async def test_a_full_disk(house: House) -> None:
    """Mail is refused for now, health says why, the fax under way is brought to its end when there is room again."""
    house.troubled = True
    store = house.database.parent
    with small_disk(store, 12) as mounted:
        _, daemon = await house.start(limits={"reserve": "1MB"})
        assert (await answer(daemon))[0] == 250
        await house.sink.wait(1, event="delivered")
        if mounted:
            filler = store / "filler"
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
            assert (await answer(daemon))[0] == 452
            assert (await answer(daemon, 500_000))[0] == 452
            assert "room on disk" in (await until_ready(house, daemon, 503))[0]
            filler.unlink()
        else:
            async with injected(daemon, house.folder, "pwrite64,fsync,fdatasync:error=ENOSPC"):
                for size in (0, 500_000):
                    assert (await answer(daemon, size))[0] in {451, 452}
                await until_ready(house, daemon, 503)
        assert await until_ready(house, daemon, 200) == []
        assert (await answer(daemon))[0] == 250
        assert (await answer(daemon, 500_000))[0] == 250
        await house.sink.wait(3, event="delivered")
        await house.settled()
        assert await daemon.stop() == 0
        assert len(house.rows("SELECT id FROM fax")) == 3
        names = {path.name for path in (store / "blobs").rglob("*") if path.is_file()}
        assert names <= {row["id"] for row in house.rows("SELECT id FROM blob WHERE content IS NULL")}


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
async def test_a_sync_that_fails_is_never_tried_again(house: House, error: str) -> None:
    """One failing sync of a mail's file: 451 or 452, the file is gone and never synced again; the next is 250."""
    house.configure()
    daemon = await house.start_daemon()
    await daemon.event("poll.failed")
    async with injected(daemon, house.folder, f"fsync:error={error}:when=1") as notes:
        code, text = await answer(daemon, 500_000)
        assert (code, "disk" in text) == ({"EIO": 451, "ENOSPC": 452}[error], True)
        files = [line for line in notes.read_text().splitlines() if "/blobs/tmp/" in line and "fsync" in line]
        assert len(files) == 1
        assert "INJECTED" in files[0]
        assert not [path for path in (house.folder / "store" / "blobs").rglob("*") if path.is_file()]
        assert (await answer(daemon, 500_000))[0] == 250
    assert len(house.rows("SELECT id FROM message")) == 1


async def test_a_database_sync_that_fails(house: House) -> None:
    """Where the log of the database is not synced the mail is not taken; the next one is, by the same daemon."""
    house.troubled = True
    house.configure()
    daemon = await house.start_daemon()
    await daemon.event("poll.failed")
    async with injected(daemon, house.folder, "fdatasync,fsync:error=EIO"):
        assert (await answer(daemon))[0] == 451
    assert (await answer(daemon))[0] == 250
    await until_ready(house, daemon, 200)
    assert len(house.rows("SELECT id FROM message")) == 1


async def test_a_database_locked_by_somebody_else(house: House) -> None:
    """Locked for longer than we wait: mail is 451, a call's answer is not lost, and all goes on when the lock ends."""
    house.troubled = True
    sandbox, daemon = await house.start(ifax={"first_poll": "200ms"})
    await sandbox.plan({"on": "fax-send", "number": ALSO_DELIVERED, "do": {"delay": 2}})
    await daemon.take(a_pdf_mail(ALSO_DELIVERED), ALSO_DELIVERED)
    await daemon.event("fax.submitting")
    with contextlib.closing(sqlite3.connect(house.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, text = await answer(daemon)
        assert (code, "database" in text) == (451, True)
        await until_ready(house, daemon, 503)
        other.execute("ROLLBACK")
    assert (await answer(daemon))[0] == 250
    await house.sink.wait(2, event="delivered")
    await house.settled()
    assert await until_ready(house, daemon, 200) == []
    assert await daemon.stop() == 0
    assert len(await sandbox.taken(ALSO_DELIVERED)) == 1
    assert [row["state"] for row in house.rows("SELECT state FROM fax")] == ["delivered"] * 2
    assert len(house.sink.mails) == 2


async def test_a_database_that_is_gone_and_comes_back(house: House) -> None:
    """Moved away, or another in its place: 451, nothing is written there, and with the old one back all goes on."""
    house.troubled = True
    sandbox, daemon = await house.start()
    assert (await answer(daemon))[0] == 250
    await house.sink.wait(1, event="delivered")
    away = house.database.with_name("away")
    house.database.rename(away)
    assert (await answer(daemon))[0] == 451
    assert await until_ready(house, daemon, 503)
    strange = house.folder / "strange.db"
    with contextlib.closing(sqlite3.connect(strange)) as other:
        other.execute("CREATE TABLE strange (x)")
    shutil.copy(strange, house.database)
    assert (await answer(daemon))[0] == 451
    assert house.database.read_bytes() == strange.read_bytes()
    away.rename(house.database)
    assert await until_ready(house, daemon, 200) == []
    assert (await answer(daemon))[0] == 250
    await house.sink.wait(2, event="delivered")
    await house.settled(PATIENCE + LEASE_SECONDS)  # a mail in hand when it went keeps its lease to the end
    assert await daemon.stop() == 0
    assert len(await sandbox.taken()) == 2
    assert len(house.rows("SELECT id FROM message")) == 2


def _noise() -> bytes:
    """A picture whose page is too large to lie in its row."""
    out = io.BytesIO()
    Image.effect_noise((1000, 1000), 100).save(out, "PNG")
    return out.getvalue()


HARMS: dict[str, Callable[[Path], object]] = {
    "cut short": lambda file: os.truncate(file, file.stat().st_size // 2),
    "altered": lambda file: file.write_bytes(file.read_bytes()[:-9] + b"something"),
    "gone": lambda file: file.unlink(),
}


@pytest.mark.parametrize("harm", HARMS)
async def test_a_torn_file(house: House, harm: str) -> None:
    """Pages that are not the ones that were made are never sent: the fax fails, and sender and operator hear why."""
    # as they are, since a fax page would be small enough to lie in the database
    sandbox, daemon = await house.start(document={"pages": "original"})
    port = int(sandbox.url.rpartition(":")[2])
    sandbox.send(signal.SIGTERM)
    assert await sandbox.ended() == 0
    noise = a_mail(DELIVERED, files=[("noise.png", "image/png", _noise())])
    await daemon.take(noise, DELIVERED)
    await daemon.take(a_pdf_mail(DELIVERED_TOO), DELIVERED_TOO)
    await daemon.event("fax.not_taken", fax=house.fax(DELIVERED)["id"])
    (blob,) = house.rows(
        "SELECT document.blob_id AS id FROM document JOIN fax ON fax.document_id = document.id WHERE number = ?",
        DELIVERED,
    )
    (file,) = (house.folder / "store" / "blobs").rglob(blob["id"])
    HARMS[harm](file)
    sandbox = await house.start_sandbox(port)
    await sandbox.tell(house.hook_url(daemon))

    async def told() -> bool:
        house.hurry()
        return len(house.sink.mails) >= 3

    await until("all is told", told)
    assert {mail.recipients[0] for mail in house.sink.those(event="failed")} == {SENDER, ADMIN}
    assert len(house.sink.those(event="delivered")) == 1
    await house.settled()
    assert await daemon.stop() == 0
    assert not await sandbox.taken(DELIVERED)
    assert len(await sandbox.taken(DELIVERED_TOO)) == 1
