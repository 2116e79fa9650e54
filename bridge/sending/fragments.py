"""Mails that a machine divided (``message/partial``): their faxes wait for one another, and become one.

Each piece is taken on like any mail, though only the first counts for the day; its faxes stay ``accepted`` until the
last has come. Whichever is in hand then gets the pages of the whole, and the others end in the same transaction, so
that a crash leaves all of them waiting or none. What belongs together is told by who sent it, to which number, and the
id that the pieces bear. Who has such a fax sent once more gets the whole again, of whatever pieces are still there.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import BinaryIO

import sqlalchemy as sa

from bridge.fax.jobs import Fax, Message
from bridge.mail.headers import HEADER_LIMIT
from bridge.mail.partial import Fragment, fragment_of
from bridge.runtime.phrases import phrase
from bridge.store import StoredBlob, faxes, fragments as waiting
from bridge.store.desk import Desk

PATIENCE = timedelta(hours=24)
"""After the first piece; what has not come by then is not waited for."""

MISSING = phrase(
    "only {came} of the pieces in which the mail was sent came within a day; switch off the dividing of mail at the "
    "machine that sent it (“split”, “divide” or “page division”), and send it again"
)
TOO_LARGE = phrase("its pieces make more than {size} MB; send it in several faxes")
WAITING = "a piece of a divided mail: waits for the others, for a day at most"
TOLD_WITH_ANOTHER = "a piece of a divided mail, told of with the others"

MOST_BYTES = 200_000_000
_CHUNK = 1 << 20
_BLANK_LINES = (b"\r\n\r\n", b"\n\n")

Opener = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not all have come; ``until`` then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """They will not be one mail any more: ``why``. ``others`` are the faxes of the other pieces."""

    why: str
    others: tuple[Fax, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """All have come: ``opened`` has the mail, ``others`` are the faxes of the other pieces."""

    opened: Opener
    others: tuple[Fax, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    number: int
    total: int | None
    message: Message
    stored: StoredBlob
    faxes: tuple[Fax, ...]


async def look(desk: Desk, batch: tuple[Fax, ...], message: Message, fragment: Fragment) -> Waiting | Given | Whole:
    """How a mail stands of which ``message`` is one piece."""
    again = batch[0].resend_of is not None
    pieces = await (_pieces_again(desk, batch[0], fragment.id) if again else _pieces(desk, batch, message, fragment.id))
    others = tuple(fax for piece in pieces if piece.message.id != message.id for fax in piece.faxes)
    by_number = {piece.number: piece for piece in reversed(pieces)}
    total = next((piece.total for piece in pieces if piece.total is not None), None)
    if total is not None and all(number in by_number for number in range(1, total + 1)):
        needed = [by_number[number].stored for number in range(1, total + 1)]
        if sum(stored.size for stored in needed) > MOST_BYTES:
            return Given(TOO_LARGE.format(size=MOST_BYTES // 1_000_000), others)
        for stored in needed:
            await desk.store.blobs.check(stored)
        return Whole(lambda: _joined(desk, needed), others)
    until = min((piece.message.received_at for piece in pieces), default=message.received_at) + PATIENCE
    if desk.clock.now() < until and not again:
        return Waiting(until)
    return Given(MISSING.format(came=len(by_number)), others)


async def _pieces(desk: Desk, batch: tuple[Fax, ...], message: Message, identity: str) -> list[_Piece]:
    """All pieces that wait for the same numbers, in the order in which they came."""
    numbers = {fax.number for fax in batch}
    since = message.received_at - PATIENCE
    beside = await desk.store.read(lambda connection: waiting.accepted_beside(connection, batch[0], since))
    pieces: list[_Piece] = []
    for each in dict.fromkeys(fax.message_id for fax in beside):
        found, own = await desk.store.read(partial(_mail_and_faxes, message_id=each))
        stored = await desk.store.stored(found.blob_id)
        fragment = fragment_of(await desk.store.head(found.blob_id, HEADER_LIMIT))
        if fragment is not None and fragment.id == identity and {fax.number for fax in own} == numbers:
            pieces.append(_Piece(fragment.number, fragment.total, found, stored, own))
    return pieces


async def _pieces_again(desk: Desk, fax: Fax, identity: str) -> list[_Piece]:
    """All pieces of a mail that is faxed once more: its own have ended, however that was."""

    def look(connection: sa.Connection) -> list[Message]:
        beside = waiting.beside(connection, waiting.first_of(connection, fax), PATIENCE)
        return [faxes.message_of(connection, each) for each in dict.fromkeys(one.message_id for one in beside)]

    pieces: list[_Piece] = []
    for message in await desk.store.read(look):
        fragment = fragment_of(await desk.store.head(message.blob_id, HEADER_LIMIT))
        if fragment is not None and fragment.id == identity:
            stored = await desk.store.stored(message.blob_id)
            pieces.append(_Piece(fragment.number, fragment.total, message, stored, ()))
    return pieces


def _mail_and_faxes(connection: sa.Connection, message_id: str) -> tuple[Message, tuple[Fax, ...]]:
    return faxes.message_of(connection, message_id), waiting.accepted_of(connection, message_id)


def _joined(desk: Desk, needed: list[StoredBlob]) -> BinaryIO:
    """The mail in a file without a name: what stands below the header of each piece, one after another."""
    whole = tempfile.TemporaryFile(buffering=0, dir=desk.store.blobs.workspace)  # noqa: SIM115 - its caller closes it
    for stored in needed:
        with desk.store.blobs.open_plain(stored) as piece:
            content = piece.read()
        ends = [at + len(mark) for mark in _BLANK_LINES if (at := content.find(mark)) >= 0]
        view = memoryview(content)[min(ends, default=len(content)) :]
        while view:
            view = view[whole.write(view[:_CHUNK]) :]
    whole.seek(0)
    return whole
