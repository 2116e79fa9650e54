"""Peers in front of others: PROXY, XCLIENT, Authentication-Results say whose mail they bring; their address never."""

import asyncio
import socket
import struct
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from bridge.errors import Refused
from bridge.fax.options import Identity
from bridge.intake.envelopes import BadSyntax
from bridge.intake.options import Tls
from bridge.intake.standing import BadProxyHeader, Standing, of_peer, of_proxied, read_xclient
from tests.intake.test_logins import ELSEWHERE, a_policy
from tests.intake.test_tls import trusting
from tests.support.intake_stand import LISTENER, MAIL, POLICY, Dialogue, Site, a_pair, a_site, until

FRONT = replace(LISTENER, front=(ip_network("127.0.0.1/32"),))
PROXIED = replace(FRONT, proxy=True)
NAMED = replace(FRONT, front_name="mx.example.net")
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def version_2(source: str, command: int = 1) -> bytes:
    """A PROXY header of version 2 with this source."""
    address = ip_address(source)
    family, target = (0x11, "192.0.2.25") if address.version == 4 else (0x21, "2001:db8::25")
    body = address.packed + ip_address(target).packed + struct.pack("!HH", 1234, 25)
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


async def proxied(site: Site, header: bytes) -> Dialogue:
    """A connection that begins with this header, in the same packet as its greeting."""
    line = await site.connect()
    await line.send(header + b"EHLO copier\r\n")
    return line


async def recipient(line: Dialogue, sender: str = "office@example.org") -> str:
    """What RCPT is answered."""
    assert (await line.say(f"MAIL FROM:<{sender}>")).startswith("250 ")
    return await line.say("RCPT TO:<+14155550123@fax.local>")


async def test_the_address_of_a_peer_in_front_proves_nothing(tmp_path: Path) -> None:
    """A peer in front lies within policy.networks, and still its mail is refused while it says nothing more."""
    async with a_site(tmp_path, listener=FRONT) as site:
        assert (await recipient(await site.greeted())).startswith("550 5.7.1 ")


@pytest.mark.parametrize(
    ("header", "reply"),
    [
        (b"PROXY TCP4 127.9.9.9 192.0.2.25 1234 25\r\n", "250 "),
        (b"PROXY TCP4 203.0.113.7 192.0.2.25 1234 25\r\n", "550 5.7.1 "),
        (b"PROXY TCP6 ::ffff:127.9.9.9 2001:db8::25 1234 25\r\n", "250 "),
        (b"PROXY UNKNOWN\r\n", "550 5.7.1 "),
        (version_2("127.9.9.9"), "250 "),
        (version_2("203.0.113.7"), "550 5.7.1 "),
        (version_2("127.9.9.9", command=0), "550 5.7.1 "),
    ],
)
async def test_the_proxy_header_says_who_it_is(header: bytes, reply: str, tmp_path: Path) -> None:
    """With proxy the client is who the header names, in version 1 and 2; LOCAL and UNKNOWN name nobody."""
    async with a_site(tmp_path, listener=PROXIED) as site:
        line = await proxied(site, header)
        assert (await line.reply()).startswith("220 ")
        assert (await line.reply()).startswith("250-")
        assert (await recipient(line)).startswith(reply)
        if reply == "250 ":
            assert (await line.data()).startswith("250 ")
            assert site.kept.rows("SELECT client FROM message") == [("127.9.9.9",)]


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO no proxy at all\r\n",
        b"PROXY TCP4 999.0.0.1 192.0.2.25 1234 25\r\n",
        b"PROXY " + b"x" * 200 + b"\r\n",
        b"PROXY TCP4 127.9.9.9\r\n",
        SIGNATURE + b"\x10\x11\x00\x00",
        SIGNATURE + b"\x21\x11\x00\x02ab",
    ],
)
async def test_without_a_good_proxy_header_there_is_no_session(header: bytes, tmp_path: Path) -> None:
    """A front peer that must begin with PROXY and does not is let go without a word, and takes no place."""
    async with a_site(tmp_path, listener=PROXIED) as site:
        line = await site.connect()
        await line.send(header)
        assert await line.reply() == ""
        await until(lambda: site.listeners.count == 0)


async def test_who_is_not_in_front_needs_no_proxy_header(tmp_path: Path) -> None:
    """On a listener with proxy, others speak SMTP as ever; their PROXY line is an unknown command."""
    listener = replace(PROXIED, front=(ip_network("192.0.2.1/32"),))
    async with a_site(tmp_path, listener=listener) as site:
        line = await site.connect()
        await line.send(b"PROXY TCP4 203.0.113.7 192.0.2.25 1234 25\r\n")
        assert (await line.reply()).startswith("220 ")
        assert (await line.reply()).startswith("500 ")
        await line.say("EHLO copier")
        assert (await recipient(line)).startswith("250 ")


async def test_proxy_before_tls(tmp_path: Path) -> None:
    """On a listener of implicit TLS the PROXY header comes in the clear, and TLS right behind it."""
    pair = a_pair(tmp_path / "tls")
    listener = replace(PROXIED, tls=Tls.IMPLICIT)
    async with a_site(tmp_path, listener=listener, pair=pair) as site:
        line = await site.connect()
        await line.send(b"PROXY TCP4 127.9.9.9 192.0.2.25 1234 25\r\n")
        await line.writer.start_tls(trusting(pair.certificate), server_hostname="mx.fax.local")
        assert (await line.reply()).startswith("220 ")
        await line.say("EHLO copier")
        assert (await recipient(line)).startswith("250 ")


async def test_xclient_hands_on_address_and_login(tmp_path: Path) -> None:
    """XCLIENT ADDR makes the client who it names, LOGIN whom it logged in; the session greets anew after it."""
    policy = replace(a_policy(), networks=(ip_network("203.0.113.0/24"),))
    async with a_site(tmp_path, policy, listener=FRONT) as site:
        line = await site.greeted()
        assert "XCLIENT ADDR LOGIN" in await line.say("EHLO proxy.example.org")
        assert (await line.say("XCLIENT ADDR=203.0.113.7 HELO=copier")).startswith("220 ")
        assert (await line.say("MAIL FROM:<a@example.org>")).startswith("503 ")
        await line.say("EHLO copier")
        assert (await recipient(line)).startswith("250 ")
        await line.say("RSET")
        assert (await line.say("XCLIENT ADDR=198.51.100.9 LOGIN=front-desk")).startswith("220 ")
        await line.say("EHLO copier")
        assert (await recipient(line)).startswith("250 ")
        assert (await line.data()).startswith("250 ")
        assert site.kept.rows("SELECT client, identity FROM message") == [("198.51.100.9", "front-desk")]


@pytest.mark.parametrize(
    "said",
    ["ADDR=198.51.100.9", "ADDR=[UNAVAILABLE]", "LOGIN=nobody", "ADDR=IPV6:2001:db8::1", "LOGIN=[UNAVAILABLE]"],
)
async def test_xclient_that_proves_nothing(said: str, tmp_path: Path) -> None:
    """A stranger's address, no address, a login nobody has: refused at RCPT."""
    async with a_site(tmp_path, a_policy(), listener=FRONT) as site:
        line = await site.greeted()
        assert (await line.say(f"XCLIENT {said}")).startswith("220 ")
        await line.say("EHLO copier")
        assert (await recipient(line))[:3] in {"550", "530"}


async def test_xclient_is_for_peers_in_front(tmp_path: Path) -> None:
    """Others are not offered it, and get 550 5.7.1 when they try."""
    async with a_site(tmp_path, ELSEWHERE) as site:
        line = await site.greeted()
        assert "XCLIENT" not in await line.say("EHLO copier")
        assert (await line.say("XCLIENT ADDR=192.0.2.1 LOGIN=front-desk")).startswith("550 5.7.1 ")
        assert (await recipient(line)).startswith("550 5.7.1 ")


@given(st.text(max_size=80))
def test_xclient_reads_anything(said: str) -> None:
    """Whatever stands behind XCLIENT, it is read or refused, never anything else."""
    front = of_peer("127.0.0.1", (ip_network("127.0.0.0/8"),))
    try:
        handed = read_xclient(said, front)
    except BadSyntax:
        return
    assert not handed.address or str(ip_address(handed.address)) == handed.address


def test_xclient_decodes_xtext() -> None:
    """Values are xtext (RFC 3461, 4); IPV6: before an address is understood; what is not handed on stays None."""
    front = Standing("127.0.0.1", None, front=True)
    handed = read_xclient("ADDR=IPV6:2001:DB8::1 helo=my+20copier PORT=25 PROTO=ESMTP", front)
    assert (handed.address, handed.helo, handed.login) == ("2001:db8::1", "my copier", None)
    with pytest.raises(Refused):
        read_xclient("ADDR=192.0.2.1", of_peer("192.0.2.1", ()))


async def test_the_proxy_reader_stops_where_the_header_ends() -> None:
    """Not a byte behind the header is taken from the socket, in neither version."""
    for header in (b"PROXY TCP4 192.0.2.9 192.0.2.25 1234 25\r\n", version_2("192.0.2.9")):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.sendall(header + b"EHLO")
        found = await of_proxied(ours, Standing("127.0.0.1", None, front=True))
        assert found.address == "192.0.2.9"
        assert ours.recv(100) == b"EHLO"
        ours.close()
        theirs.close()


async def test_a_proxy_header_that_breaks_off() -> None:
    """A connection that ends within the header is refused, not waited for."""
    for header in (b"PRO", b"PROXY TCP4 192.0.2.9", SIGNATURE + b"\x21\x11\x00\x0c\x01"):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.sendall(header)
        theirs.close()
        with pytest.raises(BadProxyHeader):
            async with asyncio.timeout(5):
                await of_proxied(ours, Standing("127.0.0.1", None, front=True))
        ours.close()


RESULTS = b"Authentication-Results: mx.example.net; "
PROVED = [
    (RESULTS + b"spf=pass smtp.mailfrom=ward@clinic.example\r\n", True),
    (RESULTS + b"dkim=pass header.d=clinic.example\r\nTo: +14155550123@fax.local\r\n", True),
    (RESULTS + b"dkim=pass header.d=clinic.example\r\nTo: a@b.example\r\nCc: <+14155550123@FAX.local>\r\n", True),
    (RESULTS + b"dkim=pass header.d=clinic.example\r\nTo: +14155550124@fax.local\r\n", False),
    (RESULTS + b"dkim=pass header.d=clinic.example\r\n", False),
    (RESULTS + b"auth=pass smtp.auth=front-desk\r\n", True),
    (RESULTS + b"spf=fail smtp.mailfrom=ward@clinic.example\r\n", False),
    (RESULTS + b"spf=pass smtp.mailfrom=ward@evil.example\r\n", False),
    (b"Authentication-Results: mx.evil.example; spf=pass smtp.mailfrom=ward@clinic.example\r\n", False),
    (b"", False),
    (
        b"Received: from a by mx.example.net; Mon, 23 Nov 2026 08:15:30 +0000\r\n"
        b"Received: from evil by a; Mon, 23 Nov 2026 08:15:30 +0000\r\n"
        + RESULTS
        + b"spf=pass smtp.mailfrom=ward@clinic.example\r\n",
        False,
    ),
]


@pytest.mark.parametrize(("stamp", "proved"), PROVED)
async def test_authentication_results_of_a_peer_in_front(stamp: bytes, proved: bool, tmp_path: Path) -> None:
    """What the server in front found out counts, under its configured name and nowhere else; without it 550 5.7.1."""
    policy = replace(a_policy(), senders=("*@clinic.example",))
    async with a_site(tmp_path, policy, listener=NAMED) as site:
        line = await site.greeted()
        assert (await recipient(line, "ward@clinic.example")).startswith("250 ")
        answer = await line.data(stamp + MAIL)
        assert answer.startswith("250 " if proved else "550 5.7.1 "), answer
        assert len(site.kept.faxes()) == int(proved)


async def test_proved_senders_are_bound_by_their_rules(tmp_path: Path) -> None:
    """Whose mail it is shows only after DATA; then its countries count all the same, and one bad number refuses all."""
    identity = Identity("clinic", senders=("*@clinic.example",), countries=frozenset({"CA"}))
    policy = replace(ELSEWHERE, identities=(identity,))
    stamp = RESULTS + b"spf=pass smtp.mailfrom=ward@clinic.example\r\n"
    async with a_site(tmp_path, policy, listener=NAMED) as site:
        line = await (await site.greeted()).envelope(
            "+14165550123@fax.local", "+14155550123@fax.local", sender="ward@clinic.example"
        )
        assert (await line.data(stamp + MAIL)).startswith("550 5.7.1 ")
        assert site.kept.counts() == (0, 0, 0)
        line = await line.envelope("+14165550123@fax.local", sender="ward@clinic.example")
        assert (await line.data(stamp + MAIL)).startswith("250 ")
        assert site.kept.rows("SELECT identity FROM fax") == [("clinic",)]


def test_what_lies_in_front() -> None:
    """A peer counts as in front by its network, IPv4 in IPv6 clothes too; then its own address is no address."""
    assert POLICY.networks
    front = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    assert of_peer("::ffff:192.0.2.7", front) == Standing("192.0.2.7", None, front=True)
    assert of_peer("2001:db8::9", front).address is None
    assert of_peer("198.51.100.1", front).address == "198.51.100.1"
    assert of_peer("local", front).address == "local"
