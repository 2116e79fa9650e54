"""Mail that must never become a fax, by what its header says of itself: automatic mail, lists, and what we wrote."""

from bridge.errors import Permanent, Refused
from bridge.mail.headers import Headers

MAX_HOPS = 30

CARRIERS_NOTICES = "no-reply@ifaxapp.com"
"""The address from which iFax mails its own notices (the vendor's page)."""

_BULK = {"bulk", "list", "junk"}
_REPLY = {"auto_reply", "auto-reply"}
"""What programs that answer for absent people wrote there."""
_LEAVE = "unless the operator sets automatic = true for the identity that sends it"
_LIST = ("list-", "mailing-list")
"""How the fields of lists begin (RFC 2369, RFC 2919)."""


class TooManyHops(Permanent):
    """The mail goes round in circles."""

    reply = "554 5.4.6"


def check_header(head: Headers, sender: str, hostnames: frozenset[str], *, automatic: bool = False) -> None:
    """Raise Refused or TooManyHops for a mail that must not be faxed; ``hostnames`` end the Message-IDs we write.

    Automatic replies (RFC 3834), iFax's notices and our own never; other automatic mail, bulk and list mail (RFC 2076,
    RFC 2919) where its identity has no leave to (``automatic``).
    """
    check_hops(head)
    if sender.lower() == CARRIERS_NOTICES or CARRIERS_NOTICES in head.addresses("from"):
        raise Refused("notices of the fax service itself are never faxed")
    if head.raw("x-fax-event") is not None or _is_our_id(head.message_id, hostnames):
        raise Refused("mail that Faxbridge itself wrote is never faxed; send its attachment in a mail of your own")
    if _is_reply(head):
        raise Refused("automatic mail that answers other mail (Auto-Submitted: auto-replied) is never faxed")
    if automatic:
        return
    if head.is_automatic:
        raise Refused(f"automatic mail (Auto-Submitted) is not faxed, {_LEAVE}")
    if head.first_word("precedence") in _BULK or any(name.startswith(_LIST) for name, _ in head.fields):
        raise Refused(f"list and bulk mail is not faxed, {_LEAVE}")


def _is_reply(head: Headers) -> bool:
    """Whether a program answered some mail with it, of today or of before RFC 3834."""
    old = any(head.raw(name) is not None for name in ("x-autoreply", "x-autorespond"))
    return old or "auto-replied" in head.auto_submitted or head.first_word("precedence") in _REPLY


def check_hops(head: Headers) -> None:
    """Raise TooManyHops when the mail has been through more servers than any honest one."""
    if head.count("received") > MAX_HOPS:
        raise TooManyHops("this mail has been through too many servers; it seems to go round in circles")


def _is_our_id(message_id: str | None, hostnames: frozenset[str]) -> bool:
    left, _, right = (message_id or "").strip("<>").rpartition("@")
    return left.endswith(".faxbridge") and right.lower() in hostnames
