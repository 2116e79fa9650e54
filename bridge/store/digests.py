"""The digests of blobs: SHA-256, of all bytes at once, or of two parts of which the second is wanted by itself.

A mail's body is compared with other mails' bodies; hashing it twice would be a good part of what its intake costs. So
the digest of a blob in two parts is that of both parts' digests, and each byte is hashed once.
"""

import hashlib


class Digest:
    """Feed it bytes. With ``split`` the second part begins after so many; without, when ``divide`` says so, if ever."""

    def __init__(self, split: int | None = None) -> None:
        self._hash = hashlib.sha256()
        self._first: bytes | None = None
        self._due = split
        self._size = 0
        self.split: int | None = None

    def update(self, data: bytes) -> None:
        """The next bytes."""
        if self._due is not None and self._first is None and self._size + len(data) >= self._due:
            cut = self._due - self._size
            self._add(data[:cut])
            self.divide()
            data = data[cut:]
        self._add(data)

    def _add(self, data: bytes) -> None:
        self._hash.update(data)
        self._size += len(data)

    def divide(self) -> None:
        """What comes from here on is the second part."""
        self._first, self.split = self._hash.digest(), self._size
        self._hash = hashlib.sha256()

    def hexdigest(self) -> str:
        """Of all bytes."""
        if self._first is None:
            return self._hash.hexdigest()
        return hashlib.sha256(self._first + self._hash.digest()).hexdigest()

    def of_second(self) -> str:
        """Of the second part; of all bytes where there is but one."""
        return self._hash.hexdigest()
