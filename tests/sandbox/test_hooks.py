"""Webhooks: what the customer is told, in which form, how often."""

import base64
import hashlib
import io
import time
from typing import Any

import httpx
import pytest
from multipart import MultipartParser, parse_options_header

from tests.sandbox.stand import CALLED, CALLER, Json, Post, a_file, a_pdf, stand_in, until


def fields_of(post: Post) -> dict[str, Any]:
    """The fields of a form: text as text, a file as (name, media type, bytes)."""
    kind, options = parse_options_header(post.headers["content-type"])
    assert kind == "multipart/form-data"
    return {
        part.name: (part.filename, part.content_type, part.raw) if part.filename else part.value
        for part in MultipartParser(io.BytesIO(post.body), options["boundary"])
    }


async def test_sent_hook() -> None:
    """At its end a sent fax is told of once, as JSON, with all that fax-status says and the transaction id."""
    async with stand_in() as stand:
        job_id = await stand.send("+14155550156", a_file(a_pdf(2)))
        (post,) = await stand.customer.told(1)
        status = await stand.status(job_id)
        fax = (await stand.seen("faxes"))[0]

    assert (post.path, post.headers["content-type"]) == ("/hooks/secret", "application/json")
    assert post.json == {
        **status,
        "direction": "outbound",
        "transactionId": fax["transactionId"],
        "retryAttempt": 0,
        "success": False,
    }
    assert (post.json["faxStatus"], post.json["faxTransferredPages"], post.json["code"]) == ("failed", 1, 9012)


async def test_received_hook_json() -> None:
    """A received fax is announced as JSON without a file: ids, counts and times are integers."""
    async with stand_in() as stand:
        fax = await stand.receive(pages=3)
        (post,) = await stand.customer.told(1)
    told = post.json

    assert told["faxCallEnd"] - told["faxCallStart"] == told["faxCallLength"]
    assert abs(told["faxCallEnd"] - time.time()) < 5
    assert {name: value for name, value in told.items() if not name.startswith("faxCall")} == {
        "direction": "inbound",
        "jobId": fax["jobId"],
        "transactionId": fax["transactionId"],
        "faxTotalPages": 3,
        "faxReceivedPages": 3,
        "faxStatus": "received",
        "success": True,
        "fromNumber": CALLER,
        "toNumber": CALLED,
        "code": 0,
        "message": "NORMAL_CLEARING",
    }


@pytest.mark.parametrize("tiff", [False, True])
async def test_received_hook_form(tiff: bool) -> None:
    """As a form the same facts come as text, and the fax as a file in the part ``filename``."""
    async with stand_in() as stand:
        fax = await stand.receive(form="multipart", tiff=tiff)
        (post,) = await stand.customer.told(1)
    fields = fields_of(post)
    name, media, data = fields["filename"]

    assert fields["jobId"] == str(fax["jobId"])
    assert (fields["success"], fields["direction"], fields["fromNumber"]) == ("true", "inbound", CALLER)
    assert name.endswith(".tiff" if tiff else ".pdf")
    assert media == fax["media"]
    assert hashlib.sha256(data).hexdigest() == fax["sha256"]


async def test_hook_form_of_options() -> None:
    """Without another word webhooks have the form that the options say; a sent fax's form has no file."""
    async with stand_in(hook_form="multipart") as stand:
        job_id = await stand.send()
        (post,) = await stand.customer.told(1)
    fields = fields_of(post)

    assert (fields["jobId"], fields["direction"], fields["code"]) == (str(job_id), "outbound", "0")
    assert "filename" not in fields


async def test_repeats_until_taken() -> None:
    """A webhook that isn't taken is repeated, the same to the byte, until it is."""
    async with stand_in(answers=[500, 404]) as stand:
        await stand.send()
        posts = await stand.customer.told(3)
        (hook,) = (await until(lambda: stand.seen("hooks"), lambda seen: seen["hooks"][0]["state"] == "taken"))["hooks"]

    assert len({post.body for post in posts}) == 1
    assert hook["answers"] == [500, 404, 200]


async def test_gives_up() -> None:
    """After all its repeats a webhook is given up."""
    async with stand_in(answers=[503] * 9) as stand:
        await stand.send()
        seen = await until(lambda: stand.seen("hooks"), lambda seen: seen["hooks"][0]["state"] == "given up")

    assert seen["hooks"][0]["answers"] == [503, 503, 503]


async def test_nobody_listens() -> None:
    """A customer who can't be reached counts as one who didn't take it; a webhook without address is not sent."""
    async with stand_in(hooks="http://127.0.0.1:9/none") as stand:
        await stand.send()
        refused = await until(lambda: stand.seen("hooks"), lambda seen: seen["hooks"][0]["state"] == "given up")
        await stand.client.put("/sandbox/hooks", json={"url": ""})
        await stand.send()
        unsent = await until(lambda: stand.seen("hooks"), lambda seen: seen["hooks"][-1]["state"] == "nobody to tell")

    assert refused["hooks"][0]["answers"] == ["ConnectError"] * 3
    assert unsent["hooks"][1]["answers"] == []


async def test_basic_auth() -> None:
    """User and password in the customer's URL are sent as HTTP Basic, as the dashboard offers it."""
    async with stand_in(user="fax:secret@") as stand:
        await stand.send()
        (post,) = await stand.customer.told(1)

    assert post.headers["authorization"] == f"Basic {base64.b64encode(b'fax:secret').decode()}"


async def test_address_can_change() -> None:
    """The customer's address can be changed while the carrier runs."""
    async with stand_in() as stand:
        url = (await stand.seen("hooks"))["url"]
        await stand.client.put("/sandbox/hooks", json={"url": url + "/other"})
        await stand.send()
        (post,) = await stand.customer.told(1)

    assert post.path == "/hooks/secret/other"


def on_hook(do: Json, **fields: Any) -> Json:
    """A line of a script."""
    return {"on": "hook", "do": do, **fields}


async def test_withhold_and_repeat() -> None:
    """A webhook can be withheld, or sent several times, for one number only."""
    async with stand_in() as stand:
        await stand.plan(on_hook({"withhold": True}, number="+14155550101"), on_hook({"repeat": 3}))
        twice = await stand.send("+14155550102")
        await stand.customer.told(3)
        await stand.send("+14155550101")
        last = await stand.send("+14155550103")
        posts = await stand.customer.told(4)

    assert [post.json["jobId"] for post in posts] == [twice, twice, twice, last]


async def test_reorder() -> None:
    """A webhook can be held until the next one was sent."""
    async with stand_in() as stand:
        await stand.plan(on_hook({"reorder": True}))
        first = await stand.send()
        await stand.ended(first)
        second = await stand.send()
        posts = await stand.customer.told(2)

    assert [post.json["jobId"] for post in posts] == [second, first]


async def test_early() -> None:
    """A webhook can be sent, and be answered, before fax-send answers."""
    async with stand_in(page_seconds=60) as stand:
        await stand.plan(on_hook({"early": True}))
        job_id = await stand.send()
        told = [post.json["jobId"] for post in stand.customer.posts]
        status = await stand.status(job_id)

    assert told == [job_id]
    assert status["faxStatus"] == "delivered"


async def test_early_without_an_answer() -> None:
    """A webhook is sent before the connection is dropped, too: all that the customer knows comes by the webhook."""
    async with stand_in(page_seconds=60) as stand:
        await stand.plan(on_hook({"early": True}), {"on": "fax-send", "do": {"drop": "after"}})
        with pytest.raises(httpx.RemoteProtocolError):
            await stand.send()
        (post,) = await stand.customer.told(1)

    assert post.json["faxStatus"] == "delivered"


async def test_script_for_a_received_fax() -> None:
    """A script says what becomes of the webhook of a received fax, whose form stays as asked for."""
    async with stand_in() as stand:
        await stand.plan(on_hook({"repeat": 2, "shape": ["counts-text"]}, number=CALLED))
        fax = await stand.receive(form="json", hooks=1)
        posts = await stand.customer.told(2)

    assert [post.json["transactionId"] for post in posts] == [str(fax["transactionId"])] * 2


async def test_late() -> None:
    """A webhook can come late."""
    async with stand_in() as stand:
        await stand.plan(on_hook({"delay": 0.2}))
        begun = time.monotonic()
        await stand.send()
        await stand.customer.told(1)

    assert time.monotonic() - begun >= 0.2
