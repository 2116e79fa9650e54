"""What old programs ask HylaFAX for is done where it can be, and told where it cannot."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from bridge.fax import asked, hours, hylafax
from bridge.mail.headers import read_headers

EAST = timezone(timedelta(hours=-5))
NOW = datetime(2026, 11, 28, 9, 30, tzinfo=EAST)


def test_what_has_no_counterpart_is_told() -> None:
    """By its name and value; our own fields are none of them."""
    header = (
        b"X-FAX-AutoCoverPage: no\r\nX-FAX-Killtime: now + 3 hours\r\nX-Fax-Id: x\r\nX-Fax-Option: pages=fax\r\n\r\n"
    )
    pairs, unheeded = hylafax.read(read_headers(header).hylafax, NOW)
    assert pairs == [("cover", "no")]
    assert [(each.written, each.why) for each in unheeded] == [
        ("X-FAX-killtime: now + 3 hours", "is a parameter of HylaFAX's that has no counterpart here")
    ]


@pytest.mark.parametrize(
    ("value", "option"), [("yes", "yes"), ("TRUE", "yes"), ("1", "yes"), ("off", "no"), (" 0 ", "no")]
)
def test_a_cover_page(value: str, option: str) -> None:
    """In all the ways in which it is said."""
    assert hylafax.read([("autocoverpage", value)], NOW) == ([("cover", option)], ())


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("10:15", "2026-11-28T10:15:00-05:00"),
        ("9:30", "2026-11-29T09:30:00-05:00"),
        ("08:00", "2026-11-29T08:00:00-05:00"),
        ("now + 2 hours", "2026-11-28T11:30:00-05:00"),
        ("NOW+1 day", "2026-11-29T09:30:00-05:00"),
        ("now + 90 minutes", "2026-11-28T11:00:00-05:00"),
    ],
)
def test_a_time(value: str, after: str) -> None:
    """By the clock of this machine, as HylaFAX has it, and as ``after`` can be read."""
    assert hylafax.read([("sendtime", value)], NOW) == ([("after", after)], ())
    assert hours.read_after(after, "+13105550199", NOW) == datetime.fromisoformat(after)


def test_at_once_is_nothing_to_ask_for() -> None:
    """``now`` keeps no fax, and is no line in a notice."""
    assert hylafax.read([("sendtime", "now")], NOW) == ([], ())


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("sendtime", "noon tomorrow", "after=08:00"),
        ("sendtime", "25:00", "after=08:00"),
        ("sendtime", "now + 9999 weeks", "after=08:00"),
        ("autocoverpage", "", "cover=yes"),
    ],
)
def test_what_is_not_understood_is_told_with_the_way_to_say_it(name: str, value: str, cure: str) -> None:
    """An old program's words refuse no mail."""
    pairs, (told,) = hylafax.read([(name, value)], NOW)
    assert pairs == []
    assert told.why == f"is not understood; X-Fax-Option: {cure} says it here"


@given(st.lists(st.tuples(st.sampled_from(["sendtime", "autocoverpage", "notify"]), st.text(max_size=20))))
def test_whatever_it_says_is_done_or_told(fields: list[tuple[str, str]]) -> None:
    """Each field once; and what is made of it can be read, unless two say two things."""
    pairs, unheeded = hylafax.read(fields, NOW)
    at_once = [value for name, value in fields if name == "sendtime" and value.strip().lower() == "now"]
    assert len(pairs) + len(unheeded) + len(at_once) == len(fields)
    for pair in pairs:
        assert asked.read([pair], ["after", "cover"]).unheeded == ()
