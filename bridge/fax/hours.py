"""When a number may be called: not before its sender asked for, and not while it is night where the machine stands.

The zone is the number's own, as libphonenumber knows it. Where a number may be in several zones (toll-free ones, or a
country that tells them apart by nothing) each of them counts: no call is made while it is quiet in any.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bridge.fax.asked import FIELD, BadOption
from bridge.fax.jobs import Fax
from bridge.fax.numbers import KNOWN, zone_names
from bridge.fax.options import QuietHours

FURTHEST = timedelta(days=30)
"""So far ahead a fax may be asked for. What is meant for later is better kept where it comes from."""

LOOKED_AHEAD = timedelta(days=3)
"""For an hour that suits all zones of a number. One that is in zones all over the world may have none."""

_ZONELESS = "Etc/Unknown"
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(Z|z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Wait:
    """No call before ``until``; ``why`` is what the history says of it."""

    until: datetime
    why: str


def wait_of(fax: Fax, now: datetime) -> Wait | None:
    """For how long this fax must not be called now; None: it may be."""
    asked = fax.not_before if fax.not_before is not None and fax.not_before > now else None
    until = opens(fax.number, fax.quiet_hours, asked or now)
    if until <= now:
        return None
    if asked is not None and until == asked:
        return Wait(until, "its sender asked for it not to be sent before")
    quiet = f"{fax.quiet_hours} are quiet hours at that number ({_where(fax.number)})"
    return Wait(until, quiet if asked is None else f"{quiet}, and its sender asked for it not to be sent before")


def opens(number: str, quiet: QuietHours | None, at: datetime) -> datetime:
    """The first moment from ``at`` on at which it is quiet in no zone of ``number``; ``at`` itself, if it is so then.

    Where no hour suits all its zones, the first of them (by its offset to the west) decides.
    """
    if quiet is None:
        return at
    zones = zones_of(number)
    found = _opens(zones, quiet, at)
    return found if found is not None else _opens(zones[:1], quiet, at) or at


def read_after(written: str, number: str, now: datetime, place: str = FIELD) -> datetime | None:
    """The moment before which a fax to ``number`` is not to be sent; None if it is over already.

    ``2026-11-30T08:00`` and ``08:00`` (the next one) are by the clock where the number is, by the latest one where it
    may be in several zones; with ``Z`` or ``-05:00`` by that. Raises BadOption, which names the ``place`` it stood in.
    """
    text = written.strip()
    if (clock := _TIME.fullmatch(text)) is not None:
        moment = _next(time(int(clock[1]), int(clock[2])), zones_of(number), now)
    elif (parts := _MOMENT.fullmatch(text)) is not None:
        moment = _moment(parts, zones_of(number), written, place)
    else:
        raise BadOption(_trouble(place, written, "is not a time"))
    if moment > now + FURTHEST:
        raise BadOption(_trouble(place, written, f"is more than {FURTHEST.days} days ahead"))
    return moment if moment > now else None


@lru_cache(maxsize=KNOWN)
def zones_of(number: str) -> tuple[ZoneInfo, ...]:
    """The time zones a number may be in, from west to east; UTC where none is known."""
    zones = {name: ZoneInfo(name) for name in zone_names(number) if name != _ZONELESS}
    winter = datetime(2026, 1, 1, tzinfo=UTC)
    return tuple(sorted(zones.values(), key=lambda zone: (_offset(zone, winter), zone.key))) or (ZoneInfo("UTC"),)


def _opens(zones: tuple[ZoneInfo, ...], quiet: QuietHours, at: datetime) -> datetime | None:
    moment = at
    while moment <= at + LOOKED_AHEAD:
        ends = [_end_of_quiet(zone, quiet, moment) for zone in zones if quiet.holds(moment.astimezone(zone).time())]
        if not ends:
            return moment
        moment = max(ends)
    return None


def _end_of_quiet(zone: ZoneInfo, quiet: QuietHours, moment: datetime) -> datetime:
    local = moment.astimezone(zone)
    day = local.date() if local.time() < quiet.end else local.date() + timedelta(days=1)
    return _instant(day, quiet.end, zone)


def _instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """When the clock there shows that: the later one, where it does so twice or, in spring, not at all."""
    shown = datetime.combine(day, clock)
    return max(shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def _next(clock: time, zones: tuple[ZoneInfo, ...], now: datetime) -> datetime:
    """When that hour comes next in each of the zones, the last of them."""
    found = []
    for zone in zones:
        today = now.astimezone(zone).date()
        moments = (_instant(today + timedelta(days=days), clock, zone) for days in (0, 1))
        found.append(next(moment for moment in moments if moment > now))
    return max(found)


def _moment(parts: re.Match[str], zones: tuple[ZoneInfo, ...], written: str, place: str) -> datetime:
    try:
        day, clock = date.fromisoformat(parts[1]), time.fromisoformat(parts[2])
        if parts[3]:
            return datetime.fromisoformat(f"{parts[1]}T{parts[2]}{parts[3].upper()}").astimezone(UTC)
        return max(_instant(day, clock, zone) for zone in zones)
    except (ValueError, OverflowError) as error:
        raise BadOption(_trouble(place, written, "is no day and time there is")) from error


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _where(number: str) -> str:
    zones = zones_of(number)
    return zones[0].key if len(zones) == 1 else f"{zones[0].key} to {zones[-1].key}"


def _trouble(place: str, written: str, what: str) -> str:
    shown = "".join(char if " " <= char < "\x7f" else "?" for char in written[:40])
    return (
        f"{place}: after={shown} {what}; write 2026-11-30T08:00 or 08:00, by the clock where the number is, "
        "or a time with its zone, such as 2026-11-30T08:00-05:00"
    )
