import re
import threading
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from bridge.runtime.clock import rfc3339
from bridge.runtime.ids import CROCKFORD, ID_LENGTH, Ids, encode
from tests.support.unit_clock import START, StillClock

_ID = re.compile(f"[{CROCKFORD}]{{12}}")


def test_an_id_can_be_read_out() -> None:
    """An id has 12 characters of Crockford's base32, none of which looks like another."""
    assert ID_LENGTH == 12
    assert _ID.fullmatch(Ids(StillClock()).new())
    assert not set("ILOU") & set(CROCKFORD)


@given(st.lists(st.integers(min_value=-(10**9), max_value=10**9), min_size=2, max_size=40))
def test_ids_rise_whatever_the_clock_does(jumps: list[int]) -> None:
    """Ids rise strictly and are unique, also within a millisecond and when the wall clock jumps back."""
    clock = StillClock()
    ids = Ids(clock)
    made = []
    for milliseconds in jumps:
        clock.wall = START + timedelta(milliseconds=milliseconds)
        made.append(ids.new())
    assert made == sorted(set(made))


@given(st.integers(min_value=1, max_value=10**10), st.integers(0, 2**18 - 1), st.integers(0, 2**18 - 1))
def test_ids_are_ordered_by_time_across_processes(later: int, one: int, other: int) -> None:
    """Of two processes the one whose clock is later makes the greater id, whatever chance says."""
    before, after = StillClock(), StillClock(START + timedelta(milliseconds=later))
    assert Ids(before, lambda _: one).new() < Ids(after, lambda _: other).new()


def test_chance_at_its_end_runs_over_into_time() -> None:
    """Where chance gives its highest value twice within a millisecond, the second id is still greater."""
    ids = Ids(StillClock(), lambda bits: (1 << bits) - 1)
    one, two = ids.new(), ids.new()
    assert one < two
    assert _ID.fullmatch(two)


def test_ids_of_many_threads_are_unique() -> None:
    """Threads that make ids at once never get the same one."""
    ids = Ids(StillClock(), lambda _: 0)
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(ids.new() for _ in range(200))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(made)) == 800


def test_secret_names_are_long_and_random() -> None:
    """Tokens and file names are drawn anew each time, of a length nobody can guess, and tell nothing."""
    ids = Ids(StillClock())
    assert re.fullmatch(f"[{CROCKFORD.lower()}]{{26}}", ids.token())
    assert re.fullmatch("[0-9a-f]{32}", ids.file_name())
    assert len({ids.token() for _ in range(50)} | {ids.file_name() for _ in range(50)}) == 100


@given(st.integers(0, 2**60 - 1), st.integers(0, 2**60 - 1))
def test_encoding_keeps_the_order(one: int, other: int) -> None:
    """Ids compare as text as their values do as numbers."""
    assert (encode(one) < encode(other)) == (one < other)


def test_moments_are_rfc_3339() -> None:
    """A moment is written in UTC with milliseconds and Z, whatever zone it came in."""
    assert rfc3339(datetime(2026, 11, 23, 8, 15, 30, 250_999, tzinfo=UTC)) == "2026-11-23T08:15:30.250Z"
    assert rfc3339(START.astimezone()) == "2026-11-23T08:15:00.000Z"
