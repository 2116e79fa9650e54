"""A fax that has waited long for a call is told as delayed, once, to who wants to hear of it, and goes on as ever."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bridge.fax.jobs import AttemptResult
from bridge.fax.states import FaxState
from bridge.fax.wishes import Notify
from bridge.sending.delays import DelayTeller
from bridge.sending.report import Reporter
from bridge.store import attempts, pauses, tables
from bridge.store.clockwatch import ClockWatch
from bridge.store.faxes import Stale
from bridge.store.pauses import Work
from tests.support.store_bench import OTHER, SENDER, Bench, work
from tests.support.store_carrier import MAIL, OPTIONS
from tests.support.unit_mail import parts_of, status_of, text_of

HOUR = timedelta(hours=1)


def teller(bench: Bench, after: timedelta = HOUR) -> DelayTeller:
    """The worker."""
    options = replace(OPTIONS, delayed_after=after)
    return DelayTeller(bench.desk, Reporter(bench.desk, options, MAIL), options, ClockWatch(bench.desk))


async def test_told_once_after_its_time(bench: Bench) -> None:
    """Not a moment before; then with what to do, and that it is no failure; the fax itself stays as it was."""
    fax = await bench.ready()
    telling = teller(bench)
    bench.clock.forward(HOUR - timedelta(seconds=1))
    assert not await work(telling.duty)
    bench.clock.forward(timedelta(seconds=1))
    assert await work(telling.duty)
    assert await bench.events(fax_id=fax.id) == [("delayed", SENDER)]
    (raw,) = await bench.mail_bytes("delayed")
    said = " ".join(text_of(parts_of(raw)[0]).split())
    for each in (
        "could not be sent yet. It is kept, and is tried again by itself.",
        "Other faxes to the same number are ahead of it, or no calls can be made just now.",
        "What to do: Do not send it again, for then it may arrive twice.",
    ):
        assert each in said
    assert (status_of(raw)[1]["Action"], status_of(raw)[1]["Status"]) == ("delayed", "4.4.5")
    assert await bench.fax(fax.id) == fax
    bench.clock.forward(10 * HOUR)
    assert not await work(telling.duty)


async def test_what_held_it_up_last_is_told(bench: Bench) -> None:
    """The last call that told a reason."""
    fax = await bench.submitting(job="4100217")
    (attempt,) = await bench.attempts(fax)
    now = bench.clock.now()
    await bench.store.write(
        partial(attempts.finish, attempt_id=attempt.id, result=AttemptResult.FAILED, now=now, cause="busy")
    )
    await bench.move(fax, FaxState.READY)
    bench.clock.forward(HOUR)
    assert await work(teller(bench).duty)
    (raw,) = await bench.mail_bytes("delayed")
    said = text_of(parts_of(raw)[0])
    assert "The line was busy.\nAnother call was using the recipient's line." in said
    assert status_of(raw)[1]["Status"] == "4.4.1"


async def test_all_that_wait_are_told(bench: Bench) -> None:
    """Each once, the longest first."""
    first = await bench.ready()
    bench.clock.forward(timedelta(minutes=1))
    second = await bench.ready(OTHER)
    bench.clock.forward(HOUR)
    telling = teller(bench)
    assert await telling.duty.claim() == first
    assert await work(telling.duty)
    assert await telling.duty.claim() == second
    assert await work(telling.duty)
    assert await telling.duty.claim() is None


@pytest.mark.parametrize(("notify", "state"), [({Notify.DELAY}, "waiting"), ({Notify.FAILURE}, "suppressed")])
async def test_whoever_asked_decides(bench: Bench, notify: set[Notify], state: str) -> None:
    """NOTIFY=DELAY is what it says; and one that is not wanted is not looked at again."""
    await bench.ready(notify=frozenset(notify))
    bench.clock.forward(HOUR)
    telling = teller(bench)
    assert await work(telling.duty)
    assert [(mail.event, mail.state) for mail in await bench.rows(tables.outbox)] == [("delayed", state)]
    assert not await work(telling.duty)


async def test_while_sending_is_paused_nobody_is_told(bench: Bench) -> None:
    """The operator knows, and time does not count."""
    await bench.ready()
    bench.clock.forward(HOUR)
    await bench.store.write(partial(pauses.begin, work=Work.SENDING, by="operator anna", now=bench.clock.now()))
    telling = teller(bench)
    assert not await work(telling.duty)


async def test_one_that_goes_out_meanwhile_is_not_told(bench: Bench) -> None:
    """Its call began after it was found: nothing is written, and no file is left."""
    fax = await bench.ready()
    bench.clock.forward(HOUR)
    telling = teller(bench)
    assert await telling.duty.claim() == fax
    await bench.move(fax, FaxState.SUBMITTING)
    files = bench.blob_files()
    with pytest.raises(Stale):
        await telling.tell(fax)
    assert await bench.rows(tables.outbox) == []
    assert bench.blob_files() == files
