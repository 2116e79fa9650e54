"""``faxbridge demo``: the whole thing on this machine with no account, both ways, each step shown as it happens."""

import asyncio
import signal
from pathlib import Path

from bridge import app
from bridge.cli.common import fail
from bridge.cli.demo_parts import DemoFailed, MailSink, Progress, StandIn, demo_settings
from bridge.cli.demo_steps import receive_a_fax, send_a_fax
from bridge.errors import BridgeError
from bridge.runtime.events import Events, configure_logging

STEP_SECONDS = 60.0
"""A step that takes longer has failed."""


def demo(folder: Path, *, once: bool) -> None:
    """Show both ways, with the files in ``folder``; ``once`` ends it after that."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(_demo(folder.absolute(), once=once))
    except* DemoFailed as group:
        fail(f"demo: {group.exceptions[0]}")
    except* (BridgeError, OSError) as group:
        fail(f"demo: {group.exceptions[0]}")


async def _demo(folder: Path, *, once: bool) -> None:
    progress = Progress()
    stop, stop_standin = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    with (folder / "daemon.log").open("w", encoding="utf-8") as log:
        configure_logging("info", "json", log)
        async with asyncio.TaskGroup() as group:
            sink = await MailSink.start(folder)
            standin = await StandIn.start(group, folder, stop_standin)
            settings = demo_settings(folder, sink.port, standin.url)
            sockets = app.bind(settings)
            await standin.call_hooks(sockets.http_address)
            daemon = group.create_task(app.run(settings, sockets, stop, Events()))
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop.set)
            try:
                progress.say(f"a stand-in carrier, the daemon and a mailbox run on this machine; files go to {folder}")
                async with asyncio.timeout(2 * STEP_SECONDS):
                    await send_a_fax(folder, settings, sockets.smtp_address, standin, sink, progress)
                    await receive_a_fax(folder, standin, sink, progress)
                if not once:
                    _say_how_to_go_on(sockets.smtp_address, standin, folder, progress)
                    await stop.wait()
            except TimeoutError:
                raise DemoFailed(f"this took too long; the daemon's log is {folder / 'daemon.log'}") from None
            finally:
                stop.set()
                await asyncio.wait({daemon})
                sockets.close()
                stop_standin.set()
                await sink.close()


def _say_how_to_go_on(smtp: tuple[str, int], standin: StandIn, folder: Path, progress: Progress) -> None:
    host, port = smtp
    progress.say("")
    progress.say("It stays up now. Send a mail of your own (any PDF or picture), from another terminal:")
    progress.say("")
    progress.say(
        f"  swaks --server {host}:{port} --from you@example.org --to 14155550123@fax.local \\\n"
        "        --header 'Subject: my first fax' --attach @some-file.pdf"
    )
    progress.say("")
    progress.say("Numbers that end differently (busy, no answer, ...):  faxbridge sandbox --numbers")
    progress.say(
        f"Notices and received faxes arrive in {folder}; the stand-in's own side is {standin.url}/sandbox/faxes"
    )
    progress.say("Ctrl-C ends it.")
