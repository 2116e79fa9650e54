"""What makes two submissions the same: by whom, to which number, and with what content.

A mail with a Message-ID is the same mail for a day, whichever way it comes. One without is the same for ten minutes if
it comes from the same client: that is a machine that did not hear our answer, and sends again.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from bridge.intake.boundaries import anonymous
from bridge.mail.headers import VALUE_LIMIT, Headers
from bridge.runtime import foreign

WITH_ID = timedelta(hours=24)
WITHOUT_ID = timedelta(minutes=10)

SHAPING = (
    *("subject", "from", "to", "cc", "x-fax-option"),
    *("content-type", "content-transfer-encoding", "content-disposition"),
)
"""The fields that decide what the fax looks like.

None that a relay adds or changes. And not Date: a relay writes it where it is missing, and a machine that sends its
scan once more may stamp it anew. What a boundary is called counts nowhere. The body has a digest of its own.
"""

_WORDS = frozenset({"subject", "from", "to", "cc"})
"""Of these, those in which encoded words stand (RFC 2047)."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One submission, whatever the number it goes to; for ``window`` after the first the same is a duplicate."""

    parts: tuple[str, ...]
    window: timedelta

    def key(self, number: str) -> str:
        """SHA-256 in hex, of this submission to that number."""
        return _sha256("\0".join((*self.parts, number)))


def fingerprint(*, client: str, sender: str, head: Headers, body: str) -> Fingerprint:
    """What a mail is known by: ``client`` is an IP address, ``body`` the digest of what follows the header."""
    content = _content(head, body)
    if head.message_id is None:
        return Fingerprint(("client", client, content), WITHOUT_ID)
    # Whole in lower case: senders that differ in case alone are one in practice, and a fax too few is told of.
    return Fingerprint(("id", sender.lower(), head.message_id, content), WITH_ID)


def _content(head: Headers, body: str) -> str:
    """Fields count as they read: a relay may fold or encode them anew, or put them in another order."""
    lines = [
        f"{name}:{' '.join(_value(name, value).split())}"
        for name in SHAPING
        for field, value in head.fields
        if field == name
    ]
    return _sha256("\n".join([*lines, body]))


def _value(name: str, value: bytes) -> str:
    """Words as people read them; what programs read as it stands, a name of an encoding in lower case."""
    if name in _WORDS:
        return foreign.header_text(value, VALUE_LIMIT)
    text = (anonymous(value) if name == "content-type" else value).decode("latin-1")
    return text.lower() if name == "content-transfer-encoding" else text


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
