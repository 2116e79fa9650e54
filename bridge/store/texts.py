"""Text of others as columns: whatever it is, it can be written down, and on every database in the same way."""

import re

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

_NOWHERE = re.compile("[\0\ud800-\udfff]")
"""What PostgreSQL takes in no text (NUL), and what no database takes: halves of a pair, which stand for nothing."""


class Text(sa.TypeDecorator[str]):
    """Text of a client, a sender, the carrier, a relay or an operator: at most ``limit`` characters, None: any number.

    What cannot be stored stands as U+FFFD, what is too long is cut: a row that could never be written would be tried
    again for ever, or its mail refused for ever. What is compared with such a column is treated alike.
    Whatever must not be cut, such as an address, is held to its length at the door it comes in by.
    """

    impl = sa.String
    cache_ok = True

    def __init__(self, limit: int | None = None) -> None:
        super().__init__(limit)
        self.limit = limit
        if limit is None:
            self.impl = sa.Text()  # type: ignore[assignment]  # SQLAlchemy puts an instance over the class here

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - its signature
        return None if value is None else storable(value, self.limit)


def storable(text: str, limit: int | None = None) -> str:
    """The text as it is stored: itself, where nothing stands against that."""
    return _NOWHERE.sub("\ufffd", text[:limit])
