"""A carrier that is down is left alone for growing pauses, tried by one call, and then all goes on."""

from random import Random

import pytest
from hypothesis import given, strategies as st

from bridge.fax.states import FaxState
from bridge.ifax.errors import CallRefused, NotTaken, OutcomeUnknown
from bridge.runtime.events import Events
from bridge.sending.breaker import FAILURES, Breaker, Came
from bridge.sending.report import Reporter
from bridge.sending.settle import Calls
from bridge.sending.submit import Submitter
from tests.support.store_bench import Bench, FakeClock, work
from tests.support.store_carrier import MAIL, OPTIONS, FakeCarrier, answer, taken

AWAY = NotTaken("no connection", "not-reached")
SILENT = OutcomeUnknown("no answer in time")
ILL = OutcomeUnknown("unclear", answer({}, 503))
GARBLED = OutcomeUnknown("unclear", answer({}, 200))
LIMITED = NotTaken("not now", "rate-limited", answer({}, 429), 5.0)
REFUSED = CallRefused("No credit", "no-credit", answer({"status": 0, "code": -22}))
FICTION = CallRefused("reserved for fiction", "fictional-number")


@pytest.fixture
def clock() -> FakeClock:
    """A clock that the test moves."""
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> Breaker:
    """A breaker on that clock."""
    return Breaker(clock, Events())


def fail(breaker: Breaker, times: int = FAILURES, came: Came = AWAY) -> None:
    """So many calls in a row that fail."""
    for _ in range(times):
        assert breaker.admits("one")
        breaker.tell("one", came)
        breaker.give_back("one")


@pytest.mark.parametrize("came", [AWAY, SILENT, ILL], ids=["not reached", "no answer", "5xx"])
def test_down_after_five_in_a_row(breaker: Breaker, came: Came) -> None:
    """Four failures stop nothing; the fifth stops every caller, and says so."""
    fail(breaker, FAILURES - 1, came)
    assert breaker.reason == ""
    fail(breaker, 1, came)
    assert not breaker.admits("one")
    assert not breaker.admits("two")
    assert breaker.reason.startswith("iFax does not answer: 5 calls in a row failed")


@pytest.mark.parametrize("came", [taken(), REFUSED, LIMITED, GARBLED], ids=["taken", "refused", "429", "garbled"])
def test_any_answer_begins_the_count_anew(breaker: Breaker, came: Came) -> None:
    """Whoever answers is not down, whatever the answer."""
    fail(breaker, FAILURES - 1)
    breaker.tell("two", came)
    fail(breaker, FAILURES - 1)
    assert breaker.admits("one")


def test_no_call_says_nothing(breaker: Breaker) -> None:
    """A number that is never called neither counts as a failure nor as an answer."""
    fail(breaker, FAILURES - 1)
    for _ in range(FAILURES):
        breaker.tell("one", FICTION)
    assert breaker.admits("one")
    fail(breaker, 1)
    assert not breaker.admits("one")


def test_one_probe_and_growing_pauses(breaker: Breaker, clock: FakeClock) -> None:
    """After the pause one caller may call, no other; each probe that fails doubles the pause, up to ten minutes."""
    fail(breaker)
    pauses = []
    for _ in range(8):
        begun = clock.seconds
        while not breaker.admits("one"):
            clock.seconds += 1
        pauses.append(clock.seconds - begun)
        assert not breaker.admits("two")
        assert breaker.admits("one"), "it is the same caller's still"
        breaker.tell("one", SILENT)
    assert pauses == [30, 60, 120, 240, 480, 600, 600, 600]


def test_success_lets_all_go_on(breaker: Breaker, clock: FakeClock) -> None:
    """A probe that is answered ends it at once for everybody, and the next pause is a short one again."""
    events_before = breaker._events.meters.registry.get_sample_value("faxbridge_carrier_paused")
    fail(breaker)
    down = breaker._events.meters.registry.get_sample_value("faxbridge_carrier_paused")
    clock.seconds += 30
    assert breaker.admits("one")
    breaker.tell("one", taken())
    assert breaker.admits("two")
    assert breaker.reason == ""
    after = breaker._events.meters.registry.get_sample_value("faxbridge_carrier_paused")
    assert (events_before, down, after) == (0, 1, 0)
    fail(breaker)
    clock.seconds += 29
    assert not breaker.admits("one")
    clock.seconds += 1
    assert breaker.admits("one")


def test_a_probe_that_is_given_back(breaker: Breaker, clock: FakeClock) -> None:
    """Where nothing was due for the probe another may be it; nobody gives back another's."""
    fail(breaker)
    clock.seconds += 30
    assert breaker.admits("one")
    breaker.give_back("two")
    assert not breaker.admits("two")
    breaker.give_back("one")
    assert breaker.admits("two")


def test_calls_that_were_in_hand_already(breaker: Breaker, clock: FakeClock) -> None:
    """Those that fail after the pause began do not make it longer; one that works ends it."""
    fail(breaker)
    for _ in range(20):
        breaker.tell("late", SILENT)
    clock.seconds += 30
    assert breaker.admits("one")
    breaker.tell("late", taken())
    assert breaker.admits("two")


STEPS = st.lists(st.sampled_from(["ask", "fail", "work", "back", "wait"]), max_size=60)


@given(STEPS, st.randoms(use_true_random=False))
def test_never_stuck_and_never_two_probes(steps: list[str], random: Random) -> None:
    """Whatever happens: of callers at most one is admitted while it is down, and after ten minutes one always is."""
    clock = FakeClock()
    breaker = Breaker(clock, Events())
    calling = set[str]()
    for step in steps:
        who = random.choice(["one", "two", "three"])
        if step == "wait":
            clock.seconds += random.choice([1, 40, 700])
        elif step == "ask" and who not in calling:
            down = bool(breaker.reason)
            if breaker.admits(who):
                calling.add(who)
                assert not down or breaker._probing == who
        elif who in calling:
            if step != "back":
                breaker.tell(who, taken() if step == "work" else SILENT)
            breaker.give_back(who)
            calling.discard(who)
    for who in calling:
        breaker.give_back(who)
    clock.seconds += 600
    assert breaker.admits("four")
    if breaker.reason:
        assert not breaker.admits("five")


async def test_faxes_wait_untouched(bench: Bench) -> None:
    """While it is down no fax is claimed, none gets another line in its history, and all go out once it is back."""
    breaker, carrier = Breaker(bench.clock, bench.desk.events), FakeCarrier()
    submitters = [
        Submitter(
            bench.desk,
            carrier=carrier.client,
            reporter=Reporter(bench.desk, OPTIONS, MAIL),
            calls=Calls(),
            options=OPTIONS,
            name=f"submit-{number}/x",
            breaker=breaker,
        )
        for number in range(2)
    ]
    one, two = (submitter.duty for submitter in submitters)
    made = [await bench.ready(f"+1415555010{number}") for number in range(8)]
    carrier.sends = [AWAY] * FAILURES
    for _ in range(FAILURES):
        assert await work(one)
    untouched = [fax for fax in made if not await bench.attempts(fax)]
    assert len(untouched) == 3
    lines = [await bench.history(fax) for fax in made]
    bench.clock.seconds += 29
    for duty in (one, two):
        assert not await work(duty)
    assert [await bench.history(fax) for fax in made] == lines
    bench.clock.seconds += 1
    piece = await one.claim()
    assert piece is not None
    assert not await work(two), "one probe and no more"
    carrier.sends = [taken(str(5000 + number)) for number in range(8)]
    await one.work(piece)
    for _ in range(7):
        assert await work(two)
    assert {(await bench.fax(fax.id)).state for fax in made} == {FaxState.SENDING}


async def test_a_carrier_that_wishes_no_calls(bench: Bench) -> None:
    """For as long as the carrier asked for quiet nothing is claimed."""
    carrier = FakeCarrier(quiet=20.0)
    submitter = Submitter(
        bench.desk,
        carrier=carrier.client,
        reporter=Reporter(bench.desk, OPTIONS, MAIL),
        calls=Calls(),
        options=OPTIONS,
        name="submit-0/x",
    )
    fax = await bench.ready()
    assert not await work(submitter.duty)
    carrier.quiet, carrier.sends = 0.0, [taken()]
    assert await work(submitter.duty)
    assert (await bench.fax(fax.id)).state is FaxState.SENDING


async def test_a_probe_for_which_nothing_is_due_or_that_breaks(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A submitter that finds nothing, or whose work breaks before the call, leaves the probe to others."""
    breaker, carrier = Breaker(bench.clock, bench.desk.events), FakeCarrier()
    submitter = Submitter(
        bench.desk,
        carrier=carrier.client,
        reporter=Reporter(bench.desk, OPTIONS, MAIL),
        calls=Calls(),
        options=OPTIONS,
        name="submit-0/x",
        breaker=breaker,
    )
    fail(breaker)
    bench.clock.seconds += 30
    assert not await work(submitter.duty)
    assert breaker.admits("another")
    breaker.give_back("another")
    await bench.ready()

    async def broken(_: object) -> bytes:
        raise ValueError("broken")

    monkeypatch.setattr(submitter, "_request", broken)
    with pytest.raises(ValueError, match="broken"):
        await work(submitter.duty)
    assert breaker.admits("another")
