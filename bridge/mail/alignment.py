"""Whether a domain that was proved speaks for a sender: one rule, for signatures we check and for those a peer checked.

A domain speaks for its own addresses and for those of the domains below it, never for those above or beside it.
(Whoever has the DNS of a domain has that of all below, so nothing is given away. What is below may be somebody else's:
DMARC's relaxed alignment, which takes it for the whole, needs the public suffix list, and that goes stale.)
"""

import re

from bridge.fax.options import is_mail_address

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}", re.ASCII)
DOMAIN_LIMIT = 253

_COUNTRY_SUFFIX = re.compile(
    r"(?:ac|co|com|edu|go|gob|gouv|gov|govt|gv|id|idv|ind|info|ltd|me|mil|ne|net|nhs|nic|nom|or|org|plc|sch|school|web)"
    r"\.[a-z]{2}",
    re.ASCII,
)
"""What countries sell names under. Nobody can sign for these; the rule does not lean on it, it costs nothing."""


def read_domain(text: str) -> str | None:
    """``text`` in lower case if it is the name of a domain in ASCII, of two labels at least; else None."""
    name = text.lower()
    return name if text.isascii() and len(text) <= DOMAIN_LIMIT and _DOMAIN.fullmatch(name) else None


def sender_domain(sender: str) -> str | None:
    """The domain of an envelope sender, in lower case; None for the null sender, literals and what is no address."""
    return read_domain(sender.rpartition("@")[2]) if is_mail_address(sender) else None


def aligned(domain: str, sender: str) -> bool:
    """Whether proof for ``domain`` is proof for the address ``sender``: its domain is that one or stands below it."""
    proved, own = read_domain(domain), sender_domain(sender)
    if proved is None or own is None:
        return False
    return own == proved or (own.endswith(f".{proved}") and not _COUNTRY_SUFFIX.fullmatch(proved))
