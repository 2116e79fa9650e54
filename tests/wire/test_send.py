"""``fax-send``: whatever the far side does, what may have been taken is never called refused or not taken."""

import asyncio
import base64
import json
import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog

from bridge.fax import outcomes
from bridge.fax.options import Quality
from bridge.ifax.client import CoverWords, FaxRequest, Taken
from bridge.ifax.errors import CallRefused, CarrierError, NotTaken, OutcomeUnknown
from tests.support.wire_server import (
    KEY,
    SHORT,
    Act,
    carrier,
    chunked,
    names,
    reply,
    says,
    says_json,
    wire_server,
)

PDF = b"%PDF-1.7 not much of a document %%EOF"
NUMBER = "+14155550101"
REQUEST = FaxRequest(NUMBER, PDF)
GOOD = {"status": 1, "message": "Fax processed for sending", "data": {"jobId": 4100217}}
GOOD_BYTES = json.dumps(GOOD).encode()


def _data(**data: Any) -> dict[str, Any]:
    return {"status": 1, "message": "Fax processed for sending", "data": data}


TAKEN: list[tuple[str, Act, str]] = [
    ("as the page says", says_json(GOOD), "4100217"),
    ("status as text", says_json(GOOD | {"status": "1"}), "4100217"),
    ("status as text with space", says_json(GOOD | {"status": " 1 "}), "4100217"),
    ("status as float", says_json(GOOD | {"status": 1.0}), "4100217"),
    ("status true", says_json(GOOD | {"status": True}), "4100217"),
    ("201", says_json(GOOD, 201), "4100217"),
    ("job id as text", says_json(_data(jobId="4100217")), "4100217"),
    ("job id a ulid", says_json(_data(jobId="01JADF2K3M4N5P6Q7R8S9TAVWX")), "01JADF2K3M4N5P6Q7R8S9TAVWX"),
    ("job id huge", says_json(_data(jobId=1595500000000000001)), "1595500000000000001"),
    ("job id beyond any integer", says(b'{"status":1,"data":{"jobId":%s}}' % (b"9" * 70)), "9" * 70),
    ("wrong content type", says(GOOD_BYTES, kind="text/html"), "4100217"),
    ("byte order mark", says(b"\xef\xbb\xbf" + GOOD_BYTES), "4100217"),
    ("in small chunks", chunked(*(GOOD_BYTES[i : i + 7] for i in range(0, len(GOOD_BYTES), 7))), "4100217"),
    ("no length, until the end", Act((b"HTTP/1.0 200 OK\r\n\r\n" + GOOD_BYTES,)), "4100217"),
    ("slow, but moving", Act(tuple(reply(GOOD_BYTES)[i : i + 40] for i in range(0, 400, 40)), pause=0.02), "4100217"),
    ("an extra field", says_json(GOOD | {"new": [1, {"x": None}]}), "4100217"),
    ("a pending code beside it", says_json(GOOD | {"code": -3}), "4100217"),
    ("a job id of text with a plus", says_json(_data(jobId="A+1_b.c")), "A+1_b.c"),
]

UNKNOWN: list[tuple[str, Act]] = [
    ("no answer, then the end", Act(when="body")),
    ("dropped hard after the body", Act(when="body", then="abort")),
    ("dropped hard after the head", Act(when="head", then="abort")),
    ("closed after the head", Act(when="head")),
    ("half a status line", Act((b"HTTP/1.1 2",))),
    ("not HTTP at all", Act((b"\x00\x01\x02 hello\r\n\r\n",))),
    ("body cut off by the end", Act((reply(GOOD_BYTES[:40], length=len(GOOD_BYTES)),))),
    ("length too long", Act((reply(GOOD_BYTES, length=len(GOOD_BYTES) + 10),))),
    ("length too short", Act((reply(GOOD_BYTES, length=len(GOOD_BYTES) - 10),))),
    ("length nonsense", Act((b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + GOOD_BYTES,))),
    ("chunks without an end", chunked(GOOD_BYTES[:40], end=False)),
    ("chunks of nonsense", Act((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",))),
    ("cut-off JSON", says(GOOD_BYTES[:-12])),
    ("HTML", says("<!DOCTYPE html><html><body>Fine</body></html>", kind="text/html")),
    ("empty", says(b"")),
    ("204", Act((b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",))),
    ("an array", says_json([GOOD])),
    ("a string", says_json("1")),
    ("null", says_json(None)),
    ("NUL bytes", says(b"\x00" * 50)),
    ("not UTF-8", says(b'{"status": 1, "data": {"jobId": "\xff\xfe"}}')),
    ("too deep", says(b"[" * 100_000)),
    ("number too long", says(b'{"status":1,"data":{"jobId":%s}}' % (b"9" * 5000))),
    ("gzip that is none", says(b"not gzip", 200, "Content-Encoding: gzip")),
    ("success without data", says_json({"status": 1, "message": "Fax processed for sending"})),
    ("success without a job id", says_json(_data())),
    ("success, job id null", says_json(_data(jobId=None))),
    ("success, job id empty", says_json(_data(jobId=""))),
    ("success, job id a float", says_json(_data(jobId=4100217.5))),
    ("success, job id an object", says_json(_data(jobId={"id": 4100217}))),
    ("success, job id true", says_json(_data(jobId=True))),
    ("success, job id of words", says_json(_data(jobId="will be told"))),
    ("success, job id too high", says_json({"status": 1, "jobId": 4100217})),
    ("no status", says_json({"data": {}})),
    ("no status but a job id", says_json({"data": {"jobId": 4100217}})),
    ("refused, yet a job id", says_json({"status": 0, "data": {"jobId": 4100217}})),
    ("400, yet a job id", says_json(GOOD, 400)),
    ("400 that says success", says_json({"status": 1, "message": "Fax processed for sending"}, 400)),
    ("429, yet a job id", says_json(GOOD, 429)),
    ("307, yet a job id", says_json(GOOD, 307, "Location: /elsewhere")),
    ("303 after the work", says(b"", 303, "Location: /v1/customer/fax-status")),
    ("302 after the work", says(b"", 302, "Location: /v1/customer/fax-status")),
    ("status 2", says_json({"status": 2, "message": "queued"})),
    ("status 200", says_json({"status": 200, "message": "queued"})),
    ("status -3", says_json({"status": -3, "message": "sent"})),
    ("status null", says_json({"status": None, "data": {}})),
    ("status success", says_json({"status": "success", "data": {}})),
    ("status ok", says_json({"status": "ok"})),
    ("status an object", says_json({"status": {"value": 0}})),
    ("refused with code -3", says_json({"status": 0, "code": -3, "message": "Fax processed for sending"})),
    ("refused with code -11", says_json({"status": 0, "data": {"code": -11}, "message": "Pre-processing pending"})),
    ("refused in the words of -3", says_json({"status": 0, "message": "Fax processed for sending"})),
    ("refused, code 0, all clear", says_json({"status": 0, "code": 0, "message": "NORMAL_CLEARING"})),
    ("408", says(b"", 408)),
    ("425", says(b"", 425)),
    ("499", says(b"", 499)),
    ("500 with HTML", says("<html>Oops</html>", 500, kind="text/html")),
    ("500 with a refusal", says_json({"status": 0, "message": "No credit", "code": -22}, 500)),
    ("502", says(b"", 502)),
    ("503", says(b"", 503, "Retry-After: 1")),
    ("504", says(b"", 504)),
    ("520", says(b"", 520)),
    (
        "megabytes",
        Act((b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *(b" " * 250_000 for _ in range(6)), GOOD_BYTES)),
    ),
]

REFUSED: list[tuple[str, Act, str]] = [
    ("status 0", says_json({"status": 0}), "failed-no-reason"),
    ("status 0 as text", says_json({"status": "0", "message": "Something of ours"}), "unknown-code"),
    ("a code at the top", says_json({"status": 0, "code": 120104, "message": "Caller ID"}), "caller-id-unverified"),
    ("a code in data", says_json({"status": 0, "data": {"code": -22}, "message": "x"}), "no-credit"),
    ("a code as text", says_json({"status": "0", "code": "-22"}), "no-credit"),
    ("a code never heard of", says_json({"status": 0, "code": 424242}), "unknown-code"),
    ("code a float", says_json({"status": 0, "code": -22.0}), "no-credit"),
    ("code nonsense", says_json({"status": 0, "code": [1], "message": {"a": 1}}), "failed-no-reason"),
    ("400 with a code", says_json({"status": 0, "code": -22}, 400), "no-credit"),
    ("401", says_json({"status": 0}, 401), "carrier-key-refused"),
    ("401 with HTML", says("<html>No</html>", 401, kind="text/html"), "carrier-key-refused"),
    ("403", says(b"", 403), "carrier-key-refused"),
    ("413", says("<html>Too large</html>", 413, kind="text/html"), "document-too-large"),
    ("413 before the body was read", Act((reply(b"", 413),), when="head", then="hang"), "document-too-large"),
    ("404", says(b"", 404), "failed-no-reason"),
]

NOT_TAKEN: list[tuple[str, Act, str, float | None]] = [
    ("429", says(b"", 429), "rate-limited", None),
    ("429 with seconds", says_json({"status": 0}, 429, "Retry-After: 17"), "rate-limited", 17.0),
    ("429 with a past date", says(b"", 429, "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"), "rate-limited", 0.0),
    ("429 with a far date", says(b"", 429, "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT"), "rate-limited", 3600.0),
    ("429 with no date", says(b"", 429, "Retry-After: Wed, 41 Oct 2026"), "rate-limited", None),
    ("429 without a zone", says(b"", 429, "Retry-After: Wed, 21 Oct 2026 07:28:00 -0000"), "rate-limited", None),
    ("429 with nonsense", says(b"", 429, "Retry-After: -5"), "rate-limited", None),
    ("429 with a huge number", says(b"", 429, "Retry-After: " + "9" * 400), "rate-limited", None),
    ("301", says(b"", 301, "Location: https://elsewhere.invalid/"), "not-reached", None),
    ("308", says(b"", 308, "Location: https://elsewhere.invalid/"), "not-reached", None),
]


@pytest.mark.parametrize(("name", "act", "job"), TAKEN, ids=names(TAKEN))
async def test_taken(name: str, act: Act, job: str) -> None:
    """2xx, status 1 and a job id mean taken, however they are written; the job id stays text, to the last digit."""
    async with wire_server(act) as wire, carrier(wire.url) as client:
        taken = await client.fax_send(REQUEST)
    assert isinstance(taken, Taken)
    assert taken.job_id == job


@pytest.mark.parametrize(("name", "act"), UNKNOWN, ids=names(UNKNOWN))
async def test_unknown(name: str, act: Act) -> None:
    """What may have been taken is told as unknown: it must never be sent again by itself, nor called failed."""
    async with wire_server(act) as wire, carrier(wire.url) as client:
        with pytest.raises(CarrierError) as caught:
            await client.fax_send(REQUEST)
    assert type(caught.value) is OutcomeUnknown, caught.value
    assert len(wire.requests) == 1, "a call is never repeated by the client itself"


@pytest.mark.parametrize(("name", "act", "cause"), REFUSED, ids=names(REFUSED))
async def test_refused(name: str, act: Act, cause: str) -> None:
    """A plain no of the carrier is a refusal whose cause stands in the catalogue."""
    async with wire_server(act) as wire, carrier(wire.url) as client:
        with pytest.raises(CarrierError) as caught:
            await client.fax_send(REQUEST)
    assert isinstance(caught.value, CallRefused), repr(caught.value)
    assert caught.value.cause == cause
    assert outcomes.cause(cause).slug == cause
    assert caught.value.answer is not None


@pytest.mark.parametrize(("name", "act", "cause", "after"), NOT_TAKEN, ids=names(NOT_TAKEN))
async def test_not_taken(name: str, act: Act, cause: str, after: float | None) -> None:
    """Being turned away at the door is not taken, with the pause that was asked for where it can be read."""
    async with wire_server(act) as wire, carrier(wire.url) as client:
        with pytest.raises(CarrierError) as caught:
            await client.fax_send(REQUEST)
    assert isinstance(caught.value, NotTaken), repr(caught.value)
    assert (caught.value.cause, caught.value.retry_after) == (cause, after)
    assert outcomes.cause(cause).slug == cause


@pytest.fixture
def nobody() -> Iterator[str]:
    """A loopback address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


async def test_connection_refused(nobody: str) -> None:
    """Where nobody listens nothing was taken."""
    async with carrier(nobody) as client:
        with pytest.raises(NotTaken) as caught:
            await client.fax_send(REQUEST)
    assert caught.value.cause == "not-reached"


async def test_name_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the name leads nowhere nothing was taken."""

    async def nowhere(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    async with carrier("http://localhost:1/v1") as client:
        with pytest.raises(NotTaken):
            await client.fax_send(REQUEST)


async def test_what_must_not_begin_any_more() -> None:
    """Asked right before the first byte; where the answer is no, not a byte of the fax is there, and it says so."""
    asked: list[int] = []

    def no() -> bool:
        asked.append(len(wire.requests))
        return False

    async with wire_server(says_json(GOOD)) as wire, carrier(wire.url) as client:
        with pytest.raises(NotTaken):
            await client.fax_send(FaxRequest(NUMBER, PDF, may_begin=no))
        assert (await client.fax_send(REQUEST)).job_id == "4100217"
    assert asked == [0]
    assert len(wire.requests) == 1


async def test_tls_failure() -> None:
    """Where no secure line comes about nothing was taken."""
    plain = wire_server(Act((reply(b"", 400),), when="accept"))
    async with plain as wire, carrier(wire.url.replace("http://", "https://")) as client:
        with pytest.raises(NotTaken):
            await client.fax_send(REQUEST)
    assert wire.requests == []


async def test_no_tls_answer_in_time() -> None:
    """Where the secure line hangs while it is being set up nothing was taken."""
    async with wire_server(Act(when="accept", then="hang")) as wire:
        url = wire.url.replace("http://", "https://")
        async with carrier(url, connect_timeout=SHORT) as client:
            with pytest.raises(NotTaken):
                await client.fax_send(REQUEST)


@pytest.mark.parametrize("options", [{"stall_timeout": SHORT}, {"call_timeout": SHORT}], ids=["stall", "call"])
async def test_silence(options: dict[str, Any]) -> None:
    """Silence after the body ends at either time-out, as unknown."""
    async with wire_server(Act(then="hang")) as wire, carrier(wire.url, **options) as client:
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknown):
                await client.fax_send(REQUEST)


async def test_endless_answer_ends_at_the_call_timeout() -> None:
    """An answer that drips for ever stalls never, and still ends at the call's time-out, as unknown."""
    drip = Act((b"HTTP/1.1 200 OK\r\n\r\n", *(b" " for _ in range(1000))), pause=0.02)
    async with wire_server(drip) as wire, carrier(wire.url, call_timeout=SHORT) as client:
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknown):
                await client.fax_send(REQUEST)


async def test_upload_nobody_reads() -> None:
    """A document that the far side stops reading half-way is unknown."""
    big = FaxRequest(NUMBER, b"%PDF-" + b"x" * 8_000_000)
    async with wire_server(Act(when="head", then="abort")) as wire, carrier(wire.url) as client:
        with pytest.raises(OutcomeUnknown):
            await client.fax_send(big)


async def test_body_exactly() -> None:
    """What is sent are our fields and no others: number, quality, one file under our own name; the key is a header."""
    async with wire_server(says_json(GOOD)) as wire, carrier(wire.url, quality="HD") as client:
        await client.fax_send(REQUEST)
    (request,) = wire.requests
    file = {"fileName": "fax.pdf", "fileData": base64.b64encode(PDF).decode()}
    assert request.json == {"faxNumber": NUMBER, "faxQuality": "HD", "faxData": [file]}
    assert request.target == "/v1/customer/fax-send"
    assert request.headers["accesstoken"] == KEY
    assert b"accessToken: " in wire.heard
    assert request.headers["content-type"] == "application/json"
    assert int(request.headers["content-length"]) == len(request.body)
    assert "transfer-encoding" not in request.headers


@pytest.mark.parametrize(("wished", "sent"), [(None, "Low"), ("low", "Low"), ("standard", "Standard"), ("fine", "HD")])
async def test_a_sender_may_wish_another_quality(wished: Quality | None, sent: str) -> None:
    """In its own words, which become the carrier's; without a wish it is the site's."""
    async with wire_server(says_json(GOOD)) as wire, carrier(wire.url, quality="Low") as client:
        await client.fax_send(replace(REQUEST, quality=wished))
    (request,) = wire.requests
    assert request.json["faxQuality"] == sent


async def test_caller_id() -> None:
    """The caller's number goes along only where one is set."""
    async with wire_server(says_json(GOOD)) as wire, carrier(wire.url) as client:
        await client.fax_send(FaxRequest(NUMBER, PDF, "+14155550100"))
        await client.fax_send(FaxRequest(NUMBER, PDF, ""))
    assert [request.json.get("callerId", "absent") for request in wire.requests] == ["+14155550100", "absent"]


async def test_the_carriers_cover_page() -> None:
    """What it is to hold goes along only where it is asked for, and then nothing that is empty."""
    names = {"subject", "from_name", "to_name", "message", "templateId"}
    async with wire_server(says_json(GOOD)) as wire, carrier(wire.url) as client:
        await client.fax_send(REQUEST)
        await client.fax_send(FaxRequest(NUMBER, PDF, cover=CoverWords("results", "Anna", "Dr. Who", "")))
    without, with_it = (names & request.json.keys() for request in wire.requests)
    assert without == set()
    assert {name: wire.requests[1].json[name] for name in with_it} == {
        "subject": "results",
        "from_name": "Anna",
        "to_name": "Dr. Who",
    }


async def test_a_connection_for_each_fax() -> None:
    """An idle connection closed by the far side never looks like a fax that may have been taken."""
    keep = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(GOOD_BYTES), GOOD_BYTES)
    async with wire_server(Act((keep,))) as wire, carrier(wire.url) as client:
        for _ in range(5):
            assert (await client.fax_send(REQUEST)).job_id == "4100217"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    """A redirect to another host is never followed: neither key nor fax goes there."""
    async with wire_server(says_json(GOOD)) as thief:
        away = says(b"", status, f"Location: {thief.url}/customer/fax-send")
        async with wire_server(away) as wire, carrier(wire.url) as client:
            with pytest.raises(CarrierError):
                await client.fax_send(REQUEST)
            with pytest.raises(CarrierError):
                await client.fax_status("1")
            await client.fax_download("1", "2")
    assert thief.requests == []
    assert KEY.encode() not in thief.heard


async def test_urls_in_answers_are_not_followed() -> None:
    """A URL in the place of a file is not a file, and is not fetched."""
    async with wire_server(says(PDF, kind="application/pdf")) as thief:
        for data in (thief.url, {"url": thief.url}, {"data": {"file": thief.url}}):
            async with wire_server(says_json({"status": 1, "data": data})) as wire, carrier(wire.url) as client:
                assert (await client.fax_download("1", "2"))[0] is None
    assert thief.requests == []


async def test_no_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment gets neither key nor fax."""
    async with wire_server(says_json(GOOD)) as proxy, wire_server(says_json(GOOD)) as wire:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with carrier(wire.url) as client:
            await client.fax_send(REQUEST)
    assert proxy.requests == []
    assert len(wire.requests) == 1


async def test_fictional_numbers_only_on_loopback() -> None:
    """Fictional numbers are refused without a call unless the carrier is a stand-in on this machine."""
    async with carrier("https://carrier.invalid/v1") as client:
        with pytest.raises(CallRefused) as caught:
            await client.fax_send(REQUEST)
    assert caught.value.cause == "fictional-number"
    assert outcomes.cause("fictional-number").final


async def test_the_key_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever happens, at whatever level, the key stands in no log line and in no error."""
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    mirror = says_json({"status": 0, "message": "bad request"}, 401)
    acts = [says_json(GOOD), mirror, Act(then="abort"), says("<html>", 500), Act((reply(b"", 302, "Location: /x"),))]
    with structlog.testing.capture_logs() as lines:
        for act in acts:
            async with wire_server(act) as wire, carrier(wire.url) as client:
                try:
                    said.append(repr(await client.fax_send(REQUEST)))
                except CarrierError as error:
                    said += [repr(error), str(error), repr(error.answer), repr(error.__cause__), repr(vars(error))]
                said.append(repr(client._options))
    everything = "\n".join([*said, caplog.text, repr(lines)])
    assert "POST" in everything, "the libraries' own lines were looked at"
    assert KEY not in everything
    assert base64.b64encode(PDF).decode() not in everything
