"""The operator's side: is it alive, is it ready, and what do the numbers say."""

from collections.abc import Iterable

import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bridge.errors import BridgeError
from bridge.fax.states import FaxState
from bridge.store import overview
from bridge.store.desk import Desk
from bridge.store.overview import Counts

NOTICE_AGE_LIMIT_SECONDS = 3600
"""A mail owed for longer than this says that the relay needs a look."""


class Health:
    """Health and metrics, read from the store at each question."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def application(self) -> Starlette:
        """The admin listener's paths."""
        return Starlette(
            routes=[
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
                Route("/metrics", self._metrics),
            ]
        )

    async def _live(self, _: Request) -> Response:
        return JSONResponse({"alive": True})

    async def _ready(self, _: Request) -> Response:
        """503 with the reasons while the daemon cannot do its work."""
        reasons = []
        try:
            counts = await self._desk.store.read(self._count)
            if counts.oldest_mail_seconds > NOTICE_AGE_LIMIT_SECONDS:
                hours = counts.oldest_mail_seconds / 3600
                reasons.append(f"{counts.mails_owed} mails wait for the relay, the oldest for {hours:.1f} hours")
            if counts.admin_unreached:
                reasons.append("the last mail to relay.admin could not be delivered: nobody hears what goes wrong")
        except BridgeError as error:
            reasons.append(error.public)
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    async def _metrics(self, _: Request) -> Response:
        try:
            counts = await self._desk.store.read(self._count)
        except BridgeError as error:
            return PlainTextResponse(f"# {error.public}\n", status_code=503)
        return Response(await run_in_threadpool(self._exposition, counts), media_type=CONTENT_TYPE_LATEST)

    def _count(self, connection: sa.Connection) -> Counts:
        return overview.counts(connection, self._desk.clock.now())

    def _exposition(self, counts: Counts) -> bytes:
        registry = CollectorRegistry()
        registry.register(_Gauges(counts))
        return generate_latest(self._desk.events.meters.registry) + generate_latest(registry)


class _Gauges(Collector):
    """What stands in the store, as gauges."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        queue = GaugeMetricFamily("faxbridge_queue_faxes", "Faxes in each state that is not final", labels=["state"])
        for state in FaxState:
            if not state.final:
                queue.add_metric([state], self._counts.by_state.get(state, 0))
        yield queue
        yield GaugeMetricFamily(
            "faxbridge_oldest_waiting_seconds",
            "Age of the oldest fax without a final word",
            value=self._counts.oldest_fax_seconds,
        )
        yield GaugeMetricFamily(
            "faxbridge_notices_owed", "Mails that wait for the relay", value=self._counts.mails_owed
        )
        yield GaugeMetricFamily(
            "faxbridge_quarantined", "Received faxes that wait for a person", value=self._counts.quarantined
        )
