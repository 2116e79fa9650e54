"""Where DATA goes: a blob on disk, until it is too large or the disk fails; then nowhere, with the reply kept.

The rest of the message is still read and thrown away, since a reply may only come after its end.
"""

import hashlib
from collections.abc import Sequence

from bridge.errors import BridgeError, OutOfSpace, Unavailable
from bridge.intake.parameters import too_large
from bridge.mail.headers import HEADER_LIMIT
from bridge.store import StoredBlob
from bridge.store.writing import BlobWriter

SYNC_AFTER = 4_000_000
"""Bytes that may gather unsynced while a message comes in."""

_HEADER_END = b"\r\n\r\n"


class BodyHash:
    """SHA-256 of what comes after a message's header: the same for a mail that went two ways and was stamped twice.

    A message without a header end within ``HEADER_LIMIT`` bytes counts as a whole.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._head: bytes | None = b""

    def update(self, piece: bytes) -> None:
        """The message's next bytes."""
        if self._head is None:
            self._hash.update(piece)
            return
        seen = self._head + piece
        end = 0 if seen.startswith(b"\r\n") else seen.find(_HEADER_END, max(len(self._head) - 3, 0))
        if end >= 0:
            self._head = None
            self._hash.update(seen[end:])
        elif len(seen) > HEADER_LIMIT:
            self._head = None
            self._hash.update(seen)
        else:
            self._head = seen

    def hexdigest(self) -> str:
        """Of all that came so far."""
        if self._head is not None:
            self._hash.update(self._head)
            self._head = None
        return self._hash.hexdigest()


class Sink:
    """One message's way to the disk. End it with ``commit``, and in any case with ``drop``."""

    def __init__(self, writer: BlobWriter, limit: int) -> None:
        self._writer: BlobWriter | None = writer
        self._limit = limit
        self._body = BodyHash()
        self._size = 0
        self.trouble: BridgeError | None = None

    async def write(self, pieces: Sequence[bytes]) -> None:
        """Append, or note in ``trouble`` why that cannot be."""
        if self._writer is None:
            return
        self._size += sum(map(len, pieces))
        if self._size > self._limit:
            self._fail(too_large(self._limit))
            return
        try:
            for piece in pieces:
                self._body.update(piece)
            await self._writer.take(pieces, sync_after=SYNC_AFTER)
        except (OutOfSpace, Unavailable) as error:
            self._fail(error)

    async def commit(self) -> tuple[StoredBlob, str]:
        """The blob, synced (a small one with its bytes), and the SHA-256 of its body."""
        assert self._writer is not None
        writer, self._writer = self._writer, None
        return await writer.commit(), self._body.hexdigest()

    def drop(self) -> None:
        """Remove what was not committed."""
        if self._writer is not None:
            self._writer.abort()
            self._writer = None

    def _fail(self, error: BridgeError) -> None:
        self.trouble = error
        self.drop()
