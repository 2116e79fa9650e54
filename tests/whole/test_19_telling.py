"""What a sender hears of a fax on its way: taken on, delayed, delivered; each once, in one thread."""

from tests.support.processes import DELIVERED, SENDER, House, a_pdf_mail, until


async def test_from_the_beginning_to_the_end(house: House) -> None:
    """A line that is busy at first: the sender is told what happens, and sees each call in the end."""
    sandbox = await house.start_sandbox()
    house.configure(
        notices={"accepted": True, "delayed_after": "1s"},
        retry={"busy": {"attempts": 3, "delays": ["3s"]}},
    )
    daemon = await house.start_daemon()
    await sandbox.plan({"on": "end", "number": DELIVERED, "times": 1, "do": {"fail": {"code": 263}}})
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await house.fax_in(DELIVERED, "delivered")

    async def all_told() -> bool:
        return "delivered" in [mail.event for mail in house.sink.mails]

    await until("the last word", all_told)
    mails = [mail for mail in house.sink.mails if SENDER in mail.recipients]
    accepted, delayed, delivered = sorted(mails, key=lambda mail: mail.event)
    assert (accepted.event, delayed.event, delivered.event) == ("accepted", "delayed", "delivered")
    assert accepted.status["Action"] == "relayed"
    assert (delayed.status["Action"], delayed.status["Status"][0]) == ("delayed", "4")
    assert "It was tried 2 times:" in delivered.text
    assert ": the line was busy" in delivered.text
    assert len({mail.message["In-Reply-To"] for mail in mails}) == 1
    for mail in mails:
        html = mail.message.get_body(("html",))
        assert html is not None
        assert "<html" in str(html.get_content())
    assert await daemon.stop() == 0
