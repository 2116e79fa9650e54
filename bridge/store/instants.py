"""Moments as columns: the same to whoever reads or compares them, whatever the database."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class Instant(sa.TypeDecorator[datetime]):
    """A moment in UTC. On SQLite text of one width, ``2026-11-23T08:15:30.250000Z``: it sorts, and can be read."""

    impl = sa.String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[datetime]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(27))  # type: ignore[arg-type]  # text outside, a moment inside
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> object:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - its signature
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value if isinstance(value, datetime) or value is None else None
