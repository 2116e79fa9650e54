"""The shell asks, the daemon does: orders for single faxes, with and without a daemon."""

from tests.support.processes import DELIVERED, House, a_pdf_mail


async def test_orders_wait_for_a_daemon_and_are_then_done(house: House) -> None:
    """Without a daemon an order waits, and says so; the next daemon carries it out, with who asked in the history."""
    _, daemon = await house.start()
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    old = await house.fax_in(DELIVERED, "delivered")
    await house.settled()
    assert await daemon.stop() == 0
    ran = await house.run("resend", old["id"][:8], "--to", DELIVERED, SUDO_USER="maria")
    assert (ran.status, ran.err) == (0, "")
    assert "no daemon has answered yet" in ran.out
    await house.start_daemon()
    await house.sink.wait(2, event="delivered")
    shown = await house.run_json("show", old["id"])
    assert shown["history"][-1]["actor"] == "operator maria"
    assert shown["history"][-1]["event"] == "resent"
    listed = await house.run_json("list")
    assert [row["resend_of"] for row in listed] == [old["id"], None]
    for order in ("hold", "cancel", "release", "retry"):
        ran = await house.run(order, old["id"])
        assert (ran.status, ran.out) == (1, "")
        assert "it was delivered" in ran.err
    assert (await house.run("settle", old["id"])).status == 2
    ran = await house.run("settle", old["id"], "--not-sent")
    assert ran.status == 1
    assert "the recipient gets it twice" in ran.out
    ran = await house.run("cancel", old["id"][:6])
    assert ran.status == 1
    assert "the beginning of several ids" in ran.err
    assert all(row["id"] in ran.err for row in listed)
