"""Our client against the stand-in carrier, which knows no room of ours: both must have understood the wire alike."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bridge.fax.states import FaxState
from bridge.ifax import verdicts
from bridge.ifax.client import FaxRequest
from bridge.ifax.errors import CallRefused, CarrierError, NotTaken, OutcomeUnknown
from bridge.ifax.verdicts import Fate
from tests.sandbox.stand import CALLED, CALLER, KEY, a_pdf, stand_in, until
from tests.support.wire_server import carrier

FROM_TO = {"from": CALLER, "to": CALLED, "hooks": 0}

CASES: list[tuple[int, type[CarrierError]]] = [
    (57, OutcomeUnknown),
    (58, OutcomeUnknown),
    (59, OutcomeUnknown),
    (60, OutcomeUnknown),
    (68, OutcomeUnknown),
    (69, OutcomeUnknown),
    (71, NotTaken),
    (72, OutcomeUnknown),
    (73, OutcomeUnknown),
    (74, OutcomeUnknown),
    (75, CallRefused),
    (80, OutcomeUnknown),
    (81, OutcomeUnknown),
    (82, CallRefused),
    (83, OutcomeUnknown),
    (84, OutcomeUnknown),
]

ENDS: list[tuple[int, FaxState, str]] = [
    (1, FaxState.DELIVERED, "delivered"),
    (50, FaxState.FAILED, "busy"),
    (53, FaxState.FAILED, "number-not-in-use"),
    (55, FaxState.FAILED, "partial"),
    (56, FaxState.FAILED, "partial"),
    (65, FaxState.DELIVERED, "delivered"),
    (66, FaxState.DELIVERED, "delivered"),
    (67, FaxState.DELIVERED, "delivered"),
    (76, FaxState.CANCELLED, "cancelled"),
    (77, FaxState.FAILED, "blocked-by-carrier"),
]


@pytest.mark.parametrize(("last", "wanted"), CASES)
async def test_sending_goes_wrong(last: int, wanted: type[CarrierError]) -> None:
    """Each misbehaviour of the stand-in's numbers is told for what it is."""
    patience = timedelta(seconds=1)
    async with stand_in() as stand, carrier(f"{stand.url}/v1", access_token=KEY, stall_timeout=patience) as client:
        with pytest.raises(CarrierError) as caught:
            await client.fax_send(FaxRequest(f"+141555501{last:02}", a_pdf()))
    assert type(caught.value) is wanted


@pytest.mark.parametrize(("last", "state", "cause"), ENDS)
async def test_how_faxes_end(last: int, state: FaxState, cause: str) -> None:
    """A fax of two pages is taken, and its end is understood as it is meant."""
    async with stand_in() as stand, carrier(f"{stand.url}/v1", access_token=KEY) as client:
        taken = await client.fax_send(FaxRequest(f"+141555501{last:02}", a_pdf(2), CALLED))

        async def look() -> verdicts.Ended | None:
            return verdicts.verdict((await client.fax_status(taken.job_id))[0], 2)

        ended: verdicts.Ended = await until(look, lambda seen: seen is not None)
    assert (ended.state, ended.outcome.cause) == (state, cause)
    if cause == "partial":
        assert ended.pages_sent == 1


async def test_a_wrong_key() -> None:
    """A key the carrier does not know is a refusal that says so."""
    async with stand_in() as stand, carrier(f"{stand.url}/v1", access_token="") as client:
        with pytest.raises(CallRefused) as caught:
            await client.fax_send(FaxRequest("+14155550101", a_pdf()))
    assert caught.value.cause == "carrier-key-refused"


@pytest.mark.parametrize("data", [None, "data-uri", "raw-pdf"])
async def test_receiving(data: str | None) -> None:
    """A fax that came in is on the list, and is fetched with both its ids in every form."""
    async with stand_in() as stand, carrier(f"{stand.url}/v1", access_token=KEY) as client:
        told = await stand.receive(**FROM_TO, pages=3)
        if data is not None:
            await stand.plan({"on": "fax-download", "do": {"data": data}})
        today = datetime.now(UTC).date()
        page = await client.list_received(today - timedelta(days=2), today + timedelta(days=1), None)
        (row,) = page.rows
        file, _ = await client.fax_download(row.job_id, row.transaction_id)
    assert row.job_id == str(told["jobId"])
    assert file is not None
    assert file.startswith(b"%PDF-")


@pytest.mark.parametrize(("data", "fate"), [("empty", Fate.NOT_YET), ("garbage", Fate.NOT_YET), ("gone", Fate.GONE)])
async def test_no_file(data: str, fate: Fate) -> None:
    """No file yet, and no file any more, are told apart."""
    async with stand_in() as stand, carrier(f"{stand.url}/v1", access_token=KEY) as client:
        told = await stand.receive(**FROM_TO)
        await stand.plan({"on": "fax-download", "do": {"data": data}})
        file, answer = await client.fax_download(str(told["jobId"]), str(told["transactionId"]))
    assert file is None
    assert verdicts.download_fate(answer, listed=True) is fate


async def test_ids_nobody_knows() -> None:
    """Ids that the carrier never gave out are told as such."""
    async with stand_in() as stand, carrier(f"{stand.url}/v1", access_token=KEY) as client:
        file, answer = await client.fax_download("999999", "999998")
        assert file is None
        assert verdicts.download_fate(answer, listed=True) is Fate.NEVER_WAS
        with pytest.raises(CarrierError):
            await client.fax_status("999999")


async def test_pages_of_the_list() -> None:
    """The list is walked page by page with the last row's id until it is empty, each fax once."""
    async with stand_in() as stand, carrier(f"{stand.url}/v1", access_token=KEY) as client:
        await stand.plan(page_size=2)
        told = [await stand.receive(**FROM_TO) for _ in range(5)]
        seen: list[str] = []
        last: str | None = None
        for _ in range(9):
            page = await client.list_received(date(2000, 1, 1), date(2100, 1, 1), last)
            if not page.rows:
                break
            seen += [row.job_id for row in page.rows]
            last = page.last_id
    assert seen == [str(each["jobId"]) for each in reversed(told)]
