"""Never an open relay: no trick of an address, a sender or a header gets a stranger's mail out, or a fax dialled.

The tricks are those of nmap's smtp-open-relay, of the MAPS and abuse.net tests, and of old mailers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from bridge.fax.options import Identity, PolicyOptions
from bridge.intake.options import Auth, ListenerOptions, Profile
from bridge.intake.proof import Prover
from bridge.runtime.clock import SystemClock
from tests.support.dns import Zone, a_dns
from tests.support.intake_stand import POLICY, Dialogue, Site, a_site

EVIL = "evil.example"
NUMBER = "+14155550123"
FAX = f"{NUMBER}@fax.local"
LETTER = (
    b"From: office@example.org\r\nSubject: x\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\n"
    b"Message-ID: <relay@client.example.org>\r\n\r\ntext\r\n"
)
HOME = ListenerOptions("127.0.0.1", 0, profile=Profile.LEGACY, auth=Auth.OFF)
AWAY = replace(POLICY, networks=(ip_network("10.0.0.0/8"),))
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("secret")
CLERK = Identity("clerk", password_hash=HASH)


@pytest.fixture
def zone() -> Iterator[Zone]:
    """A DNS server on loopback that knows what the test tells it."""
    with a_dns() as running:
        yield running


@pytest.fixture
def prover(zone: Zone) -> Prover:
    """A prover that asks that server; the site closes it."""
    return Prover(SystemClock(), zone.nameserver)


RECIPIENTS = [
    f"victim@{EVIL}",
    f"{NUMBER}@{EVIL}",
    f"FAX={NUMBER}@{EVIL}",
    f"postmaster@{EVIL}",
    f"bounce+abc123@{EVIL}",
    # quotes around what is to be read as an address
    f'"victim@{EVIL}"',
    f'"victim%{EVIL}"',
    f'"{NUMBER}@{EVIL}"',
    f'"victim@{EVIL}"@fax.local',
    f'"victim%{EVIL}"@fax.local',
    f'"{NUMBER}@{EVIL}"@fax.local',
    f'"victim@{EVIL}"@[127.0.0.1]',
    f'"FAX={NUMBER}"@{EVIL}',
    # the percent hack
    f"victim%{EVIL}@fax.local",
    f"{NUMBER}%{EVIL}@fax.local",
    f"FAX={NUMBER}%{EVIL}@fax.local",
    f"victim%{EVIL}@[127.0.0.1]",
    f"victim%{EVIL}%fax.local@fax.local",
    f"postmaster%{EVIL}@fax.local",
    # bang paths
    f"{EVIL}!victim",
    f"{EVIL}!victim@fax.local",
    f"{EVIL}!{NUMBER}@fax.local",
    f"{EVIL}!victim@[127.0.0.1]",
    f"fax.local!{EVIL}!victim",
    f"fax.local!victim@{EVIL}",
    # source routes
    f"@fax.local:victim@{EVIL}",
    f"@fax.local:{NUMBER}@{EVIL}",
    f"@[127.0.0.1]:victim@{EVIL}",
    f"@fax.local,@mx.fax.local:victim@{EVIL}",
    # two domains
    f"victim@{EVIL}@fax.local",
    f"{NUMBER}@{EVIL}@fax.local",
    f"victim@fax.local@{EVIL}",
    f"{NUMBER}@fax.local@{EVIL}",
    f"victim\\@{EVIL}@fax.local",
    f"{NUMBER}@fax.local,victim@{EVIL}",
    f"{NUMBER}@fax.local;victim@{EVIL}",
    # our machine by its address, or by a name that is no domain of ours
    "victim@[127.0.0.1]",
    f"{NUMBER}@[127.0.0.2]",
    f"{NUMBER}@[IPv6:::1]",
    f"{NUMBER}@127.0.0.1",
    f"{NUMBER}@localhost",
    f"{NUMBER}@mx.fax.local",
    "victim@[203.0.113.7]",
    # a domain that only looks like ours
    f"{NUMBER}@fax.local.{EVIL}",
    f"{NUMBER}@evilfax.local",
    f"{NUMBER}@fax.local..",
    f"{NUMBER}@.fax.local",
    f"{NUMBER}@fax..local",
    f"{NUMBER}@*",
    f"{NUMBER}@",
    NUMBER,
    "victim",
    # comments, and other worlds' addresses
    f"victim@{EVIL}(fax.local)",
    f"victim(@fax.local)@{EVIL}",
    f"/S=victim/O={EVIL}/@fax.local",
    f"SMTP:victim@{EVIL}",
    f"IMCEASMTP-victim+40{EVIL}@fax.local",
]

SENDERS = [
    "",
    f"attacker@{EVIL}",
    "office@example.org",
    "postmaster@fax.local",
    f"{NUMBER}@fax.local",
    "attacker@localhost",
    "attacker@[127.0.0.1]",
    f'"attacker@{EVIL}"@fax.local',
]


@dataclass(frozen=True)
class Who:
    """A client: the site's rules for it, its listener, and what it says before MAIL."""

    name: str
    policy: PolicyOptions
    says: tuple[tuple[str, str], ...] = (("EHLO client.example.org", "250"),)
    listener: ListenerOptions = field(default=HOME)


LOGIN = (("EHLO client.example.org", "250"), ("AUTH PLAIN AGNsZXJrAHNlY3JldA==", "235 2.7.0"))
CLIENTS = [
    Who("an allowed client", POLICY),
    Who("an allowed client that says HELO", POLICY, (("HELO fax.local", "250"),)),
    Who("a stranger", AWAY),
    Who("a stranger that logged in", replace(AWAY, identities=(CLERK,)), LOGIN, replace(HOME, auth=Auth.REQUIRED)),
    Who("a peer in front", POLICY, listener=replace(HOME, front=(ip_network("127.0.0.0/8"),))),
]


async def says(site: Site, who: Who) -> Dialogue:
    """A connection on which this client has said what it says first."""
    line = await site.connect()
    assert (await line.reply()).startswith("220 ")
    for said, expected in who.says:
        assert (await line.say(said)).startswith(expected), said
    return line


def nothing_was_taken(site: Site) -> None:
    """Not a row, not a file, not a mail to anybody."""
    assert site.kept.counts() == (0, 0, 0)
    assert site.kept.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert site.kept.files() == []


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("who", CLIENTS, ids=lambda who: who.name)
async def test_no_address_is_relayed_to(who: Who, sender: str, tmp_path: Path) -> None:
    """Every trick is refused at RCPT with 550, DATA has nobody to go to, and nothing is kept or mailed."""
    async with a_site(tmp_path, who.policy, listener=who.listener) as site:
        taken = []
        for start in range(0, len(RECIPIENTS), 20):
            line = await says(site, who)
            assert (await line.say(f"MAIL FROM:<{sender}>")).startswith("250 ")
            for recipient in RECIPIENTS[start : start + 20]:
                answer = await line.say(f"RCPT TO:<{recipient}>")
                if not answer.startswith("550 "):
                    taken.append((recipient, answer))
            assert (await line.say("DATA")).startswith("503 ")
            line.close()
        assert taken == []
        nothing_was_taken(site)


@pytest.mark.parametrize("who", CLIENTS[:2] + CLIENTS[3:4], ids=lambda who: who.name)
async def test_the_same_client_may_fax(who: Who, tmp_path: Path) -> None:
    """Who is refused all those tricks can still send a fax: the refusals say something."""
    async with a_site(tmp_path, who.policy, listener=who.listener) as site:
        line = await (await says(site, who)).envelope(FAX)
        assert (await line.data(LETTER)).startswith("250 ")
        assert site.kept.faxes() == [(FAX, NUMBER)]


@pytest.mark.parametrize("sender", ["spam test", "@", f"attacker@{EVIL}@fax.local", "@fax.local", "a b@fax.local"])
async def test_a_sender_that_is_no_address_is_refused(sender: str, tmp_path: Path) -> None:
    """A sender with two domains, or with nothing before its domain, gets no further than MAIL."""
    async with a_site(tmp_path, listener=HOME) as site:
        line = await says(site, CLIENTS[0])
        assert (await line.say(f"MAIL FROM:<{sender}>")).startswith("501 ")
        assert (await line.say(f"RCPT TO:<victim@{EVIL}>")).startswith("503 ")


@pytest.mark.parametrize("recipient", [FAX, f"FAX={NUMBER}@fax.local", "front-desk@fax.local", "415555@fax.local"])
async def test_a_stranger_faxes_nobody(recipient: str, tmp_path: Path) -> None:
    """To a stranger every fax is 550 5.7.1, be its number good or bad: it learns nothing of our numbers."""
    async with a_site(tmp_path, AWAY, listener=HOME) as site:
        line = await says(site, CLIENTS[2])
        assert (await line.say("MAIL FROM:<office@example.org>")).startswith("250 ")
        assert (await line.say(f"RCPT TO:<{recipient}>")).startswith("550 5.7.1 ")
        assert (await line.say("DATA")).startswith("503 ")
        nothing_was_taken(site)


RECORDS = {
    "no record": [],
    "one for other machines": ["v=spf1 ip4:192.0.2.7 -all"],
    "one that is not sure": ["v=spf1 ~all"],
    "two that contradict": ["v=spf1 +all", "v=spf1 -all"],
}


@pytest.mark.parametrize("records", RECORDS.values(), ids=RECORDS.keys())
async def test_a_forged_sender_proves_nothing(records: list[str], prover: Prover, zone: Zone, tmp_path: Path) -> None:
    """A stranger that names an allowed sender, in the envelope and in From, is refused, at the latest after DATA."""
    zone.add("example.org", "TXT", *records)
    async with a_site(tmp_path, replace(AWAY, senders=("*@example.org",)), listener=HOME, prover=prover) as site:
        line = await says(site, CLIENTS[2])
        assert (await line.say("MAIL FROM:<office@example.org>")).startswith("250 ")
        answer = await line.say(f"RCPT TO:<{FAX}>")
        if answer.startswith("250 "):
            answer = await line.data(LETTER)
        assert answer.startswith("550 5.7.1 "), answer
        nothing_was_taken(site)


async def test_a_proved_sender_faxes_but_relays_nothing(prover: Prover, zone: Zone, tmp_path: Path) -> None:
    """Whom SPF proves may fax, and no more than that: other domains stay shut."""
    zone.add("example.org", "TXT", "v=spf1 ip4:127.0.0.1 -all")
    async with a_site(tmp_path, replace(AWAY, senders=("*@example.org",)), listener=HOME, prover=prover) as site:
        line = await says(site, CLIENTS[2])
        assert (await line.say("MAIL FROM:<office@example.org>")).startswith("250 ")
        assert (await line.say(f"RCPT TO:<victim@{EVIL}>")).startswith("550 5.7.1 ")
        assert (await line.say(f"RCPT TO:<{NUMBER}%{EVIL}@fax.local>")).startswith("550 ")
        assert (await line.say(f"RCPT TO:<{FAX}>")).startswith("250 ")
        assert (await line.data(LETTER)).startswith("250 ")
        assert site.kept.faxes() == [(FAX, NUMBER)]


async def test_a_forged_from_field_proves_nothing(tmp_path: Path) -> None:
    """What From says is not asked: an allowed name there does not help a sender who is not allowed."""
    policy = replace(POLICY, senders=("office@example.org",))
    async with a_site(tmp_path, policy, listener=HOME) as site:
        line = await says(site, CLIENTS[0])
        assert (await line.say(f"MAIL FROM:<attacker@{EVIL}>")).startswith("250 ")
        assert (await line.say(f"RCPT TO:<{FAX}>")).startswith("550 5.7.1 ")
        nothing_was_taken(site)


async def test_a_login_is_not_a_licence_for_any_sender(tmp_path: Path) -> None:
    """Who is logged in sends under the senders of that identity, and no other."""
    policy = replace(AWAY, identities=(replace(CLERK, senders=("clerk@example.org",)),))
    who = replace(CLIENTS[3], policy=policy)
    async with a_site(tmp_path, policy, listener=who.listener) as site:
        line = await says(site, who)
        assert (await line.say("MAIL FROM:<boss@example.org>")).startswith("250 ")
        assert (await line.say(f"RCPT TO:<{FAX}>")).startswith("550 5.7.1 ")
        assert (await line.say("RSET")).startswith("250 ")
        assert (await (await line.envelope(FAX, sender="clerk@example.org")).data(LETTER)).startswith("250 ")


@pytest.mark.parametrize("login", ["AGNsZXJrAHdyb25n", "AG5vYm9keQBzZWNyZXQ=", "AABzZWNyZXQ=", "AGNsZXJrAA==", "eA=="])
async def test_a_login_that_failed_changes_nothing(login: str, tmp_path: Path) -> None:
    """After a wrong password, an unknown name or half a login a stranger is as strange as before."""
    policy = replace(AWAY, identities=(CLERK,))
    async with a_site(tmp_path, policy, listener=replace(HOME, auth=Auth.OPTIONAL)) as site:
        line = await says(site, CLIENTS[2])
        assert (await line.say(f"AUTH PLAIN {login}"))[:3] in {"535", "501"}
        assert (await line.say("MAIL FROM:<office@example.org> AUTH=clerk")).startswith("250 ")
        assert (await line.say(f"RCPT TO:<{FAX}>")).startswith("530 5.7.0 ")
        nothing_was_taken(site)


FRONT = replace(HOME, front=(ip_network("127.0.0.0/8"),))


async def test_a_peer_in_front_proves_nothing_by_its_own_address(tmp_path: Path) -> None:
    """A front peer that says nothing of its client is refused, though its address lies in policy.networks."""
    policy = replace(POLICY, identities=(Identity("relay", networks=(ip_network("127.0.0.1/32"),)),))
    async with a_site(tmp_path, policy, listener=FRONT) as site:
        line = await says(site, CLIENTS[0])
        assert (await line.say("MAIL FROM:<office@example.org>")).startswith("250 ")
        assert (await line.say(f"RCPT TO:<{FAX}>")).startswith("550 5.7.1 ")
        nothing_was_taken(site)


RESULTS = {
    "of another server": "Authentication-Results: mx.evil.example; spf=pass smtp.mailfrom=office@example.org",
    "of a longer name": "Authentication-Results: front.example.org.evil.example; auth=pass smtp.auth=clerk",
    "that failed": "Authentication-Results: front.example.org; spf=fail smtp.mailfrom=office@example.org",
    "in a comment": "Authentication-Results: front.example.org; none (spf=pass smtp.mailfrom=office@example.org)",
    "for another sender": "Authentication-Results: front.example.org; spf=pass smtp.mailfrom=attacker@evil.example",
    "of an unknown login": "Authentication-Results: front.example.org; auth=pass smtp.auth=nobody",
    "below another server's stamp": "Received: from a by b\r\nReceived: from c by d\r\n"
    "Authentication-Results: front.example.org; auth=pass smtp.auth=clerk",
    "not at all": "X-Nothing: here",
}


@pytest.mark.parametrize("results", RESULTS.values(), ids=RESULTS.keys())
async def test_forged_results_prove_nothing(results: str, prover: Prover, zone: Zone, tmp_path: Path) -> None:
    """Behind a peer in front only its own topmost results count; any others leave the mail refused."""
    policy = replace(AWAY, senders=("office@example.org",), identities=(CLERK,))
    listener = replace(FRONT, front_name="front.example.org")
    zone.add("example.org", "TXT", "v=spf1 ip4:127.0.0.1 -all")  # the peer's own address, which proves nothing
    async with a_site(tmp_path, policy, listener=listener, prover=prover) as site:
        line = await says(site, CLIENTS[0])
        assert (await line.say("MAIL FROM:<office@example.org>")).startswith("250 ")
        answer = await line.say(f"RCPT TO:<{FAX}>")
        if answer.startswith("250 "):
            answer = await line.data(results.encode() + b"\r\n" + LETTER)
        assert answer.startswith("550 5.7.1 "), answer
        nothing_was_taken(site)


@pytest.mark.parametrize(
    "said",
    [
        "XCLIENT ADDR=10.0.0.1",
        "XCLIENT ADDR=10.0.0.1 LOGIN=clerk",
        "XFORWARD ADDR=10.0.0.1",
        "PROXY TCP4 10.0.0.1 10.0.0.2 40000 25",
    ],
)
async def test_a_stranger_cannot_say_it_is_somebody_else(said: str, tmp_path: Path) -> None:
    """XCLIENT, XFORWARD and PROXY of a peer that does not stand in front are refused, and nothing comes of them."""
    policy = replace(AWAY, identities=(CLERK,))
    listener = replace(HOME, front=(ip_network("192.0.2.0/24"),), proxy=True)
    async with a_site(tmp_path, policy, listener=listener) as site:
        line = await says(site, CLIENTS[2])
        assert (await line.say(said)).startswith("5")
        assert (await line.say("EHLO client.example.org")).startswith("250")
        assert (await line.say("MAIL FROM:<office@example.org>")).startswith("250 ")
        assert (await line.say(f"RCPT TO:<{FAX}>")).startswith("550 5.7.1 ")
        nothing_was_taken(site)
