"""Scripts: what the carrier is told to do."""

import asyncio
import base64
import time
from typing import Any

import httpx
import pytest

from tests.sandbox.stand import CALLER, Json, a_file, a_pdf, an_order, stand_in, until


def step(on: str, do: Json, **fields: Any) -> Json:
    """A line of a script."""
    return {"on": on, "do": do, **fields}


SENTENCE = "Fax processed for sending"

# What the script says, what is answered, whether the fax is taken.
TO_SEND: tuple[tuple[Json, int, str, bool], ...] = (
    (
        {"refuse": {"code": -22}},
        200,
        '{"status":0,"message":"Not enough credit for the user","data":{"code":-22}}',
        False,
    ),
    (
        {"refuse": {"code": 7, "message": "No", "flat": True}},
        200,
        '{"status":0,"code":7,"message":"No"}',
        False,
    ),
    (
        {"refuse": {"code": 9, "message": "No"}, "taken": True},
        200,
        '{"status":0,"message":"No","data":{"code":9}}',
        True,
    ),
    ({"http": 500, "body": "Oh"}, 500, "Oh", False),
    ({"http": 500, "body": "Oh", "taken": True}, 500, "Oh", True),
    ({"http": 503, "body": '{"message": "later"}'}, 503, '{"message": "later"}', False),
    ({"429": 2.5}, 429, '{"status":0,"message":"Too Many Requests"}', False),
    ({"nonsense": "array"}, 200, "[]", True),
    ({"nonsense": "array", "taken": False}, 200, "[]", False),
    ({"nonsense": "empty"}, 200, "", True),
    ({"nonsense": "empty", "taken": False}, 200, "", False),
    ({"nonsense": "cut-json"}, 200, '{"status": 1, "message": "Fax processed ', True),
    ({"shape": ["job-id-text"]}, 200, f'{{"status":1,"message":"{SENTENCE}","data":{{"jobId":"ID"}}}}', True),
    ({"shape": ["status-text"]}, 200, f'{{"status":"1","message":"{SENTENCE}","data":{{"jobId":ID}}}}', True),
    ({"shape": ["no-job-id"]}, 200, f'{{"status":1,"message":"{SENTENCE}","data":{{}}}}', True),
    ({"delay": 0}, 200, f'{{"status":1,"message":"{SENTENCE}","data":{{"jobId":ID}}}}', True),
)


async def test_answers_to_send() -> None:
    """fax-send answers as the script says, having taken the fax or not."""
    got = []
    async with stand_in(hooks="") as stand:
        for do, *_ in TO_SEND:
            await stand.plan(step("fax-send", do))
            answer = await stand.call("fax-send", an_order())
            taken = (await stand.seen("requests"))["requests"][-1]["taken"]
            text = answer.text.replace(str(taken), "ID") if taken else answer.text
            got.append((do, answer.status_code, text, taken is not None))
        faxes = await stand.seen("faxes")

    assert tuple(got) == TO_SEND
    assert len(faxes) == sum(taken for *_, taken in TO_SEND)


async def test_retry_after() -> None:
    """A 429 says how long to wait."""
    async with stand_in() as stand:
        await stand.plan(step("fax-status", {"429": 2.5}), step("fax-status", {"429": 3}))
        headers = [(await stand.call("fax-status", {"jobId": 1})).headers["retry-after"] for _ in range(2)]

    assert headers == ["2.5", "3"]


@pytest.mark.parametrize(("when", "taken"), [("before", 0), ("after", 1)])
async def test_drop(when: str, taken: int) -> None:
    """A dropped connection is really gone, without an answer; the fax was taken or not, and ends if it was."""
    async with stand_in() as stand:
        await stand.plan(step("fax-send", {"drop": when}))
        with pytest.raises(httpx.TransportError):
            await stand.call("fax-send", an_order())
        asked = (await stand.seen("requests"))["requests"]
        posts = await stand.customer.told(taken) if taken else []

    assert [(call["how"], call["answered"], call["taken"] is not None) for call in asked] == [
        ("cut", None, bool(taken))
    ]
    assert [post.json["faxStatus"] for post in posts] == ["delivered"] * taken


@pytest.mark.parametrize(("when", "taken"), [("before", 0), ("after", 1)])
async def test_hang(when: str, taken: int) -> None:
    """A call that hangs gets no answer until its caller gives up; the fax was taken or not."""
    async with stand_in() as stand:
        await stand.plan(step("fax-send", {"hang": when}))
        with pytest.raises(httpx.ReadTimeout):
            await stand.client.post("/v1/customer/fax-send", json=an_order(), timeout=0.2)
        asked = (await stand.seen("requests"))["requests"]
        faxes = await stand.seen("faxes")

    assert [(call["how"], call["answered"]) for call in asked] == [("silent", None)]
    assert len(faxes) == taken


async def test_stop_ends_hanging_calls() -> None:
    """A carrier that stops lets nobody hang: silent lines are cut, late answers are given at once."""
    async with stand_in() as stand:
        await stand.plan(step("fax-send", {"hang": "after"}), step("fax-send", {"delay": 60}))
        calls = [asyncio.create_task(stand.call("fax-send", an_order())) for _ in range(2)]
        await until(lambda: stand.seen("faxes"), lambda faxes: len(faxes) == 2)
        begun = time.monotonic()
        stand.stop.set()
        silent, late = await asyncio.gather(*calls, return_exceptions=True)
        took = time.monotonic() - begun

    assert isinstance(silent, httpx.TransportError)
    assert isinstance(late, httpx.Response)
    assert late.status_code == 200
    assert took < 2


async def test_delay() -> None:
    """A late answer is late, while the fax is taken at once and the call is seen in hand."""
    async with stand_in() as stand:
        await stand.plan(step("fax-send", {"delay": 0.3}))
        begun = time.monotonic()
        call = asyncio.create_task(stand.send())
        await until(lambda: stand.seen("faxes"), lambda faxes: len(faxes) == 1)
        in_hand = (await stand.seen("requests"))["requests"][0]
        await call
        took = time.monotonic() - begun

    assert (in_hand["how"], in_hand["answered"], in_hand["taken"]) == ("in hand", None, 4_100_001)
    assert took >= 0.3


async def test_order_number_and_times() -> None:
    """Steps are used in their order, each as often as it says, for its number only; GET shows what is left."""
    async with stand_in(hooks="") as stand:
        await stand.plan(
            step("fax-send", {"refuse": {"code": 1, "message": "x"}}, number="+14155550102"),
            step("fax-send", {"refuse": {"code": 2, "message": "x"}}, times=2),
            step("fax-send", {"refuse": {"code": 3, "message": "x"}}),
            step("fax-status", {"http": 500}, number="+14155550103"),
        )
        codes = [(await stand.refused("fax-send", an_order("+14155550101")))[0]]
        left = await stand.seen("plan")
        for number in ("+14155550102", "+14155550101", "+14155550101"):
            codes.append((await stand.refused("fax-send", an_order(number)))[0])  # noqa: PERF401 - one after another
        one, two = await stand.send("+14155550101"), await stand.send("+14155550103")
        statuses = [(await stand.call("fax-status", {"jobId": job})).status_code for job in (one, two, two)]
        done = await stand.seen("plan")

    assert codes == [2, 1, 2, 3]
    assert [(it["do"].get("refuse", {}).get("code"), it["times"]) for it in left["steps"]] == [
        (1, 1),
        (2, 1),
        (3, 1),
        (None, 1),
    ]
    assert statuses == [200, 500, 200]
    assert done == {"steps": [], "page_size": 10}


async def test_calls_that_fail() -> None:
    """The calls to a number fail as the script says, so many of them; the next goes as the number's own goes."""
    number = "+13125550101"
    async with stand_in(hooks="") as stand:
        await stand.plan(
            step("end", {"fail": {"code": 263}}, number=number, times=2),
            step("end", {"fail": {"code": 9012, "went": "all but one"}}, number=number),
        )
        ends = []
        for _ in range(4):
            await stand.send(number, a_file(a_pdf(3)))
            faxes = await until(lambda: stand.seen("faxes"), lambda seen: seen[-1]["finished"])
            ends.append((faxes[-1]["state"], faxes[-1]["code"], faxes[-1]["transferred"]))

    assert ends == [("failed", 263, 0), ("failed", 263, 0), ("failed", 9012, 2), ("delivered", 0, 3)]


async def test_clear() -> None:
    """DELETE forgets the script."""
    async with stand_in() as stand:
        await stand.plan(step("fax-send", {"http": 500}, times=9), page_size=3)
        cleared = (await stand.client.delete("/sandbox/plan")).json()
        job_id = await stand.send()

    assert cleared == {"steps": [], "page_size": 10}
    assert job_id


async def test_wrong_request_shows_through_play() -> None:
    """A request that breaks a rule is refused even where the script lets the answer be lost."""
    async with stand_in() as stand:
        await stand.plan(step("fax-send", {"drop": "after"}))
        refusal = await stand.refused("fax-send", an_order("+1"))

    assert refusal[0] == 120100


async def test_download_data() -> None:
    """A download comes empty, as a data URI, as raw PDF, as garbage, or is gone, as the script says."""
    async with stand_in(hooks="") as stand:
        fax = await stand.receive()
        other = await stand.receive(**{"from": "+12125550178"})
        kinds = ("empty", "data-uri", "raw-pdf", "garbage", "gone")
        await stand.plan(*(step("fax-download", {"data": kind}, number=CALLER) for kind in kinds))
        whole = await stand.good("inbound/fax-download", other)
        empty = await stand.good("inbound/fax-download", fax)
        uri = await stand.good("inbound/fax-download", fax)
        raw = await stand.call("inbound/fax-download", fax)
        garbage = await stand.good("inbound/fax-download", fax)
        gone = await stand.refused("inbound/fax-download", fax)
        good = await stand.good("inbound/fax-download", fax)

    assert whole
    assert empty == ""
    assert uri == f"data:application/pdf;base64,{good}"
    assert (raw.content, raw.headers["content-type"]) == (base64.b64decode(good), "application/pdf")
    assert not base64.b64decode(garbage).startswith(b"%PDF")
    assert gone == (12092, "File not found")
    assert base64.b64decode(good).startswith(b"%PDF")


async def test_list_misbehaves() -> None:
    """The list of received faxes can be made to fail, too."""
    async with stand_in(hooks="") as stand:
        await stand.receive()
        await stand.plan(step("fax-list-all", {"nonsense": "html"}), step("fax-list-all", {"http": 502}))
        html = await stand.call("inbound/fax-list-all", {})
        bad = await stand.call("inbound/fax-list-all", {})
        rows = await stand.good("inbound/fax-list-all", {})

    assert (html.status_code, html.text[:15], bad.status_code) == (200, "<!DOCTYPE html>", 502)
    assert len(rows) == 1


WRONG: tuple[tuple[Any, str], ...] = (
    ({"steps": [{"on": "fax-sent", "do": {"http": 500}}]}, "steps.0.on: Input should be"),
    ({"steps": [{"on": "fax-send", "do": {}}]}, "steps.0.do: nothing to do"),
    ({"steps": [{"on": "fax-send"}]}, "steps.0.do: Field required"),
    ({"steps": [{"on": "fax-send", "do": {"htp": 500}}]}, "steps.0.do.htp: Extra inputs are not permitted"),
    ({"steps": [{"on": "fax-send", "do": {"http": 99}}]}, "steps.0.do.http: Input should be greater than"),
    ({"steps": [{"on": "fax-send", "do": {"http": 500, "429": 1}}]}, "steps.0.do: can't do at once: http, 429"),
    ({"steps": [{"on": "fax-send", "do": {"data": "gone"}}]}, "steps.0: data can't be done on fax-send; there is: 429"),
    ({"steps": [{"on": "hook", "do": {"http": 500}}]}, "steps.0: http can't be done on hook; there is: delay, early"),
    ({"steps": [{"on": "fax-status", "do": {"nonsense": "html", "taken": True}}]}, "steps.0: taken can't be done on"),
    ({"steps": [{"on": "end", "do": {"delay": 1}}]}, "steps.0: delay can't be done on end; there is: fail"),
    ({"steps": [{"on": "end", "do": {"fail": {"code": 1}}}]}, "steps.0.do.fail: the page has no code 1"),
    ({"steps": [{"on": "fax-send", "times": 0, "do": {"http": 500}}]}, "steps.0.times: Input should be greater"),
    ({"steps": [{"on": "fax-send", "number": "415", "do": {"http": 500}}]}, "steps.0: '415' is not an E.164 number"),
    ({"steps": [{"on": "fax-list-all", "number": CALLER, "do": {"http": 500}}]}, "steps.0: fax-list-all is for no"),
    ({"page_size": 0}, "page_size: Input should be greater"),
    ({"step": []}, "step: Extra inputs are not permitted"),
    ([], "document: Input should be an object"),
    (b"{", "document: Invalid JSON"),
)  # fmt: skip


async def test_wrong_plans() -> None:
    """A script that makes no sense is refused whole, with a 400 that says where and what."""
    async with stand_in() as stand:
        for document, complaint in WRONG:
            sent = {"content": document} if isinstance(document, bytes) else {"json": document}
            answer = await stand.client.post("/sandbox/plan", **sent)

            assert answer.status_code == 400
            assert answer.json()["error"].startswith(complaint)
        left = await stand.seen("plan")

    assert left["steps"] == []
