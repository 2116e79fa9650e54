"""One notice for all faxes of a mail: when all have ended, with a block for each."""

from email.message import EmailMessage

from tests.support.processes import ALSO_DELIVERED, DELIVERED, SENDER, Caught, House, a_pdf_mail, until

DEAD = "+14155550153"


def blocks(mail: Caught) -> list[dict[str, str]]:
    """What programs read of each recipient."""
    [status] = [part for part in mail.message.walk() if part.get_content_type() == "message/delivery-status"]
    found = status.get_payload()
    assert isinstance(found, list)
    return [dict(part.items()) for part in found if isinstance(part, EmailMessage) and "Action" in part]


async def test_several_are_told_of_together(house: House) -> None:
    """Two delivered and one dead number: one mail, each with its own word; a mail to one number has its notice."""
    _, daemon = await house.start(notices={"digest": True})
    await daemon.take(a_pdf_mail(DELIVERED, ALSO_DELIVERED, DEAD, subject="To all"), DELIVERED, ALSO_DELIVERED, DEAD)
    [mail] = await house.sink.wait(event="digest", to=SENDER)
    assert str(mail.message["Subject"]) == "2 of 3 faxes were delivered: To all"
    assert [(each["Final-Recipient"], each["Action"]) for each in blocks(mail)] == [
        (f"fax; {DELIVERED}", "delivered"),
        (f"fax; {ALSO_DELIVERED}", "delivered"),
        (f"fax; {DEAD}", "failed"),
    ]
    assert "+1 415-555-0153: not delivered: the number is not in service" in mail.text
    assert "+1 415-555-0101: delivered, 1 page" in mail.text
    assert mail.text.count("What to do: ") == 1
    assert mail.message["In-Reply-To"]
    await daemon.take(a_pdf_mail(DELIVERED, subject="To one"), DELIVERED)
    await house.sink.wait(event="delivered", to=SENDER)
    assert {each.event for each in house.sink.mails} == {"digest", "delivered"}
    shown = await house.run_json("list", "--json")
    assert len(shown) == 4
    assert await daemon.stop() == 0


async def test_it_waits_for_the_last(house: House) -> None:
    """Over a restart too: what has ended is not told before all has; what must be told at once is."""
    _, daemon = await house.start(notices={"digest": True})
    await house.run("pause", "sending")
    await daemon.take(a_pdf_mail(DELIVERED, ALSO_DELIVERED), DELIVERED, ALSO_DELIVERED)

    async def both_ready() -> bool:
        return [row["state"] for row in house.rows("SELECT state FROM fax")] == ["ready", "ready"]

    await until("both have their pages", both_ready)
    first, second = (row["id"] for row in house.rows("SELECT id FROM fax"))
    assert (await house.run("hold", first)).status == 0
    await house.sink.wait(event="held", to=SENDER)
    assert (await house.run("cancel", second)).status == 0
    assert [mail.event for mail in house.sink.those(to=SENDER)] == ["held"]
    assert await daemon.stop() == 0
    daemon = await house.start_daemon()
    assert (await house.run("cancel", first, "--wait")).status == 0
    [mail] = await house.sink.wait(event="digest", to=SENDER)
    assert str(mail.message["Subject"]).startswith("None of 2 faxes was delivered")
    assert [each["Action"] for each in blocks(mail)] == ["failed", "failed"]
    assert await daemon.stop() == 0
