"""Names for rows and files: sortable ids for what people see, random ones for what nobody may guess."""

import os
import threading
from collections.abc import Callable

from bridge.runtime.clock import Clock

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O, U, so that an id can be read out over a telephone."""

ID_LENGTH = 12
_RANDOM_BITS = 18
_POOL = 512
_TIME_BITS = 5 * ID_LENGTH - _RANDOM_BITS


class Randomness:
    """The operating system's randomness, asked for in pieces large enough for many names. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = b""

    def bits(self, count: int) -> int:
        """A number of ``count`` random bits; none of them is ever handed out twice."""
        size = (count + 7) // 8
        with self._lock:
            if len(self._left) < size:
                self._left = os.urandom(max(_POOL, size))
            taken, self._left = self._left[:size], self._left[size:]
        return int.from_bytes(taken, "big") >> (8 * size - count)


class Ids:
    """Makes ids of 12 characters, ordered by time: 42 bits of milliseconds since 1970, then 18 random bits.

    Within one process ids strictly rise, also within a millisecond and when the wall clock jumps back.
    Thread-safe. Randomness is ``random_bits(n)``, by default the operating system's.
    """

    def __init__(self, clock: Clock, random_bits: Callable[[int], int] | None = None) -> None:
        self._clock = clock
        self._random_bits = random_bits or Randomness().bits
        self._last = 0
        self._lock = threading.Lock()

    def new(self) -> str:
        """The next id."""
        millis = int(self._clock.now().timestamp() * 1000) & ((1 << _TIME_BITS) - 1)
        value = (millis << _RANDOM_BITS) | self._random_bits(_RANDOM_BITS)
        with self._lock:
            value = max(value, self._last + 1)
            self._last = value
        return encode(value)

    def token(self) -> str:
        """26 characters of lower-case base32, 130 random bits: an address nobody can guess."""
        return encode(self._random_bits(130), 26).lower()

    def file_name(self) -> str:
        """32 hexadecimal digits, random: a name that says nothing about what is in the file."""
        return f"{self._random_bits(128):032x}"


def encode(value: int, length: int = ID_LENGTH) -> str:
    """``value`` in Crockford's base32, the lowest ``5 * length`` bits of it, most significant first."""
    return "".join(CROCKFORD[(value >> shift) & 31] for shift in range(5 * (length - 1), -1, -5))
