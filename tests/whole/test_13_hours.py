"""Faxes wait for their hour with real processes: by the sender's wish, and by quiet hours where the number is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.processes import ALSO_DELIVERED, DELIVERED, DELIVERED_TOO, House, a_pdf_mail

THERE = ZoneInfo("America/Los_Angeles")
"""Where the numbers of the stand-in are."""


async def test_a_fax_goes_when_its_sender_wished(house: House) -> None:
    """It is kept until then, with the reason in its history, and then it goes by itself; nonsense is refused."""
    carrier, daemon = await house.start()
    wished = (datetime.now(UTC) + timedelta(seconds=4)).replace(microsecond=0)
    mail = a_pdf_mail(DELIVERED, X_Fax_Option=f"after={wished:%Y-%m-%dT%H:%M:%SZ}")
    await daemon.take(mail, DELIVERED)
    await house.fax_in(DELIVERED, "delivered")
    (call,) = await carrier.taken()
    assert datetime.fromisoformat(call["received_at"]) >= wished
    (fax,) = await house.run_json("list")
    assert "its sender asked for it not to be sent before" in str((await house.run_json("show", fax["id"]))["history"])
    with pytest.raises(AssertionError, match="after=tonight is not a time; write 2026-11-30T08:00 or 08:00"):
        await daemon.take(a_pdf_mail(ALSO_DELIVERED, X_Fax_Option="after=tonight"), ALSO_DELIVERED)
    assert len(await house.run_json("list")) == 1


async def test_no_number_is_called_in_quiet_hours(house: House) -> None:
    """While it is quiet where the number is nothing goes there; the operator's word lets one fax go all the same."""
    now = datetime.now(THERE)
    quiet = f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}"
    carrier, daemon = await house.start(policy={"quiet_hours": quiet})
    for number in (DELIVERED, DELIVERED_TOO):
        await daemon.take(a_pdf_mail(number), number)
        fax = await daemon.event("fax.accepted", number=f"{number[:5]}*****{number[-2:]}")
        await daemon.event("fax.put_off", fax=fax["fax"])
    assert await carrier.taken() == []
    kept = {row["number"]: row for row in await house.run_json("list")}
    assert {row["state"] for row in kept.values()} == {"ready"}
    due = datetime.fromisoformat(kept[DELIVERED]["due_at"])
    assert timedelta(hours=2) < due - datetime.now(UTC) <= timedelta(hours=3)
    ran = await house.run("retry", kept[DELIVERED]["id"])
    assert (ran.status, ran.err) == (0, "")
    await house.fax_in(DELIVERED, "delivered")
    assert [call["faxNumber"] for call in await carrier.taken()] == [DELIVERED]
