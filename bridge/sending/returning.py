"""What a notice gives back of the mail it is about, as its sender asked (RET; RFC 3461, 4.3)."""

from contextlib import suppress

from bridge.fax.jobs import Message
from bridge.fax.policy import is_named
from bridge.fax.wishes import Ret
from bridge.mail.returned import Returned
from bridge.store.blobs import BlobDamaged
from bridge.store.desk import Desk

RETURNED_LIMIT = 10_000_000
"""Octets of a mail that is given back whole; of a longer one the header is (RFC 3461, 4.3 allows that)."""


async def give_back(
    desk: Desk, message: Message, head: bytes, to: str, senders: tuple[str, ...], *, failed: bool
) -> Returned | None:
    """All of the mail with a failure alone, else its ``head``; None where nothing was asked for, or is left.

    A document goes to addresses alone that policy names (``senders``); all others get the header.
    """
    if message.ret is None or not head:
        return None
    if message.ret is Ret.FULL and failed and is_named(to, senders) and message.size <= RETURNED_LIMIT:
        with suppress(BlobDamaged):
            return Returned(await desk.store.read_blob(message.blob_id), whole=True)
    return Returned(head, whole=False)
