"""The reserve: below so much free disk no mail is begun, so that what is here can go on."""

from pathlib import Path

import pytest

from bridge.errors import Unavailable
from bridge.store.blobs import Blobs
from tests.support.intake_stand import MAIL, a_site

RESERVE = 500_000_000


@pytest.mark.parametrize(
    ("free", "size", "reply"),
    [
        (RESERVE, "", "250 2.1.0 "),
        (RESERVE - 1, "", "452 4.3.1 "),
        (0, "", "452 4.3.1 "),
        (RESERVE + 1000, " SIZE=1000", "250 2.1.0 "),
        (RESERVE + 999, " SIZE=1000", "452 4.3.1 "),
        (RESERVE + 999, "", "250 2.1.0 "),
        (RESERVE - 1, " SIZE=2000000", "552 5.3.4 "),
    ],
)
async def test_below_the_reserve_no_mail_is_begun(
    free: int, size: str, reply: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MAIL is 452 4.3.1 when the mail, as large as it says it is, would leave less than the reserve."""
    async with a_site(tmp_path, reserve=RESERVE) as site:
        line = await site.greeted()
        with monkeypatch.context() as patch:
            patch.setattr(Blobs, "free_bytes", lambda _: free)
            assert (await line.say(f"MAIL FROM:<office@example.org>{size}")).startswith(reply)
            if not reply.startswith("250"):
                assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("503 ")


async def test_when_there_is_room_again_mail_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal ends nothing: the next MAIL of the session finds the disk as it is then."""
    async with a_site(tmp_path, reserve=RESERVE) as site:
        line = await site.greeted()
        with monkeypatch.context() as patch:
            patch.setattr(Blobs, "free_bytes", lambda _: 0)
            assert (await line.say("MAIL FROM:<office@example.org>")).startswith("452 4.3.1 ")
        monkeypatch.setattr(Blobs, "free_bytes", lambda _: 2 * RESERVE)
        assert (await (await line.envelope()).data()).startswith("250 ")


async def test_a_mail_that_was_begun_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was let in above the reserve is taken to its end below it: the reserve is there for that."""
    async with a_site(tmp_path, reserve=RESERVE) as site:
        line = await site.greeted()
        monkeypatch.setattr(Blobs, "free_bytes", lambda _: 2 * RESERVE)
        await line.envelope()
        monkeypatch.setattr(Blobs, "free_bytes", lambda _: 0)
        assert (await line.data(MAIL)).startswith("250 ")


async def test_a_disk_that_does_not_say_is_our_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the free space cannot be had MAIL is 451 4.3.0, and the session goes on."""

    def fail(_: Blobs) -> int:
        raise Unavailable("the disk cannot be read just now; try again later")

    async with a_site(tmp_path, reserve=RESERVE) as site:
        line = await site.greeted()
        with monkeypatch.context() as patch:
            patch.setattr(Blobs, "free_bytes", fail)
            assert (await line.say("MAIL FROM:<office@example.org>")).startswith("451 4.3.0 ")
        monkeypatch.setattr(Blobs, "free_bytes", lambda _: 2 * RESERVE)
        assert (await (await line.envelope()).data()).startswith("250 ")


async def test_a_copier_that_was_turned_away_for_want_of_room_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many copiers do not try again: the operator hears of it."""
    async with a_site(tmp_path, reserve=RESERVE) as site:
        monkeypatch.setattr(Blobs, "free_bytes", lambda _: 0)
        assert (await (await site.greeted()).say("MAIL FROM:<office@example.org>")).startswith("452 4.3.1 ")
        [refused] = site.intake.refusals._clients.values()
        assert (refused.client, refused.reply[:9]) == ("127.0.0.1", "452 4.3.1")
