"""Webhooks: what is told to our customer, in which form, how often, and what he answered."""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import httpx

from bridge.sandbox.actions import Action
from bridge.sandbox.background import Background
from bridge.sandbox.options import HookForm
from bridge.sandbox.shapes import Json, reshape
from bridge.sandbox.state import Now

_log = logging.getLogger(__name__)

_NOTHING = Action(delay=0)


@dataclass(frozen=True)
class Attachment:
    """A file that a webhook in form form brings along."""

    name: str
    data: bytes
    media: str


@dataclass
class Hook:
    """One webhook and its story."""

    body: Json
    form: HookForm
    attachment: Attachment | None
    at: datetime
    state: Literal["waiting", "withheld", "posting", "taken", "given up", "nobody to tell"] = "waiting"
    answers: list[int | str] = field(default_factory=list)
    """For each try the HTTP status, or the name of what went wrong."""

    def seen(self) -> Json:
        return {
            "body": self.body,
            "form": self.form,
            "at": self.at.isoformat(),
            "state": self.state,
            "answers": self.answers,
        }


class Hooks:
    """Posts webhooks, repeats those that weren't taken, and misbehaves where told to."""

    def __init__(
        self,
        *,
        client: httpx.AsyncClient,
        background: Background,
        url: str,
        form: HookForm,
        retry_seconds: tuple[float, ...],
        now: Now,
    ) -> None:
        self._client = client
        self._background = background
        self._form = form
        self._retry_seconds = retry_seconds
        self._now = now
        self._held: list[asyncio.Event] = []
        self.url = url
        self.all: list[Hook] = []

    def announce(self, facts: Json, action: Action | None = None, attachment: Attachment | None = None) -> Hook:
        """Tell of these facts, on the side."""
        hook = self._make(facts, action or _NOTHING, attachment)
        self._background.start(self._deliver(hook, action or _NOTHING), "hook")
        return hook

    async def announce_now(self, facts: Json, action: Action) -> None:
        """Tell of these facts and return once the customer has answered for the first time."""
        hook = self._make(facts, action, None)
        if not await self._post(hook):
            self._background.start(self._repeat(hook), "hook")

    def _make(self, facts: Json, action: Action, attachment: Attachment | None) -> Hook:
        hook = Hook(reshape(facts, action.shape), action.form or self._form, attachment, self._now())
        self.all.append(hook)
        return hook

    async def _deliver(self, hook: Hook, action: Action) -> None:
        if action.withhold:
            hook.state = "withheld"
            return
        await self._background.pause(action.delay)
        if action.reorder:
            turn = asyncio.Event()
            self._held.append(turn)
            await turn.wait()
        for _ in range(action.repeat):
            if not await self._post(hook):
                await self._repeat(hook)

    async def _repeat(self, hook: Hook) -> None:
        for seconds in self._retry_seconds:
            await self._background.pause(seconds)
            if await self._post(hook):
                return
        if hook.state != "nobody to tell":
            hook.state = "given up"

    async def _post(self, hook: Hook) -> bool:
        """Whether the customer took it; nobody to tell counts as taken, since repeating won't help."""
        if not self.url:
            hook.state = "nobody to tell"
            return True
        hook.state = "posting"
        try:
            response = await self._client.send(self._request(hook))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            hook.answers.append(type(error).__name__)
            _log.info("webhook not taken: %s", type(error).__name__)
            taken = False
        else:
            hook.answers.append(response.status_code)
            taken = response.is_success
        if taken:
            hook.state = "taken"
        self._release_held()
        return taken

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for turn in held:
            turn.set()

    def _request(self, hook: Hook) -> httpx.Request:
        if hook.form == "json":
            return self._client.build_request("POST", self.url, json=hook.body)
        # A field without a file name is plain text; httpx sends a true multipart form only where there are "files".
        parts: list[tuple[str, tuple[str | None, bytes, str | None]]] = [
            (name, (None, _as_text(value).encode(), None)) for name, value in hook.body.items() if value is not None
        ]
        if hook.attachment:
            parts.append(("filename", (hook.attachment.name, hook.attachment.data, hook.attachment.media)))
        return self._client.build_request("POST", self.url, files=parts)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
