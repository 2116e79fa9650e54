"""``faxbridge serve``."""

import asyncio
import os

from bridge import app
from bridge.cli.common import Config
from bridge.runtime.events import Events, configure_logging
from bridge.settings import load

PRIVATE = 0o077


def serve(config: Config = None) -> None:
    """Run the daemon in the foreground until SIGTERM or SIGINT."""
    settings = load(config).settings
    os.umask(PRIVATE)
    configure_logging(settings.log.level, settings.log.format)
    asyncio.run(app.serve(settings, Events()))
