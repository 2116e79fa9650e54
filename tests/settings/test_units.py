from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from bridge.settings.units import read_duration, read_size, show_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("4h", 14_400),
        ("3d", 259_200),
        ("250ms", 0.25),
        ("1.5h", 5400),
        (" 10s ", 10),
        ("10 s", 10),
    ],
)
def test_a_duration_is_read(written: str, seconds: float) -> None:
    """A duration is a number and one of ms, s, m, h, d."""
    assert read_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "5",
            "s",
            "5 minutes",
            "-5s",
            "+5s",
            "5S",
            "5M",
            "1h30m",
            "5s\n6s",
            "1e3s",
            "\u0665s",
            "5w",
            "1..5s",
            ".5s",
        ),
        *(5, 5.0, True, None, ["5s"], {"s": 5}),
    ],
    ids=repr,
)
def test_what_is_no_duration_says_how_to_write_one(written: object) -> None:
    """Anything else is an error that shows how a duration is written."""
    with pytest.raises(ValueError, match="write 90s, 5m, 4h or 3d"):
        read_duration(written)


@pytest.mark.parametrize("written", ["99999999999999d", "9" * 400 + "s", "9" * 30 + "ms"], ids=len)
def test_an_endless_duration_is_an_error(written: str) -> None:
    """A duration longer than any clock can count is an error like others, not a crash."""
    with pytest.raises(ValueError, match="duration"):
        read_duration(written)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_shown_duration_reads_back(milliseconds: int) -> None:
    """What is shown of a duration is read as the same one."""
    duration = timedelta(milliseconds=milliseconds)
    assert read_duration(show_duration(duration)) == duration


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (timedelta(seconds=90), "90s"),
        (timedelta(seconds=60), "1m"),
        (timedelta(hours=24), "1d"),
        (timedelta(hours=36), "36h"),
        (timedelta(milliseconds=1500), "1500ms"),
    ],
)
def test_a_duration_is_shown_short(duration: timedelta, shown: str) -> None:
    """A duration is shown in the largest unit that tells it exactly."""
    assert show_duration(duration) == shown


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("50MB", 50_000_000),
        ("50MiB", 52_428_800),
        ("15 MB", 15_000_000),
        ("1GB", 10**9),
        ("1GiB", 2**30),
        ("64kB", 64_000),
        ("64KiB", 65_536),
        ("0B", 0),
        (1234, 1234),
    ],
)
def test_a_size_is_read(written: object, size: int) -> None:
    """A size is a number of bytes, or a number and a unit: MB is a million, MiB is 2 to the 20th."""
    assert read_size(written) == size


@pytest.mark.parametrize(
    "written", ["", "50", "MB", "50mb", "50M", "1.5MB", "-1MB", "50 MB!", -1, 1.5, True, None, []], ids=repr
)
def test_what_is_no_size_says_how_to_write_one(written: object) -> None:
    """Anything else is an error that shows how a size is written."""
    with pytest.raises(ValueError, match="write 50MB or 50MiB"):
        read_size(written)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(written: str) -> None:
    """Whatever is written, it is a duration that is not negative or a ValueError, and so for sizes."""
    for read, nothing in ((read_duration, timedelta(0)), (read_size, 0)):
        try:
            value = read(written)
        except ValueError:
            continue
        assert value >= nothing  # type: ignore[operator]  # each is compared with its own kind of nothing
