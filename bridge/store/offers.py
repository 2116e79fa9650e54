"""What makes a mail one that can be answered: an address of its own, and what may be asked there."""

from collections.abc import Set as AbstractSet

from bridge.fax.replies import LASTS, Action, Answerable
from bridge.store.desk import Desk
from bridge.store.replies import digest


def offer(
    desk: Desk, domain: str, fax_id: str, notified: str, actions: AbstractSet[Action], *, to: str = ""
) -> tuple[str, Answerable | None]:
    """The Reply-To of a mail about that fax to ``notified``, and what is kept of it when the mail is owed.

    Answers come under ``domain``. Empty and None where there is none, or nothing may be asked. ``to`` is the number a
    yes stands for.
    """
    if not actions or not domain:
        return "", None
    token = desk.ids.token()
    made = Answerable(digest(token), fax_id, notified, frozenset(actions), desk.clock.now() + LASTS, to)
    return f"reply+{token}@{domain}", made
