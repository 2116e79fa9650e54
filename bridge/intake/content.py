"""A mail's bytes once they are all there: where they lie, what its body is, and its header, read once."""

from dataclasses import dataclass

from bridge.mail.headers import Headers
from bridge.store import StoredBlob


@dataclass(frozen=True, slots=True)
class Content:
    """``body`` is the SHA-256 (hex) of what comes after the header, whatever its boundaries are called
    (``boundaries``); ``head`` the header with the blank line behind it.

    Of a header that does not end within ``HEADER_LIMIT`` octets ``head`` has so many.
    """

    stored: StoredBlob
    body: str
    head: bytes
    headers: Headers
