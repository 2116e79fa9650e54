"""What old programs ask HylaFAX's mail gateway for (``X-FAX-NAME``, as faxmail(1) reads it), as options of ours. Pure.

What has no counterpart, or is not understood, refuses no mail: it is told.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from bridge.fax.asked import FIELD, Unheeded
from bridge.fax.hours import FURTHEST

_NAMES = {"autocoverpage": "cover", "sendtime": "after"}
"""HylaFAX's names, in lower case, and ours."""

_BOOLEANS = {
    **dict.fromkeys(("true", "1", "on", "yes"), "yes"),
    **dict.fromkeys(("false", "0", "off", "no"), "no"),
}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_FROM_NOW = re.compile(r"now\s*\+\s*([0-9]{1,4})\s*(minute|hour|day|week)s?", re.ASCII | re.IGNORECASE)

_NO_COUNTERPART = "is a parameter of HylaFAX's that has no counterpart here"
_NOT_UNDERSTOOD = f"is not understood; {FIELD}: {{}} says it here"


def read(fields: Iterable[tuple[str, str]], now: datetime) -> tuple[list[tuple[str, str]], tuple[Unheeded, ...]]:
    """What the fields (names in lower case, without ``X-FAX-``) ask for, as options; and what is not done.

    ``now`` is in the machine's own zone, by whose clock HylaFAX has its times.
    """
    pairs, unheeded = [], []
    for name, value in fields:
        option = _NAMES.get(name)
        meant = None if option is None else _cover(value) if option == "cover" else _after(value, now)
        if option is None:
            unheeded.append(Unheeded(f"X-FAX-{name}: {value}", _NO_COUNTERPART))
        elif meant is None:
            example = "cover=yes" if option == "cover" else "after=08:00"
            unheeded.append(Unheeded(f"X-FAX-{name}: {value}", _NOT_UNDERSTOOD.format(example)))
        elif meant:
            pairs.append((option, meant))
    return pairs, tuple(unheeded)


def _cover(value: str) -> str | None:
    return _BOOLEANS.get(value.strip().lower())


def _after(value: str, now: datetime) -> str | None:
    """A time of at(1) as an option has it; empty for now, None for those that are not understood."""
    text = value.strip()
    if text.lower() == "now":
        return ""
    if (clock := _CLOCK.fullmatch(text)) is not None:
        today = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return _written(today if today > now else today + timedelta(days=1))
    if (later := _FROM_NOW.fullmatch(text)) is not None:
        ahead = timedelta(**{f"{later[2].lower()}s": int(later[1])})
        return _written(now + ahead) if ahead <= FURTHEST else None
    return None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
