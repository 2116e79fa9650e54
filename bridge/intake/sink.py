"""Where DATA goes: a blob on disk, until it is too large or the disk fails; then nowhere, with the reply kept.

The rest of the message is still read and thrown away, since a reply may only come after its end.
"""

from bridge.errors import BridgeError, OutOfSpace, Unavailable
from bridge.intake.envelopes import too_large
from bridge.store import StoredBlob
from bridge.store.blobs import BlobWriter


class Sink:
    """One message's way to the disk. End it with ``commit``, and in any case with ``drop``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._writer: BlobWriter | None = None
        self.trouble: BridgeError | None = None

    def open(self, writer: BlobWriter) -> None:
        """Begin; ``trouble`` is None until something goes wrong."""
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Append, or note why that cannot be."""
        if self._writer is None:
            return
        if self._writer.size + len(data) > self._limit:
            self._fail(too_large(self._limit))
            return
        try:
            self._writer.write(data)
        except (OutOfSpace, Unavailable) as error:
            self._fail(error)

    async def commit(self) -> StoredBlob:
        """The blob, synced."""
        assert self._writer is not None
        writer, self._writer = self._writer, None
        return await writer.commit()

    def drop(self) -> None:
        """Remove what was not committed."""
        if self._writer is not None:
            self._writer.abort()
            self._writer = None

    def _fail(self, error: BridgeError) -> None:
        self.trouble = error
        self.drop()
