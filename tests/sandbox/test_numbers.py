"""What happens to a fax, by its number."""

import asyncio
from collections import Counter
from importlib import resources
from typing import Any

import httpx
import pytest

from bridge.sandbox import numbers_table
from bridge.sandbox.numbers import is_e164, is_us_or_canada, outcome_of
from tests.sandbox.stand import Stand, a_file, a_pdf, an_order, stand_in, until

TWO_PAGES = a_file(a_pdf(2))

# How fax-send of two pages is answered, whether the fax was taken, and what fax-status says in the end:
# word, code, pages that went over.
DELIVERED = ("delivered", 0, 2)
CASES: dict[int, tuple[str, bool, tuple[str, int, int] | None]] = {
    50: ("job", True, ("failed", 263, 0)),
    51: ("job", True, ("failed", 8021, 0)),
    52: ("job", True, ("failed", 9015, 0)),
    53: ("job", True, ("failed", 3912, 0)),
    54: ("job", True, ("failed", 6022, 0)),
    55: ("job", True, ("delivered", 0, 1)),
    56: ("job", True, ("failed", 9012, 1)),
    57: ("time-out", False, None),
    58: ("time-out", True, DELIVERED),
    59: ("dropped", False, None),
    60: ("dropped", True, DELIVERED),
    61: ("job", True, DELIVERED),
    62: ("job", True, DELIVERED),
    63: ("job", True, DELIVERED),
    64: ("job", True, ("sending", -3, 0)),
    65: ("job as text", True, DELIVERED),
    66: ("job", True, ("Delivered", 0, 2)),
    67: ("status as text", True, DELIVERED),
    68: ("500 HTML", True, DELIVERED),
    69: ("500 HTML", False, None),
    70: ("429", False, None),
    71: ("429", False, None),
    72: ("200 HTML", True, DELIVERED),
    73: ("200 broken", True, DELIVERED),
    74: ("no job", True, DELIVERED),
    75: ("refused -22", False, None),
    76: ("job", True, ("canceled", 403, 0)),
    77: ("job", True, ("blocked", 12001, 0)),
    78: ("job", True, DELIVERED),
    79: ("job", True, DELIVERED),
    80: ("200 HTML", False, None),
    81: ("200 broken", False, None),
    82: ("refused 120100", False, None),
    83: ("200 nothing", True, DELIVERED),
    84: ("array", True, DELIVERED),
    85: ("job", True, ("failed", 263, 0)),
    86: ("job", True, DELIVERED),
    87: ("job", True, DELIVERED),
    88: ("job", True, DELIVERED),
    89: ("job", True, DELIVERED),
    90: ("job", True, ("partially_cancelled", 403, 1)),
    91: ("job", True, ("failed_chargeable", 9009, 0)),
    92: ("job", True, ("cancelled", 403, 0)),
    93: ("job", True, ("failed", 12007, 0)),
    94: ("job", True, ("delivered", -999, 2)),
    95: ("refused 120105", False, None),
    96: ("job", True, ("sending", -3, 0)),
    97: ("job", True, DELIVERED),
    98: ("job", True, DELIVERED),
    99: ("time-out", True, DELIVERED),  # three seconds, which is too long for this test
}


def _number(last: int) -> str:
    return f"+141555501{last:02}"


def _how(answer: httpx.Response) -> str:
    if answer.status_code == 429:
        return "429" if answer.headers["retry-after"] == "1" else "429 without Retry-After"
    if answer.headers.get("content-type", "").startswith("text/html"):
        return f"{answer.status_code} HTML"
    if not answer.content:
        return f"{answer.status_code} nothing"
    try:
        said = answer.json()
    except ValueError:
        return f"{answer.status_code} broken"
    if said == []:
        return "array"
    if said["status"] == 0:
        return f"refused {said['data']['code']}"
    if "jobId" not in said["data"]:
        return "no job"
    if said["status"] == "1":
        return "status as text"
    return "job" if isinstance(said["data"]["jobId"], int) else "job as text"


async def _send(stand: Stand, number: str) -> str:
    try:
        order = an_order(number, TWO_PAGES)
        return _how(await stand.client.post("/v1/customer/fax-send", json=order, timeout=2))
    except httpx.TimeoutException:
        return "time-out"
    except httpx.RemoteProtocolError:
        return "dropped"


async def _end(stand: Stand, last: int, job_id: int) -> tuple[str, int, int]:
    async def look() -> Any:
        answer = await stand.call("fax-status", {"jobId": job_id})
        good = answer.status_code == 200 and int(answer.json()["status"]) == 1
        return answer.json()["data"] if good else {"faxStatus": "sending"}

    def ended(fax: Any) -> bool:
        return fax["faxStatus"] not in ("sending", "queued_far_away") or last in (64, 96)

    fax = await until(look, ended)
    return fax["faxStatus"], fax.get("code", -999), fax["faxTransferredPages"]


async def test_cases() -> None:
    """Each named case answers fax-send, takes the fax or not, and ends as its row says."""
    async with stand_in() as stand:
        answers = await asyncio.gather(*(_send(stand, _number(last)) for last in CASES))
        jobs = {fax["faxNumber"]: fax["jobId"] for fax in await stand.seen("faxes")}
        got = {
            last: (
                answer,
                _number(last) in jobs,
                await _end(stand, last, jobs[_number(last)]) if _number(last) in jobs else None,
            )
            for last, answer in zip(CASES, answers, strict=True)
        }

    assert got == CASES


async def test_every_other_call() -> None:
    """The number that is too busy for the carrier is refused at the first and the third call, not at the second."""
    async with stand_in() as stand:
        got = [await _send(stand, _number(70)) for _ in range(3)]

    assert got == ["429", "job", "429"]


async def test_hooks_of_cases() -> None:
    """Webhooks of the named cases lie, lack things, come as a form or not at all, as their rows say."""
    async with stand_in() as stand:
        for last in (61, 66, 79, 85, 86, 87, 88, 89, 94):
            await stand.send(_number(last))
        hooks = (await until(lambda: stand.seen("hooks"), lambda seen: len(seen["hooks"]) == 9))["hooks"]
        await stand.customer.told(8)
    by_number = {hook["body"].get("toNumber", "wrapped"): hook for hook in hooks}

    assert by_number[_number(61)]["state"] == "withheld"
    assert by_number[_number(66)]["body"]["faxStatus"] == "Delivered"
    assert by_number["14155550179"]["body"]["fromNumber"] == "14155550100"
    assert by_number[_number(85)]["body"]["faxStatus"] == "delivered"
    assert by_number[_number(86)]["body"]["faxStatus"] == "failed"
    assert by_number[_number(86)]["body"]["success"] is False
    assert by_number[_number(87)]["form"] == "multipart"
    assert by_number["wrapped"]["body"]["data"]["toNumber"] == _number(88)
    assert by_number[_number(89)]["body"]["direction"] == "sent"
    assert "transactionId" not in by_number[_number(89)]["body"]
    assert {"code", "message"}.isdisjoint(by_number[_number(94)]["body"])


PENDING = {-11, -3, 12026, 12029, 12032, 12034, 12036, 12037, 12043, *range(12103, 12107), 12109, 12110, 12112, 12115}
PENDING |= {12132, 12144}


async def test_code_numbers() -> None:
    """Each row of the page's code table has a number, in the page's order; a fax to it ends with that code and text."""
    table = resources.files("bridge.sandbox").joinpath("codes.tsv").read_text()
    rows = [(int(code), text) for code, text in (line.split("\t") for line in table.splitlines())]
    expected, got = {}, {}
    async with stand_in(hooks="") as stand:
        for at, (code, text) in enumerate(rows):
            number = f"+1{(212, 213, 214)[at // 100]}55501{at % 100:02}"
            job_id = await stand.send(number)
            polls = [await stand.status(job_id) for _ in range(3)] if code in PENDING else []
            polls.append(await stand.ended(job_id))
            got[number] = [(poll["faxStatus"], poll["code"], poll["message"]) for poll in polls]
            if code in PENDING:
                expected[number] = [("sending", code, text)] * 3 + [("delivered", 0, "NORMAL_CLEARING")]
            else:
                expected[number] = [("delivered" if code == 0 else "failed", code, text)]

    assert got == expected
    assert len(rows) == 232


def test_table_is_whole() -> None:
    """The table names a hundred numbers in area 415 and one for each code, all fictional, each once."""
    numbers = [number for number, _ in numbers_table()]

    assert Counter(number[2:5] for number in numbers) == {"415": 100, "212": 100, "213": 100, "214": 32}
    assert len(set(numbers)) == len(numbers)
    assert {number[5:10] for number in numbers} == {"55501"}
    assert all(is_e164(number) and is_us_or_canada(number) and says for number, says in numbers_table())


def test_table_speaks() -> None:
    """The table says in words what happens."""
    table = dict(numbers_table())

    assert table["+14155550100"] == "delivered"
    assert table["+14155550150"] == "busy"
    assert table["+12125550100"].startswith("failed: -3007 No permission")
    assert table["+14155550199"] == "delivered, fax-send answers after three seconds"


@pytest.mark.parametrize("number", ["+12125550199", "+16135550123", "+14165550100", "+19075550100"])
def test_other_numbers(number: str) -> None:
    """A number of the US or Canada that stands in no table is delivered."""
    assert is_us_or_canada(number)
    assert number in dict(numbers_table()) or outcome_of(number).says == "delivered"
