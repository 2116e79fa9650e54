"""What is not iFax: the stand-in's own paths, for tests, for the demo, for people trying things out.

GET    /sandbox/health              it lives; how many faxes it took and received
GET    /sandbox/faxes               every fax it took: what was asked, hashes of the files, how it stands
GET    /sandbox/faxes/JOBID/file    the pages as one PDF; a single PDF as it came
GET    /sandbox/requests            every call to the API: in hand, answered, cut or silent; the fax it made
GET    /sandbox/received            every fax that came in, with its hash and how often it was fetched
POST   /sandbox/receive             a fax comes in (``Incoming``)
POST   /sandbox/announce            a webhook of something that never was (``Invented``)
GET    /sandbox/hooks               every webhook: its body, its state, what the customer answered
PUT    /sandbox/hooks               ``{"url": ...}``: where webhooks go from now on
GET, POST, DELETE /sandbox/plan     the script: what is left, more of it, none (``plan.py``, ``actions.py``)
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox.actions import Action
from bridge.sandbox.carrier import Carrier
from bridge.sandbox.options import HookForm
from bridge.sandbox.plan import Script, complaint

_STRICT = ConfigDict(frozen=True, extra="forbid", validate_by_alias=True, validate_by_name=True)

Model = TypeVar("Model", bound=BaseModel)


class Incoming(BaseModel):
    """A fax that comes in; ``from`` null: the caller hid his number."""

    model_config = _STRICT

    caller: Annotated[str | None, Field(alias="from")] = "+12125550177"
    called: Annotated[str | None, Field(alias="to")] = None
    pages: Annotated[int, Field(ge=1, le=500)] = 1
    form: HookForm | Literal["none"] | None = None
    hooks: Annotated[int, Field(ge=0, le=100)] = 1
    tiff: bool = False
    text: str = ""
    job_id: Annotated[int | None, Field(alias="jobId")] = None


class Invented(BaseModel):
    """A webhook of something that never was; ``fields`` go over what is made up."""

    model_config = _STRICT

    direction: Literal["inbound", "outbound"] = "inbound"
    form: HookForm | None = None
    fields: dict[str, Any] = Field(default_factory=dict)


class HooksTo(BaseModel):
    """Where webhooks go from now on."""

    model_config = _STRICT

    url: str


class WrongDocumentError(Exception):
    """What was posted makes no sense; says why."""


class Control:
    """The paths under ``/sandbox``, over one carrier."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._ledger = carrier.ledger

    def routes(self) -> list[BaseRoute]:
        """Everything under ``/sandbox``."""
        return [
            Route("/sandbox/health", self._health),
            Route("/sandbox/plan", self._plan_seen, methods=["GET"]),
            Route("/sandbox/plan", self._plan_added, methods=["POST"]),
            Route("/sandbox/plan", self._plan_cleared, methods=["DELETE"]),
            Route("/sandbox/faxes", self._faxes),
            Route("/sandbox/faxes/{job_id:int}/file", self._file),
            Route("/sandbox/requests", self._requests),
            Route("/sandbox/received", self._received),
            Route("/sandbox/receive", self._receive, methods=["POST"]),
            Route("/sandbox/announce", self._announce, methods=["POST"]),
            Route("/sandbox/hooks", self._hooks_seen, methods=["GET"]),
            Route("/sandbox/hooks", self._hooks_to, methods=["PUT"]),
        ]

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"ok": True, "faxes": len(self._ledger.sent), "received": len(self._ledger.received)})

    async def _plan_seen(self, _: Request) -> Response:
        return JSONResponse(self._carrier.plan.seen())

    async def _plan_added(self, request: Request) -> Response:
        self._carrier.plan.add(await _read(request, Script))
        return JSONResponse(self._carrier.plan.seen())

    async def _plan_cleared(self, _: Request) -> Response:
        self._carrier.plan.clear()
        return JSONResponse(self._carrier.plan.seen())

    async def _faxes(self, _: Request) -> Response:
        return JSONResponse([fax.seen() for fax in self._ledger.sent.values()])

    async def _file(self, request: Request) -> Response:
        fax = self._ledger.sent.get(request.path_params["job_id"])
        if fax is None:
            return JSONResponse({"error": "no such fax"}, 404)
        return Response(fax.pdf, media_type="application/pdf")

    async def _requests(self, _: Request) -> Response:
        calls = [asked.seen() for asked in self._ledger.asked]
        return JSONResponse({"count": len(calls), "requests": calls})

    async def _received(self, _: Request) -> Response:
        return JSONResponse([fax.seen() for fax in self._ledger.received])

    async def _receive(self, request: Request) -> Response:
        incoming = await _read(request, Incoming)
        fax = await self._carrier.receive(
            caller=incoming.caller,
            called=incoming.called or self._carrier.options.numbers[0],
            pages=incoming.pages,
            text=incoming.text,
            tiff=incoming.tiff,
            job_id=incoming.job_id,
        )
        if incoming.form != "none" and incoming.hooks:
            self._carrier.announce_received(fax, Action(form=incoming.form, repeat=incoming.hooks))
        return JSONResponse(fax.seen())

    async def _announce(self, request: Request) -> Response:
        invented = await _read(request, Invented)
        facts = {
            "direction": invented.direction,
            "jobId": next(self._ledger.invented_ids),
            "transactionId": next(self._ledger.invented_ids),
            "fromNumber": "+12125550177",
            "toNumber": "+14155550100",
            "faxStatus": "received" if invented.direction == "inbound" else "delivered",
            "faxTotalPages": 1,
            "success": True,
            "code": 0,
            "message": "NORMAL_CLEARING",
            **invented.fields,
        }
        self._carrier.hooks.announce(facts, Action(form=invented.form))
        return JSONResponse(facts)

    async def _hooks_seen(self, _: Request) -> Response:
        hooks = self._carrier.hooks
        return JSONResponse({"url": hooks.url, "hooks": [hook.seen() for hook in hooks.all]})

    async def _hooks_to(self, request: Request) -> Response:
        self._carrier.hooks.url = (await _read(request, HooksTo)).url
        return JSONResponse({"url": self._carrier.hooks.url})


async def wrong_document(_: Request, error: Exception) -> Response:
    """A 400 that says what is wrong."""
    return JSONResponse({"error": str(error)}, 400)


async def _read(request: Request, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        raise WrongDocumentError(complaint(error)) from error
