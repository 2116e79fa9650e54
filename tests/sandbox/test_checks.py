"""What the carrier refuses, and how."""

import base64
import io
import json
from dataclasses import dataclass, field
from typing import Any

import pikepdf
import pytest
from PIL import Image

from bridge.sandbox import checks
from tests.sandbox.stand import KEY, a_file, a_pdf, an_order, stand_in

GOOD = {"accessToken": KEY, "content-type": "application/json"}
STATUS, DOWNLOAD, LIST_ALL, LIST = "fax-status", "inbound/fax-download", "inbound/fax-list-all", "inbound/fax-list"


@dataclass(frozen=True)
class Wrong:
    """A wrong request, and the refusal expected: HTTP status, status, code, text."""

    name: str
    code: int | None
    text: str
    body: Any = field(default_factory=an_order)
    to: str = "fax-send"
    http: int = 200
    headers: dict[str, str] = field(default_factory=lambda: GOOD)
    method: str = "POST"


def _image(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "white").save(out, kind)
    return out.getvalue()


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in an_order().items() if key != name}


def _with_file(data: bytes, name: str = "fax.pdf") -> dict[str, Any]:
    return an_order("+14155550101", a_file(data, name))


def _with_item(item: Any) -> dict[str, Any]:
    return {**an_order(), "faxData": [item]}


NO_KEY = "API Secret Key is invalid."
NO_DOCUMENTS = (-123, "No valid documents attached")
NO_FILE = (-1004, "Fax file not compatible/found.")
WRONG_NUMBER = (120100, "Invalid faxNumber")
ELSEWHERE = (120101, "You can send faxes only to US & CA destinations")
WRONG_NAME = (120107, "Invalid fileName")
WRONG_FORMAT = (120109, "Invalid file format")
WRONG_PARAMETER = (12009, "Invalid parameter")
TOO_BIG = (-1063, "Total file size is too big")
NO_ID = (12123, "id not found in request data.")
NO_FAX = (12021, "Fax with this id does not exist")
WRONG_DATES = (-2040, "Invalid date range")

LOCKED = a_pdf(encryption=pikepdf.Encryption(owner="o", user="u"))
OWNED = a_pdf(encryption=pikepdf.Encryption(owner="o", user=""))
BASE64 = base64.b64encode(a_pdf()).decode()

TABLE = (
    Wrong("no key", None, NO_KEY, http=401, headers={"content-type": "application/json"}),
    Wrong("wrong key", None, NO_KEY, http=401, headers={**GOOD, "accessToken": "another"}),
    Wrong("key as bearer", None, NO_KEY, http=401, headers={"authorization": f"Bearer {KEY}"}),
    Wrong("wrong key at status", None, NO_KEY, to=STATUS, http=401, headers={**GOOD, "accessToken": "another"}),
    Wrong("GET", 12010, "Invalid request method", method="GET"),
    Wrong("PUT", 12010, "Invalid request method", method="PUT"),
    Wrong(
        "no content type",
        12009,
        "Invalid parameter: Content-Type must be application/json",
        headers={"accessToken": KEY},
    ),
    Wrong(
        "a form",
        12009,
        "Invalid parameter: Content-Type must be application/json",
        headers={"accessToken": KEY, "content-type": "multipart/form-data; boundary=x"},
    ),
    Wrong("no JSON", *WRONG_PARAMETER, body=b"faxNumber=+14155550101"),
    Wrong("cut-off JSON", *WRONG_PARAMETER, body=b'{"faxNumber": "+1415'),
    Wrong("nothing", *WRONG_PARAMETER, body=b""),
    Wrong("an array", *WRONG_PARAMETER, body=[an_order()]),
    Wrong("no UTF-8", *WRONG_PARAMETER, body=b'{"faxNumber": "\xff"}'),
    Wrong("no number", 12020, "to_number not found in request data.", body=_without("faxNumber")),
    Wrong("empty number", 12020, "to_number not found in request data.", body=an_order("")),
    Wrong("number without plus", *WRONG_NUMBER, body=an_order("14155550101")),
    Wrong("number with spaces", *WRONG_NUMBER, body=an_order("+1 415 555 0101")),
    Wrong("number with a newline", *WRONG_NUMBER, body=an_order("+14155550101\n")),
    Wrong("number too short", *WRONG_NUMBER, body=an_order("+1415555010")),
    Wrong("number too long", *WRONG_NUMBER, body=an_order("+141555501011")),
    Wrong("number in other digits", *WRONG_NUMBER, body=an_order("+1415555010\u0661")),
    Wrong("number is a number", *WRONG_NUMBER, body={**an_order(), "faxNumber": 14155550101}),
    Wrong("United Kingdom", *ELSEWHERE, body=an_order("+442079460123")),
    Wrong("Jamaica", *ELSEWHERE, body=an_order("+18765550123")),
    Wrong("caller ID no E.164", 120103, "Invalid caller ID", body=an_order(callerId="4155550100")),
    Wrong("caller ID empty", 120103, "Invalid caller ID", body=an_order(callerId="")),
    Wrong("caller ID not ours", 120104, "Provided caller ID is not verified", body=an_order(callerId="+14155550199")),
    Wrong("unknown quality", *WRONG_PARAMETER, body=an_order(faxQuality="standard")),
    Wrong("quality null", *WRONG_PARAMETER, body=an_order(faxQuality=None)),
    Wrong("subject no text", *WRONG_PARAMETER, body=an_order(subject=["x"])),
    Wrong("scheduled", *WRONG_PARAMETER, body=an_order(send_at="2030-01-01 00:00:00")),
    Wrong("no faxData", *NO_DOCUMENTS, body=_without("faxData")),
    Wrong("faxData empty", *NO_DOCUMENTS, body={**an_order(), "faxData": []}),
    Wrong("faxData an object", *NO_DOCUMENTS, body={**an_order(), "faxData": a_file(a_pdf())}),
    Wrong("faxData of texts", *NO_DOCUMENTS, body=_with_item(BASE64)),
    Wrong("no fileName", *WRONG_NAME, body=_with_item({"fileData": BASE64})),
    Wrong("fileName a number", *WRONG_NAME, body=_with_item({"fileName": 1, "fileData": BASE64})),
    Wrong("fileName of another kind", *WRONG_NAME, body=_with_file(a_pdf(), "fax.docx")),
    Wrong("fileName without ending", *WRONG_NAME, body=_with_file(a_pdf(), "fax")),
    Wrong("fileName not ASCII", *WRONG_NAME, body=_with_file(a_pdf(), "bücher.pdf")),
    Wrong("fileName with a newline", *WRONG_NAME, body=_with_file(a_pdf(), "a\nb.pdf")),
    Wrong("a second file without name", *WRONG_NAME, body=an_order("+14155550101", a_file(a_pdf()), {"fileData": "x"})),
    Wrong(
        "a URL",
        120108,
        "Invalid fileUrl",
        body=_with_item({"fileName": "fax.pdf", "fileUrl": "http://127.0.0.1/fax.pdf"}),
    ),
    Wrong("neither data nor URL", *NO_DOCUMENTS, body=_with_item({"fileName": "fax.pdf"})),
    Wrong("data empty", *NO_DOCUMENTS, body=_with_file(b"")),
    Wrong("no base64", *NO_FILE, body=_with_item({"fileName": "fax.pdf", "fileData": "%PDF-1.4"})),
    Wrong("base64 cut off", *NO_FILE, body=_with_item({"fileName": "fax.pdf", "fileData": BASE64[:-1]})),
    Wrong("base64 in lines", *NO_FILE, body=_with_item({"fileName": "fax.pdf", "fileData": BASE64[:76] + "\n"})),
    Wrong("data a number", *NO_FILE, body=_with_item({"fileName": "fax.pdf", "fileData": 5})),
    Wrong("data a data URI", *NO_FILE, body=_with_item({"fileName": "fax.pdf", "fileData": f"data:x;base64,{BASE64}"})),
    Wrong("text named PDF", *WRONG_FORMAT, body=_with_file(b"Hello")),
    Wrong("HTML named PDF", *WRONG_FORMAT, body=_with_file(b"<html>%PDF-1.4</html>")),
    Wrong("PNG named PDF", *WRONG_FORMAT, body=_with_file(_image("PNG"))),
    Wrong("PDF named PNG", *WRONG_FORMAT, body=_with_file(a_pdf(), "fax.png")),
    Wrong("GIF named PNG", *WRONG_FORMAT, body=_with_file(_image("GIF"), "fax.png")),
    Wrong("PDF cut off", *NO_FILE, body=_with_file(a_pdf(3)[:-200])),
    Wrong("PDF without pages", *NO_FILE, body=_with_file(a_pdf(0))),
    Wrong("PDF with a password", *NO_FILE, body=_with_file(LOCKED)),
    Wrong("PDF encrypted without password", *NO_FILE, body=_with_file(OWNED)),
    Wrong("JPEG cut off", *NO_FILE, body=_with_file(_image("JPEG")[:40], "fax.jpg")),
    Wrong("PNG cut off", *NO_FILE, body=_with_file(_image("PNG")[:40], "fax.png")),
    Wrong("status without id", *NO_ID, to=STATUS, body={}),
    Wrong("status of an unknown id", *NO_FAX, to=STATUS, body={"jobId": 1}),
    Wrong("status of a name", *NO_FAX, to=STATUS, body={"jobId": "mine"}),
    Wrong("status of a truth", *NO_FAX, to=STATUS, body={"jobId": True}),
    Wrong("status of a fraction", *NO_FAX, to=STATUS, body={"jobId": 4100001.0}),
    Wrong("status of a list", *NO_FAX, to=STATUS, body={"jobId": [4100001]}),
    Wrong("resend without id", *NO_ID, to="fax-resend", body={}),
    Wrong("resend of an unknown id", *NO_FAX, to="fax-resend", body={"jobId": 1}),
    Wrong("download without job id", *NO_ID, to=DOWNLOAD, body={"transactionId": 1}),
    Wrong("download without transaction id", *NO_ID, to=DOWNLOAD, body={"jobId": 1}),
    Wrong("download of nothing", 12091, "Can not find fax.", to=DOWNLOAD, body={"jobId": 1, "transactionId": 2}),
    Wrong("list from a strange date", *WRONG_DATES, to=LIST_ALL, body={"startDate": "2026-01-31"}),
    Wrong("list to a day that isn't", *WRONG_DATES, to=LIST_ALL, body={"endDate": "02/30/2026"}),
    Wrong("list by a number", *WRONG_DATES, to=LIST_ALL, body={"endDate": 20260101}),
    Wrong("list oldest first", *WRONG_PARAMETER, to=LIST_ALL, body={"sortBy": "oldest"}),
    Wrong("list of no number", *NO_ID, to=LIST, body={}),
    Wrong("list of an unknown number", 12135, "Can not find Number.", to=LIST, body={"numberId": "1", "orderId": "2"}),
    Wrong(
        "list with a strange mark",
        *WRONG_PARAMETER,
        to=LIST,
        body={"numberId": "200111", "orderId": "1595500000000000001", "markedAs": "done"},
    ),
)


async def test_wrong_requests_are_refused() -> None:
    """Each wrong request is refused with its HTTP status, body status, code and text, and nothing is taken."""
    expected = {wrong.name: (wrong.http, 0, wrong.code, wrong.text) for wrong in TABLE}
    got = {}
    async with stand_in() as stand:
        del stand.client.headers["accessToken"]
        for wrong in TABLE:
            body = wrong.body if isinstance(wrong.body, bytes) else json.dumps(wrong.body).encode()
            answer = await stand.client.request(
                wrong.method, f"/v1/customer/{wrong.to}", content=body, headers=wrong.headers
            )
            said = answer.json()
            code = said.get("data", {}).get("code")
            got[wrong.name] = (answer.status_code, said["status"], code, said["message"])
        faxes, asked = await stand.seen("faxes"), await stand.seen("requests")

    assert got == expected
    assert faxes == []
    assert asked["count"] == len(TABLE)
    assert {call["taken"] for call in asked["requests"]} == {None}


async def test_too_big(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are together bigger than the carrier's limit are refused, before anybody looks into them."""
    monkeypatch.setattr(checks, "MAX_FILES", 1000)
    half = base64.b64encode(b"%PDF-" + bytes(500)).decode()
    async with stand_in() as stand:
        got = await stand.refused("fax-send", an_order("+14155550101", *[{"fileName": "a.pdf", "fileData": half}] * 2))

    assert got == TOO_BIG


def test_every_check_has_a_wrong_request() -> None:
    """Each check of every table is the first broken one for some wrong request."""
    bodies: dict[str, tuple[checks.Check[Any], ...]] = {
        STATUS: checks.FAX_STATUS,
        DOWNLOAD: checks.FAX_DOWNLOAD,
        LIST_ALL: checks.FAX_LIST_ALL,
        LIST: checks.FAX_LIST,
    }
    send_checks = checks.fax_send_checks(["+14155550100"])
    met = {_first_broken(checks.ENVELOPE, _call(wrong)) for wrong in TABLE}
    met |= {_first_broken(send_checks, checks.Order(wrong.body)) for wrong in TABLE if _is_order(wrong)}
    met |= {_first_broken(bodies[wrong.to], wrong.body) for wrong in TABLE if wrong.to in bodies}
    tables: list[tuple[checks.Check[Any], ...]] = [checks.ENVELOPE, send_checks, *bodies.values()]
    all_names = {check.name for table in tables for check in table}

    # Two of them want bodies of many megabytes; the second has a test of its own.
    assert all_names - met == {"not endless", "not too big"}


def _call(wrong: Wrong) -> checks.Call:
    body = wrong.body if isinstance(wrong.body, bytes) else json.dumps(wrong.body).encode()
    return checks.Call(wrong.method, {name.lower(): value for name, value in wrong.headers.items()}, body, KEY)


def _is_order(wrong: Wrong) -> bool:
    return wrong.to == "fax-send" and isinstance(wrong.body, dict)


def _first_broken(table: tuple[checks.Check[Any], ...], subject: Any) -> str | None:
    return next((check.name for check in table if not check.holds(subject)), None)


async def test_good_orders_are_taken() -> None:
    """Both spellings of an ending, images, several files, every quality and each number of the account are fine."""
    png, jpeg, pdf = a_file(_image("PNG"), "a.PNG"), a_file(_image("JPEG"), "b.jpeg"), a_file(a_pdf(2), "c d.pdf")
    async with stand_in() as stand:
        for quality in ("Low", "Standard", "HD"):
            await stand.send("+14155550101", png, jpeg, pdf, faxQuality=quality, callerId="+14165550100")
        faxes = await stand.seen("faxes")
        whole = (await stand.client.get(f"/sandbox/faxes/{faxes[0]['jobId']}/file")).content

    assert [fax["faxQuality"] for fax in faxes] == ["Low", "Standard", "HD"]
    assert {fax["callerId"] for fax in faxes} == {"+14165550100"}
    assert faxes[0]["names"] == ["a.PNG", "b.jpeg", "c d.pdf"]
    assert faxes[0]["pages"] == 4
    with pikepdf.open(io.BytesIO(whole)) as opened:
        assert len(opened.pages) == 4


async def test_cover_page() -> None:
    """Names, subject or message make the carrier put a cover page before the fax; without them it doesn't."""
    async with stand_in() as stand:
        plain = await stand.status(await stand.send())
        covered = await stand.status(await stand.send(subject="", to_name="Anna"))

    assert (plain["faxTotalPages"], covered["faxTotalPages"]) == (1, 2)
