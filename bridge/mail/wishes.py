"""Which notices a sender gets: what it asked for (RFC 3461, 4.1), else as the site has it."""

from collections.abc import Collection
from enum import StrEnum

from bridge.fax.wishes import Notify


class Action(StrEnum):
    """What became of a fax, in the word that programs read (RFC 3464, 2.3.3)."""

    DELAYED = "delayed"
    DELIVERED = "delivered"
    FAILED = "failed"
    RELAYED = "relayed"


_ASKED_FOR_BY = {
    Action.DELAYED: Notify.DELAY,
    Action.DELIVERED: Notify.SUCCESS,
    Action.FAILED: Notify.FAILURE,
    Action.RELAYED: Notify.SUCCESS,
}


def not_wanted(action: Action, notify: Collection[Notify] | None, *, otherwise: str = "") -> str:
    """Why the sender gets no notice with this Action; empty where it gets one.

    Who asked for anything gets that and no more. For who asked for nothing ``otherwise`` is the site's own reason.
    """
    if not notify:
        return otherwise
    if _ASKED_FOR_BY[action] in notify:
        return ""
    return f"the sender asked for no such notice (NOTIFY={','.join(sorted(notify))})"
