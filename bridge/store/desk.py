"""What every worker has at hand, so that each is built from one thing and not from seven."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

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
