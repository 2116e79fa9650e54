"""Which paper lies in a fax machine: Letter or A4, by the country of its number."""

from typing import Literal

from bridge.fax import numbers

Paper = Literal["letter", "a4"]

LETTER_COUNTRIES = frozenset(
    {
        *("BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"),
        *("AS", "GU", "MP", "VI", "DO"),
    }
)
"""Unicode's CLDR (``paperSize`` in its supplemental data); then those that get their paper from the United States."""


def usual_for(number: str, default_country: str) -> Paper:
    """What is usual where a number (E.164) is; where none is given, or it has no country, in the site's own."""
    country = (numbers.country(number) if number else "") or default_country
    return "letter" if country in LETTER_COUNTRIES else "a4"
