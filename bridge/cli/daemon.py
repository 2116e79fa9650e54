"""``faxbridge serve``."""

import asyncio
import os

from bridge.cli.common import Config, fail
from bridge.errors import BridgeError
from bridge.settings import load

PRIVATE = 0o077


def serve(config: Config = None) -> None:
    """Run the daemon in the foreground until SIGTERM or SIGINT."""
    settings = load(config).settings
    # the whole house; who only asks for a code or a list does not wait for it
    from bridge import app  # noqa: PLC0415
    from bridge.runtime import crash  # noqa: PLC0415
    from bridge.runtime.events import Events, configure_logging  # noqa: PLC0415

    os.umask(PRIVATE)
    crash.arm(os.environ)
    configure_logging(settings.log.level, settings.log.format)
    events = Events()
    try:
        asyncio.run(app.serve(settings, events))
    except* BridgeError as group:
        raise _innermost(group) from None
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
