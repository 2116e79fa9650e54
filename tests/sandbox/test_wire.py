"""The API's shapes: what is answered to right requests."""

import asyncio
import base64
import hashlib
import io
import time
from datetime import UTC, datetime, timedelta

import pikepdf
import pytest
from PIL import Image

from tests.sandbox.stand import CALLED, CALLER, a_file, a_pdf, an_order, stand_in


async def test_send_and_status() -> None:
    """A fax is taken with the page's sentence and an integer id, is sending, then ends as a whole Fax Object."""
    async with stand_in(page_seconds=0.1) as stand:
        before = int(time.time())
        answer = (await stand.call("fax-send", an_order("+14155550107", a_file(a_pdf(3))))).json()
        job_id = answer["data"]["jobId"]
        early = await stand.status(job_id)
        late = await stand.ended(job_id)

    assert answer == {"status": 1, "message": "Fax processed for sending", "data": {"jobId": job_id}}
    assert isinstance(job_id, int)
    assert (early["faxStatus"], early["code"], early["faxCallEnd"]) == ("sending", -3, None)
    assert before <= late.pop("faxCallStart") <= late.pop("faxCallEnd") <= before + 5
    assert late.pop("faxCallLength") in (0, 1)
    assert late == {
        "jobId": job_id,
        "fromNumber": CALLED,
        "toNumber": "+14155550107",
        "faxTotalPages": 3,
        "faxTransferredPages": 3,
        "faxStatus": "delivered",
        "code": 0,
        "message": "NORMAL_CLEARING",
    }


async def test_status_by_text() -> None:
    """fax-status takes the id as text too, under the sentence of the page."""
    async with stand_in() as stand:
        job_id = await stand.send()
        answer = (await stand.call("fax-status", {"jobId": str(job_id)})).json()

    assert (answer["status"], answer["message"], answer["data"]["jobId"]) == (1, "Fax status response", job_id)


async def test_resend() -> None:
    """A resent fax is a fax of its own, named ``id``; one that is still being sent can't be resent."""
    async with stand_in() as stand:
        job_id = await stand.send("+14155550150")
        await stand.ended(job_id)
        again = (await stand.good("fax-resend", {"jobId": job_id}))["id"]
        end = await stand.ended(again)
        endless = await stand.send("+14155550196")
        refusal = await stand.refused("fax-resend", {"jobId": endless})

    assert again != job_id
    assert (end["toNumber"], end["code"]) == ("+14155550150", 263)
    assert refusal == (12107, "Can't resend the fax, it's already in sending mode.")


@pytest.mark.parametrize("kind", [int, str])
async def test_download(kind: type) -> None:
    """A received fax is downloaded with both its ids, as numbers or as text, and with no other pair."""
    async with stand_in(hooks="") as stand:
        fax = await stand.receive(pages=2)
        other = await stand.receive()
        ids = {name: kind(fax[name]) for name in ("jobId", "transactionId")}
        data = base64.b64decode(await stand.good("inbound/fax-download", ids))
        mixed = await stand.refused("inbound/fax-download", {**ids, "transactionId": other["transactionId"]})
        seen = await stand.seen("received")

    assert hashlib.sha256(data).hexdigest() == fax["sha256"]
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) == 2
    assert mixed == (12091, "Can not find fax.")
    assert [row["downloads"] for row in seen] == [1, 0]


async def test_download_tiff() -> None:
    """A fax that came in as TIFF is one, page for page."""
    async with stand_in(hooks="") as stand:
        fax = await stand.receive(pages=2, tiff=True)
        data = base64.b64decode(await stand.good("inbound/fax-download", fax))

    assert data[:4] in (b"II*\0", b"MM\0*")
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 2  # type: ignore[attr-defined] # of TIFF images


async def test_list_all() -> None:
    """The list gives the newest first, ten a page; ``lastFaxId`` (of a row's faxId or jobId) goes on after that row."""
    async with stand_in(hooks="") as stand:
        ids = [(await stand.receive())["faxId"] for _ in range(12)]
        first = await stand.good("inbound/fax-list-all", {"sortBy": "newest"})
        by_fax = await stand.good("inbound/fax-list-all", {"lastFaxId": first[-1]["faxId"]})
        by_job = await stand.good("inbound/fax-list-all", {"lastFaxId": str(first[-1]["jobId"])})
        beyond = await stand.good("inbound/fax-list-all", {"lastFaxId": by_fax[-1]["faxId"]})
        unknown = await stand.good("inbound/fax-list-all", {"lastFaxId": 1})
        await stand.plan(page_size=5)
        short = await stand.good("inbound/fax-list-all", {})

    assert [row["faxId"] for row in first + by_fax] == ids[::-1]
    assert by_job == by_fax
    assert (beyond, unknown) == ([], [])
    assert short == first[:5]
    assert {"faxId", "jobId", "transactionId", "receivedTime", "fromNumber", "toNumber"} <= set(first[0])
    assert (first[0]["fromNumber"], first[0]["toNumber"]) == (CALLER, CALLED)


async def test_list_window() -> None:
    """The list keeps to whole days (UTC), both included."""
    today = datetime.now(UTC)
    day, before, after = (f"{today + timedelta(days=days):%m/%d/%Y}" for days in (0, -2, 2))
    async with stand_in(hooks="") as stand:
        await stand.receive()
        counts = [
            len(await stand.good("inbound/fax-list-all", {"startDate": start, "endDate": end}))
            for start, end in ((day, day), (before, after), (before, before), (after, after))
        ]

    assert counts == [1, 1, 0, 0]


async def test_numbers_and_their_lists() -> None:
    """The account's numbers are listed, with ids that fit no float; each has its own list of faxes."""
    async with stand_in(hooks="") as stand:
        rows = await stand.good("inbound/number-list", [])
        await stand.receive(to="+14165550100")
        counts = {
            row["faxNumber"]: len(
                await stand.good(
                    "inbound/fax-list", {"numberId": str(row["numberId"]), "orderId": row["orderId"], **marked}
                )
            )
            for row in rows
            for marked in ({}, {"markedAs": "Not Done"})
        }

    assert counts == {CALLED: 0, "+14165550100": 1}
    assert int(float(rows[0]["orderId"])) != int(rows[0]["orderId"])


async def test_unknown_paths() -> None:
    """A path that iFax doesn't have is a 404 in HTML, and is noted."""
    async with stand_in() as stand:
        answer = await stand.client.post("/v1/fax/send", json=an_order())
        asked = await stand.seen("requests")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert [(call["path"], call["answered"]) for call in asked["requests"]] == [("/v1/fax/send", 404)]


async def test_many_at_once() -> None:
    """Faxes that come at the same time each get an id of their own, and their own file."""
    files = [a_pdf(pages) for pages in range(1, 13)]
    async with stand_in(hooks="") as stand:
        jobs = await asyncio.gather(*(stand.send("+14155550101", a_file(file)) for file in files))
        kept = [(await stand.client.get(f"/sandbox/faxes/{job}/file")).content for job in jobs]

    assert len(set(jobs)) == len(files)
    assert kept == files
