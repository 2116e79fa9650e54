"""Pages a day: what goes over a limit is held, with its pages, and told; it is not lost and not sent."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bridge.errors import Unavailable
from bridge.fax.jobs import Fax
from bridge.fax.options import LimitOptions
from bridge.fax.states import FaxState, HoldReason
from bridge.fax.wishes import Notify
from bridge.sending.allowance import RELEASED
from bridge.sending.options import SendingOptions
from bridge.sending.prepare import Preparer
from bridge.sending.report import Reporter
from bridge.store import faxes, tables, usage
from bridge.store.faxes import Stale
from tests.support.sending_stand import FakeRenderer, taken_on
from tests.support.store_bench import ADMIN, NUMBER, OTHER, PAGES, SENDER, Bench, work
from tests.support.store_carrier import MAIL, OPTIONS
from tests.support.unit_clock import START
from tests.support.unit_mail import field, status_of

TODAY = START.date()
DESK, WARD = "front-desk", "ward"
THIRD = "+14155550103"


class Preparing:
    """The preparer, under limits, with a renderer in the same process."""

    def __init__(self, bench: Bench, folder: Path, site: int, identities: Mapping[str, int] | None = None) -> None:
        self.options: SendingOptions = replace(
            OPTIONS, limits=LimitOptions(pages_per_day=site), page_limits=identities or {}
        )
        self.bench = bench
        self.renderer = FakeRenderer(folder)
        reporter = Reporter(bench.desk, self.options, MAIL)
        self.preparer = Preparer(bench.desk, self.renderer.as_dresser(bench), reporter, self.options, "prepare-0/x")

    async def prepare(self, pages: int, *numbers: str, **wishes: object) -> list[Fax]:
        """One mail with so many pages, as its faxes stand after."""
        new = await taken_on(self.bench, *numbers, **wishes)  # type: ignore[arg-type]
        self.renderer.pages = pages
        assert await work(self.preparer.duty)
        return [await self.bench.fax(fax.id) for fax in new]


async def _used(bench: Bench, scope: str = "", day: date = TODAY) -> int:
    return (await bench.store.write(lambda connection: usage.take(connection, day, scope))).pages


async def _alarms(bench: Bench) -> list[str]:
    return sorted(mail.purpose for mail in await bench.rows(tables.outbox, tables.outbox.c.kind == "admin"))


async def test_pages_are_counted(bench: Bench, tmp_path: Path) -> None:
    """The pages of every fax that goes on count for the site and for its identity."""
    preparing = Preparing(bench, tmp_path, 100, {DESK: 50})
    (first,) = await preparing.prepare(3, identity=DESK)
    await preparing.prepare(2, NUMBER, OTHER)
    assert first.state is FaxState.READY
    assert (await _used(bench), await _used(bench, DESK)) == (7, 3)
    assert await bench.events() == []


async def test_a_released_fax_is_held_for_no_other_limit(bench: Bench, tmp_path: Path) -> None:
    """The operator let it go after a limit of faxes held it; a limit of pages does not stop it, and its pages count."""
    preparing = Preparing(bench, tmp_path, 5)
    (fax,) = await taken_on(bench)
    held = await bench.move(fax, FaxState.HELD, hold_reason=HoldReason.LIMIT)
    await bench.store.write(
        lambda connection: faxes.change(
            connection,
            held,
            FaxState.ACCEPTED,
            now=bench.clock.now(),
            event=RELEASED,
            detail="it was held",
            due_at=bench.clock.now(),
        )
    )
    preparing.renderer.pages = 6
    assert await work(preparing.preparer.duty)
    assert (await bench.fax(fax.id)).state is FaxState.READY
    assert await _used(bench) == 6


@pytest.mark.parametrize("whose", ["site", "identity"])
async def test_what_goes_over_is_held(bench: Bench, tmp_path: Path, whose: str) -> None:
    """A fax that would go over is held with its pages; sender and admin are told; up to the limit faxes go on."""
    preparing = Preparing(bench, tmp_path, *((5,) if whose == "site" else (100, {DESK: 5})))
    (full,) = await preparing.prepare(5, identity=DESK)
    (over,) = await preparing.prepare(1, OTHER, identity=DESK)
    assert (full.state, over.state) == (FaxState.READY, FaxState.HELD)
    assert (over.hold_reason, over.due_at, over.pages, over.outcome) == (HoldReason.LIMIT, None, 1, None)
    (document,) = await bench.rows(tables.document, tables.document.c.id == over.document_id)
    assert await bench.store.read_blob(document.blob_id) == PAGES
    name = "this site" if whose == "site" else DESK
    why = f"the daily limit of {name} in pages is 5, used today: 5, in this fax: 1"
    assert [(line.event, line.detail) for line in await bench.history(over)][1:] == [("held", why)]
    assert await bench.events() == sorted([("held", SENDER), ("alarm", ADMIN)])
    (notice,) = await bench.mail_bytes("held")
    assert field(notice, "X-Fax-Event") == "held"
    assert (status_of(notice)[1]["Action"], status_of(notice)[1]["Status"]) == ("delayed", "4.7.1")
    assert why in notice.replace(b"=\r\n", b"").decode()
    scope = "site" if whose == "site" else f"identity/{DESK}"
    assert await _alarms(bench) == [f"limit/pages/{scope}/2026-11-23"]
    assert not await work(preparing.preparer.duty), "it waits for the operator"


async def test_the_admin_is_told_once_a_day(bench: Bench, tmp_path: Path) -> None:
    """However many faxes are held, the admin is told once a day for each scope; their senders are told each time."""
    preparing = Preparing(bench, tmp_path, 10, {DESK: 2, WARD: 2})
    for number in range(3):
        await preparing.prepare(3, f"+1415555010{number}", identity=DESK)
    assert await _alarms(bench) == [f"limit/pages/identity/{DESK}/2026-11-23"]
    await preparing.prepare(3, identity=WARD)
    await preparing.prepare(11)
    bench.clock.forward(timedelta(days=1))
    await preparing.prepare(3, identity=DESK)
    assert await _alarms(bench) == [
        f"limit/pages/identity/{DESK}/2026-11-23",
        f"limit/pages/identity/{DESK}/2026-11-24",
        f"limit/pages/identity/{WARD}/2026-11-23",
        "limit/pages/site/2026-11-23",
    ]
    assert len(await bench.mail_bytes("held")) == 6
    assert bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}


async def test_a_held_fax_uses_up_nothing(bench: Bench, tmp_path: Path) -> None:
    """A smaller fax behind one that is held may still go out, up to the limit."""
    preparing = Preparing(bench, tmp_path, 5)
    states = [(await preparing.prepare(pages, f"+1415555010{pages}"))[0].state for pages in (4, 9, 1, 2)]
    assert states == [FaxState.READY, FaxState.HELD, FaxState.READY, FaxState.HELD]
    assert await _used(bench) == 5


async def test_some_faxes_of_a_mail_go_and_some_are_held(bench: Bench, tmp_path: Path) -> None:
    """Of a mail to several numbers those go on that fit, one after the other; the rest are held, with that document."""
    preparing = Preparing(bench, tmp_path, 5)
    faxes = await preparing.prepare(2, NUMBER, OTHER, THIRD)
    assert [fax.state for fax in faxes] == [FaxState.READY, FaxState.READY, FaxState.HELD]
    assert len({fax.document_id for fax in faxes}) == 1
    assert await _used(bench) == 4
    assert len(await bench.mail_bytes("held")) == 1


async def test_both_limits_are_told(bench: Bench, tmp_path: Path) -> None:
    """A fax that would go over both limits says so, and the admin hears of both."""
    preparing = Preparing(bench, tmp_path, 5, {DESK: 5})
    (fax,) = await preparing.prepare(6, identity=DESK)
    assert fax.state is FaxState.HELD
    assert (await bench.history(fax))[-1].detail == (
        "the daily limit of front-desk in pages is 5, used today: 0, in this fax: 6; "
        "the daily limit of this site in pages is 5, used today: 0, in this fax: 6"
    )
    assert len(await _alarms(bench)) == 2


async def test_a_new_day_begins_anew(bench: Bench, tmp_path: Path) -> None:
    """The limit is for a day in UTC."""
    preparing = Preparing(bench, tmp_path, 2)
    assert (await preparing.prepare(2))[0].state is FaxState.READY
    bench.clock.forward(timedelta(hours=15, minutes=45))
    assert (await preparing.prepare(2, OTHER))[0].state is FaxState.READY
    assert (await preparing.prepare(2, THIRD))[0].state is FaxState.HELD


async def test_an_identity_that_is_gone(bench: Bench, tmp_path: Path) -> None:
    """For an identity that is no longer configured the site's limit holds."""
    preparing = Preparing(bench, tmp_path, 3)
    assert (await preparing.prepare(3, identity="gone"))[0].state is FaxState.READY
    assert (await preparing.prepare(1, OTHER, identity="gone"))[0].state is FaxState.HELD


async def test_a_sender_that_wants_no_word(bench: Bench, tmp_path: Path) -> None:
    """A sender that did not ask for DELAY is not told that its fax is held; the admin is."""
    preparing = Preparing(bench, tmp_path, 1)
    (fax,) = await preparing.prepare(2, notify=frozenset({Notify.SUCCESS, Notify.FAILURE}))
    assert fax.state is FaxState.HELD
    states = {mail.recipient: mail.state for mail in await bench.rows(tables.outbox)}
    assert states == {SENDER: "suppressed", ADMIN: "waiting"}


async def test_held_again_is_told_again(bench: Bench, tmp_path: Path) -> None:
    """A fax that was let go and is held once more is told of once more."""
    preparing = Preparing(bench, tmp_path, 1)
    (fax,) = await preparing.prepare(2)
    await bench.move(fax, FaxState.ACCEPTED, due_at=bench.clock.now())
    assert await work(preparing.preparer.duty)
    assert (await bench.fax(fax.id)).state is FaxState.HELD
    assert len(await bench.mail_bytes("held")) == 2


async def test_cancelled_while_it_is_about_to_be_held(bench: Bench, tmp_path: Path) -> None:
    """A fax that is cancelled while its pages are made is not held, told of, or counted; nothing is left behind."""
    preparing = Preparing(bench, tmp_path, 1)
    (fax,) = await taken_on(bench)
    files: list[set[str]] = []

    async def cancel() -> None:
        await bench.move(fax, FaxState.CANCELLED)
        files.append(bench.blob_files())

    preparing.renderer.meanwhile = cancel
    with pytest.raises(Stale):
        await work(preparing.preparer.duty)
    assert await bench.rows(tables.outbox) == []
    assert bench.blob_files() == files[0]
    assert await _used(bench) == 0


async def test_what_is_used_changes_while_mail_is_written(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notice tells what was found in the very transaction that holds the fax; if that changes it is begun anew."""
    preparing = Preparing(bench, tmp_path, 4)
    write_files, rounds = bench.store.write_files, [3, 1]

    async def after_others(unit: object, *files: object) -> object:
        """Before each of the first writes others use some pages."""
        if rounds:
            pages = rounds.pop(0)
            await bench.store.write(lambda connection: usage.take(connection, TODAY, "", pages=pages))
        return await write_files(unit, *files)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.store, "write_files", after_others)
    (fax,) = await preparing.prepare(2)
    assert (await bench.history(fax))[
        -1
    ].detail == "the daily limit of this site in pages is 4, used today: 4, in this fax: 2"
    assert await bench.events() == sorted([("held", SENDER), ("alarm", ADMIN)])
    assert bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}


async def test_what_is_used_never_stands_still(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it changes every time the fax is left for later: nothing is written, and no file is left behind."""
    preparing = Preparing(bench, tmp_path, 1)
    write_files = bench.store.write_files

    async def after_others(unit: object, *files: object) -> object:
        await bench.store.write(lambda connection: usage.take(connection, TODAY, "", pages=1))
        return await write_files(unit, *files)  # type: ignore[arg-type]

    (fax,) = await taken_on(bench)
    before = bench.blob_files()
    monkeypatch.setattr(bench.store, "write_files", after_others)
    with pytest.raises(Unavailable):
        await work(preparing.preparer.duty)
    assert (await bench.fax(fax.id)).state is FaxState.ACCEPTED
    assert bench.blob_files() == before
    assert await bench.rows(tables.outbox) == []
