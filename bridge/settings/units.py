"""Durations and sizes as people write them: ``90s``, ``5m``, ``4h``, ``3d``; ``50MB`` (1 000 000 each), ``50MiB``."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)", re.ASCII)
_SIZE = re.compile(r"([0-9]+)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)", re.ASCII)
SHORTEST = timedelta(milliseconds=10)
LONGEST = timedelta(days=3650)
SMALLEST = 1000
"""What a setting may be. Of less nothing can be done; of more no date can be counted."""

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}


def read_duration(value: object) -> timedelta:
    """A duration from its written form; raises ValueError that shows how to write one."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a duration; write 90s, 5m, 4h or 3d, in quotes")
    try:
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    except OverflowError:
        raise ValueError("is a longer duration than can be counted") from None


def read_size(value: object) -> int:
    """A number of bytes from its written form; raises ValueError that shows how to write one."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a size; write 50MB or 50MiB, in quotes")
    return int(match[1]) * _BYTES[match[2]]


def _bounded_duration(value: timedelta) -> timedelta:
    if not SHORTEST <= value <= LONGEST:
        raise ValueError(f"must be from {show_duration(SHORTEST)} to {show_duration(LONGEST)}")
    return value


def _bounded_size(value: int) -> int:
    if value < SMALLEST:
        raise ValueError("must be 1kB or more")
    return value


Duration = Annotated[timedelta, BeforeValidator(read_duration), AfterValidator(_bounded_duration)]
Size = Annotated[int, BeforeValidator(read_size), AfterValidator(_bounded_size)]


def show_duration(value: timedelta) -> str:
    """The shortest exact written form."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "m", "s"):
        if seconds >= _SECONDS[unit] and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    return f"{seconds * 1000:.0f}ms"
