"""When a number may be called: by the clock where it is, on every day of the year."""

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bridge.fax.asked import BadOption
from bridge.fax.hours import opens, read_after, wait_of, zones_of
from bridge.fax.options import QuietHours
from tests.support.faxes import a_fax

NEW_YORK, LOS_ANGELES, TOLL_FREE, NOWHERE = "+12125550199", "+13105550199", "+18005550199", "+80012345678"
NIGHT = QuietHours.read("21:00-07:00")
QUIETS = [QuietHours.read(written) for written in ("21:00-07:00", "12:00-13:30", "00:00-08:00", "22:30-00:00")]
CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def utc(text: str) -> datetime:
    """``2026-11-23 08:15`` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "at", "until"),
    [
        (NEW_YORK, "2026-11-23 01:59", "2026-11-23 01:59"),  # 20:59
        (NEW_YORK, "2026-11-23 02:00", "2026-11-23 12:00"),  # 21:00 to 07:00
        (NEW_YORK, "2026-11-23 11:59", "2026-11-23 12:00"),
        (NEW_YORK, "2026-11-23 12:00", "2026-11-23 12:00"),
        (LOS_ANGELES, "2026-11-23 04:59", "2026-11-23 04:59"),
        (LOS_ANGELES, "2026-11-23 05:00", "2026-11-23 15:00"),
        (NEW_YORK, "2026-07-23 01:30", "2026-07-23 11:00"),  # summer time: 21:30 to 07:00
        (NOWHERE, "2026-11-23 03:00", "2026-11-23 07:00"),  # UTC
    ],
)
def test_quiet_hours_are_those_of_the_number(number: str, at: str, until: str) -> None:
    """The night is the night where the machine stands, in summer as in winter."""
    assert opens(number, NIGHT, utc(at)) == utc(until)


def test_a_number_that_may_be_anywhere_is_called_when_it_is_quiet_nowhere() -> None:
    """A toll-free number is called when it is day in all of its zones, from Guam to Newfoundland."""
    until = opens(TOLL_FREE, NIGHT, utc("2026-11-23 08:00"))
    assert len(zones_of(TOLL_FREE)) > 20
    assert until > utc("2026-11-23 08:00")
    assert not any(NIGHT.holds(until.astimezone(zone).time()) for zone in zones_of(TOLL_FREE))


def test_where_no_hour_suits_all_zones_the_first_decides() -> None:
    """A fax is not kept for ever because somewhere it is always night."""
    quiet = QuietHours.read("08:00-07:00")
    until = opens(TOLL_FREE, quiet, utc("2026-11-23 20:00"))
    assert utc("2026-11-23 20:00") < until <= utc("2026-11-24 20:00")
    assert not quiet.holds(until.astimezone(zones_of(TOLL_FREE)[0]).time())


@given(at=MOMENTS, quiet=st.sampled_from(QUIETS), number=st.sampled_from([NEW_YORK, LOS_ANGELES, NOWHERE]))
def test_the_first_moment_that_is_not_quiet(at: datetime, quiet: QuietHours, number: str) -> None:
    """What comes out is not quiet, nothing between is not quiet either, and one who may call now is not kept."""
    (zone,) = zones_of(number)
    until = opens(number, quiet, at)
    assert not quiet.holds(until.astimezone(zone).time())
    assert at <= until <= at + timedelta(hours=26)
    while at < until:
        assert quiet.holds(at.astimezone(zone).time())
        at += timedelta(minutes=7)


@given(at=MOMENTS)
def test_without_quiet_hours_nobody_waits(at: datetime) -> None:
    """No hours, or ``none`` where the site has some, means at once."""
    assert opens(NEW_YORK, None, at) == opens(NEW_YORK, QuietHours.read("none"), at) == at


@given(clock=CLOCKS, now=MOMENTS, number=st.sampled_from([NEW_YORK, LOS_ANGELES, NOWHERE]))
def test_a_time_of_day_is_the_next_one_there(clock: time, now: datetime, number: str) -> None:
    """It lies ahead, within a day (two, where clocks are set), and the clock there shows it, if it does so that day."""
    (zone,) = zones_of(number)
    moment = read_after(f"{clock:%H:%M}", number, now)
    assert moment is not None
    assert now < moment <= now + timedelta(hours=26)
    shown = moment.astimezone(zone)
    skipped = shown.utcoffset() != (moment - timedelta(hours=2)).astimezone(zone).utcoffset()
    assert shown.time() == clock or skipped


@pytest.mark.parametrize(
    ("written", "number", "moment"),
    [
        ("2026-11-30T08:00", NEW_YORK, "2026-11-30 13:00"),
        ("2026-11-30 08:00", LOS_ANGELES, "2026-11-30 16:00"),
        ("2026-11-30T08:00:30", NOWHERE, "2026-11-30 08:00:30"),
        ("2026-11-30T08:00Z", NEW_YORK, "2026-11-30 08:00"),
        ("2026-11-30t08:00z", NEW_YORK, "2026-11-30 08:00"),
        ("2026-11-30T08:00-08:00", NEW_YORK, "2026-11-30 16:00"),
        (" 08:00 ", NEW_YORK, "2026-11-23 13:00"),
        ("03:00", NEW_YORK, "2026-11-24 08:00"),
    ],
)
def test_times_as_people_write_them(written: str, number: str, moment: str) -> None:
    """With a zone by that zone, else by the clock where the number is."""
    assert read_after(written, number, utc("2026-11-23 08:15")) == utc(moment)


def test_a_time_without_a_zone_is_the_latest_of_a_numbers_zones() -> None:
    """Nobody is called before his clock shows it."""
    moment = read_after("2026-11-30T08:00", TOLL_FREE, utc("2026-11-23 08:15"))
    assert moment is not None
    assert all(moment.astimezone(zone) >= datetime(2026, 11, 30, 8, tzinfo=zone) for zone in zones_of(TOLL_FREE))


def test_an_hour_that_comes_twice_is_its_second_time_and_one_that_never_comes_the_next() -> None:
    """Neither is anybody called before his clock shows it when clocks are set."""
    now = utc("2026-10-30 08:15")
    assert read_after("2026-11-01T01:30", NEW_YORK, now) == utc("2026-11-01 06:30")
    assert read_after("2027-03-14T02:30", NEW_YORK, utc("2027-03-10 08:15")) == utc("2027-03-14 07:30")


def test_what_is_over_is_now() -> None:
    """A time that has passed delays nothing."""
    assert read_after("2026-11-23T08:15Z", NEW_YORK, utc("2026-11-23 08:15")) is None
    assert read_after("2025-11-23T08:15", NEW_YORK, utc("2026-11-23 08:15")) is None


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "is not a time"),
        ("tomorrow", "after=tomorrow is not a time"),
        ("8:00", "is not a time"),
        ("24:00", "is not a time"),
        ("2026-11-30", "is not a time"),
        ("2026-02-30T08:00", "is no day and time there is"),
        ("2026-11-30T25:00", "is no day and time there is"),
        ("2026-11-30T08:00+99:00", "is no day and time there is"),
        ("9999-12-31T23:59-12:00", "is no day and time there is"),
        ("2026-12-24T08:00", "is more than 30 days ahead"),
        ("٠٨:٠٠", "after=??:?? is not a time"),  # noqa: RUF001 - digits, but not those
    ],
)
def test_what_cannot_be_read_is_refused_with_what_can(written: str, says: str) -> None:
    """The sender is told what he wrote, what is wrong with it, and what to write."""
    with pytest.raises(BadOption) as refused:
        read_after(written, NEW_YORK, utc("2026-11-23 08:15"))
    assert says in refused.value.public
    assert "write 2026-11-30T08:00 or 08:00" in refused.value.public
    assert refused.value.smtp.startswith("550 5.6.0 X-Fax-Option: ")
    assert refused.value.smtp.isascii()


@given(written=st.text(max_size=60))
def test_any_text_is_read_or_refused(written: str) -> None:
    """No text does anything else."""
    now = utc("2026-11-23 08:15")
    with suppress(BadOption):
        moment = read_after(written, NEW_YORK, now)
        assert moment is None or moment > now


def test_both_wishes_count() -> None:
    """A fax waits for what its sender asked, and where that falls into quiet hours for their end; it says which."""
    now, day, night = utc("2026-11-22 14:00"), utc("2026-11-23 16:00"), utc("2026-11-23 08:00")
    asked = wait_of(a_fax(number=NEW_YORK, not_before=day, quiet_hours=NIGHT), now)
    both = wait_of(a_fax(number=NEW_YORK, not_before=night, quiet_hours=NIGHT), now)
    quiet = wait_of(a_fax(number=NEW_YORK, quiet_hours=NIGHT), night)
    assert asked is not None and both is not None and quiet is not None  # noqa: PT018
    assert (asked.until, asked.why) == (day, "its sender asked for it not to be sent before")
    assert both.until == quiet.until == utc("2026-11-23 12:00")
    assert quiet.why == "21:00-07:00 are quiet hours at that number (America/New_York)"
    assert both.why == f"{quiet.why}, and its sender asked for it not to be sent before"
    assert wait_of(a_fax(number=NEW_YORK, not_before=night, quiet_hours=NIGHT), day) is None


def test_zones_stand_from_west_to_east() -> None:
    """And a number of one area code has the zone of that area."""
    zones = zones_of(TOLL_FREE)
    winter = utc("2026-01-01 00:00")
    offsets = [winter.astimezone(zone).utcoffset() or timedelta() for zone in zones]
    assert offsets == sorted(offsets)
    assert zones_of(NEW_YORK) == (ZoneInfo("America/New_York"),)
    assert zones_of(NOWHERE) == (ZoneInfo("UTC"),)


@pytest.mark.parametrize("written", ["", "21-7", "21:00", "25:00-07:00", "21:00-21:00", "21:00 - 07:00", "None"])
def test_hours_that_are_none(written: str) -> None:
    """The operator is told what to write."""
    with pytest.raises(ValueError, match="write"):
        QuietHours.read(written)


@pytest.mark.parametrize("written", ["21:00-07:00", "none", "12:00-13:30"])
def test_hours_are_written_as_they_are_read(written: str) -> None:
    """So that the row of a fax holds what the file had."""
    assert str(QuietHours.read(written)) == written
