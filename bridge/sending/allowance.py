"""How many pages may be faxed in a day (UTC), by the site and by each identity. What goes over is held, never dropped.

Pages count when they are made. Those of a held fax do not, so that a smaller fax behind it may still go out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from bridge.fax.jobs import Fax
from bridge.runtime.phrases import phrase
from bridge.sending.options import SendingOptions
from bridge.store import history, usage

SITE = ""
"""The site's scope; an identity's is its name."""

RELEASED = "released"
"""The line of a fax's history by which the operator let it go."""


OVER = phrase("the daily limit of {whose} in pages is {limit}, used today: {used}, in this fax: {pages}")
THIS_SITE = phrase("this site")


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that a fax would go over: whose (``identity`` empty: the site's), how many pages, how many are used."""

    identity: str
    limit: int
    used: int

    def in_words(self, pages: int) -> str:
        """Why a fax with so many pages is held, as its sender reads it."""
        return OVER.format(whose=self.identity or THIS_SITE, limit=self.limit, used=self.used, pages=pages)


Held = Mapping[str, tuple[Excess, ...]]
"""By fax: the limits it would go over, its identity's first."""


def plural(count: int, word: str) -> str:
    """``1 page``, ``2 pages``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def find_held(
    connection: sa.Connection, faxes: Iterable[Fax], pages: int, day: date, options: SendingOptions
) -> dict[str, tuple[Excess, ...]]:
    """Which of these faxes of so many pages must be held if they are taken one after the other. Nothing is used up.

    A fax that the operator released, from whatever hold, is held for no limit any more.
    """
    used: dict[str, int] = {}
    held: dict[str, tuple[Excess, ...]] = {}
    for fax in faxes:
        for scope in _scopes(fax):
            if scope not in used:
                used[scope] = usage.take(connection, day, scope).pages
        limits = [(scope, _limit(scope, options)) for scope in _scopes(fax)]
        over = tuple(
            Excess(scope, limit, used[scope])
            for scope, limit in limits
            if limit is not None and used[scope] + pages > limit
        )
        if over and not history.has(connection, fax.id, RELEASED, since=fax.created_at):
            held[fax.id] = over
            continue
        for scope in _scopes(fax):
            used[scope] += pages
    return held


def use(connection: sa.Connection, fax: Fax, pages: int, day: date) -> None:
    """Count the pages of a fax that goes on."""
    for scope in _scopes(fax):
        usage.take(connection, day, scope, pages=pages)


def _scopes(fax: Fax) -> tuple[str, ...]:
    return (fax.identity, SITE) if fax.identity else (SITE,)


def _limit(scope: str, options: SendingOptions) -> int | None:
    """None for an identity that is no longer configured: the site's limit holds for it."""
    return options.limits.pages_per_day if scope == SITE else options.page_limits.get(scope)
