"""The sending side with its hooks, on one bench: what iFax posts, and what it answers when it is asked."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from bridge.fax.jobs import Fax
from bridge.ifax.answers import Answer
from bridge.ifax.client import IfaxClient
from bridge.ifax.errors import CarrierError, OutcomeUnknown
from bridge.ifax.strangers import StrangerBudget
from bridge.sending.evidence import Inquirer
from bridge.sending.report import Reporter
from bridge.sending.settle import Calls, Settler
from bridge.sending.submit import Submitter
from bridge.sending.track import Tracker
from bridge.store import tables
from bridge.web.hooks import Hooks
from bridge.web.options import WebOptions
from tests.support.store_bench import NUMBER, Bench, work
from tests.support.store_carrier import MAIL, OPTIONS, FakeCarrier, answer

SECRET = "the-secret-of-these-hooks"
JOB = "4100217"


def no_such_job() -> CarrierError:
    """What the client makes of a refusal of fax-status."""
    return CarrierError("no usable answer about the fax", answer({"status": 0, "code": 12021, "message": "no"}, 400))


def facts(at: datetime, word: str = "delivered", job: str = JOB, **more: Any) -> dict[str, Any]:
    """A Fax Object as iFax tells it in hook and status: a fax of two pages to our usual number."""
    return {
        "jobId": int(job),
        "transactionId": 8600777,
        "fromNumber": "+14155550100",
        "toNumber": NUMBER,
        "faxCallStart": int(at.timestamp()),
        "faxTotalPages": 2,
        "faxTransferredPages": 2 if word == "delivered" else 0,
        "faxStatus": word,
        "code": 0,
        "message": "",
        **more,
    }


class Stand:
    """All workers that evidence concerns."""

    def __init__(self, bench: Bench, client: IfaxClient | None = None) -> None:
        self.bench = bench
        self.carrier = FakeCarrier()
        client = client or self.carrier.client
        self.reporter = Reporter(bench.desk, OPTIONS, MAIL)
        self.calls = Calls()
        self.submitter = Submitter(
            bench.desk,
            carrier=client,
            reporter=self.reporter,
            calls=self.calls,
            options=OPTIONS,
            name="submit-0/x",
        )
        self.settler = Settler(bench.desk, self.reporter, self.calls, OPTIONS.settle_window)
        self.tracker = Tracker(bench.desk, client, self.reporter, OPTIONS, "track-0/x")
        self.inquirer = Inquirer(
            bench.desk,
            carrier=client,
            reporter=self.reporter,
            budget=StrangerBudget(bench.clock),
            name="inquire-0/x",
        )
        hooks = Hooks(bench.desk, WebOptions(listen=(), admin_listen=(), hook_secrets=(SECRET,)))
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=hooks.application()), base_url="http://x")

    async def unknown(self, number: str = NUMBER, *, pages: int = 2) -> Fax:
        """A fax whose call broke off."""
        fax = await self.bench.ready(number, pages=pages)
        await self.break_off()
        return await self.bench.fax(fax.id)

    async def break_off(self) -> None:
        """The call for the fax that is due breaks off."""
        self.carrier.sends = [OutcomeUnknown("the call broke")]
        assert await work(self.submitter.duty)

    async def hook(self, word: str = "delivered", job: str = JOB, **more: Any) -> None:
        """iFax, or somebody who knows the secret, posts a hook."""
        said = {"direction": "outbound", **facts(self.bench.clock.now(), word, job, **more)}
        assert (await self._http.post(f"/hooks/ifax/{SECRET}", json=said)).status_code == 200

    def says(self, word: str = "delivered", job: str = JOB, **more: Any) -> Answer:
        """What fax-status would answer."""
        return answer({"status": 1, "data": facts(self.bench.clock.now(), word, job, **more)})

    async def confirm(self, *said: Answer | CarrierError) -> None:
        """The inquirer asks, and is answered so."""
        self.carrier.statuses = [*said]
        for _ in said:
            assert await work(self.inquirer.duty)
        assert self.carrier.statuses == []

    async def track(self, said: Answer) -> None:
        """The tracker asks after a fax."""
        self.carrier.statuses = [said]
        assert await work(self.tracker.duty)

    async def inquiries(self) -> list[str]:
        """The jobs that are, or may be, asked after."""
        return [row.carrier_job_id for row in await self.bench.rows(tables.inquiry)]

    async def go_by(self, span: timedelta) -> None:
        """Time goes by."""
        self.bench.clock.forward(span)
