"""Trouble of our own while mail comes in: a temporary answer that tells nothing, nothing kept, and on it goes."""

import errno
import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import OutOfSpace, Unavailable
from bridge.fax.policy import Permission
from bridge.intake.acceptance import Acceptor
from bridge.store.writing import BlobWriter
from tests.support.intake_stand import MAIL, NUMBER, Site, a_site

SECRET = "s3cret in an exception"
LARGE = MAIL + b"One more line of text.\r\n" * 4_000
"""More than lies in a row: it gets a file."""


async def goes_on(site: Site) -> None:
    """A mail is taken as if nothing had been."""
    assert (await (await (await site.greeted()).envelope()).data()).startswith("250 2.0.0 ")


def failing_sync(kind: int, number: int) -> Any:
    """``os.fsync`` that fails for files (S_IFREG) or folders (S_IFDIR)."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_IFMT(os.fstat(descriptor).st_mode) == kind:
            raise OSError(number, SECRET)
        real(descriptor)

    return fsync


@pytest.mark.parametrize("error", [OutOfSpace("not enough room"), Unavailable("the disk")])
@pytest.mark.parametrize("large", [False, True])
async def test_a_disk_that_takes_no_more_is_a_temporary_answer(
    error: Exception, large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails in DATA is 452 4.3.1 or 451 4.3.0 after the final dot; the session and the next mail live."""

    def write(_: BlobWriter, __: bytes) -> None:
        raise error

    content = MAIL * 8_000 if large else MAIL
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        with monkeypatch.context() as patch:
            patch.setattr(BlobWriter, "write", write)
            answer = await line.data(content)
        assert answer.startswith("452 4.3.1 " if isinstance(error, OutOfSpace) else "451 4.3.0 ")
        assert site.kept.files() == []
        assert (await (await line.envelope()).data()).startswith("250 2.0.0 ")


@pytest.mark.parametrize(
    ("kind", "there"),
    [(stat.S_IFREG, True), (stat.S_IFDIR, False), (stat.S_IFDIR, True)],
    ids=["file", "new folder", "old folder"],
)
@pytest.mark.parametrize("trouble", [(errno.ENOSPC, "452 4.3.1 "), (errno.EIO, "451 4.3.0 ")])
async def test_a_sync_that_fails_is_a_temporary_answer_and_leaves_no_file(
    kind: int, there: bool, trouble: tuple[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk does not confirm, the client is told to come again, the file is gone, and no word of the error."""
    async with a_site(tmp_path) as site:
        for home in range(256 if there else 0):
            (tmp_path / "blobs" / f"{home:02x}").mkdir()
        line = await (await site.greeted()).envelope()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing_sync(kind, trouble[0]))
            answer = await line.data(LARGE)
        assert answer.startswith(trouble[1])
        assert SECRET not in answer
        assert site.kept.files() == []
        assert site.kept.counts() == (0, 0, 0)
        assert (await (await line.envelope()).data()).startswith("250 2.0.0 ")


async def test_a_file_that_cannot_be_begun_is_a_temporary_answer(tmp_path: Path) -> None:
    """Without a place to write a large mail is 451 after its end; a small one needs no file and is taken."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        place = site.desk.store.blobs.workspace
        place.rename(place.with_name("away"))
        assert (await line.data(LARGE)).startswith("451 4.3.0 ")
        assert (await (await line.envelope()).data()).startswith("250 2.0.0 ")
        place.with_name("away").rename(place)
        assert (await (await line.envelope()).data(LARGE)).startswith("250 2.0.0 ")
        assert site.kept.counts() == (2, 2, 2)


@pytest.mark.parametrize("trouble", [(errno.ENOSPC, "452 4.3.1 "), (errno.EIO, "451 4.3.0 ")])
async def test_a_sync_under_way_that_fails_is_a_temporary_answer(
    trouble: tuple[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large mail is synced as it comes; when that fails the rest is read, and then comes the temporary answer."""
    synced = []

    def fdatasync(_: int) -> None:
        synced.append("failed")
        raise OSError(trouble[0], SECRET)

    async with a_site(tmp_path, max_message_size=20_000_000) as site:
        line = await (await site.greeted()).envelope()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", fdatasync)
            answer = await line.data(MAIL + b"One more line of text.\r\n" * 500_000)
        assert answer.startswith(trouble[1])
        assert synced == ["failed"]
        assert SECRET not in answer
        assert site.kept.files() == []
        assert (await (await line.envelope()).data(LARGE)).startswith("250 2.0.0 ")


DATABASE = {
    "a table is gone": ("ALTER TABLE message RENAME TO away", "ALTER TABLE away RENAME TO message"),
    "a row is not taken": (
        f"CREATE TRIGGER no BEFORE INSERT ON fax BEGIN SELECT RAISE(ABORT, '{SECRET}'); END",
        "DROP TRIGGER no",
    ),
}


@pytest.mark.parametrize(("harm", "mend"), DATABASE.values(), ids=DATABASE.keys())
@pytest.mark.parametrize("content", [MAIL, LARGE], ids=["in its row", "in a file"])
async def test_a_database_that_fails_is_a_temporary_answer(
    harm: str, mend: str, content: bytes, tmp_path: Path
) -> None:
    """Whatever the database raises is 451 4.3.0, its words stay with us, and nothing of the mail is left."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        site.kept.alter(harm)
        answer = await line.data(content)
        assert answer.startswith("451 4.3.0 ")
        assert SECRET not in answer
        assert "table" not in answer
        assert site.kept.files() == []
        site.kept.alter(mend)
        assert (await (await line.envelope()).data(content)).startswith("250 2.0.0 ")
        assert site.kept.counts() == (1, 1, 1)


async def test_a_database_that_fails_leaves_no_file_of_a_forwarded_mail(tmp_path: Path) -> None:
    """A mail for postmaster is written twice, as it came and as it goes on; both files go when the rows do not come."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope("postmaster@fax.local", f"{NUMBER}@fax.local")
        site.kept.alter("ALTER TABLE message RENAME TO away")
        assert (await line.data(LARGE)).startswith("451 4.3.0 ")
        assert site.kept.files() == []


async def test_the_text_of_an_exception_never_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody thought of is 451 4.3.0 in our own words, whatever it says, and the session goes on."""

    async def accept(*_: object) -> str:
        raise ZeroDivisionError(SECRET)

    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        with monkeypatch.context() as patch:
            patch.setattr(Acceptor, "accept", accept)
            assert await line.data() == "451 4.3.0 trouble on our side; nothing was taken on, try again later"
        await goes_on(site)
        assert (await (await line.envelope()).data()).startswith("250 2.0.0 ")


async def test_an_error_in_rcpt_is_temporary_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipient that cannot be judged for our own trouble is 451, never 5xx."""

    def explode(*_: object) -> None:
        raise ZeroDivisionError(SECRET)

    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        with monkeypatch.context() as patch:
            patch.setattr(Permission, "check_number", explode)
            assert (await line.say("RCPT TO:<+14155550124@fax.local>")).startswith("451 4.3.0 trouble")
        site.kept.alter("ALTER TABLE delivery RENAME TO away")
        assert (await line.say("RCPT TO:<bounce+abc@fax.local>")).startswith("451 4.3.0 ")
        assert (await line.data()).startswith("250 2.0.0 ")


@pytest.mark.parametrize(
    "recipients", [("postmaster@fax.local",) * 2, ("abuse@fax.local", "Abuse@FAX.local", "abuse@fax.local")]
)
async def test_an_own_mailbox_named_twice_is_one_recipient(recipients: tuple[str, ...], tmp_path: Path) -> None:
    """The same mailbox given again changes nothing: the mail is taken, and goes on to the operator once."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(*recipients)
        assert (await line.data()).startswith("250 2.0.0 ")
        assert site.kept.rows("SELECT count(*) FROM outbox") == [(1,)]


async def test_a_session_that_says_nothing_is_ended(tmp_path: Path) -> None:
    """A session idle for longer than the command timeout is told so and closed, and in DATA leaves nothing."""
    async with a_site(tmp_path, command_timeout=timedelta(seconds=0.3)) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        await line.send(b"Subject: never ended\r\n")
        assert [answer[:10] for answer in await line.rest()] == ["421 4.4.2 "]
        await site.until_no_sessions()
        assert site.kept.files() == []
