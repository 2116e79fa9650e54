"""The stand-in as a server: started, stopped, and alone."""

import ast
import asyncio
import logging
import signal
import socket
from importlib import resources
from pathlib import Path

import httpx
import pytest

from bridge.sandbox import SandboxOptions, run
from tests.sandbox.stand import an_order, stand_in, until


def options(port: int = 0, host: str = "127.0.0.1") -> SandboxOptions:
    return SandboxOptions(host=host, port=port, hooks="", keep=None)


async def test_taken_port() -> None:
    """A port that is taken is an OSError, and nothing is started."""
    told: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            await run(options(taken.getsockname()[1]), started=told.append, stop=asyncio.Event())

    assert told == []


def _here(host: str) -> bool:
    """Whether this machine has that way to itself: a bare one may lack IPv6, or a name for its loopback."""
    try:
        (family, *_, address) = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


LOOPBACKS = ["127.0.0.1", *(host for host in ("localhost", "::1") if _here(host))]


@pytest.mark.parametrize("host", LOOPBACKS)
async def test_base_url(host: str) -> None:
    """``started`` gets a URL at which requests are taken at once."""
    stop = asyncio.Event()
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(run(options(host=host), started=url.set_result, stop=stop))
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{await url}/sandbox/health")
        stop.set()

    assert answer.json()["ok"] is True


async def test_port_is_free_again() -> None:
    """After the end the port can be had again at once."""
    async with stand_in(hooks="") as stand:
        await stand.seen("health")
        port = httpx.URL(stand.url).port
    stop = asyncio.Event()
    stop.set()
    told: list[str] = []
    await run(options(port or 0), started=told.append, stop=stop)

    assert told == [f"http://127.0.0.1:{port}"]


async def test_signals_are_left_alone() -> None:
    """The stand-in takes no signal handler from whoever runs it."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with stand_in() as stand:
        await stand.seen("health")
        during = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    assert during == before


async def test_nothing_is_left_behind() -> None:
    """At the end no task goes on: not a call, not a webhook that waits for its repeat, not a silent line."""
    before = asyncio.all_tasks()
    async with stand_in(answers=[500] * 9, retry_seconds=(60,)) as stand:
        await stand.send()
        await stand.customer.told(1)
        await stand.send("+14155550196")
        with pytest.raises(httpx.ReadTimeout):
            await stand.client.post("/v1/customer/fax-send", json=an_order("+14155550157"), timeout=0.1)
    await asyncio.sleep(0)

    assert {task.get_name() for task in asyncio.all_tasks() - before} == set()


async def test_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """Cancelled in the middle of a call it ends at once, its port closed, and says nothing about it."""
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(run(options(), started=url.set_result, stop=asyncio.Event()))
        async with httpx.AsyncClient(base_url=await url, trust_env=False) as client:
            headers = {"accessToken": "sandbox-key"}
            call = asyncio.create_task(
                client.post("/v1/customer/fax-send", json=an_order("+14155550158"), headers=headers)
            )
            await until(lambda: client.get("/sandbox/faxes"), lambda answer: len(answer.json()) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(httpx.TransportError):
                await call
            with pytest.raises(httpx.ConnectError):
                await client.get("/sandbox/health")

    assert caplog.messages == []


def test_knows_no_other_room() -> None:
    """No module of the stand-in imports anything of the house outside of it."""
    modules = [Path(str(path)) for path in resources.files("bridge.sandbox").iterdir() if path.name.endswith(".py")]
    foreign = {
        f"{path.name}: {name}"
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name.partition(".")[0] == "bridge" and not name.startswith("bridge.sandbox")
    }

    assert foreign == set()
    assert len(modules) > 10


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
