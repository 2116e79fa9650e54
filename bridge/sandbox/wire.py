"""The iFax API as its clients know it: its endpoints, and for each what is checked, done and answered."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox import checks
from bridge.sandbox.actions import Action, On
from bridge.sandbox.answers import BEHAVE, answer, good, nowhere, refused
from bridge.sandbox.carrier import Carrier
from bridge.sandbox.checks import Call, Check, Order, Refusal, date_of, first_broken, id_of, page
from bridge.sandbox.line import Cut, Silence
from bridge.sandbox.numbers import outcome_of
from bridge.sandbox.shapes import Json
from bridge.sandbox.state import Asked, ReceivedFax, SentFax

Done: TypeAlias = Json | Refusal
"""What came of a call: the JSON of its success, or a refusal."""

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]  # all are answered, all but POST with a refusal


@dataclass(frozen=True)
class Endpoint:
    """A path of the API."""

    path: str
    work: Callable[[Json, Asked], Awaitable[Done]]
    on: On | None = None
    """What scripts call it."""
    envelope: Sequence[Check[Call]] = checks.ENVELOPE


class Api:
    """The endpoints, over one carrier."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._ledger = carrier.ledger
        self._send_checks = checks.fax_send_checks(carrier.options.numbers)

    def routes(self) -> list[BaseRoute]:
        """Everything under ``/v1``."""
        endpoints = (
            Endpoint("/v1/customer/fax-send", self._fax_send, "fax-send"),
            Endpoint("/v1/customer/fax-status", self._fax_status, "fax-status"),
            Endpoint("/v1/customer/fax-resend", self._fax_resend),
            Endpoint("/v1/customer/inbound/fax-download", self._fax_download, "fax-download"),
            Endpoint("/v1/customer/inbound/fax-list", self._fax_list),
            Endpoint("/v1/customer/inbound/fax-list-all", self._fax_list_all, "fax-list-all"),
            Endpoint("/v1/customer/inbound/number-list", self._number_list, envelope=checks.ENVELOPE_OR_ARRAY),
        )
        known = [Route(endpoint.path, self._route(endpoint), methods=_METHODS) for endpoint in endpoints]
        return [*known, Route("/{path:path}", self._unknown, methods=_METHODS)]

    def _route(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            asked = self._ledger.ask(endpoint.path)
            response = await self._respond(endpoint, request, asked)
            if isinstance(response, Refusal):
                asked.code = response.code
                response = refused(response)
            if isinstance(response, Cut | Silence):
                asked.how = "cut" if isinstance(response, Cut) else "silent"
            else:
                asked.how, asked.answered = "answered", response.status_code
            return response

        return handle

    async def _unknown(self, request: Request) -> Response:
        asked = self._ledger.ask(request.url.path)
        asked.how, asked.answered = "answered", 404
        return nowhere()

    async def _respond(self, endpoint: Endpoint, request: Request, asked: Asked) -> Response | Refusal:
        try:
            body = await request.body()
        except ClientDisconnect:
            return Cut()
        call = Call(request.method, request.headers, body, self._carrier.options.token)
        if refusal := first_broken(endpoint.envelope, call):
            return refusal
        content: Json = call.content or {}
        action = self._action(endpoint.on, content)
        done: Done | None = await endpoint.work(content, asked) if action.works else None
        await self._carrier.background.pause(action.delay)
        # A true refusal goes before any play: a mistake in the request must show.
        return done if isinstance(done, Refusal) else answer(done, action)

    # What is asked for instead of the right answer: by a script, else by the table of numbers

    def _action(self, on: On | None, content: Json) -> Action:
        plan = self._carrier.plan
        match on:
            case "fax-send":
                number = str(content.get("faxNumber"))
                calls = self._ledger.calls_to[number]
                self._ledger.calls_to[number] += 1
                outcome = outcome_of(number)
                its_own = outcome.send if calls % outcome.send_every == 0 else None
                return plan.take(on, (number,)) or its_own or BEHAVE
            case "fax-status":
                fax = self._sent(content)
                if fax is None:
                    return plan.take(on, ()) or BEHAVE
                times = fax.outcome.status_times
                its_own = fax.outcome.status if not times or fax.polls < times else None
                self._carrier.polled(fax)
                return plan.take(on, (fax.to_number,)) or its_own or BEHAVE
            case "fax-download":
                received = self._received(content)
                numbers = (received.from_number, received.to_number) if received else ()
                return plan.take(on, numbers) or BEHAVE
            case "fax-list-all":
                return plan.take(on, ()) or BEHAVE
            case _:
                return BEHAVE

    # Out

    async def _fax_send(self, body: Json, asked: Asked) -> Done:
        order = Order(body)
        if refusal := await asyncio.to_thread(first_broken, self._send_checks, order):
            return refusal
        fax = await self._carrier.take(order)
        asked.taken = fax.job_id
        return good("Fax processed for sending", {"jobId": fax.job_id})

    async def _fax_status(self, body: Json, _: Asked) -> Done:
        if refusal := first_broken(checks.FAX_STATUS, body):
            return refusal
        fax = self._sent(body)
        return page(12021) if fax is None else good("Fax status response", fax.fax_object())

    async def _fax_resend(self, body: Json, asked: Asked) -> Done:
        if refusal := first_broken(checks.FAX_RESEND, body):
            return refusal
        old = self._sent(body)
        if old is None:
            return page(12021)
        if old.end is None:
            return page(12107)
        fax = await self._carrier.take_again(old)
        asked.taken = fax.job_id
        return good("Fax processed for sending", {"id": fax.job_id})

    def _sent(self, body: Json) -> SentFax | None:
        job_id = id_of(body.get("jobId"))
        return self._ledger.sent.get(int(job_id)) if job_id else None

    # In

    async def _fax_download(self, body: Json, _: Asked) -> Done:
        if refusal := first_broken(checks.FAX_DOWNLOAD, body):
            return refusal
        fax = self._received(body)
        if fax is None:
            return page(12091)
        fax.downloads += 1
        return good("Download Fax Response", base64.b64encode(fax.data).decode())

    def _received(self, body: Json) -> ReceivedFax | None:
        return self._ledger.find_received(id_of(body.get("jobId")), id_of(body.get("transactionId")))

    async def _fax_list_all(self, body: Json, _: Asked) -> Done:
        if refusal := first_broken(checks.FAX_LIST_ALL, body):
            return refusal
        rows = [fax.row() for fax in self._in_window(body)]
        if last := body.get("lastFaxId"):
            rows = _older_than(rows, id_of(last))
        return good("Fax list response", rows[: self._carrier.plan.page_size])

    async def _fax_list(self, body: Json, _: Asked) -> Done:
        if refusal := first_broken(checks.FAX_LIST, body):
            return refusal
        number = next(
            (row["faxNumber"] for row in self._numbers() if _ids(row) == (body["numberId"], body["orderId"])), None
        )
        if number is None:
            return page(12135)
        # Nothing is ever marked here.
        wanted = [] if body.get("markedAs") == "Done" else self._in_window(body)
        return good("Fax list response", [fax.row() for fax in wanted if fax.to_number == number])

    def _in_window(self, body: Json) -> list[ReceivedFax]:
        """Newest first, between two days (UTC), both included."""
        start, end = date_of(body.get("startDate")), date_of(body.get("endDate"))
        return [
            fax
            for fax in reversed(self._ledger.received)
            if (start is None or fax.received_at.astimezone(UTC) >= start)
            and (end is None or fax.received_at.astimezone(UTC) < end + timedelta(days=1))
        ]

    async def _number_list(self, _: Json, __: Asked) -> Done:
        return good("Fax number list.", self._numbers())

    def _numbers(self) -> list[Json]:
        return [
            {"numberId": 200_111 + at, "orderId": str(1_595_500_000_000_000_001 + at), "faxNumber": number}
            for at, number in enumerate(self._carrier.options.numbers)
        ]


def _ids(row: Json) -> tuple[str, str]:
    return str(row["numberId"]), row["orderId"]


def _older_than(rows: list[Json], last: str) -> list[Json]:
    """The rows after the one with this faxId or jobId; none where there is no such row."""
    for at, row in enumerate(rows):
        if last in (str(row["faxId"]), str(row["jobId"])):
            return rows[at + 1 :]
    return []
