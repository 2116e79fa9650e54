"""Mail that must never become a fax, by what its header says of itself: automatic mail, lists, and what we wrote."""

from bridge.errors import Permanent, Refused
from bridge.mail.headers import Headers

MAX_HOPS = 30

CARRIERS_NOTICES = "no-reply@ifaxapp.com"
"""The address from which iFax mails its own notices (the vendor's page)."""

_BULK = {"bulk", "list", "junk"}
_LIST = ("list-", "mailing-list")
"""How the fields of lists begin (RFC 2369, RFC 2919)."""


class TooManyHops(Permanent):
    """The mail goes round in circles."""

    reply = "554 5.4.6"


def check_header(head: Headers, sender: str, hostnames: frozenset[str]) -> None:
    """Raise Refused or TooManyHops for a mail that must not be faxed; ``hostnames`` end the Message-IDs we write.

    Automatic mail (RFC 3834), bulk and list mail (RFC 2076, RFC 2919), iFax's notices, and our own.
    """
    check_hops(head)
    if sender.lower() == CARRIERS_NOTICES or CARRIERS_NOTICES in head.addresses("from"):
        raise Refused("notices of the fax service itself are never faxed")
    if head.raw("x-fax-event") is not None or _is_our_id(head.message_id, hostnames):
        raise Refused("mail that Faxbridge itself wrote is never faxed; send its attachment in a mail of your own")
    if head.is_automatic or head.raw("x-autoreply") is not None or head.raw("x-autorespond") is not None:
        raise Refused("automatic mail (Auto-Submitted) is never faxed")
    if head.first_word("precedence") in _BULK or any(name.startswith(_LIST) for name, _ in head.fields):
        raise Refused("list and bulk mail is never faxed")


def check_hops(head: Headers) -> None:
    """Raise TooManyHops when the mail has been through more servers than any honest one."""
    if head.count("received") > MAX_HOPS:
        raise TooManyHops("this mail has been through too many servers; it seems to go round in circles")


def _is_our_id(message_id: str | None, hostnames: frozenset[str]) -> bool:
    left, _, right = (message_id or "").strip("<>").rpartition("@")
    return left.endswith(".faxbridge") and right.lower() in hostnames
