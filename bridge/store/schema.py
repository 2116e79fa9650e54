"""What the tables have in common: how constraints are named, and columns and indexes that several have."""

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bridge.store.instants import Instant

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def one_of(column: str, values: type[StrEnum]) -> sa.CheckConstraint:
    """The column holds one of these words."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=column)


def row_id() -> sa.Column[int]:
    """A number that counts up."""
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)


def leased() -> tuple[sa.Column[object], ...]:
    """Columns of a row that workers claim: when it is due, and who holds it until when."""
    return (
        sa.Column("due_at", Instant),
        sa.Column("lease_owner", sa.String(80)),
        sa.Column("lease_until", Instant),
    )


def partial(name: str, *columns: Any, where: sa.TextClause | sa.ColumnElement[bool], unique: bool = False) -> sa.Index:
    """An index of those rows alone that meet a condition."""
    return sa.Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def insert(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that may say what is done where the row is there already.

    SQLAlchemy has the same words for both databases, but no statement that serves both.
    """
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
