"""Where DATA goes: a blob on disk, until it is too large or the disk fails; then nowhere, with the reply kept.

The rest of the message is still read and thrown away, since a reply may only come after its end.
"""

from bridge.errors import BridgeError, OutOfSpace, Unavailable
from bridge.intake.boundaries import BodyDigest, declared
from bridge.intake.content import Content
from bridge.intake.parameters import TooLarge, too_large
from bridge.mail.headers import HEADER_LIMIT, Headers, read_headers
from bridge.store.writing import BlobWriter

SYNC_AFTER = 4_000_000
"""Bytes that may gather unsynced while a message comes in."""

OVERRUN = 10_000_000
"""Octets beyond the largest message that are still taken, and thrown away, for the sake of a reply at its end."""

_HEADER_END = b"\r\n\r\n"


class Endless(TooLarge):
    """More than the site takes, and no end of it."""


class HeaderEnd:
    """Finds where a message's header ends, in whatever pieces it comes, and keeps the header.

    What comes after it is the same for a mail that went two ways and was stamped twice.
    """

    def __init__(self) -> None:
        self._seen = bytearray()
        self._done = False

    def find(self, piece: bytes) -> int | None:
        """How much of this piece still belongs to the header, if it ends there; None before that, and ever after.

        A message whose header does not end within ``HEADER_LIMIT`` bytes has none.
        """
        if self._done:
            return None
        before = len(self._seen)
        self._seen += piece
        at = self._seen.find(_HEADER_END, max(before - 3, 0))
        end = 2 if self._seen.startswith(b"\r\n") else at + len(_HEADER_END)
        found = end == 2 or at >= 0  # noqa: PLR2004 - a message that begins with a blank line has no header
        if found or len(self._seen) > HEADER_LIMIT:
            self._done = True
            del self._seen[min(end, HEADER_LIMIT) if found else HEADER_LIMIT :]
        return end - before if found else None

    @property
    def header(self) -> bytes:
        """The header with the blank line behind it; of one that has no end, or not within the limit, so much of it."""
        return bytes(self._seen)


class Sink:
    """One message's way to the disk. End it with ``commit``, and in any case with ``drop``."""

    def __init__(self, writer: BlobWriter, limit: int) -> None:
        self._writer: BlobWriter | None = writer
        self._limit = limit
        self._header_end = HeaderEnd()
        self._headers: Headers | None = None
        self._body: BodyDigest | None = None
        self._size = 0
        self.trouble: BridgeError | None = None

    def put(self, data: bytes) -> None:
        """Append, or note in ``trouble`` why that cannot be. Does not wait for the disk, only for its cache."""
        self._size += len(data)
        if self._writer is None:
            return
        if self._size > self._limit:
            self._fail(too_large(self._limit))
            return
        try:
            cut = self._header_end.find(data)
            if cut is not None:
                self._writer.write(data[:cut])
                self._writer.divide()
                data = data[cut:]
                self._read_header()
            self._writer.write(data)
            if self._body is not None:
                self._body.feed(data)
        except (OutOfSpace, Unavailable) as error:
            self._fail(error)

    @property
    def wants_a_pause(self) -> bool:
        """Whether ``catch_up`` is due before more comes, or more had better not come at all."""
        return bool(self.hopeless) or (self._writer is not None and self._writer.unsynced > SYNC_AFTER)

    @property
    def hopeless(self) -> str:
        """Why nobody need wait for this message's end; empty as long as that may come."""
        return self.trouble.public if self.trouble is not None and self._size > self._limit + OVERRUN else ""

    async def catch_up(self) -> None:
        """Have the disk write what has gathered, if that is much."""
        if self._writer is None:
            return
        try:
            await self._writer.sync_beyond(SYNC_AFTER)
        except (OutOfSpace, Unavailable) as error:
            self._fail(error)

    async def commit(self) -> Content:
        """The message, synced (a small one with its bytes)."""
        assert self._writer is not None
        writer, self._writer = self._writer, None
        head = self._header_end.header
        body = writer.second_digest() if self._body is None else self._body.hexdigest()
        return Content(await writer.commit(), body, head, self._headers or read_headers(head))

    def _read_header(self) -> None:
        """It has come whole; where it parts the body by a boundary, that is to count by no name."""
        self._headers = read_headers(self._header_end.header)
        boundary = declared(self._headers.raw("content-type") or b"")
        self._body = None if boundary is None else BodyDigest(boundary.name)

    def drop(self) -> None:
        """Remove what was not committed."""
        if self._writer is not None:
            self._writer.abort()
            self._writer = None

    def _fail(self, error: BridgeError) -> None:
        self.trouble = error
        self.drop()
