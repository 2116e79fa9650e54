"""From what was worked out, and what misbehaviour is asked for, to the answer that goes over the line."""

import base64
import json

from starlette.responses import HTMLResponse, JSONResponse, Response

from bridge.sandbox.actions import Action, Data, Nonsense
from bridge.sandbox.checks import Refusal, ordered, page
from bridge.sandbox.line import Cut, Silence
from bridge.sandbox.pages import kind_of
from bridge.sandbox.shapes import Json, reshape

BEHAVE = Action(delay=0)

_HTML = "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1><hr>nginx</body></html>\n"
_GARBAGE = b"\x00\x01\x02 this is no document"


def good(message: str, data: object) -> Json:
    """The envelope of every success."""
    return {"status": 1, "message": message, "data": data}


def refused(refusal: Refusal) -> Response:
    """The carrier says no."""
    return JSONResponse(refusal.body(), refusal.http)


def nowhere() -> Response:
    """There is no such path."""
    return HTMLResponse(_HTML.format(title="404 Not Found"), 404)


def answer(result: Json | None, action: Action) -> Response | Refusal:
    """What goes over the line; ``result`` is ``None`` where the work was not done."""
    if action.refuse:
        return ordered(action.refuse)
    if action.data == "gone":
        return page(12092)
    result = reshape(result or good("Fax processed for sending", {}), action.shape)
    if action.data:
        return _strange_data(result, action.data)
    return _misbehaviour(result, action) or JSONResponse(result)


def _misbehaviour(result: Json, action: Action) -> Response | None:
    if action.drop:
        return Cut()
    if action.hang:
        return Silence()
    if action.too_many is not None:
        body = {"status": 0, "message": "Too Many Requests"}
        return JSONResponse(body, 429, {"Retry-After": f"{action.too_many:g}"})
    if action.http is not None:
        return _with_status(action.http, action.body)
    return _nonsense(result, action.nonsense) if action.nonsense else None


def _nonsense(result: Json, nonsense: Nonsense) -> Response:
    match nonsense:
        case "html":
            return HTMLResponse(_HTML.format(title="It works!"))
        case "cut-json":
            whole = json.dumps(result)
            return Response(whole[: len(whole) // 2], media_type="application/json")
        case "empty":
            return Response(media_type="application/json")
        case "array":
            return JSONResponse([])


def _with_status(status: int, body: str) -> Response:
    if body.startswith(("{", "[")):
        return Response(body, status, media_type="application/json")
    return HTMLResponse(body or _HTML.format(title=f"{status} Server Error"), status)


def _strange_data(result: Json, data: Data) -> Response:
    encoded = result["data"]
    match data:
        case "data-uri":
            media = "application/pdf" if kind_of(base64.b64decode(encoded)) == "pdf" else "image/tiff"
            return JSONResponse({**result, "data": f"data:{media};base64,{encoded}"})
        case "raw-pdf":
            return Response(base64.b64decode(encoded), media_type="application/pdf")
        case "garbage":
            return JSONResponse({**result, "data": base64.b64encode(_GARBAGE).decode()})
        case _:
            return JSONResponse({**result, "data": ""})
