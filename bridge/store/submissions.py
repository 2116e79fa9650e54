"""One fax a submission: a unique row for each, written in the transaction that takes the fax on.

The key says what makes two submissions the same (``bridge.intake.fingerprints``); here it is only text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bridge.fax.states import FaxState
from bridge.store.faxes import Stale
from bridge.store.tables import fax, submission

_CAME_TO_NOTHING = frozenset({FaxState.FAILED, FaxState.CANCELLED})
"""A fax in these states stands in nobody's way."""

_LOOK = sa.select(submission.c.key, submission.c.fax_id, submission.c.first_at, fax.c.state, fax.c.version).join(fax)
_LOOK_ONE = _LOOK.where(submission.c.key == sa.bindparam("key"))
_LOOK_SEVERAL = _LOOK.where(submission.c.key.in_(sa.bindparam("keys", expanding=True)))


@dataclass(frozen=True, slots=True)
class Submission:
    """What is known of a key: the fax that has it, as that fax is now, and when it was taken on."""

    fax_id: str
    version: int
    state: FaxState
    first_at: datetime

    def counts(self, since: datetime) -> bool:
        """Whether the same again is no new fax: this one is not too old, and has not failed or been cancelled."""
        return self.first_at >= since and self.state not in _CAME_TO_NOTHING


def look(connection: sa.Connection, keys: Sequence[str]) -> dict[str, Submission]:
    """What is known of each of these keys."""
    if len(keys) == 1:
        found = connection.execute(_LOOK_ONE, {"key": keys[0]})
    else:
        found = connection.execute(_LOOK_SEVERAL, {"keys": list(keys)})
    return {row.key: Submission(row.fax_id, row.version, FaxState(row.state), row.first_at) for row in found}


def claim(
    connection: sa.Connection, faxes: Mapping[str, tuple[str, datetime]], before: Mapping[str, Submission]
) -> None:
    """Give each key to its new fax (its id, and when it came). ``before`` is what ``look`` found in this transaction.

    Raises Stale where another got ahead of us: with one writer that cannot be, with several nodes it can.
    """
    holders = {key: before[key].fax_id if key in before else None for key in faxes}
    rows: list[dict[str, Any]] = [{"key": key, "fax_id": fax_id, "first_at": at} for key, (fax_id, at) in faxes.items()]
    if connection.dialect.name == "postgresql":
        taken = connection.execute(_claim_on_server(rows, holders)).rowcount
    else:
        taken = connection.execute(_CLAIM, [row | {"holder": holders[row["key"]]} for row in rows]).rowcount
    if taken != len(rows):
        raise Stale("the same mail is being taken on elsewhere")


def _claim_on_server(rows: Sequence[Mapping[str, Any]], holders: Mapping[str, str | None]) -> sa.Executable:
    """The same in one statement for all, since the driver does not tell how many rows many statements touched."""
    insert = postgresql.insert(submission).values(rows)
    seen = [(key, holder) for key, holder in holders.items() if holder is not None]
    return _taking_over(insert, sa.tuple_(submission.c.key, submission.c.fax_id).in_(seen))


def _taking_over(insert: Any, where: sa.ColumnElement[bool]) -> sa.Executable:
    """A free key is taken, and one taken over only from the fax that was seen to have it."""
    statement: sa.Executable = insert.on_conflict_do_update(
        index_elements=["key"],
        set_={"fax_id": insert.excluded.fax_id, "first_at": insert.excluded.first_at},
        where=where,
    )
    return statement


_CLAIM = _taking_over(sqlite.insert(submission), submission.c.fax_id == sa.bindparam("holder"))
