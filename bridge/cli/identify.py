"""Which fax a person means: by its id, its mail's, or the beginning of either; never by guessing."""

from bridge.cli.common import fail
from bridge.store import Store, overview
from bridge.store.overview import Arrived, Sent

SHORTEST = 6
"""Characters of an id's beginning; shorter ones fit too much."""

SHOWN = 10
"""Candidates that are named."""


def find(store: Store, written: str) -> Sent | Arrived:
    """The one fax that is meant; where there is none, or more than one, the command ends and says so."""
    wanted = written.strip().upper()
    found = store.read_now(lambda connection: overview.one(connection, wanted))
    if found is not None:
        return found
    made = store.read_now(lambda connection: overview.of_message(connection, wanted))
    if len(made) > 1:
        fail(f"{wanted} is a mail with {len(made)} faxes: {', '.join(made)}")
    if not made and len(wanted) >= SHORTEST:
        made = store.read_now(lambda connection: overview.beginning_with(connection, wanted, SHOWN + 1))
        if len(made) > 1:
            more = ", and more" if len(made) > SHOWN else ""
            fail(f"{wanted} is the beginning of several ids: {', '.join(made[:SHOWN])}{more}")
    found = store.read_now(lambda connection: overview.one(connection, made[0])) if made else None
    if found is None:
        fail(f"there is no fax {written}")
    return found


def only_fax(store: Store, written: str) -> str:
    """The id of the outgoing fax that is meant."""
    found = find(store, written)
    if isinstance(found, Arrived):
        fail(f"{found.fax.id} is a received fax; this is for faxes that go out")
    return found.fax.id
