"""The operator hears of each trouble once, and again only after it was over."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.errors import Unavailable
from bridge.fax.arrivals import MailKind
from bridge.fax.states import FaxState
from bridge.posting import watchman as keeping
from bridge.posting.options import WatchOptions
from bridge.posting.troubles import Sign, Trouble, ends_at, signs
from bridge.posting.watchman import Watchman
from bridge.runtime.clock import rfc3339
from bridge.store import blobs, cursors, history, pauses, tables, troubles
from bridge.store.history import EvidenceKind
from bridge.store.pauses import Work
from tests.support.intake_stand import a_pair
from tests.support.store_bench import ADMIN, NUMBER, Bench
from tests.support.store_carrier import MAIL

OPTIONS = WatchOptions(
    fax_too_old=timedelta(hours=29), poll_interval=timedelta(minutes=5), reserve=500_000_000, hooked=True
)


@dataclass
class Site:
    """A bench and its watchman."""

    bench: Bench
    options: WatchOptions = OPTIONS

    def __post_init__(self) -> None:
        self.signs = {sign.name: sign for sign in signs(self.bench.desk, self.options)}
        self.watchman = Watchman(self.bench.desk, MAIL, tuple(self.signs.values()))

    async def look(self, name: str) -> str | None:
        """The subject of the trouble that is there, and what a look makes of it."""
        sign = self.signs[name]
        trouble = await sign.look(self.bench.store.read_now(troubles.standing))
        await self.watchman.look(sign)
        return None if trouble is None else trouble.subject

    async def alarms(self) -> int:
        """How many the operator got."""
        return len(await self.bench.rows(tables.outbox, tables.outbox.c.kind == MailKind.ADMIN))


def a_sign(trouble: Trouble | None) -> Sign:
    """One that sees this."""

    async def look(_: frozenset[str]) -> Trouble | None:
        return trouble

    return Sign("weather", look)


RAIN = Trouble("It rains", ("It rains into the machine.", "What to do: shut the window."))


async def test_each_once_until_it_clears(bench: Bench) -> None:
    """Told when it begins, not while it lasts, over restarts too; told again when it begins again."""
    site = Site(bench)
    for trouble, count in ((None, 0), (RAIN, 1), (RAIN, 1), (None, 1), (None, 1), (RAIN, 2)):
        await Site(bench).watchman.look(a_sign(trouble))
        assert await site.alarms() == count
        assert bench.store.read_now(troubles.standing) == (frozenset() if trouble is None else {"weather"})
    mails = await bench.mail_bytes("alarm")
    assert len(mails) == 2
    assert b"Subject: It rains" in mails[0]
    assert f"To: {ADMIN}".encode() in mails[0]
    assert b"shut the window." in mails[0]
    assert bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}


async def test_two_daemons_tell_it_once(bench: Bench) -> None:
    """Who looks at the same moment finds the other's word; its own mail leaves no file."""
    both = [Site(bench).watchman for _ in range(2)]
    await asyncio.gather(*(each.look(a_sign(RAIN)) for each in both))
    assert await Site(bench).alarms() == 1
    assert bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}


async def test_a_blind_look_changes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one sign cannot be seen the others are looked at all the same, and what stands stands."""
    monkeypatch.setattr(keeping, "LOOK_EVERY_SECONDS", 0.01)
    await bench.store.write(lambda connection: troubles.begin(connection, "blind", bench.clock.now()))
    stop = asyncio.Event()

    async def blind(_: frozenset[str]) -> Trouble | None:
        raise Unavailable("it is dark")

    async def last(_: frozenset[str]) -> Trouble | None:
        stop.set()
        return RAIN

    async with asyncio.timeout(10):
        await Watchman(bench.desk, MAIL, (Sign("blind", blind), Sign("weather", last))).run(stop)
    assert bench.store.read_now(troubles.standing) == {"blind", "weather"}


async def test_mail_that_waits(bench: Bench) -> None:
    """After an hour, and not before."""
    site = Site(bench)
    await site.watchman.look(a_sign(RAIN))
    assert await site.look("mail-owed") is None
    bench.clock.forward(timedelta(hours=1))
    assert await site.look("mail-owed") == "1 mails wait for the relay"
    assert await site.alarms() == 2


async def test_a_fax_that_waits_for_too_long(bench: Bench) -> None:
    """In any state without a final word; one that has its hour still to come does not wait, nor do those paused."""
    site = Site(bench)
    [fax] = await bench.accepted(NUMBER)
    bench.clock.forward(timedelta(hours=28, minutes=59))
    assert await site.look("fax-waiting") is None
    bench.clock.forward(timedelta(minutes=1))
    assert str(await site.look("fax-waiting")).startswith(f"Fax {fax.id} has waited since 23 November 2026")
    held = await bench.move(fax, FaxState.HELD, hold_reason="operator")
    assert await site.look("fax-waiting") is not None
    await bench.store.write(lambda connection: pauses.begin(connection, Work.SENDING, "x", bench.clock.now()))
    assert await site.look("fax-waiting") is None
    await bench.store.write(lambda connection: pauses.end(connection, Work.SENDING, bench.clock.now()))
    await bench.move(held, FaxState.CANCELLED)
    await bench.accepted(NUMBER, not_before=bench.clock.now() + timedelta(days=3))
    bench.clock.forward(timedelta(days=2))
    assert await site.look("fax-waiting") is None


async def test_a_disk_that_fills(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below twice the reserve; over two and a half times it clears. Without a reserve nobody asks."""
    site = Site(bench)
    for free, told in ((1_100, None), (999, True), (1_100, True), (1_250, None), (1_100, None)):
        monkeypatch.setattr(blobs.Blobs, "free_bytes", lambda _, free=free: free * 1_000_000)
        assert bool(await site.look("disk-low")) is bool(told), free
    assert await site.alarms() == 1
    monkeypatch.setattr(blobs.Blobs, "free_bytes", lambda _: 0)
    assert await Site(bench, replace(OPTIONS, reserve=0)).look("disk-low") is None


async def test_a_list_that_is_not_read(bench: Bench) -> None:
    """An hour after the last look to its end, or after the daemon began; not while receiving is paused, nor after."""
    site = Site(bench)
    bench.clock.forward(timedelta(minutes=59))
    assert await site.look("list-unread") is None
    bench.clock.forward(timedelta(minutes=1))
    assert await site.look("list-unread") == "Received faxes may be missed: iFax's list cannot be read"
    now = bench.clock.now()
    await bench.store.write(lambda connection: cursors.put(connection, cursors.LAST_WALK, rfc3339(now), now))
    assert await site.look("list-unread") is None
    await bench.store.write(lambda connection: pauses.begin(connection, Work.RECEIVING, "x", now))
    bench.clock.forward(timedelta(days=1))
    assert await site.look("list-unread") is None
    await bench.store.write(lambda connection: pauses.end(connection, Work.RECEIVING, bench.clock.now()))
    assert await site.look("list-unread") is None
    bench.clock.forward(timedelta(hours=1))
    assert await site.look("list-unread") is not None
    assert await Site(bench).look("list-unread") is None, "a daemon that has just begun has not missed a look"


async def ended_now(bench: Bench, job: str) -> None:
    """That call has ended."""
    call = tables.attempt.update().where(tables.attempt.c.carrier_job_id == job)
    await bench.store.write(lambda connection: connection.execute(call.values(ended_at=bench.clock.now())))


async def hook(bench: Bench, *, job: str | None = None, received: str | None = None) -> None:
    """A webhook was written down."""

    def unit(connection: object) -> None:
        history.add_evidence(
            connection,  # type: ignore[arg-type]
            at=bench.clock.now(),
            kind=EvidenceKind.HOOK,
            direction="out" if job else "in",
            body="{}",
            carrier_job_id=job,
            transaction_id=None,
            received_id=received,
        )

    await bench.store.write(unit)


async def test_webhooks_that_do_not_tell_of_sent_faxes(bench: Bench) -> None:
    """Three calls ended a quarter of an hour ago, and no webhook came; one that comes clears it; a week is all."""
    site = Site(bench)
    for job in ("1", "2", "3"):
        assert await site.look("hooks-sent") is None
        fax = await bench.sending(job=job)
        await bench.move(fax, FaxState.DELIVERED)
        await ended_now(bench, job)
    assert await site.look("hooks-sent") is None
    bench.clock.forward(timedelta(minutes=15))
    assert await site.look("hooks-sent") == "iFax's webhooks do not come: the end of sent faxes"
    await hook(bench, job="2")
    assert await site.look("hooks-sent") is None
    await bench.store.write(lambda connection: connection.execute(tables.evidence.delete()))
    assert await site.look("hooks-sent") is not None
    bench.clock.forward(timedelta(days=7))
    assert await site.look("hooks-sent") is None
    assert "hooks-sent" not in Site(bench, replace(OPTIONS, hooked=False)).signs


async def test_webhooks_that_do_not_tell_of_received_faxes(bench: Bench) -> None:
    """The same for what the list shows."""
    site = Site(bench)
    rows = [await bench.announced(job=f"{job}", transaction=f"{job}", listed=True) for job in range(3)]
    assert await site.look("hooks-received") is None
    bench.clock.forward(timedelta(minutes=15))
    assert await site.look("hooks-received") == "iFax's webhooks do not come: received faxes"
    await hook(bench, received=rows[0].id)
    assert await site.look("hooks-received") is None


async def test_a_certificate_that_ends(bench: Bench, tmp_path: Path) -> None:
    """Two weeks before, and when it has ended; who speaks no TLS is not asked."""
    pair = a_pair(tmp_path / "pair")
    ends = ends_at(pair.certificate)
    assert timedelta(hours=23) < ends - datetime.now(UTC) < timedelta(hours=25)
    site = Site(bench, replace(OPTIONS, certificate=pair.certificate))
    bench.clock.forward(ends - timedelta(days=14) - bench.clock.now())
    assert await site.look("certificate") is None
    bench.clock.forward(timedelta(seconds=1))
    assert str(await site.look("certificate")).startswith("The certificate ends soon: ")
    bench.clock.forward(timedelta(days=14))
    assert str(await site.look("certificate")).startswith("The certificate has ended: ")
    assert await site.alarms() == 1
    assert "certificate" not in Site(bench).signs


@pytest.mark.parametrize(
    "content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate(tmp_path: Path, content: bytes) -> None:
    """It is said so, and not taken for one that lasts."""
    file = tmp_path / "c.pem"
    file.write_bytes(content)
    with pytest.raises(OSError, match="holds no certificate"):
        ends_at(file)
