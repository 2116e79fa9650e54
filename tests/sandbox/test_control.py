"""The stand-in's own paths: what it was sent, what comes in, what never was."""

import hashlib
import json
from pathlib import Path

import pypdfium2
import pytest

from tests.sandbox.stand import CALLED, a_file, a_pdf, stand_in, until


async def test_faxes_are_shown() -> None:
    """Every fax taken is shown with what was asked, its file's hash and how it stands; the file is there as it came."""
    pdf = a_pdf(2)
    async with stand_in() as stand:
        job_id = await stand.send("+14155550150", a_file(pdf), faxQuality="HD", callerId="+14165550100", odd=[1])
        (fax,) = await until(lambda: stand.seen("faxes"), lambda faxes: faxes[0]["finished"])
        file = await stand.client.get(f"/sandbox/faxes/{job_id}/file")
        none = await stand.client.get("/sandbox/faxes/1/file")
        health = await stand.seen("health")

    assert (fax["jobId"], fax["faxNumber"], fax["callerId"], fax["faxQuality"]) == (
        job_id,
        "+14155550150",
        "+14165550100",
        "HD",
    )
    assert (fax["names"], fax["pages"], fax["state"], fax["code"]) == (["fax.pdf"], 2, "failed", 263)
    assert fax["sha256"] == [hashlib.sha256(pdf).hexdigest()]
    assert fax["request"]["odd"] == [1]
    assert fax["request"]["faxData"] == [
        {"fileName": "fax.pdf", "fileData": f"({len(a_file(pdf)['fileData'])} characters)"}
    ]
    assert (file.content, file.headers["content-type"]) == (pdf, "application/pdf")
    assert none.status_code == 404
    assert health == {"ok": True, "faxes": 1, "received": 0}


async def test_defaults_of_an_order() -> None:
    """Without caller ID and quality the first number of the account sends in standard quality."""
    async with stand_in() as stand:
        await stand.send()
        (fax,) = await stand.seen("faxes")

    assert (fax["callerId"], fax["faxQuality"]) == (CALLED, "Standard")


async def test_requests_are_counted() -> None:
    """Every call to the API is listed with its answer and the fax it made; the stand-in's own paths are not."""
    async with stand_in() as stand:
        job_id = await stand.send()
        await stand.refused("fax-send", {})
        await stand.status(job_id)
        asked = await stand.seen("requests")

    assert asked["count"] == 3
    calls = [
        (call["path"].rpartition("/")[2], *map(call.get, ("answered", "code", "taken"))) for call in asked["requests"]
    ]
    assert calls == [
        ("fax-send", 200, None, job_id),
        ("fax-send", 200, 12020, None),
        ("fax-status", 200, None, None),
    ]


async def test_kept(tmp_path: Path) -> None:
    """With a folder to keep things in, each fax leaves its request without bytes and its pages there."""
    pdf = a_pdf()
    async with stand_in(keep=tmp_path / "kept" / "here") as stand:
        await stand.plan({"on": "fax-send", "do": {"drop": "after"}})
        with pytest.raises(Exception, match="disconnected"):
            await stand.send("+14155550101", a_file(pdf))
    kept = tmp_path / "kept" / "here"

    assert sorted(path.name for path in kept.iterdir()) == ["4100001.json", "4100001.pdf"]
    assert (kept / "4100001.pdf").read_bytes() == pdf
    assert json.loads((kept / "4100001.json").read_text())["faxNumber"] == "+14155550101"


async def test_receive() -> None:
    """A fax that comes in is from and to whom it was asked for, and has its pages drawn, each another one."""
    async with stand_in() as stand:
        fax = await stand.receive(
            **{"from": "+16135550123", "to": "+14165550100", "pages": 2, "text": "Hello", "jobId": 7}
        )
        await stand.customer.told(1)
        await stand.plan({"on": "fax-download", "do": {"data": "raw-pdf"}})
        raw = await stand.call("inbound/fax-download", fax)

    assert (fax["fromNumber"], fax["toNumber"], fax["jobId"], fax["faxTotalPages"]) == (
        "+16135550123",
        "+14165550100",
        7,
        2,
    )
    with pypdfium2.PdfDocument(raw.content) as pdf:
        pictures = [page.render(scale=0.5).to_pil().convert("L") for page in pdf]
    assert len(pictures) == 2
    assert pictures[0].tobytes() != pictures[1].tobytes()
    assert all(picture.getextrema() == (0, 255) for picture in pictures)


async def test_receive_without_a_hook() -> None:
    """A fax can come in unannounced, or from nobody who says who he is."""
    async with stand_in() as stand:
        for fields in ({"form": "none"}, {"hooks": 0}):
            await stand.receive(**fields)
        hidden = await stand.receive(**{"from": None, "hooks": 2})
        posts = await stand.customer.told(2)
        rows = await stand.good("inbound/fax-list-all", {})

    assert [(post.json["jobId"], post.json["fromNumber"]) for post in posts] == [(hidden["jobId"], None)] * 2
    assert len(rows) == 3


async def test_announce() -> None:
    """An invented event is told of, and the API knows nothing of it."""
    async with stand_in() as stand:
        invented = [
            (await stand.client.post("/sandbox/announce", json=document)).json()
            for document in ({}, {"direction": "outbound"}, {"fields": {"jobId": "x", "faxStatus": None}})
        ]
        posts = await stand.customer.told(3)
        download = await stand.refused("inbound/fax-download", invented[0])
        status = await stand.refused("fax-status", invented[1])

    def key(facts: dict[str, object]) -> str:
        return str(facts["transactionId"])

    assert sorted((post.json for post in posts), key=key) == sorted(invented, key=key)
    assert [facts["faxStatus"] for facts in invented] == ["received", "delivered", None]
    assert (download[0], status[0]) == (12091, 12021)


@pytest.mark.parametrize(
    ("path", "document", "complaint"),
    [
        ("receive", {"pages": 0}, "pages: Input should be greater than or equal to 1"),
        ("receive", {"form": "fax"}, "form"),
        ("receive", {"number": "+12125550177"}, "number: Extra inputs are not permitted"),
        ("announce", {"direction": "sent"}, "direction: Input should be 'inbound' or 'outbound'"),
    ],
)
async def test_wrong_documents(path: str, document: dict[str, object], complaint: str) -> None:
    """What makes no sense is a 400 that says what is wrong, and does nothing."""
    async with stand_in() as stand:
        answer = await stand.client.post(f"/sandbox/{path}", json=document)
        health = await stand.seen("health")

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(complaint)
    assert health["received"] == 0
