"""Calls a second, uploads and downloads at once: the limits of the settings are in force."""

import asyncio
from collections.abc import Awaitable

import pytest

from bridge.ifax.client import FaxRequest, IfaxClient
from bridge.ifax.errors import CarrierError, NotTaken
from tests.support.store_bench import FakeClock
from tests.support.wire_server import PATIENCE, Act, WireServer, carrier, says_json, wire_server

GOOD = says_json({"status": 1, "data": {"jobId": 1}})
REQUEST = FaxRequest("+14155550101", b"%PDF-")


class NotingClock(FakeClock):
    """Notes at which moments calls were let go."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def test_calls_per_second() -> None:
    """Calls of every kind that come at once are spaced evenly, whoever makes them."""
    clock = NotingClock()
    async with wire_server(GOOD) as wire, carrier(wire.url, clock, calls_per_second=4.0) as client:
        await asyncio.gather(
            client.fax_send(REQUEST), client.fax_status("1"), client.fax_download("1", "2"), client.fax_status("1")
        )
        assert sorted(clock.slept) == [0.25, 0.5, 0.75]
        clock.seconds += 10
        await client.fax_status("1")
    assert len(clock.slept) == 3, "after a pause nothing is owed"


async def test_a_pause_that_the_carrier_asks_for() -> None:
    """A 429 with Retry-After to any call stops calls of every kind until it is over; nobody is asked meanwhile."""
    clock = FakeClock()
    async with (
        wire_server(says_json({"status": 0}, 429, "Retry-After: 40"), GOOD) as wire,
        carrier(wire.url, clock) as client,
    ):
        with pytest.raises(CarrierError):
            await client.fax_status("1")
        assert client.pause_left() == pytest.approx(40, abs=1)
        clock.seconds += 30
        with pytest.raises(NotTaken) as caught:
            await client.fax_send(REQUEST)
        assert (caught.value.cause, caught.value.retry_after) == ("rate-limited", client.pause_left())
        with pytest.raises(CarrierError, match="wishes no calls"):
            await client.fax_download("1", "2")
        assert len(wire.requests) == 1
        clock.seconds += 11
        assert client.pause_left() == 0
        assert (await client.fax_send(REQUEST)).job_id == "1"


async def _held(wire: WireServer, client: IfaxClient, *, downloads: bool) -> int:
    """How many of five calls are with the server at once."""

    def call() -> Awaitable[object]:
        return client.fax_download("1", "2") if downloads else client.fax_send(REQUEST)

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(call() for _ in range(5)))
    return wire.most_at_once


async def test_uploads_at_once() -> None:
    """No more faxes are handed over at once than ``uploads`` says, and so many are."""
    slow = Act((b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b'{"status":1,"data":{"jobId":1}}'), pause=0.1)
    async with wire_server(slow) as wire, carrier(wire.url, uploads=2) as client:
        assert await _held(wire, client, downloads=False) == 2


async def test_downloads_at_once() -> None:
    """The same for downloads; a status call does not wait behind them."""
    slow = Act((b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b'{"status":1,"data":""}'), pause=0.1)
    async with wire_server(slow) as wire, carrier(wire.url, downloads=3) as client:
        assert await _held(wire, client, downloads=True) == 3


async def test_a_cancelled_upload_gives_its_place_back() -> None:
    """A call that is cut off by our own shutdown leaves the next one its place."""
    async with wire_server(Act(then="hang"), GOOD) as wire, carrier(wire.url, uploads=1) as client:
        first = asyncio.ensure_future(client.fax_send(REQUEST))
        async with asyncio.timeout(PATIENCE):
            while not wire.requests:  # noqa: ASYNC110 - what we wait for happens elsewhere
                await asyncio.sleep(0.005)
            first.cancel()
            assert (await client.fax_send(REQUEST)).job_id == "1"
    assert first.cancelled()
