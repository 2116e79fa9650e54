"""A mail's bytes once they are all there: where they lie, what its body is, and its header, read once."""

from dataclasses import dataclass

from bridge.mail.headers import HEADER_LIMIT, Headers, read_headers
from bridge.store import StoredBlob
from bridge.store.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Content:
    """``body`` is the SHA-256 (hex) of what comes after the header; ``head`` the first bytes, header and all."""

    stored: StoredBlob
    body: str
    head: bytes
    headers: Headers

    @classmethod
    async def read(cls, blobs: Blobs, stored: StoredBlob, body: str) -> "Content":
        """The content of a blob that was just written. Raises Unavailable when the disk does not give it back."""
        head = await blobs.head(stored, HEADER_LIMIT)
        return cls(stored, body, head, read_headers(head))
