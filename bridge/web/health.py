"""The operator's side: is it alive, is it ready, and what do the numbers say."""

import asyncio
from collections.abc import Callable, Iterable

import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bridge.errors import BridgeError, OutOfSpace
from bridge.fax.states import FaxState
from bridge.runtime.clock import rfc3339
from bridge.store import cursors, overview, pauses
from bridge.store.desk import Desk
from bridge.store.overview import Counts
from bridge.store.pauses import Pause, Work

NOTICE_AGE_LIMIT_SECONDS = 3600
"""A mail owed for longer than this says that the relay needs a look."""


WRITE_EVERY_SECONDS = 5.0
"""However often it is asked, the disk is written to no more often."""

WRITTEN = "health.written"
"""The cursor that is written to see whether it can be."""


class Health:
    """Health and metrics, read from the store at each question.

    ``reserve`` bytes of disk are to stay free; ``carrier`` says what is wrong with iFax, if anything is.
    """

    def __init__(self, desk: Desk, reserve: int = 0, carrier: Callable[[], str] = lambda: "") -> None:
        self._desk = desk
        self._reserve = reserve
        self._carrier = carrier
        self._writing = asyncio.Lock()
        self._written: tuple[float, str] = (-WRITE_EVERY_SECONDS, "")

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
        """503 with the reasons while the daemon cannot do its work, or takes no mail because an operator said so.

        Paused sending or receiving, an operator who cannot be reached, or an iFax that is away, is a reason, and yet
        200: whoever keeps traffic away from a daemon that is not ready would stop mail and hooks as well, which are
        taken on all the same.
        """
        reasons: list[str] = []
        said = [trouble] if (trouble := self._carrier()) else []
        paused: list[Pause] = []
        try:
            counts, paused = await self._desk.store.read(self._figures)
            for pause in paused:
                (reasons if pause.work is Work.INTAKE else said).append(pause.in_words())
            if counts.oldest_mail_seconds > NOTICE_AGE_LIMIT_SECONDS:
                hours = counts.oldest_mail_seconds / 3600
                reasons.append(f"{counts.mails_owed} mails wait for the relay, the oldest for {hours:.1f} hours")
            if counts.admin_unreached:
                said.append("the last mail to relay.admin could not be delivered: nobody hears what goes wrong")
            if trouble := await self._cannot_write():
                reasons.append(trouble)
        except BridgeError as error:
            reasons.append(error.public)
        shown = [{"what": each.work, "by": each.by, "since": rfc3339(each.since)} for each in paused]
        return JSONResponse(
            {"ready": not reasons, "reasons": reasons + said, "paused": shown}, status_code=503 if reasons else 200
        )

    async def _cannot_write(self) -> str:
        """Why nothing can be written, to the database or as a file; empty where both can. Tried now and then."""
        async with self._writing:
            tried_at, trouble = self._written
            if self._desk.clock.monotonic() - tried_at < WRITE_EVERY_SECONDS:
                return trouble
            trouble = ""
            try:
                await self._try_writing()
            except BridgeError as error:
                trouble = error.public
            self._written = (self._desk.clock.monotonic(), trouble)
            return trouble

    async def _try_writing(self) -> None:
        now, store = self._desk.clock.now(), self._desk.store
        if store.blobs.free_bytes() < self._reserve:
            raise OutOfSpace("less room on disk than limits.reserve; mail is refused until there is more")
        await store.blobs.try_writing(self._desk.ids.file_name())
        await store.write(lambda connection: cursors.put(connection, WRITTEN, rfc3339(now), now))

    async def _metrics(self, _: Request) -> Response:
        try:
            counts, paused = await self._desk.store.read(self._figures)
        except BridgeError as error:
            return PlainTextResponse(f"# {error.public}\n", status_code=503)
        return Response(await run_in_threadpool(self._exposition, counts, paused), media_type=CONTENT_TYPE_LATEST)

    def _figures(self, connection: sa.Connection) -> tuple[Counts, list[Pause]]:
        return overview.counts(connection, self._desk.clock.now()), pauses.current(connection)

    def _exposition(self, counts: Counts, paused: list[Pause]) -> bytes:
        registry = CollectorRegistry()
        registry.register(_Gauges(counts, frozenset(pause.work for pause in paused)))
        return generate_latest(self._desk.events.meters.registry) + generate_latest(registry)


class _Gauges(Collector):
    """What stands in the store, as gauges."""

    def __init__(self, counts: Counts, paused: frozenset[Work]) -> None:
        self._counts = counts
        self._paused = paused

    def collect(self) -> Iterable[Metric]:
        queue = GaugeMetricFamily("faxbridge_queue_faxes", "Faxes in each state that is not final", labels=["state"])
        for state in FaxState:
            if not state.final:
                queue.add_metric([state], self._counts.by_state.get(state, 0))
        yield queue
        switched = GaugeMetricFamily("faxbridge_paused", "1 while an operator has paused it", labels=["work"])
        for work in Work:
            switched.add_metric([work], work in self._paused)
        yield switched
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
