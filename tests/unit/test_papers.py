"""Which paper lies where a fax goes."""

import pytest

from bridge.fax import papers


@pytest.mark.parametrize(
    ("number", "home", "paper"),
    [
        ("+14155550123", "DE", "letter"),
        ("+14165550123", "US", "letter"),  # Canada
        ("+525555501234", "US", "letter"),  # Mexico
        ("+17875550123", "DE", "letter"),  # Puerto Rico
        ("+18765550123", "US", "a4"),  # Jamaica, which has the country code of the United States
        ("+493023125123", "US", "a4"),
        ("+442079460123", "US", "a4"),
        ("+81352550123", "US", "a4"),
        ("+80012345678", "US", "letter"),  # of no country: as at home
        ("+80012345678", "DE", "a4"),
        ("", "CA", "letter"),
        ("", "AT", "a4"),
    ],
)
def test_the_country_of_the_number_decides(number: str, home: str, paper: str) -> None:
    """Where there is none it is as at home."""
    assert papers.usual_for(number, home) == paper
