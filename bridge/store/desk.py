"""What every worker has at hand, so that each is built from one thing and not from seven."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from bridge.fax.arrivals import Mail
from bridge.runtime.clock import Clock
from bridge.runtime.events import Events
from bridge.runtime.floor import Floor
from bridge.runtime.ids import Ids
from bridge.runtime.worker import LEASE_SECONDS, Bells
from bridge.store import Store
from bridge.store.leases import Lease
from bridge.store.outbox import Draft
from bridge.store.writing import StoredBlob

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """The store, the clock, names for new rows, the bells, the vocabulary of events, and who is at work.

    The names of all workers end in ``process``, by which those of other daemons are told from them.
    """

    store: Store
    clock: Clock
    ids: Ids
    bells: Bells
    events: Events
    floor: Floor = field(default_factory=Floor)
    process: str = ""

    async def draft(self, mail: Mail, content: bytes) -> Draft:
        """A mail ready to be owed: its bytes on disk, its row still to be written."""
        blob = await self.store.blobs.put(self.ids.file_name(), content)
        return Draft(replace(mail, blob_id=blob.id), blob)

    async def draft_copy(self, mail: Mail, before: bytes, original: StoredBlob) -> Draft:
        """A mail ready to be owed: a blob of ours with something before it. Only a piece is in memory at once."""
        blob = await self.store.blobs.put_before(self.ids.file_name(), before, original)
        return Draft(replace(mail, blob_id=blob.id), blob)

    def lease(self, owner: str) -> Lease:
        """A claim for ``owner`` that begins now."""
        at = self.clock.steady()
        until = at + timedelta(seconds=LEASE_SECONDS)
        return Lease(owner, self.clock.now(), at, until, self.process, self.floor.heir_of)


class Grip:
    """A worker's hold of what it has claimed, as far as it knows.

    A process that stood still, or had no database, for longer than a lease may have lost it without being told. What
    cannot be undone is begun only while ``holds``.
    """

    def __init__(self, desk: Desk, owner: str) -> None:
        self._desk = desk
        self._owner = owner
        self._asked = desk.clock.steady()
        self._until = self._asked

    def lease(self) -> Lease:
        """What is asked for now."""
        made = self._desk.lease(self._owner)
        self._asked = made.until
        return made

    def kept(self, got: T) -> T:
        """It was granted, unless what came of it is nothing."""
        if got:
            self._until = self._asked
        return got

    @property
    def holds(self) -> bool:
        """Whether nobody else can have it yet."""
        return self._desk.clock.steady() < self._until
