"""Our SMTP side as a process of its own: ``python -m tests.benchmarks.ours FOLDER``; prints its port.

Built as ``bridge/app.py`` builds it, on a store in FOLDER, with generous limits and a log in JSON. There is no worker
behind it: no page is made, and nothing is sent. SIGTERM ends it.
"""

import asyncio
import signal
import sys
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path

from bridge.fax.options import LimitOptions, PolicyOptions
from bridge.intake import listeners
from bridge.intake.listeners import Listeners
from bridge.intake.options import IntakeOptions, ListenerOptions
from bridge.intake.parts import Intake
from bridge.mail.options import MailOptions
from bridge.runtime import memory
from bridge.runtime.clock import SystemClock
from bridge.runtime.events import Events, configure_logging
from bridge.runtime.ids import Ids
from bridge.runtime.worker import Bells
from bridge.store import Store
from bridge.store.desk import Desk
from bridge.store.options import StoreOptions

LISTENER = ListenerOptions(host="127.0.0.1", port=0)
OPTIONS = IntakeOptions(
    listeners=(LISTENER,),
    domains=("fax.local",),
    hostname="mx.fax.local",
    max_message_size=200_000_000,
    admin="admin@example.org",
    sessions=1000,
    limits=LimitOptions(faxes_per_day=10**9, pages_per_day=10**9),
)
POLICY = PolicyOptions(networks=(ip_network("127.0.0.0/8"),), countries=frozenset({"US", "CA"}))
MAIL = MailOptions(admin=OPTIONS.admin, sender="fax@fax.local", hostname=OPTIONS.hostname, domain=OPTIONS.domains[0])


async def serve(folder: Path) -> None:
    """Take mail until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with ExitStack() as stack:
        store = Store.open_alone(StoreOptions(database=folder / "faxbridge.db", blobs=folder / "blobs"))
        stack.callback(store.close)
        clock = SystemClock()
        desk = Desk(store, clock, Ids(clock), Bells(), Events())
        intake = Intake.build(desk, OPTIONS, POLICY, MAIL)
        stack.callback(intake.close)
        memory.settle()
        sockets = [(LISTENER, bound) for bound in listeners.bind(LISTENER, {})]
        sys.stdout.write(f"{sockets[0][1].getsockname()[1]}\n")
        sys.stdout.flush()
        async with asyncio.TaskGroup() as group:
            group.create_task(Listeners(intake, sockets).run(stop))
            group.create_task(intake.refusals.run(stop))


def main() -> None:
    """The process."""
    folder = Path(sys.argv[1])
    with (folder / "log").open("w", encoding="utf-8", buffering=1) as log:
        configure_logging("info", "json", log)
        asyncio.run(serve(folder))


if __name__ == "__main__":
    main()
