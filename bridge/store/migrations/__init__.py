"""The schema's steps, run by Alembic from inside the package."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bridge.errors import Misconfigured
from bridge.runtime.crash import Point, crash_point


def upgrade(connection: sa.Connection) -> None:
    """Bring the database up to date, in the connection's own transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def bring_up(connection: sa.Connection) -> tuple[str | None, str]:
    """Bring the database up to date unless it is; returns the revision before and after. Raises Misconfigured."""
    check_known(connection)
    before = current(connection)
    if before != head():
        upgrade(connection)
        crash_point(Point.START_MIGRATED)
    return before, head()


def current(connection: sa.Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision this version of the program works with."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def check_known(connection: sa.Connection) -> None:
    """Raise Misconfigured when the database was made by a newer version than this."""
    revision = current(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise Misconfigured(
            f"the database is at schema {revision}, which this version does not know; install a newer one"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
