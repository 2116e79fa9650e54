"""What is tried again and what is not: the policy by itself, for whatever may have been before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from bridge.fax import outcomes, retries
from bridge.fax.jobs import AttemptResult, Outcome
from bridge.fax.options import MOST_TRANSMISSIONS, REDIALS, Redial, RetryOptions
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.retries import NOT_TAKEN_PAUSES, Again, Called, GiveUp, Why
from bridge.fax.states import FaxState
from tests.support.faxes import a_fax

START = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
FAX = a_fax(number="+14155550150", state=FaxState.SENDING, version=4, pages=2)
DEFAULT = RetryOptions()
RETRYABLE = sorted(REDIALS)
FAILED, NOT_TAKEN = AttemptResult.FAILED, AttemptResult.NOT_TAKEN


def plain(of_class: str) -> str:
    """A cause of that class, if there is one, for which the class's own rules are all there is."""
    of_it = [cause for cause in outcomes.causes() if cause.outcome_class == of_class]
    return min(of_it, key=lambda cause: (cause.calls is not None, cause.wait)).slug


def ended(of_class: str, result: AttemptResult = FAILED) -> Called:
    """A call that came to this."""
    return Called(result, OutcomeClass(of_class), START)


def after(
    of_class: str,
    before: list[Called],
    now: datetime = START,
    options: RetryOptions = DEFAULT,
    pages_sent: int | None = None,
) -> Again | GiveUp:
    """What follows on one more call that ended in this class."""
    outcome = Outcome(OutcomeClass(of_class), plain(of_class))
    return retries.after_outcome(FAX, outcome, [*before, ended(of_class)], now, options, pages_sent=pages_sent)


def test_each_class_by_its_own_delays() -> None:
    """With the defaults each class is tried as often, and after such pauses, as its table says."""
    for name, redial in REDIALS.items():
        pauses = []
        for made in range(redial.attempts):
            decided = after(name, [ended(name)] * made)
            if isinstance(decided, Again):
                assert (decided.made, decided.of) == (made + 1, redial.attempts)
                pauses.append(decided.at - START)
        assert decided == GiveUp(Why.TRIES, redial.attempts)
        assert pauses == [redial.delays[min(n, len(redial.delays) - 1)] for n in range(redial.attempts - 1)]


@pytest.mark.parametrize("name", sorted(set(OutcomeClass) - set(REDIALS)))
def test_no_other_class_is_ever_tried_again(name: str) -> None:
    """A dead number, no money, a partial fax, an unknown outcome ...: never."""
    assert after(name, []) == GiveUp(Why.FINAL, 1)


def test_a_voice_is_rung_once_more() -> None:
    """Where no fax machine answered there is one more call, and no third."""
    assert isinstance(after("voice", []), Again)
    assert after("voice", [ended("voice")]) == GiveUp(Why.TRIES, 2)


def test_classes_are_counted_apart() -> None:
    """Calls that ended in another class use up none of this one's."""
    assert after("busy", [ended("no_answer")] * 3) == Again(START + timedelta(minutes=2), 1, 5)


@given(st.sampled_from(RETRYABLE), st.integers(min_value=1, max_value=9))
def test_no_page_goes_twice(name: str, pages_sent: int) -> None:
    """A fax of which any page went over is not called again, whatever the class."""
    assert after(name, [], pages_sent=pages_sent) == GiveUp(Why.PAGES_WENT, 1)


@given(
    st.sampled_from(RETRYABLE),
    st.lists(st.sampled_from(RETRYABLE).map(ended), max_size=14),
    st.integers(min_value=0, max_value=30 * 60),
    st.integers(min_value=1, max_value=MOST_TRANSMISSIONS),
)
def test_always_bounded(name: str, before: list[Called], minutes: int, attempts: int) -> None:
    """Whatever was before: never over the class's count, the cap or the deadline, and never at once."""
    redial = Redial(attempts, (timedelta(minutes=1),))
    options = RetryOptions(timedelta(hours=24), dict.fromkeys(RETRYABLE, redial))
    now = START + timedelta(minutes=minutes)
    decided = after(name, before, now, options)
    made = 1 + sum(call.outcome_class == name for call in before)
    if isinstance(decided, Again):
        assert made < attempts
        assert len(before) + 1 < MOST_TRANSMISSIONS
        assert now < decided.at < START + timedelta(hours=24)
    else:
        assert made >= attempts or len(before) + 1 >= MOST_TRANSMISSIONS or minutes + 1 >= 24 * 60


@given(st.lists(st.sampled_from([*RETRYABLE, "not taken"]), max_size=300), st.integers(min_value=0, max_value=3600))
def test_it_always_comes_to_an_end(course: list[str], retry_after: int) -> None:
    """Whatever each call comes to, the calls that may have been acted on stay under the cap, all within the time."""
    now, calls = START, list[Called]()
    for came in course:
        if came == "not taken":
            calls.append(Called(NOT_TAKEN, None, now))
            wish = timedelta(seconds=retry_after)
            decided = retries.after_not_taken(FAX, calls, now, DEFAULT, retry_after=wish)
        else:
            calls.append(ended(came))
            outcome = Outcome(OutcomeClass(came), plain(came))
            decided = retries.after_outcome(FAX, outcome, calls, now, DEFAULT, pages_sent=0)
        if isinstance(decided, GiveUp):
            break
        assert decided.at > now
        now = decided.at
        assert now < START + timedelta(hours=24)
    assert retries.transmissions(calls) <= MOST_TRANSMISSIONS


def test_calls_that_were_not_taken_count_nowhere() -> None:
    """A hundred calls that did not reach the carrier leave every other count as it is."""
    away = [Called(NOT_TAKEN, None, START)] * 100
    assert after("busy", away) == Again(START + timedelta(minutes=2), 1, 5)
    assert retries.transmissions(away) == 0


def test_pauses_of_calls_that_were_not_taken_grow() -> None:
    """They grow from seconds to a quarter of an hour, begin anew after any other call, and heed the carrier's wish."""
    seen = []
    for number in range(1, 9):
        decided = retries.after_not_taken(FAX, [Called(NOT_TAKEN, None, START)] * number, START, DEFAULT)
        assert isinstance(decided, Again)
        seen.append(decided.at - START)
    assert seen == [*NOT_TAKEN_PAUSES, NOT_TAKEN_PAUSES[-1]]
    anew = [*[Called(NOT_TAKEN, None, START)] * 5, ended("busy"), Called(NOT_TAKEN, None, START)]
    assert retries.after_not_taken(FAX, anew, START, DEFAULT) == Again(START + NOT_TAKEN_PAUSES[0], 1)
    wish = timedelta(minutes=50)
    assert retries.after_not_taken(FAX, anew, START, DEFAULT, retry_after=wish) == Again(START + wish, 1)


def test_time_counts_from_where_the_fax_was_let_go_on() -> None:
    """What a fax waited for a person is not held against it."""
    now = START + timedelta(hours=30)
    outcome = Outcome(OutcomeClass.BUSY, "busy")
    late = retries.after_outcome(FAX, outcome, [ended("busy")], now, DEFAULT, pages_sent=0)
    assert late == GiveUp(Why.TIME, 1)
    released = replace(FAX, counts_from=now)
    assert isinstance(retries.after_outcome(released, outcome, [ended("busy")], now, DEFAULT, pages_sent=0), Again)


REFINED = [cause for cause in outcomes.causes() if cause.calls is not None or cause.wait]
EAGER = RetryOptions(
    give_up_after=timedelta(days=30),
    classes={each: Redial(10, (timedelta(seconds=1),)) for each in ("busy", "no_answer", "voice", "line", "carrier")},
)


@pytest.mark.parametrize("cause", REFINED, ids=lambda cause: cause.slug)
def test_the_catalogue_is_stricter_than_any_setting(cause: outcomes.Cause) -> None:
    """However eager the site, of such a cause there are no more calls, and no sooner; of another one there are."""
    outcome = Outcome(cause.outcome_class, cause.slug)
    calls: list[Called] = []
    for made in range(1, 10):
        calls.append(Called(AttemptResult.FAILED, cause.outcome_class, START, cause.slug))
        decided = retries.after_outcome(FAX, outcome, calls, START, EAGER, pages_sent=None)
        if cause.calls is not None and made >= cause.calls:
            assert decided == GiveUp(Why.TRIES, made)
        else:
            assert decided == Again(START + max(cause.wait, timedelta(seconds=1)), made, 10)


def test_a_line_where_a_person_answers_is_called_twice() -> None:
    """Whatever is set."""
    voice = [cause for cause in outcomes.causes() if cause.outcome_class is OutcomeClass.VOICE]
    assert [cause.calls for cause in voice] == [2] * len(voice)
