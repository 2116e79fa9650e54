import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import dns.exception
import dns.resolver
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bridge.intake import proof
from bridge.intake.proof import Nameserver, Prover, Verdict, lookups, sender_policy
from bridge.intake.proof.terms import Budget
from bridge.runtime.clock import SystemClock
from tests.support.dns import Zone, a_dns, unused_nameserver

CLIENT = "192.0.2.7"
HELO = "mail.example.org"
SENDER = "alice@example.org"


@pytest.fixture(scope="module")
def server() -> Iterator[Zone]:
    """One DNS server for all tests here."""
    with a_dns() as running:
        yield running


@pytest.fixture
def zone(server: Zone) -> Zone:
    """The server, knowing nothing."""
    server.clear()
    return server


@pytest.fixture
async def prover(zone: Zone) -> AsyncIterator[Prover]:
    """A prover that asks the server."""
    built = Prover(SystemClock(), zone.nameserver)
    yield built
    built.close()


def spf(zone: Zone, client: str = CLIENT, helo: str = HELO, sender: str = SENDER, seconds: float = 5.0) -> Verdict:
    """One check, in this thread."""
    asking = lookups.Lookups(zone.nameserver, Budget(seconds))
    return sender_policy.check(client=client, helo=helo, sender=sender, lookups=asking)


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        ("v=spf1 ip4:192.0.2.7 -all", Verdict.PASS),
        ("v=spf1 ip4:192.0.2.0/24 -all", Verdict.PASS),
        ("V=SPF1 +all", Verdict.PASS),
        ("v=spf1 ip4:192.0.2.8 -all", Verdict.FAIL),
        ("v=spf1 ~all", Verdict.FAIL),
        ("v=spf1 ?all", Verdict.FAIL),
        ("v=spf1 ?ip4:192.0.2.7 +all", Verdict.FAIL),
        ("v=spf1", Verdict.FAIL),
        ("v=spf10 +all", Verdict.NONE),
        ("v=spf2.0/pra +all", Verdict.NONE),
        (" v=spf1 +all", Verdict.NONE),
        ("something else", Verdict.NONE),
        ("v=spf1 ip4:192.0.2.7 nonsense", Verdict.FAIL),
        ("v=spf1 ip4:192.0.2.7 include:", Verdict.FAIL),
        ("v=spf1 ip4:192.0.2.7 \xe4", Verdict.FAIL),
        ("v=spf1 %{z} +all", Verdict.FAIL),
        ("v=spf1 a:%{d" + "9" * 300 + "}.example.org -all", Verdict.FAIL),
        ("v=spf1 exp=why.example.org -all", Verdict.FAIL),
        ("v=spf1 x=" + "a" * 398 + " +all", Verdict.PASS),
        ("v=spf1 x=" + "a" * 399 + " +all", Verdict.FAIL),
        ("v=spf1 " + "?ip4:192.0.2.9 " * 400 + "+all", Verdict.FAIL),
        ("v=spf1 " + "?ip4:192.0.2.9 " * 100 + "+all", Verdict.PASS),
    ],
)
def test_a_record_is_followed(zone: Zone, record: str, verdict: Verdict) -> None:
    """A client that the record passes is a pass; softfail, neutral, errors and records too long to be read are none."""
    zone.add("example.org", "TXT", "some token", record)
    assert spf(zone) == verdict


def test_records_are_walked_through(zone: Zone) -> None:
    """Includes, redirects, addresses, exchangers, pointers, macros and aliases lead to a pass."""
    zone.add("example.org", "TXT", "v=spf1 include:one.example.org -all")
    zone.add("one.example.org", "TXT", "v=spf1 redirect=two.example.org")
    zone.add("two.example.org", "CNAME", "three.example.org.")
    zone.add("three.example.org", "TXT", "v=spf1 mx:mx.example.org -all")
    zone.add("mx.example.org", "MX", "20 b.example.org.", "10 a.example.org.")
    zone.add("a.example.org", "A", "192.0.2.1")
    zone.add("b.example.org", "A", "192.0.2.7")
    assert spf(zone) == Verdict.PASS
    assert spf(zone, client="192.0.2.6") == Verdict.FAIL
    zone.add("macro.example", "TXT", "v=spf1 exists:%{l}.%{ir}.%{v}.%{h}.%{d} -all")
    zone.add("bob.7.2.0.192.in-addr.mail.example.org.macro.example", "A", "127.0.0.2")
    assert spf(zone, sender="bob@macro.example") == Verdict.PASS
    assert spf(zone, sender="eve@macro.example") == Verdict.FAIL
    zone.add("pointer.example", "TXT", "v=spf1 ptr -all")
    zone.add("7.2.0.192.in-addr.arpa", "PTR", "out.pointer.example.")
    zone.add("out.pointer.example", "A", "192.0.2.7")
    assert spf(zone, sender="bob@pointer.example") == Verdict.PASS


@pytest.mark.parametrize(
    ("client", "verdict"),
    [
        ("2001:db8::7", Verdict.PASS),
        ("2001:db8::7%eth0", Verdict.PASS),
        ("2001:db9::7", Verdict.FAIL),
        ("::ffff:192.0.2.7", Verdict.PASS),
        ("list", Verdict.NONE),
        ("list6", Verdict.NONE),
        ("", Verdict.NONE),
        ("unknown", Verdict.NONE),
        ("192.0.2.7 ", Verdict.NONE),
    ],
)
def test_clients_of_both_families_are_looked_for(zone: Zone, client: str, verdict: Verdict) -> None:
    """IPv6 clients and mapped IPv4 ones are matched; for a client that is no address the verdict is NONE."""
    zone.add("example.org", "TXT", "v=spf1 ip4:192.0.2.7 a -all")
    zone.add("example.org", "AAAA", "2001:db8::7")
    zone.add("example.org", "A", "192.0.2.1")
    assert spf(zone, client=client) == verdict


@pytest.mark.parametrize(
    "sender",
    ["", "alice", "alice@org", "alice@[192.0.2.7]", "alice@ex\xe4mple.org", "@example.org", "a@b@example.org", "a b"],
)
async def test_no_sender_has_no_record(prover: Prover, zone: Zone, sender: str) -> None:
    """The null sender, literals and what is no address are none, and nobody is asked."""
    zone.add("org", "TXT", "v=spf1 +all")
    zone.add("mail.example.org", "TXT", "v=spf1 +all")
    assert await prover.spf(client=CLIENT, helo=HELO, sender=sender) == Verdict.NONE
    assert zone.asked == []


async def test_the_domain_of_a_quoted_sender_is_what_stands_last(prover: Prover, zone: Zone) -> None:
    """An @ within quotes does not make another domain of the sender's."""
    zone.add('evil.example"@example.org', "TXT", "v=spf1 +all")
    zone.add("evil.example", "TXT", "v=spf1 +all")
    zone.add("example.org", "TXT", "v=spf1 -all")
    assert await prover.spf(client=CLIENT, helo=HELO, sender='"x@evil.example"@example.org') == Verdict.FAIL
    assert {name for name, _, _ in zone.asked} == {"example.org"}


def test_a_greeting_that_is_no_name_is_not_asked_about(zone: Zone) -> None:
    """What a client greets with reaches the DNS only if it is a name, and proves nothing of the sender either way."""
    zone.add("example.org", "TXT", "v=spf1 exists:%{h}.example.org -all")
    zone.add("unknown.example.org", "A", "127.0.0.2")
    zone.add("mail.example.org", "TXT", "v=spf1 +all")
    for greeting in ("", "[192.0.2.7]", "a b", "x" * 64, "a..b", "\0", "ex\xe4mple", "a." * 200):
        assert spf(zone, helo=greeting) == Verdict.PASS
    assert {name for name, _, _ in zone.asked} == {"example.org", "unknown.example.org"}
    assert spf(zone) == Verdict.FAIL


def test_look_ups_are_counted(zone: Zone) -> None:
    """The eleventh look-up, the third without an answer, the eleventh exchanger and any circle are errors, no pass."""
    zone.add("example.org", "TXT", "v=spf1 " + " ".join(f"a:a{n}.example.org" for n in range(11)) + " +all")
    for n in range(11):
        zone.add(f"a{n}.example.org", "A", "192.0.2.1")
    assert spf(zone) == Verdict.FAIL
    zone.clear()
    zone.add("example.org", "TXT", "v=spf1 a:x.example.org a:y.example.org a:z.example.org +all")
    assert spf(zone) == Verdict.FAIL
    zone.clear()
    zone.add("example.org", "TXT", "v=spf1 a:x.example.org a:y.example.org +all")
    assert spf(zone) == Verdict.PASS
    zone.clear()
    zone.add("example.org", "TXT", "v=spf1 mx +all")
    zone.add("example.org", "MX", *(f"{n} m{n}.example.org." for n in range(11)))
    assert spf(zone) == Verdict.FAIL
    zone.clear()
    zone.add("example.org", "TXT", "v=spf1 include:b.example.org +all")
    zone.add("b.example.org", "TXT", "v=spf1 redirect=example.org")
    assert spf(zone) == Verdict.FAIL
    assert len(zone.asked) < 10


def test_a_record_given_twice_is_an_error(zone: Zone) -> None:
    """Two records are an error (RFC 7208, 4.5), no matter what they say."""
    zone.add("example.org", "TXT", "v=spf1 +all", "v=spf1 ip4:192.0.2.7 -all")
    assert spf(zone) == Verdict.FAIL


def test_explanations_are_never_fetched(zone: Zone) -> None:
    """A record's exp= makes nobody ask for it: those questions would not be counted."""
    zone.add("example.org", "TXT", "v=spf1 exp=why.example.org ?include:b.example.org -all")
    zone.add("b.example.org", "TXT", "v=spf1 exp=why.example.org -all")
    assert spf(zone) == Verdict.FAIL
    assert zone.questions("why.example.org") == 0


def test_a_long_answer_comes_over_tcp(zone: Zone) -> None:
    """An answer that does not fit a datagram is asked for again over TCP."""
    zone.add("example.org", "TXT", *(f"{n} " + "x" * 200 for n in range(20)), "v=spf1 +all")
    assert spf(zone) == Verdict.PASS
    assert ("example.org", "TXT", "tcp") in zone.asked


def test_trouble_with_the_dns_is_temporary(zone: Zone) -> None:
    """A server that fails, says nothing, talks noise or is not there makes the verdict temporary, in the time given."""
    zone.add("example.org", "TXT", "v=spf1 include:other.example +all")
    for trouble in (zone.failing, zone.silent, zone.garbled):
        for name in ("example.org", "other.example"):
            trouble.add(name)
            began = time.monotonic()
            assert spf(zone, seconds=0.4) == Verdict.TEMPORARY
            assert time.monotonic() - began < 4.0
            trouble.clear()
    assert spf(Zone(unused_nameserver()), seconds=0.4) == Verdict.TEMPORARY
    assert spf(Zone(Nameserver("no address")), seconds=0.4) == Verdict.TEMPORARY
    assert spf(zone, seconds=0.0) == Verdict.TEMPORARY


def test_a_machine_without_a_resolver_is_trouble(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system names no server, every verdict is temporary; where it does, that one is asked."""

    def none_there(*_: object) -> None:
        raise dns.exception.DNSException

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", none_there)
    asking = lookups.Lookups(None, Budget(1.0))
    assert sender_policy.check(client=CLIENT, helo=HELO, sender=SENDER, lookups=asking) == Verdict.TEMPORARY
    assert zone.asked == []


def test_the_librarys_private_names_are_there() -> None:
    """What the check replaces in the library is what the library calls."""
    library: Any = sender_policy._Query.__base__
    for name in ("dns", "dns_txt", "get_explanation"):
        assert callable(getattr(library, name))
    query = library(i=CLIENT, s='"x@evil.example"@example.org', h=HELO)
    assert (query.o, query.d) == ('evil.example"@example.org', 'evil.example"@example.org')


WORDS = [
    *(
        "v=spf1 ",
        "a",
        "mx",
        "ptr",
        "include:",
        "exists:",
        "redirect=",
        "exp=",
        "ip4:",
        "ip6:",
        "all",
        "+",
        "-",
        "?",
        " ",
    ),
    *(
        "%{",
        "}",
        "%",
        "{d",
        "l1r-",
        "p",
        "h",
        "/",
        "//",
        "32",
        "99999",
        "example.org",
        ".",
        ":",
        "=",
        "\\",
        "\0",
        "\xff",
    ),
]
RECORD = st.lists(st.sampled_from(WORDS), max_size=25).map(lambda words: "".join(words).encode("latin-1"))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    records=st.lists(
        st.one_of(st.binary(max_size=300), RECORD.map(lambda rest: b"v=spf1 " + rest)), min_size=1, max_size=2
    ),
    sender=st.sampled_from([SENDER, '"a@%{d}"@example.org', "%{p}@example.org", "a.b.c@example.org"]),
)
def test_any_record_has_a_verdict(zone: Zone, records: list[bytes], sender: str) -> None:
    """Whatever octets stand in the DNS, a check ends soon, in a verdict."""
    zone.clear()
    zone.add("example.org", "TXT", *records)
    zone.add("example.org", "MX", "0 .")
    zone.add("7.2.0.192.in-addr.arpa", "PTR", "a\\.b\\000.example.org.", "example.org.")
    began = time.monotonic()
    assert spf(zone, sender=sender, helo="%{d}", seconds=5.0) in Verdict
    assert time.monotonic() - began < 5.0
    assert len(zone.asked) < 150


@pytest.mark.parametrize(
    "term",
    [
        "a:" + "a" * 398,
        "a:" + "a." * 199,
        "exists:" + "%%." * 130,
        "x=" + "%{s}" * 99,
        "a:" + "%{l}" * 99,
        "a:." + "a" * 396 + "!",
        "a:" + "%%." * 128 + "example.org",
        "a/" + "9" * 398,
        "?a:a" * 90,
        "include:" + "%{p}." * 78,
    ],
)
def test_a_record_made_to_be_slow_is_not(zone: Zone, term: str) -> None:
    """A record as long as is read, made for the library's patterns, holds the process up for an instant only."""
    record = "v=spf1 " + " ".join([term] * ((sender_policy.RECORD_LIMIT - 7) // (len(term) + 1)))
    assert len(record) <= sender_policy.RECORD_LIMIT
    zone.add("example.org", "TXT", record)
    began = time.monotonic()
    spf(zone, sender="a" * 60 + "." + "b" * 100 + "@example.org")
    assert time.monotonic() - began < 4.0


async def test_checks_run_beside_the_loop(prover: Prover, zone: Zone) -> None:
    """While a check waits for the DNS, the loop goes on, and other checks are made."""
    zone.add("example.org", "TXT", "v=spf1 +all")
    zone.silent.add("slow.example")
    slow = asyncio.create_task(prover.spf(client=CLIENT, helo=HELO, sender="a@slow.example"))
    await asyncio.sleep(0.05)
    verdicts = await asyncio.gather(*(prover.spf(client=CLIENT, helo=HELO, sender=SENDER) for _ in range(40)))
    assert set(verdicts) == {Verdict.PASS}
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


async def test_a_check_is_given_its_seconds_only(prover: Prover, zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent DNS makes the verdict temporary when the time for a check is over."""
    monkeypatch.setattr(proof, "SPF_SECONDS", 0.3)
    zone.silent.add("example.org")
    began = time.monotonic()
    assert await prover.spf(client=CLIENT, helo=HELO, sender=SENDER) == Verdict.TEMPORARY
    assert time.monotonic() - began < 4.0


async def test_a_turn_is_waited_for_but_not_long(prover: Prover, zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all slots taken a check waits its turn; one that waits too long is temporary, without a question asked."""
    monkeypatch.setattr(proof, "SPF_SECONDS", 2.0)
    zone.silent.add("slow.example")
    zone.add("example.org", "TXT", "v=spf1 +all")
    slow = [
        asyncio.create_task(prover.spf(client=CLIENT, helo=HELO, sender="a@slow.example"))
        for _ in range(proof.SPF_AT_ONCE)
    ]
    await asyncio.sleep(0.05)
    with monkeypatch.context() as patch:
        patch.setattr(proof, "TURN_SECONDS", 0.05)
        assert await prover.spf(client=CLIENT, helo=HELO, sender=SENDER) == Verdict.TEMPORARY
    assert zone.questions("example.org") == 0
    assert await prover.spf(client=CLIENT, helo=HELO, sender=SENDER) == Verdict.PASS
    assert set(await asyncio.gather(*slow)) == {Verdict.TEMPORARY}


async def test_a_cancelled_check_keeps_its_slot_until_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelling frees no slot while the thread runs, tells the thread, and leaves every slot free in the end."""
    monkeypatch.setattr(proof, "TURN_SECONDS", 0.1)
    lane = proof._Lane("test", 1)
    budgets: list[Budget] = []
    go, running = threading.Event(), threading.Event()

    def work(budget: Budget) -> Verdict:
        budgets.append(budget)
        running.set()
        go.wait(5)
        return Verdict.PASS

    first = asyncio.create_task(lane.run(work, 60.0))
    await asyncio.to_thread(running.wait, 5)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert budgets[0].left() == 0.0
    assert await lane.run(work, 60.0) == Verdict.TEMPORARY
    assert len(budgets) == 1
    go.set()
    monkeypatch.setattr(proof, "TURN_SECONDS", 5.0)
    assert await lane.run(work, 60.0) == Verdict.PASS
    lane.close()


async def test_a_check_cancelled_while_it_waits_takes_no_slot() -> None:
    """Who goes away before its turn leaves nothing behind, and what a work raises reaches who waits for it."""
    lane = proof._Lane("test", 1)
    go = threading.Event()

    def work(_: Budget) -> Verdict:
        go.wait(5)
        return Verdict.PASS

    def broken(_: Budget) -> Verdict:
        raise OSError("the disk")

    first = asyncio.create_task(lane.run(work, 60.0))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(lane.run(work, 60.0))
    await asyncio.sleep(0.02)
    second.cancel()
    go.set()
    assert await first == Verdict.PASS
    with pytest.raises(OSError, match="the disk"):
        await lane.run(broken, 60.0)
    assert await lane.run(work, 60.0) == Verdict.PASS
    lane.close()


async def test_a_closed_prover_proves_nothing(zone: Zone) -> None:
    """After close a check is temporary; one under way ends soon."""
    prover = Prover(SystemClock(), zone.nameserver)
    zone.silent.add("example.org")
    under_way = asyncio.create_task(prover.spf(client=CLIENT, helo=HELO, sender=SENDER))
    await asyncio.sleep(0.05)
    prover.close()
    assert await prover.spf(client=CLIENT, helo=HELO, sender=SENDER) == Verdict.TEMPORARY
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way


WITHOUT = """
import asyncio, sys
from bridge.intake import proof
from bridge.runtime.clock import SystemClock
libraries = ("spf", "dkim", "dns")
assert not [name for name in sys.modules if name.partition(".")[0] in libraries]
sys.modules[sys.argv[1]] = None
prover = proof.Prover(SystemClock())
assert not prover.available
spf = prover.spf(client="192.0.2.7", helo="x", sender="a@example.org")
dkim = prover.dkim(head=b"DKIM-Signature: x\\r\\n\\r\\n", message=lambda: b"", sender="a@example.org")
async def both():
    return [await spf, await dkim]
print(asyncio.run(both()))
"""


@pytest.mark.parametrize("missing", ["spf", "dkim", "dns"])
def test_without_the_extra_nothing_is_proved(missing: str) -> None:
    """Without one of the libraries a prover is built all the same, imports none before, and every verdict is NONE."""
    command = [sys.executable, "-W", "error", "-c", WITHOUT, missing]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("NONE") == 2


def test_with_the_extra_nothing_warns() -> None:
    """The libraries are imported without a warning, byte code or none."""
    code = "from bridge.intake import proof; from bridge.runtime import clock; "
    code += "print(proof.Prover(clock.SystemClock()).available)"
    command = [sys.executable, "-W", "error", "-X", "pycache_prefix=/nonexistent", "-B", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == ("True\n", "")
