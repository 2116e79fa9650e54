"""``faxbridge serve``."""

import asyncio
import os

from bridge import app
from bridge.cli.common import Config, fail
from bridge.errors import BridgeError
from bridge.runtime.events import Events, configure_logging
from bridge.settings import load

PRIVATE = 0o077


def serve(config: Config = None) -> None:
    """Run the daemon in the foreground until SIGTERM or SIGINT."""
    settings = load(config).settings
    os.umask(PRIVATE)
    configure_logging(settings.log.level, settings.log.format)
    events = Events()
    try:
        asyncio.run(app.serve(settings, events))
    except* BridgeError as group:
        raise group.exceptions[0] from None
    except* asyncio.CancelledError:
        fail("ended at once by a second signal; what was in hand is found again at the next start")
    except* Exception as group:  # noqa: BLE001 - the process ends, and its log says where it broke
        events.worker_failed(worker="daemon", error=_innermost(group))
        fail(f"the daemon stopped on an error of its own ({type(_innermost(group)).__name__}); its log says where")


def _innermost(error: BaseException) -> BaseException:
    """The first single error in a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
