"""AUTH: who may log in where, how the exchange goes, and what becomes of those who guess."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from bridge.fax.options import Identity, PolicyOptions
from bridge.fax.policy import Policy
from bridge.intake.logins import (
    ADDRESSES,
    FORGET_AFTER,
    SHUT_OUT_AFTER,
    BadLogin,
    Credentials,
    Logins,
    ShutOut,
)
from bridge.intake.options import Auth, ListenerOptions, Profile, Tls
from tests.intake.test_tls import trusting, upgraded
from tests.support.intake_stand import FORMAL_MAIL, LISTENER, POLICY, Dialogue, a_pair, a_site
from tests.support.unit_clock import StillClock

PASSWORD = "correct horse"
ELSEWHERE = replace(POLICY, networks=(ip_network("192.0.2.0/24"),))
"""A site to which this test's own address is a stranger."""


@cache
def hashed(password: str) -> str:
    """A real hash, as cheap as argon2 makes them."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(password)


def a_policy(**changes: Any) -> PolicyOptions:
    """One identity with a password, and nobody else."""
    identity = Identity("front-desk", password_hash=hashed(PASSWORD))
    return replace(ELSEWHERE, identities=(replace(identity, **changes),))


def plain(name: str, password: str, authorize: str = "") -> str:
    """The initial response of AUTH PLAIN."""
    return b64encode(f"{authorize}\0{name}\0{password}".encode()).decode()


def coded(text: str) -> str:
    """Text in base64."""
    return b64encode(text.encode()).decode()


async def by_plain(line: Dialogue) -> str:
    return await line.say(f"AUTH PLAIN {plain('front-desk', PASSWORD)}")


async def by_plain_in_two(line: Dialogue) -> str:
    assert await line.say("AUTH PLAIN") == "334 "
    return await line.say(plain("front-desk", PASSWORD, "front-desk"))


async def by_login(line: Dialogue) -> str:
    assert await line.say("auth login") == "334 VXNlcm5hbWU6"
    assert await line.say(coded("front-desk")) == "334 UGFzc3dvcmQ6"
    return await line.say(coded(PASSWORD))


async def by_login_with_its_name(line: Dialogue) -> str:
    assert await line.say(f"AUTH LOGIN {coded('front-desk')}") == "334 UGFzc3dvcmQ6"
    return await line.say(coded(PASSWORD))


@pytest.mark.parametrize("log_in", [by_plain, by_plain_in_two, by_login, by_login_with_its_name])
async def test_a_login_opens_the_door(log_in: Callable[[Dialogue], Awaitable[str]], tmp_path: Path) -> None:
    """A stranger's mail is 530 at RCPT; after each form of PLAIN and LOGIN it is taken, under that identity."""
    async with a_site(tmp_path, a_policy()) as site:
        line = await site.greeted()
        assert "AUTH PLAIN LOGIN" in await line.say("EHLO copier")
        assert (await line.say("MAIL FROM:<a@example.org>")).startswith("250 ")
        assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("530 5.7.0 ")
        assert (await line.say("RSET")).startswith("250 ")
        assert (await log_in(line)).startswith("235 2.7.0 ")
        assert (await (await line.envelope()).data()).startswith("250 ")
        assert site.kept.rows("SELECT identity FROM fax") == [("front-desk",)]


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        (plain("front-desk", "wrong"), "535 5.7.8 "),
        (plain("nobody", PASSWORD), "535 5.7.8 "),
        (plain("Front-Desk", PASSWORD), "535 5.7.8 "),
        (plain("front-desk", PASSWORD, "somebody-else"), "501 5.5.2 "),
        (plain("front-desk", ""), "501 5.5.2 "),
        ("!!!", "501 5.5.2 "),
        (b64encode(b"\xff\xfe").decode(), "501 5.5.2 "),
        (coded("no nul at all"), "501 5.5.2 "),
    ],
)
async def test_a_wrong_login_stays_outside(said: str, reply: str, tmp_path: Path) -> None:
    """Wrong name, wrong password, another's name, rubbish: refused, and the session is as much a stranger as before."""
    async with a_site(tmp_path, a_policy(), clock=StillClock()) as site:
        line = await site.greeted()
        assert (await line.say(f"AUTH PLAIN {said}")).startswith(reply)
        await line.say("MAIL FROM:<a@example.org>")
        assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("530 5.7.0 ")


async def test_a_login_can_be_broken_off(tmp_path: Path) -> None:
    """A lone star ends the exchange (RFC 4954, 4), and the session goes on."""
    async with a_site(tmp_path, a_policy()) as site:
        line = await site.greeted()
        await line.say("AUTH LOGIN")
        assert (await line.say("*")).startswith("501 5.5.2 ")
        assert (await line.say("NOOP")).startswith("250 ")


async def test_auth_out_of_order(tmp_path: Path) -> None:
    """Not before EHLO, not twice, not within a mail, no other mechanism."""
    async with a_site(tmp_path, a_policy()) as site:
        line = await site.connect()
        await line.reply()
        assert (await line.say("AUTH PLAIN AGEAYg==")).startswith("503")
        await line.say("EHLO copier")
        assert (await line.say("AUTH CRAM-MD5")).startswith("504 5.5.4 ")
        assert (await line.say("AUTH")).startswith("504 5.5.4 ")
        await line.say("MAIL FROM:<a@example.org>")
        assert (await by_plain(line)).startswith("503 ")
        await line.say("RSET")
        assert (await by_plain(line)).startswith("235 ")
        assert (await by_plain(line)).startswith("503 ")


async def test_required_auth_closes_the_network_too(tmp_path: Path) -> None:
    """On a listener that requires AUTH, a client of policy.networks needs a password like everybody."""
    policy = replace(a_policy(), networks=POLICY.networks)
    async with a_site(tmp_path, policy, listener=replace(LISTENER, auth=Auth.REQUIRED)) as site:
        line = await site.greeted()
        await line.say("MAIL FROM:<a@example.org>")
        assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("530 5.7.0 ")


async def test_no_auth_where_it_is_off(tmp_path: Path) -> None:
    """A listener with auth off offers none, and a stranger is told 550, not 530."""
    async with a_site(tmp_path, a_policy(), listener=replace(LISTENER, auth=Auth.OFF)) as site:
        line = await site.greeted()
        assert "AUTH" not in await line.say("EHLO copier")
        assert (await by_plain(line)).startswith("503 5.5.1 ")
        await line.say("MAIL FROM:<a@example.org>")
        assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("550 5.7.1 ")


async def test_strict_takes_passwords_through_tls_alone(tmp_path: Path) -> None:
    """On a strict listener AUTH is neither offered nor taken in the clear; after STARTTLS it is both."""
    pair = a_pair(tmp_path / "tls")
    listener = ListenerOptions("127.0.0.1", 0, tls=Tls.STARTTLS, profile=Profile.STRICT)
    async with a_site(tmp_path, a_policy(), listener=listener, pair=pair) as site:
        line = await site.greeted()
        assert "AUTH" not in await line.say("EHLO client.example.org")
        assert (await by_plain(line)).startswith("538 5.7.11 ")
        line = await upgraded(line, trusting(pair.certificate))
        assert "AUTH PLAIN LOGIN" in await line.say("EHLO client.example.org")
        assert (await by_plain(line)).startswith("235 ")
        assert (await (await line.envelope()).data(FORMAL_MAIL)).startswith("250 ")
    async with a_site(tmp_path / "clear", a_policy(), listener=replace(listener, tls=Tls.OFF)) as site:
        line = await site.greeted()
        assert "AUTH" not in await line.say("EHLO client.example.org")
        assert (await by_plain(line)).startswith("503 ")


async def test_a_login_ends_with_starttls(tmp_path: Path) -> None:
    """What was proved in the clear is forgotten when TLS begins (RFC 3207, 4.2)."""
    pair = a_pair(tmp_path / "tls")
    listener = replace(LISTENER, tls=Tls.STARTTLS)
    async with a_site(tmp_path, a_policy(), listener=listener, pair=pair) as site:
        line = await site.greeted()
        assert (await by_plain(line)).startswith("235 ")
        line = await upgraded(line, trusting(pair.certificate))
        await line.say("EHLO copier")
        await line.say("MAIL FROM:<a@example.org>")
        assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("530 ")


async def test_an_identitys_own_rules(tmp_path: Path) -> None:
    """A login faxes under its identity's senders and countries, and shows its caller ID."""
    policy = a_policy(senders=("*@clinic.example",), countries=frozenset({"CA"}), caller_id="+14165550100")
    async with a_site(tmp_path, policy) as site:
        line = await site.greeted()
        await by_plain(line)
        await line.say("MAIL FROM:<a@example.org>")
        assert (await line.say("RCPT TO:<+14165550123@fax.local>")).startswith("550 5.7.1 ")
        await line.say("RSET")
        await line.say("MAIL FROM:<ward@clinic.example>")
        assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("550 5.7.1 ")
        assert (await line.say("RCPT TO:<+14165550123@fax.local>")).startswith("250 ")
        assert (await line.data()).startswith("250 ")
        assert site.kept.rows("SELECT caller_id FROM fax") == [("+14165550100",)]


def the_logins(clock: StillClock) -> Logins:
    policy = a_policy()
    return Logins(Policy(policy), clock, policy.identities)


async def failed(logins: Logins, address: str = "192.0.2.1") -> type[Exception]:
    try:
        await logins.check(Credentials("front-desk", "wrong"), address)
    except (BadLogin, ShutOut) as error:
        return type(error)
    raise AssertionError("that password is wrong")


async def test_guessers_are_slowed_down_and_shut_out() -> None:
    """Each wrong guess waits longer; after ten the address gets 454 even for the right password, for a quarter hour."""
    clock = StillClock()
    logins = the_logins(clock)
    waits = []
    for _ in range(SHUT_OUT_AFTER):
        before = clock.monotonic()
        assert await failed(logins) is BadLogin
        waits.append(clock.monotonic() - before)
    assert waits == sorted(waits)
    assert waits[0] >= 1
    assert waits[-1] >= 20
    with pytest.raises(ShutOut):
        await logins.check(Credentials("front-desk", PASSWORD), "192.0.2.1")
    assert (await logins.check(Credentials("front-desk", PASSWORD), "192.0.2.2")).name == "front-desk"
    await clock.sleep(FORGET_AFTER + 1)
    assert (await logins.check(Credentials("front-desk", PASSWORD), "192.0.2.1")).name == "front-desk"
    logins.close()


async def test_a_good_login_forgives() -> None:
    """Who mistypes and then gets it right starts anew."""
    clock = StillClock()
    logins = the_logins(clock)
    for _ in range(3):
        for _ in range(5):
            assert await failed(logins) is BadLogin
        await logins.check(Credentials("front-desk", PASSWORD), "192.0.2.1")
    logins.close()


async def test_guesses_at_once_are_guesses_one_after_another() -> None:
    """Many sessions of one address, of one IPv6 household too, wait for one another and are shut out together."""
    logins = the_logins(StillClock())
    addresses = [f"2001:db8:0:1::{n:x}" for n in range(1, 31)]
    found = await asyncio.gather(*(failed(logins, address) for address in addresses))
    assert found.count(BadLogin) == SHUT_OUT_AFTER
    assert found.count(ShutOut) == 20
    assert await failed(logins, "2001:db8:0:2::1") is BadLogin
    logins.close()


async def test_what_is_remembered_of_guessers_is_bounded() -> None:
    """However many addresses guess, only so many are remembered, the latest."""
    logins = the_logins(StillClock())
    for number in range(ADDRESSES + 10):
        logins._add_failure(f"address {number}")
    assert len(logins._failures) == ADDRESSES
    assert "address 5" not in logins._failures
    logins.close()


async def test_guessers_learn_nothing_from_what_they_are_told(tmp_path: Path) -> None:
    """A name that exists and one that does not get the same words."""
    async with a_site(tmp_path, a_policy(), clock=StillClock()) as site:
        line = await site.greeted()
        answers = {await line.say(f"AUTH PLAIN {plain(name, 'wrong')}") for name in ("front-desk", "nobody")}
        assert len(answers) == 1
