"""What the demo is made of beside the daemon: a mailbox, the stand-in carrier, settings, words on the screen."""

import asyncio
import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.request import ProxyHandler, Request, build_opener

from aiosmtpd.smtp import SMTP, Envelope, Session
from rich.console import Console

from bridge import sandbox
from bridge.settings import Settings

T = TypeVar("T")

TOKEN = "sandbox-key"  # noqa: S105 - the stand-in's key is no secret
OUR_NUMBER = "+14155550100"
SINK_SIZE_LIMIT = 100_000_000


class DemoFailed(Exception):
    """A step of the demo did not do what it should; the text says which and where to look."""


class Progress:
    """Lines on the screen as things happen; on a terminal with a spinner while something is awaited."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False, soft_wrap=True)

    def done(self, text: str) -> None:
        """A step that succeeded."""
        self._console.print(
            f"  [green]✓[/green] {text}" if self._console.is_terminal else f"  ok  {text}", soft_wrap=True
        )

    async def wait_for(self, what: str, look: Callable[[], T | None], seconds: float) -> T:
        """What ``look`` finds, once it finds it; raises DemoFailed when that takes more than ``seconds``."""
        with self._console.status(what):
            try:
                async with asyncio.timeout(seconds):
                    while (found := await asyncio.to_thread(look)) is None:  # noqa: ASYNC110 - another process's file
                        await asyncio.sleep(0.1)
                    return found
            except TimeoutError:
                raise DemoFailed(f"waited {seconds:.0f} s in vain: {what}") from None


class MailSink:
    """A mailbox: an SMTP server that keeps every mail as a file in the demo's folder."""

    def __init__(self, folder: Path) -> None:
        for old in folder.glob("mail-*.eml"):
            old.unlink()
        self._folder = folder
        self._server: asyncio.Server | None = None
        self.mails: list[tuple[Path, EmailMessage]] = []

    @classmethod
    async def start(cls, folder: Path) -> Self:
        """Listen on a free loopback port."""
        sink = cls(folder)
        loop = asyncio.get_running_loop()
        sink._server = await loop.create_server(
            lambda: SMTP(sink, data_size_limit=SINK_SIZE_LIMIT, hostname="mailbox.invalid", loop=loop), "127.0.0.1", 0
        )
        return sink

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        content = envelope.content
        assert isinstance(content, bytes)
        path = self._folder / f"mail-{len(self.mails) + 1}.eml"
        path.write_bytes(content)
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((path, mail))
        return "250 2.0.0 kept"

    def find(self, event: str) -> tuple[Path, EmailMessage] | None:
        """The first mail whose X-Fax-Event is this."""
        return next((each for each in self.mails if each[1]["X-Fax-Event"] == event), None)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()


@dataclass(frozen=True, slots=True)
class StandIn:
    """The stand-in carrier, running."""

    url: str

    @classmethod
    async def start(cls, group: asyncio.TaskGroup, folder: Path, stop: asyncio.Event) -> "StandIn":
        """Run it on a free loopback port until ``stop``; what it is sent it keeps in ``folder``."""
        kept = folder / "carrier"
        shutil.rmtree(kept, ignore_errors=True)
        started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        options = sandbox.SandboxOptions(host="127.0.0.1", port=0, hooks="", keep=kept, token=TOKEN, page_seconds=0.8)
        group.create_task(sandbox.run(options, started=started.set_result, stop=stop))
        return cls(await started)

    async def call_hooks(self, daemon: tuple[str, int]) -> None:
        """Tell it where our webhook is."""
        await self.ask("PUT", "/sandbox/hooks", {"url": f"http://{daemon[0]}:{daemon[1]}/hooks/ifax/{HOOK_SECRET}"})

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call to its control side; JSON both ways, other bytes as they are."""
        return await asyncio.to_thread(self._ask, method, path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
            raw = response.read()
            is_json = response.headers.get_content_type() == "application/json"
        return json.loads(raw) if is_json and raw else raw


HOOK_SECRET = secrets.token_urlsafe(24)


def demo_settings(folder: Path, sink_port: int, carrier: str) -> Settings:
    """Settings as an operator would write them, on free loopback ports and a fresh store."""
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    return Settings.model_validate(
        {
            "ifax": {
                "base_url": f"{carrier}/v1",
                "access_token": TOKEN,
                "caller_id": OUR_NUMBER,
                "first_poll": "5s",
            },
            "smtp": {"listeners": [{"address": "127.0.0.1:0"}], "domains": ["fax.local"], "hostname": "fax.local"},
            "relay": {"url": f"smtp://127.0.0.1:{sink_port}", "admin": "operator@example.org"},
            "http": {"listen": ["127.0.0.1:0"], "hook_secrets": [HOOK_SECRET]},
            "admin": {"listen": ["127.0.0.1:0"]},
            "store": {"database": f"sqlite:///{store}/faxbridge.db", "blobs": f"{store}/blobs"},
            "receiving": {
                "poll_interval": "30s",
                "recipients": ["office@example.org"],
                "routes": [{"name": "front desk", "number": OUR_NUMBER, "deliver": ["mailto:front-desk@example.org"]}],
            },
        }
    )
