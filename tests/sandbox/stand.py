"""A stand-in carrier on a free loopback port, and a customer who takes its webhooks, for the length of a test."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pikepdf

from bridge.sandbox import SandboxOptions, run
from bridge.sandbox.options import HookForm

KEY = "sandbox-key"
PATIENCE = 8.0
CALLER, CALLED = "+12125550177", "+14155550100"

Json: TypeAlias = dict[str, Any]


def a_pdf(pages: int = 1, **how_saved: Any) -> bytes:
    """A small PDF."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page(page_size=(612, 792))
        pdf.save(out, **how_saved)
    return out.getvalue()


def a_file(data: bytes, name: str = "fax.pdf") -> Json:
    """A file as fax-send wants it."""
    return {"fileName": name, "fileData": base64.b64encode(data).decode()}


def an_order(number: str = "+14155550101", *files: Json, **fields: Any) -> Json:
    """A body of fax-send."""
    return {"faxNumber": number, "faxData": list(files) or [a_file(a_pdf())], **fields}


@dataclass(frozen=True)
class Post:
    """A webhook as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return dict(json.loads(self.body))


@dataclass
class Customer:
    """A bare HTTP server that notes what it is told and answers as it was told to, else with 200."""

    answers: list[int] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = {}
                while (head := (await reader.readline()).decode().strip()) != "":
                    name, _, value = head.partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers["content-length"]))
                status = self.answers.pop(0) if self.answers else 200
                writer.write(b"HTTP/1.1 %d Yes\r\ncontent-length: 0\r\n\r\n" % status)
                await writer.drain()
                async with self.came:
                    self.posts.append(Post(line.decode().split()[1], headers, body))
                    self.came.notify_all()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def told(self, times: int) -> list[Post]:
        """All posts, once there are so many."""
        async with asyncio.timeout(PATIENCE), self.came:
            await self.came.wait_for(lambda: len(self.posts) >= times)
        return self.posts


class Stand:
    """The stand-in as seen by its customer."""

    def __init__(self, url: str, client: httpx.AsyncClient, customer: Customer, stop: asyncio.Event) -> None:
        self.url = url
        self.client = client
        self.customer = customer
        self.stop = stop

    async def call(self, name: str, body: Any) -> httpx.Response:
        """Ask the API; ``name`` is what follows ``/v1/customer/``."""
        return await self.client.post(f"/v1/customer/{name}", json=body)

    async def good(self, name: str, body: Any) -> Any:
        """The data of a success."""
        response = await self.call(name, body)
        assert response.status_code == 200, response.text
        assert response.json()["status"] == 1, response.text
        return response.json()["data"]

    async def refused(self, name: str, body: Any) -> tuple[int, str]:
        """Code and text of a refusal."""
        answer = (await self.call(name, body)).json()
        assert answer["status"] == 0, answer
        return answer["data"]["code"], answer["message"]

    async def send(self, number: str = "+14155550101", *files: Json, **fields: Any) -> Any:
        """Send a fax; gives its job id."""
        return (await self.good("fax-send", an_order(number, *files, **fields)))["jobId"]

    async def status(self, job_id: Any) -> Json:
        """The Fax Object."""
        return dict(await self.good("fax-status", {"jobId": job_id}))

    async def ended(self, job_id: Any) -> Json:
        """The Fax Object, once it has ended."""
        return dict(await until(lambda: self.status(job_id), lambda fax: fax["faxStatus"] != "sending"))

    async def plan(self, *steps: Json, **fields: Any) -> None:
        """Post a script."""
        response = await self.client.post("/sandbox/plan", json={"steps": steps, **fields})
        assert response.status_code == 200, response.text

    async def seen(self, what: str) -> Any:
        """What lies under ``/sandbox/``."""
        return (await self.client.get(f"/sandbox/{what}")).json()

    async def receive(self, **fields: Any) -> Json:
        """Let a fax come in."""
        response = await self.client.post("/sandbox/receive", json=fields)
        assert response.status_code == 200, response.text
        return dict(response.json())


async def until(look: Callable[[], Any], fits: Callable[[Any], bool]) -> Any:
    """What ``look`` gives once it fits."""
    async with asyncio.timeout(PATIENCE):
        while not fits(seen := await look()):  # noqa: ASYNC110 - what we wait for happens elsewhere
            await asyncio.sleep(0.01)
    return seen


@asynccontextmanager
async def stand_in(
    *,
    answers: Iterable[int] = (),
    keep: Path | None = None,
    page_seconds: float = 0.0,
    hook_form: HookForm = "json",
    retry_seconds: tuple[float, ...] = (0.01, 0.02),
    hooks: str | None = None,
    user: str = "",
) -> AsyncIterator[Stand]:
    """A stand-in carrier that runs; ``user`` (``name:password@``) goes into the URL of its customer's webhook."""
    stop = asyncio.Event()
    customer = Customer(list(answers))
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(customer.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        options = SandboxOptions(
            host="127.0.0.1",
            port=0,
            hooks=f"http://{user}127.0.0.1:{port}/hooks/secret" if hooks is None else hooks,
            keep=keep,
            page_seconds=page_seconds,
            hook_form=hook_form,
            retry_seconds=retry_seconds,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(run(options, started=url.set_result, stop=stop))
            client = httpx.AsyncClient(
                base_url=await url, headers={"accessToken": KEY}, trust_env=False, timeout=PATIENCE
            )
            async with client:
                yield Stand(await url, client, customer, stop)
            stop.set()
