"""What a reviewer found, one test each: it stays mended."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from bridge.fax.options import Alias
from bridge.intake import listeners
from bridge.mail.headers import HEADER_LIMIT
from tests.intake.test_logins import a_policy
from tests.support.intake_stand import LISTENER, MAIL, POLICY, a_site, until

FRONT = replace(LISTENER, front=(ip_network("127.0.0.1/32"),))


async def test_a_session_that_timed_out_is_cleared_away(tmp_path: Path) -> None:
    """After a time-out no task of the session is left, and nothing was raised in the loop's callbacks."""
    raised: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
    async with a_site(tmp_path, command_timeout=timedelta(seconds=0.2)) as site:
        line = await site.greeted()
        assert (await line.reply()).startswith("421 4.4.2 ")
        await site.until_no_sessions()

        def left() -> list[str]:
            names = (getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())
            return [name for name in names if "_handle_client" in name]

        await until(lambda: not left())
    assert raised == []


async def test_a_number_given_twice_is_heard_of_as_either_asked(tmp_path: Path) -> None:
    """One fax, and the wishes of both recipients: NEVER only where both say so, and no ORCPT lost."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        await line.say("MAIL FROM:<a@example.org>")
        for number, wishes in (("+14155550123", "NOTIFY=NEVER"), ("14155550123", "NOTIFY=FAILURE ORCPT=rfc822;b@c.d")):
            assert (await line.say(f"RCPT TO:<{number}@fax.local> {wishes}")).startswith("250 ")
        assert (await line.data()).startswith("250 ")
        assert site.kept.rows("SELECT notify, original_recipient FROM fax") == [("FAILURE", "rfc822;b@c.d")]


async def test_a_group_that_never_fits_is_refused_for_good(tmp_path: Path) -> None:
    """A name that stands for more numbers than one mail may have recipients is 550, not "later"."""
    group = Alias("all", tuple(f"+141555501{number:02}" for number in range(5)))
    async with a_site(tmp_path, replace(POLICY, aliases=(group,)), recipients=3) as site:
        line = await site.greeted()
        await line.say("MAIL FROM:<a@example.org>")
        assert (await line.say("RCPT TO:<all@fax.local>")).startswith("550 5.7.1 ")


async def test_another_client_of_xclient_is_not_logged_in(tmp_path: Path) -> None:
    """A new ADDR is a new client: the login handed on for the one before it is gone."""
    async with a_site(tmp_path, a_policy(), listener=FRONT) as site:
        line = await site.greeted()
        for said, reply in (("ADDR=198.51.100.1 LOGIN=front-desk", "250"), ("ADDR=198.51.100.2", "530")):
            await line.say(f"XCLIENT {said}")
            await line.say("EHLO copier")
            await line.say("MAIL FROM:<a@example.org>")
            assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith(reply)
            await line.say("RSET")


async def test_one_client_behind_a_proxy_has_its_share(tmp_path: Path) -> None:
    """Behind PROXY the client that the header names is counted: a stranger does not take all sessions."""
    listener = replace(FRONT, proxy=True)
    async with a_site(tmp_path, listener=listener, sessions=60) as site:

        async def came(address: str) -> str:
            line = await site.connect()
            await line.send(f"PROXY TCP4 {address} 192.0.2.25 1234 25\r\n".encode())
            return (await line.reply())[:3]

        answers = [await came("203.0.113.9") for _ in range(33)]
        assert answers.count("220") == max(30, listeners.FEW)
        assert await came("203.0.113.10") == "220"
        await until(lambda: site.listeners.count == 31)


async def test_a_copier_cut_off_by_a_stop_is_noted(tmp_path: Path) -> None:
    """A copier in the middle of a mail that hears 421 for a restart may not come again: the operator is told."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        idle = await site.greeted()
        site.stop.set()
        assert (await line.reply()).startswith("421 4.3.2 ")
        assert (await idle.reply()).startswith("421 4.3.2 ")
        assert [each.times for each in site.intake.refusals._clients.values()] == [1]


async def test_nothing_hides_behind_a_long_header(tmp_path: Path) -> None:
    """A header that goes on beyond what is read of it is refused: Auto-Submitted could stand there."""
    long = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 60) for number in range(HEADER_LIMIT // 60))
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(long + b"Auto-Submitted: auto-replied\r\n" + MAIL)).startswith("550 5.6.0 ")
        assert site.kept.counts() == (0, 0, 0)
