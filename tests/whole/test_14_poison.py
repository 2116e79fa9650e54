"""A daemon that dies of one piece of work, in real processes: it is found, set aside, and nothing else suffers."""

import signal

from tests.support.processes import (
    ADMIN,
    ALSO_DELIVERED,
    DELIVERED,
    DELIVERED_TOO,
    OUR_NUMBER,
    SENDER,
    Caught,
    Daemon,
    House,
    a_pdf_mail,
)

WHY = "the daemon died 3 times while it worked on this and nothing else"


async def _life(house: House, at: str) -> Daemon:
    """A daemon that dies when it works on such a thing."""
    return await house.spawn_daemon(BRIDGE_TESTS_CRASH_AT=f"{at}:1")


async def _dies(daemon: Daemon) -> None:
    assert await daemon.ended() == -signal.SIGKILL


async def _alarm(house: House) -> Caught:
    (alarm,) = await house.sink.wait(event="alarm", to=ADMIN)
    assert WHY in " ".join(alarm.text.split())
    return alarm


async def test_a_received_fax_that_kills(house: House) -> None:
    """Faxes go out between the deaths; after the third while alone the received fax is set aside, and told of."""
    sandbox, daemon = await house.start()
    assert await daemon.stop() == 0
    daemon = await _life(house, "fetch.claimed")
    await house.is_up(daemon)
    await sandbox.tell(house.hook_url(daemon))
    await sandbox.receive(to=OUR_NUMBER)
    await _dies(daemon)
    await _dies(await _life(house, "fetch.claimed"))
    for number in (DELIVERED, DELIVERED_TOO):
        daemon = await _life(house, "fetch.claimed")
        await house.is_up(daemon)
        await daemon.take(a_pdf_mail(number), number)
        await _dies(daemon)
    assert not house.sink.those(event="alarm")
    daemon = await _life(house, "fetch.claimed")
    await _alarm(house)
    await house.is_up(daemon)
    await daemon.take(a_pdf_mail(ALSO_DELIVERED), ALSO_DELIVERED)
    await house.sink.wait(3, event="delivered")
    (set_aside,) = await house.run_json("backlog")
    assert set_aside["state"] == "quarantined"
    assert await daemon.stop() == 0
    assert len(await sandbox.taken()) == 3


async def test_a_mail_that_kills(house: House) -> None:
    """Its fax is held and its sender told; once the cause is mended the operator lets it go, and it is delivered."""
    _, daemon = await house.start()
    assert await daemon.stop() == 0
    daemon = await _life(house, "prepare.claimed")
    await house.is_up(daemon)
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await _dies(daemon)
    for _ in range(3):
        await _dies(await _life(house, "prepare.claimed"))
    daemon = await _life(house, "prepare.claimed")
    (held,) = await house.sink.wait(event="held", to=SENDER)
    assert held.message["X-Fax-Number"] == DELIVERED
    await _alarm(house)
    fax = house.fax(DELIVERED)
    assert (fax["state"], fax["hold_reason"]) == ("held", "poison")
    assert await daemon.stop() == 0
    daemon = await house.start_daemon()
    ran = await house.run("release", fax["id"], "--wait")
    assert (ran.status, ran.err) == (0, "")
    await house.sink.wait(event="delivered", to=SENDER)
    assert await daemon.stop() == 0
