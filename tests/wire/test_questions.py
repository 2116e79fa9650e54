"""Status, download and list: calls that change nothing, read leniently and never believed beyond what they say."""

import base64
import json
from datetime import date
from typing import Any

import pytest

from bridge.ifax.answers import Answer
from bridge.ifax.errors import CallRefused, CarrierError, NotTaken, OutcomeUnknown
from bridge.ifax.verdicts import Fate, download_fate
from tests.support.wire_server import SHORT, Act, carrier, names, reply, says, says_json, wire_server

PDF = b"%PDF-1.7\nreceived pages\n%%EOF\n"
TIFF = b"II*\x00 a picture"
TEXT = base64.b64encode(PDF).decode()
BROKEN_UP = "\r\n".join(TEXT[i : i + 8] for i in range(0, len(TEXT), 8))
STATUS = {"status": 1, "message": "Fax status response", "data": {"jobId": 1, "faxStatus": "Delivered", "code": "0"}}

NO_ANSWERS: list[tuple[str, Act]] = [
    ("the end", Act()),
    ("cut off", Act((reply(b'{"status": 1', length=90),))),
    ("silence", Act(then="hang")),
    ("dropped", Act(then="abort")),
    ("too much", Act((b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *(b" " * 250_000 for _ in range(5))))),
]

USELESS: list[tuple[str, Act]] = [
    ("HTML", says("<html></html>", kind="text/html")),
    ("empty", says(b"")),
    ("cut-off JSON", says(json.dumps(STATUS)[:-5])),
    ("an array", says_json([STATUS])),
    ("a refusal", says_json({"status": 0, "message": "Invalid job"})),
    ("data null", says_json({"status": 1, "data": None})),
    ("data text", says_json({"status": 1, "data": "delivered"})),
    ("HTTP 500 that says delivered", says_json(STATUS, 500)),
    ("HTTP 404 that says delivered", says_json(STATUS, 404)),
    ("429", says_json(STATUS, 429, "Retry-After: 3")),
    ("status 0 that says delivered", says_json(STATUS | {"status": 0})),
]


@pytest.mark.parametrize(("name", "act"), NO_ANSWERS + USELESS, ids=names(NO_ANSWERS + USELESS))
async def test_status_without_a_usable_answer(name: str, act: Act) -> None:
    """Without a usable answer nothing is said of the fax: no refusal, no outcome, only that there was none."""
    async with wire_server(act) as wire, carrier(wire.url, stall_timeout=SHORT) as client:
        with pytest.raises(CarrierError) as caught:
            await client.fax_status("4100217")
    assert not isinstance(caught.value, CallRefused | NotTaken | OutcomeUnknown)
    assert (caught.value.answer is None) == ((name, act) in NO_ANSWERS)


@pytest.mark.parametrize(
    ("job", "sent"),
    [
        ("4100217", 4100217),
        ("1595500000000000001", 1595500000000000001),
        ("007", "007"),
        ("0", 0),
        ("01JADF2K3M", "01JADF2K3M"),
        ("-5", "-5"),
        ("12.5", "12.5"),
        ("9" * 80, int("9" * 80)),
    ],
)
async def test_job_ids_as_sent(job: str, sent: object) -> None:
    """A job id goes out as an integer where it is one, to the last digit, else as the text it is."""
    answer = {"status": 1, "data": {"jobId": sent, "faxStatus": "Delivered", "code": "0"}}
    async with wire_server(says_json(answer)) as wire, carrier(wire.url) as client:
        seen, _ = await client.fax_status(job)
    (request,) = wire.requests
    assert request.json == {"jobId": sent}
    assert type(request.json["jobId"]) is type(sent)
    assert request.target == "/v1/customer/fax-status"
    assert (seen.word, seen.code) == ("delivered", 0)


FILES: list[tuple[str, Act, bytes]] = [
    ("base64", says_json({"status": 1, "message": "Download Fax Response", "data": TEXT}), PDF),
    ("status as text", says_json({"status": "1", "data": TEXT}), PDF),
    ("with line breaks", says_json({"status": 1, "data": BROKEN_UP}), PDF),
    ("data URI", says_json({"status": 1, "data": "data:application/pdf;base64," + TEXT}), PDF),
    ("data URI, capitals", says_json({"status": 1, "data": "DATA:application/pdf;name=x;base64," + TEXT}), PDF),
    ("raw PDF", says(PDF, kind="application/pdf"), PDF),
    ("raw PDF of no type", says(PDF, kind="text/plain"), PDF),
    ("raw PDF behind a line", says(b"\r\n" + PDF, kind="application/pdf"), b"\r\n" + PDF),
    ("TIFF", says_json({"status": 1, "data": base64.b64encode(TIFF).decode()}), TIFF),
    ("raw TIFF", says(TIFF, kind="image/tiff"), TIFF),
]
NO_FILES: list[tuple[str, Act]] = [
    ("data empty", says_json({"status": 1, "message": "Download Fax Response", "data": ""})),
    ("data null", says_json({"status": 1, "data": None})),
    ("no data", says_json({"status": 1})),
    ("nothing", says(b"")),
    ("500", says(b"", 500)),
    ("500 with the file", says(PDF, 500, kind="application/pdf")),
    ("a refusal", says_json({"status": 0, "message": "No file"})),
    ("a refusal with a file", says_json({"status": 0, "data": TEXT})),
    ("not base64", says_json({"status": 1, "data": "%%%"})),
    ("base64 of something else", says_json({"status": 1, "data": base64.b64encode(b"GIF89a").decode()})),
    ("letters beyond ASCII", says_json({"status": 1, "data": "é" * 20})),
    ("a URL", says_json({"status": 1, "data": "https://carrier.invalid/fax.pdf"})),
    ("a list", says_json({"status": 1, "data": [TEXT]})),
    ("cut off within JSON", says(json.dumps({"status": 1, "data": TEXT})[:30])),
    ("HTML", says("<html>soon</html>", kind="text/html")),
    ("HTML that speaks of PDF", says("<html>Your fax is not ready; files begin with %PDF-</html>", kind="text/html")),
    ("a refusal that speaks of PDF", says_json({"status": 0, "message": "expected %PDF- at the start"})),
]


@pytest.mark.parametrize(("name", "act", "wanted"), FILES, ids=names(FILES))
async def test_download(name: str, act: Act, wanted: bytes) -> None:
    """A file is found in every form it was seen or promised in; both ids are sent, as text."""
    async with wire_server(act) as wire, carrier(wire.url) as client:
        file, _ = await client.fax_download("7001122", "8600991")
    assert file == wanted
    assert wire.requests[0].json == {"jobId": "7001122", "transactionId": "8600991"}
    assert wire.requests[0].target == "/v1/customer/inbound/fax-download"


@pytest.mark.parametrize(("name", "act"), NO_FILES, ids=names(NO_FILES))
async def test_download_without_a_file(name: str, act: Act) -> None:
    """What holds no PDF or TIFF is no file yet, and never raises; nor does it say that the file is gone."""
    async with wire_server(act) as wire, carrier(wire.url) as client:
        file, answer = await client.fax_download("7001122", "8600991")
    assert file is None
    assert download_fate(answer, listed=True) is Fate.NOT_YET


async def test_nested_download() -> None:
    """A file deeper inside is the file or none, never an error."""
    for inner in ("data", "file", "pdf", "content"):
        act = says_json({"status": 1, "data": {inner: TEXT}})
        async with wire_server(act) as wire, carrier(wire.url) as client:
            file, _ = await client.fax_download("1", "2")
        assert file in {None, PDF}


@pytest.mark.parametrize(("name", "act"), NO_ANSWERS[:4], ids=names(NO_ANSWERS[:4]))
async def test_download_without_an_answer(name: str, act: Act) -> None:
    """No answer to a download is an error without an answer."""
    async with wire_server(act) as wire, carrier(wire.url, stall_timeout=SHORT) as client:
        with pytest.raises(CarrierError) as caught:
            await client.fax_download("1", "2")
    assert caught.value.answer is None


@pytest.mark.parametrize(
    ("code", "text", "fate"),
    [
        (12092, "", Fate.GONE),
        (-1011, "", Fate.GONE),
        (None, "Image does not exist.", Fate.GONE),
        (-1005, "", Fate.NEVER_WAS),
        (-3, "processed", Fate.NOT_YET),
        (424242, "never heard of", Fate.NOT_YET),
        (None, "", Fate.NOT_YET),
        (10**30, "x", Fate.NOT_YET),
    ],
)
def test_fate(code: int | None, text: str, fate: Fate) -> None:
    """Only the carrier's own words say that a file is gone or never was."""
    body: dict[str, Any] = {"status": 0, "message": text} | ({} if code is None else {"code": code})
    assert download_fate(Answer.read(200, json.dumps(body).encode()), listed=True) is fate


@pytest.mark.parametrize(("code", "fate"), [(12092, Fate.NEVER_WAS), (12094, Fate.NEVER_WAS), (-1011, Fate.GONE)])
def test_fate_of_what_the_list_never_showed(code: int, fate: Fate) -> None:
    """A missing file under ids that only a hook has spoken of is taken for an invented fax."""
    body = {"status": 0, "message": "", "code": code}
    assert download_fate(Answer.read(200, json.dumps(body).encode()), listed=False) is fate


async def test_list() -> None:
    """The list is asked for by days and by the last row's id, and read row by row, strange rows passed over."""
    rows: list[Any] = [
        {"faxId": 88123, "jobId": 3, "transactionId": 30, "fromNumber": "12125550177", "faxReceivedPages": "2"},
        "a string",
        {"faxId": 88122, "jobId": 2},
        {"faxId": "88121", "jobId": "1", "transactionId": "10", "fromNumber": None, "faxTotalPages": {}},
    ]
    async with wire_server(says_json({"status": 1, "data": rows})) as wire, carrier(wire.url) as client:
        page = await client.list_received(date(2026, 11, 21), date(2026, 11, 24), "88124")
        await client.list_received(date(2026, 11, 21), date(2026, 11, 24), None)
    assert wire.requests[0].json == {
        "startDate": "11/21/2026",
        "endDate": "11/24/2026",
        "sortBy": "newest",
        "lastFaxId": 88124,
    }
    assert "lastFaxId" not in wire.requests[1].json
    assert [(row.job_id, row.transaction_id) for row in page.rows] == [("3", "30"), ("1", "10")]
    assert (page.rows[0].caller, page.rows[0].pages) == ("+12125550177", 2)
    assert page.last_id == "88121"


async def test_list_by_job_id() -> None:
    """Where rows have no fax id the job id leads on; an empty list ends it."""
    full = says_json({"status": 1, "data": [{"jobId": 5, "transactionId": 50}]})
    async with wire_server(full, says_json({"status": 1, "data": []})) as wire, carrier(wire.url) as client:
        assert (await client.list_received(date(2026, 1, 1), date(2026, 1, 2), None)).last_id == "5"
        empty = await client.list_received(date(2026, 1, 1), date(2026, 1, 2), None)
    assert (empty.rows, empty.last_id) == ((), None)


@pytest.mark.parametrize("number", ["+99912345678", "99912345678", "+21012345678", "+1", 999123456789, "+0012345678"])
async def test_list_with_an_odd_number(number: object) -> None:
    """A caller's number that belongs to no country spoils no page: one odd row must not hide all others for ever."""
    rows = [{"jobId": 1, "transactionId": 10, "fromNumber": number}, {"jobId": 2, "transactionId": 20}]
    async with wire_server(says_json({"status": 1, "data": rows})) as wire, carrier(wire.url) as client:
        page = await client.list_received(date(2026, 1, 1), date(2026, 1, 2), None)
    assert [row.job_id for row in page.rows] == ["1", "2"]
    assert str(number).lstrip("+") in page.rows[0].caller


@pytest.mark.parametrize("body", [{"status": 1}, {"status": 1, "data": None}, {"status": 1, "data": []}])
async def test_an_empty_list(body: dict[str, Any]) -> None:
    """Success without rows is an empty list, in whatever way the carrier says so."""
    async with wire_server(says_json(body)) as wire, carrier(wire.url) as client:
        page = await client.list_received(date(2026, 1, 1), date(2026, 1, 2), None)
    assert (page.rows, page.last_id) == ((), None)


NO_LISTS = [*NO_ANSWERS[:4], *(row for row in USELESS if row[0] != "data null")]


@pytest.mark.parametrize(("name", "act"), NO_LISTS, ids=names(NO_LISTS))
async def test_list_without_a_usable_answer(name: str, act: Act) -> None:
    """What is no list is an error, never an empty list."""
    async with wire_server(act) as wire, carrier(wire.url, stall_timeout=SHORT) as client:
        with pytest.raises(CarrierError):
            await client.list_received(date(2026, 1, 1), date(2026, 1, 2), None)
