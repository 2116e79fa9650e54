"""Everything of one kind is stopped at once, and goes on when an operator says so."""

from tests.support.processes import DELIVERED, OUR_NUMBER, House, a_pdf_mail, talk_to, until


async def test_sending_and_intake_are_paused(house: House) -> None:
    """Paused sending hands over no fax, also after a restart; paused intake answers MAIL with 451 4.3.2."""
    sandbox, daemon = await house.start()
    ran = await house.run("pause", "sending", SUDO_USER="maria")
    assert (ran.status, ran.out.strip()) == (0, "sending is paused")
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await house.fax_in(DELIVERED, "ready")
    assert await daemon.stop() == 0
    daemon = await house.start_daemon()
    again = await house.run("pause", "sending")
    assert again.out.startswith("sending is paused since 20")
    assert again.out.strip().endswith("by operator maria already")
    listed = await house.run("list")
    assert listed.err.startswith("PAUSED: sending is paused since 20")
    assert "PAUSED" not in listed.out
    assert await sandbox.asked("fax-send") == []

    assert (await house.run("pause", "intake")).status == 0
    async with talk_to(daemon) as talk:
        await talk.say("EHLO client.example.org")

        async def refused() -> bool:
            reply = await talk.say("MAIL FROM:<anna@example.org>")
            await talk.say("RSET")
            return reply.startswith("451 4.3.2")

        await until("intake is paused", refused)
        assert (await house.run("resume", "intake")).out.strip() == "intake goes on"

        async def taken() -> bool:
            return not await refused()

        await until("intake goes on", taken)
    assert (await house.fax_in(DELIVERED, "ready"))["state"] == "ready"
    assert (await house.run("resume", "sending")).out.strip() == "sending goes on"
    await house.sink.wait(event="delivered")


async def test_receiving_is_paused(house: House) -> None:
    """Paused receiving keeps hooks and asks for nothing; resumed it fetches what was announced."""
    sandbox, _ = await house.start()
    assert (await house.run("pause", "receiving")).status == 0
    asked = len(await sandbox.asked("fax-download"))
    await sandbox.receive(from_="+12125550177", to=OUR_NUMBER, form="json")

    async def announced() -> bool:
        return bool(house.rows("SELECT 1 FROM received WHERE state = 'announced'"))

    await until("the hook is kept", announced)
    assert len(await sandbox.asked("fax-download")) == asked
    assert (await house.run("resume", "receiving")).status == 0
    await house.sink.wait(event="received")
