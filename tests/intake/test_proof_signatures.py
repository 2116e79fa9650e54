import asyncio
import base64
import hashlib
import random
import re
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime

import dkim
import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import HealthCheck, given, settings, strategies as st

from bridge.intake import proof
from bridge.intake.proof import Prover, Verdict, bodies, signatures
from bridge.intake.proof.bodies import BareLineEnd, body_hash
from bridge.intake.proof.lookups import Lookups
from bridge.intake.proof.terms import Budget
from bridge.mail.headers import HEADER_LIMIT
from bridge.runtime.clock import SystemClock
from tests.support.dns import Zone, a_dns
from tests.support.signing import a_huge_key, a_key, sign

SENDER = "alice@example.org"
MAIL = (
    b"From: Alice <alice@example.org>\r\nTo: +14155550123@fax.local\r\nSubject: a  test\r\n\r\nOne  line. \r\n\r\n\r\n"
)
NOW = int(time.time())
KEY = "sel._domainkey.example.org"

RFC_KEY = (
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16"
    "JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l"
    "/K4w3QIDAQAB"
)
RFC_MAIL = b"""DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
"""RFC 8463, A.2 and A.3."""


@pytest.fixture(scope="module")
def server() -> Iterator[Zone]:
    """One DNS server for all tests here."""
    with a_dns() as running:
        yield running


@pytest.fixture
def zone(server: Zone) -> Zone:
    """The server, knowing the key of example.org."""
    server.clear()
    server.add(KEY, "TXT", a_key().record())
    return server


@pytest.fixture
async def prover(zone: Zone) -> AsyncIterator[Prover]:
    """A prover that asks the server."""
    built = Prover(SystemClock(), zone.nameserver)
    yield built
    built.close()


def untouched() -> bytes:
    """A message nobody may ask for."""
    raise AssertionError("the message was fetched")


def check(zone: Zone, mail: bytes, sender: str = SENDER, message: Callable[[], bytes] | None = None) -> Verdict:
    """One check of a whole mail, in this thread."""
    return signatures.check(
        head=mail[:HEADER_LIMIT],
        message=message or (lambda: mail),
        sender=sender,
        lookups=Lookups(zone.nameserver, Budget(5.0)),
        now=float(NOW),
    )


@pytest.mark.parametrize(
    "forms", ["simple", "relaxed", "simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]
)
def test_a_good_signature_is_a_pass(zone: Zone, forms: str) -> None:
    """A signature in any of the forms passes for the domain's senders, and for those below it."""
    mail = sign(MAIL, a_key(), forms=forms)
    assert check(zone, mail) == Verdict.PASS
    assert check(zone, mail, "bob@mail.example.org") == Verdict.PASS


def test_the_example_of_the_rfc_is_a_pass(zone: Zone) -> None:
    """The mail that RFC 8463 shows, signed in two ways, passes by the RSA signature."""
    zone.add("test._domainkey.football.example.com", "TXT", RFC_KEY)
    assert check(zone, RFC_MAIL, "joe@football.example.com") == Verdict.PASS
    assert check(zone, RFC_MAIL.replace(b"hungry", b"angry"), "joe@football.example.com") == Verdict.FAIL


def test_what_the_library_signs_is_a_pass(zone: Zone) -> None:
    """A signature by the library itself, with folded fields and a large body, passes."""
    mail = MAIL.replace(b"Subject: a ", b"Subject: a\r\n\t folded\r\n ") + b"x y  z\t\r\n" * 400_000
    made = dkim.sign(mail, b"sel", b"example.org", a_key().pem, include_headers=[b"from", b"from", b"subject", b"to"])
    assert check(zone, made + mail) == Verdict.PASS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"From: Alice", b"From: Mallory"),
        (b"Subject: a", b"Subject: b"),
        (b"To: +14155550123", b"To: +14155550124"),
        (b"One", b"Two"),
        (b"line. ", b"line. and more"),
        (b"\r\n\r\n\r\n", b"\r\n\r\nappended\r\n"),
        (b"Subject:", b"From: mallory@evil.example\r\nSubject:"),
        (b"From: Alice", b"From: mallory@evil.example\r\nFrom: Alice"),
        (b"From: Alice", b"From : mallory@evil.example\r\nFrom: Alice"),
        (b"d=example.org", b"d=Example.org"),
        (b"v=1;", b"v=1; n=x;"),
    ],
)
def test_a_mail_that_was_changed_is_a_failure(zone: Zone, old: bytes, new: bytes) -> None:
    """Any change of what was signed is a failure, and so is a second From."""
    mail = sign(MAIL, a_key())
    assert mail.count(old) >= 1
    assert check(zone, mail.replace(old, new)) == Verdict.FAIL


def test_two_authors_are_a_failure(zone: Zone) -> None:
    """A mail with two From fields is a failure, though both are signed."""
    assert check(zone, sign(b"From: b@example.org\r\n" + MAIL, a_key(), names="from:from:from")) == Verdict.FAIL


@pytest.mark.parametrize(
    ("tags", "verdict"),
    [
        ("", Verdict.PASS),
        (f"t={NOW - 5}", Verdict.PASS),
        (f"t={NOW - 5}; x={NOW + 5}", Verdict.PASS),
        (f"x={NOW}", Verdict.FAIL),
        (f"x={NOW - 1}", Verdict.FAIL),
        ("x=0", Verdict.FAIL),
        ("x=never", Verdict.FAIL),
        ("x=-1", Verdict.FAIL),
        ("x=" + "9" * 13, Verdict.FAIL),
        (f"t={NOW + 7200}", Verdict.FAIL),
        ("t=", Verdict.FAIL),
        ("l=10", Verdict.FAIL),
        ("l=0", Verdict.FAIL),
        ("l=99999999", Verdict.FAIL),
        ("q=dns/txt", Verdict.PASS),
        ("q=http", Verdict.FAIL),
        ("i=@example.org", Verdict.PASS),
        ("i=x@mail.example.org", Verdict.PASS),
        ("i=example.org", Verdict.FAIL),
        ("i=@evil.example", Verdict.FAIL),
        ("z=From:x b=abc", Verdict.PASS),
        ("d=evil.example", Verdict.NONE),
        ("nonsense", Verdict.NONE),
        ("z=" + "x" * 5000, Verdict.NONE),
        ("z=" + " " * 60, Verdict.NONE),
    ],
    # the same names in every process that collects them
    ids=lambda value: re.sub(r"\b[0-9]{10}\b", lambda moment: f"now{int(moment[0]) - NOW:+d}", value),
)
def test_tags_mean_what_they_say(zone: Zone, tags: str, verdict: Verdict) -> None:
    """A signature that has expired, is of the future, covers a part of the body or breaks the grammar does not pass."""
    expected = {Verdict.PASS} if verdict == Verdict.PASS else {verdict}
    if tags.startswith("z=From"):
        expected = {Verdict.PASS, Verdict.FAIL}  # the library takes the second b= away as well
    assert check(zone, sign(MAIL, a_key(), tags=tags)) in expected


@pytest.mark.parametrize("name", ["v", "a", "h", "s", "bh"])
def test_a_signature_without_a_tag_is_a_failure(zone: Zone, name: str) -> None:
    """None of the tags that must be there may be missing."""
    assert check(zone, sign(MAIL, a_key(), drop=name)) == Verdict.FAIL


@pytest.mark.parametrize(
    "names", ["to:subject", "from::to", "from:", "from:" + "x:" * 300 + "to", "from to", "fr\u0131om"]
)
def test_from_is_among_the_signed_fields(zone: Zone, names: str) -> None:
    """A signature that leaves out From, or whose list of fields is odd, is a failure."""
    assert check(zone, sign(MAIL, a_key(), names=names)) == Verdict.FAIL


def test_weak_algorithms_are_failures(zone: Zone) -> None:
    """SHA-1, ed25519 alone, and other names of algorithms are failures, however well they sign; nothing is asked."""
    assert check(zone, sign(MAIL, a_key(), algorithm="rsa-sha1")) == Verdict.FAIL
    for name in (b"ed25519-sha256", b"rsa-md5", b"none", b"", b"RSA-SHA256"):
        assert check(zone, sign(MAIL, a_key()).replace(b"a=rsa-sha256", b"a=" + name)) == Verdict.FAIL
    assert zone.asked == []


@pytest.mark.parametrize(
    ("bits", "exponent", "verdict"),
    [
        (1023, 65537, Verdict.FAIL),
        (768, 65537, Verdict.FAIL),
        (1024, 65537, Verdict.PASS),
        (2048, 65537, Verdict.PASS),
        (1024, 3, Verdict.PASS),
        (1024, 1, Verdict.FAIL),
        (1024, (1 << 32) + 15, Verdict.FAIL),
    ],
)
def test_keys_are_neither_weak_nor_costly(server: Zone, bits: int, exponent: int, verdict: Verdict) -> None:
    """A key below 1024 bits, one that signs nothing and one whose arithmetic takes long are failures."""
    server.clear()
    key = a_key(bits, exponent=exponent)
    server.add(KEY, "TXT", key.record())
    assert check(server, sign(MAIL, key)) == verdict


@pytest.mark.parametrize(
    ("tags", "verdict"),
    [
        ("v=DKIM1", Verdict.PASS),
        ("k=rsa", Verdict.PASS),
        ("v=DKIM1; h=sha256", Verdict.PASS),
        ("v=DKIM1; h=sha1 : sha256", Verdict.PASS),
        ("v=DKIM1; h=sha1", Verdict.FAIL),
        ("v=DKIM1; s=email", Verdict.PASS),
        ("v=DKIM1; s=*", Verdict.PASS),
        ("v=DKIM1; s=tlsrpt", Verdict.FAIL),
        ("v=DKIM1; s=other", Verdict.FAIL),
        ("v=DKIM1; t=s", Verdict.PASS),
        ("v=DKIM1; t=y", Verdict.FAIL),
        ("v=DKIM1; t=s:y", Verdict.FAIL),
        ("v=DKIM2", Verdict.FAIL),
        ("k=ed25519", Verdict.FAIL),
        ("k=dsa", Verdict.FAIL),
        ("k", Verdict.FAIL),
        ("k=rsa; k=rsa", Verdict.FAIL),
        ("n=" + "x" * 2000, Verdict.FAIL),
    ],
)
def test_a_key_is_for_what_its_record_says(server: Zone, tags: str, verdict: Verdict) -> None:
    """A key for another purpose, hash or version, and one of a domain that is only trying, prove nothing."""
    server.clear()
    server.add(KEY, "TXT", a_key().record(tags))
    assert check(server, sign(MAIL, a_key())) == verdict


def test_a_strict_key_speaks_for_its_own_domain_only(server: Zone) -> None:
    """With t=s in the key record a signature for an agent below the domain is a failure."""
    server.clear()
    server.add(KEY, "TXT", a_key().record("t=s"))
    assert check(server, sign(MAIL, a_key(), tags="i=a@EXAMPLE.org")) == Verdict.PASS
    assert check(server, sign(MAIL, a_key(), tags="i=a@mail.example.org")) == Verdict.FAIL


def test_a_huge_key_is_a_failure(server: Zone) -> None:
    """A key of more bits than anybody needs is a failure, though it made the signature."""
    server.clear()
    server.add(KEY, "TXT", a_huge_key().record("k=rsa"))
    assert check(server, sign(MAIL, a_huge_key())) == Verdict.FAIL
    assert len(a_huge_key().record("k=rsa")) <= signatures.KEY_LIMIT


def test_keys_that_are_not_there_are_failures(server: Zone) -> None:
    """No key, two, a revoked one, another's and rubbish are failures."""
    mail = sign(MAIL, a_key())
    for records in (
        [],
        [a_key().record(), a_key().record("v=DKIM1")],
        ["v=DKIM1; k=rsa; p="],
        [a_key(number=1).record()],
        ["v=DKIM1; k=rsa"],
        [""],
        [b"\xff" * 200],
        ["p=" + base64.b64encode(b"\x30\x84\xff\xff\xff\xff" + b"\x02" * 50).decode()],
        ["p=" + base64.b64encode(b"\x30\x04\x02\x00\x02\x00").decode()],
        ["p=!!!!"],
    ):
        server.clear()
        server.add(KEY, "TXT", *records)
        assert check(server, mail, message=untouched) == Verdict.FAIL


def test_trouble_with_the_dns_is_temporary(zone: Zone) -> None:
    """A DNS that fails makes the verdict temporary, unless another signature passes."""
    mail = sign(MAIL, a_key())
    zone.failing.add(KEY)
    assert check(zone, mail, message=untouched) == Verdict.TEMPORARY
    bad = mail.replace(b"s=sel", b"s=other", 1)
    assert check(zone, bad[: bad.index(b"From:")] + mail, message=untouched) == Verdict.TEMPORARY
    zone.add("sel._domainkey.org.example.org", "TXT", a_key().record())
    both = sign(mail, a_key(), domain="org.example.org")
    assert check(zone, both, "a@org.example.org") == Verdict.PASS


@pytest.mark.parametrize(
    ("domain", "sender"),
    [
        ("evil.example", SENDER),
        ("mail.example.org", SENDER),
        ("org", SENDER),
        ("notexample.org", SENDER),
        ("example.org", "alice@evil.example"),
        ("co.uk", "alice@example.co.uk"),
        ("example.org.", SENDER),
        (".org", SENDER),
        ("", SENDER),
        ("exam\r\n ple.org", SENDER),
    ],
)
def test_a_signature_of_another_domain_says_nothing(zone: Zone, domain: str, sender: str) -> None:
    """A signature of a domain that does not speak for the sender is none; its key is not asked for."""
    zone.add(f"sel._domainkey.{domain}", "TXT", a_key().record())
    assert check(zone, sign(MAIL, a_key(), domain=domain), sender, untouched) == Verdict.NONE
    assert zone.asked == []


@pytest.mark.parametrize(
    "selector", ["", "a..b", "a b", "*", "x" * 64, "ex\xe4", "sel._domainkey.evil.example.", "a/b"]
)
def test_an_odd_selector_is_a_failure(zone: Zone, selector: str) -> None:
    """A selector that is no name is a failure, and nothing is asked."""
    mail = sign(MAIL, a_key()).replace(b"s=sel", b"s=" + selector.encode("latin-1"))
    assert check(zone, mail, message=untouched) == Verdict.FAIL
    assert zone.asked == []


def test_only_some_signatures_are_tried(zone: Zone) -> None:
    """However many signatures a mail bears, few keys are asked for; those of others do not count among them."""
    mail = sign(MAIL, a_key())
    line = mail[: mail.index(b"From:")]
    assert check(zone, b"".join(line.replace(b"s=sel", b"s=s%d" % n) for n in range(50)) + mail) == Verdict.FAIL
    assert len(zone.asked) == signatures.SIGNATURES_TRIED
    foreign = line.replace(b"d=example.org", b"d=evil.example") * (signatures.SIGNATURES_READ - 1)
    assert check(zone, foreign + mail) == Verdict.PASS


@pytest.mark.parametrize(
    "head",
    [
        b"no field\r\n",
        b" folded nothing\r\n",
        b"Subject : x\r\n",
        b"Subject: a\nFrom: b\r\n",
        b"Subject: a\rb\r\n",
        b"From alice Mon\r\n",
        b": x\r\n",
        b"x" * 101 + b": x\r\n",
        b"a:\r\n" * 1000,
    ],
)
def test_a_header_that_can_be_read_in_two_ways_is_a_failure(zone: Zone, head: bytes) -> None:
    """Lines that are no fields, bare line ends and spaces before a colon make a failure of a well signed mail."""
    mail = head + sign(MAIL, a_key())
    assert check(zone, mail, message=untouched) == Verdict.FAIL


def test_a_header_without_an_end_is_a_failure(zone: Zone) -> None:
    """A header that does not end within the part that is read is a failure."""
    mail = sign(MAIL, a_key())
    assert check(zone, b"X: " + b"y" * HEADER_LIMIT + b"\r\n" + mail, message=untouched) == Verdict.FAIL
    assert check(zone, mail[: mail.index(b"\r\n\r\n") + 2], message=untouched) == Verdict.FAIL


def test_a_message_that_is_another_is_a_failure(zone: Zone) -> None:
    """A message that begins with another header is a failure; a body with a bare line end is, too."""
    mail = sign(MAIL, a_key())
    assert check(zone, mail, message=lambda: b"X: y\r\n" + mail) == Verdict.FAIL
    assert check(zone, mail, message=lambda: b"") == Verdict.FAIL
    assert check(zone, mail, message=lambda: mail.replace(b"Subject", b"Tcejbus")) == Verdict.FAIL
    for end in (b"\n", b"\r", b"\r\r\n", b"\n\r\n"):
        assert check(zone, sign(MAIL + end, a_key())) == Verdict.FAIL


def test_what_fetching_raises_goes_through(zone: Zone) -> None:
    """A disk that fails is no verdict."""

    def broken() -> bytes:
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        check(zone, sign(MAIL, a_key()), message=broken)


BODY = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"\x0b", b"\xa0", b".", b"  \r\n"]), max_size=40).map(
    b"".join
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(BODY, st.integers(1, 30), st.booleans())
def test_a_body_is_hashed_as_the_library_does(
    monkeypatch: pytest.MonkeyPatch, body: bytes, piece: int, relaxed: bool
) -> None:
    """Whatever the body and wherever it is cut into pieces, its hash is that of the library's form."""
    monkeypatch.setattr(bodies, "PIECE", piece)
    form = Relaxed if relaxed else Simple
    ended = body if not body or body.endswith(b"\r\n") else body + b"\r\n"
    wanted = form.canonicalize_body(ended)
    assert body_hash(b"header" + body, 6, relaxed=relaxed) == hashlib.sha256(wanted).digest()


@given(st.binary(max_size=30), st.sampled_from([b"x\n", b"\rx", b"\r\r\n", b"x\n\r"]), st.binary(max_size=30))
def test_bare_line_ends_have_no_hash(before: bytes, bare: bytes, after: bytes) -> None:
    """A body with a bare CR or LF is not hashed."""
    with pytest.raises(BareLineEnd):
        body_hash(before + bare + after, 0, relaxed=True)


@pytest.mark.parametrize(
    "line",
    [
        b"\r\n",
        b"ab\r\n",
        b" " * 998 + b"\r\n",
        b" " * 997 + b"x\r\n",
        b" \t" * 499 + b"x\r\n",
        b"x " * 499 + b"\r\n",
        b" ",
    ],
    ids=["empty", "short", "blank", "blanks and one", "mixed", "words", "no end"],
)
def test_large_bodies_take_neither_time_nor_memory(line: bytes) -> None:
    """Megabytes made to be slow are hashed in seconds; what is not one line takes a few megabytes more."""
    message = line * (20_000_000 // len(line))
    tracemalloc.start()
    try:
        began = time.monotonic()
        body_hash(message, 0, relaxed=True)
        assert time.monotonic() - began < 10.0
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (10_000_000 if line.endswith(b"\n") else 90_000_000)


SLOW = [
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; h=from; bh=%s; b" + b"\r\n " * 1300 + b"x\r\n",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; h=from; bh=AAAA; b=AAAA" + b"\r\n A" * 900 + b"!\r\n",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; h=from" + b" " * 39 * 50 + b"x; bh=AAAA; b=AAAA\r\n",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; bh=AAAA; b=AAAA; h=from" + b":from" * 199 + b"\r\n",
    b"DKIM-Signature: " + b";" * 4000 + b"\r\n",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel; h=from; bh=AAAA; b=AAAA" + b" b=" * 900 + b"\r\n",
]


@pytest.mark.parametrize("line", SLOW)
def test_a_signature_made_to_be_slow_is_not(zone: Zone, line: bytes) -> None:
    """Signatures made for the library's patterns, as many as fit, take an instant only."""
    rest = b"X: y\r\n" * 900 + MAIL
    mail = (line * 90)[: HEADER_LIMIT - len(rest)].rpartition(b"\r\n")[0] + b"\r\n" + rest
    began = time.monotonic()
    assert check(zone, mail, message=untouched) in {Verdict.FAIL, Verdict.NONE}
    assert time.monotonic() - began < 4.0


PIECES = [
    *(
        b"v=1",
        b"a=rsa-sha256",
        b"d=example.org",
        b"s=sel",
        b"h=from",
        b"bh=AAAA",
        b"b=AAAA",
        b"c=relaxed/relaxed",
        b";",
    ),
    *(
        b"=",
        b" ",
        b"\r\n ",
        b"\r\n",
        b"\xff",
        b"\0",
        b":",
        b"i=@example.org",
        b"x=99999999999",
        b"l=1",
        b"@",
        b"\r",
        b"t=1",
    ),
]
LINE = st.lists(st.sampled_from(PIECES), max_size=25).map(lambda parts: b"DKIM-Signature:" + b"".join(parts) + b"\r\n")
RECORDS = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=120).map(lambda key: b"p=" + base64.b64encode(b"\x30" + key)),
    st.lists(st.sampled_from([b"v=DKIM1", b";", b"k=", b"rsa", b"ed25519", b"p=", b"h=", b"t=y", b"s=", b"\0"])).map(
        b"".join
    ),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.one_of(st.binary(max_size=200), LINE), RECORDS)
def test_any_header_and_any_key_have_a_verdict(server: Zone, top: bytes, record: bytes) -> None:
    """Whatever octets stand in a header and in the DNS, the check ends in a verdict that is no pass."""
    server.clear()
    server.add(KEY, "TXT", record)
    good = sign(MAIL, a_key())
    for mail in (top + MAIL, top, good, good[:20] + top + good[20:], good.replace(b"v=1;", top.strip(b"\r\n"))):
        assert check(server, mail) != Verdict.PASS


def test_bits_that_flip_are_failures(zone: Zone) -> None:
    """A mail with any one octet of its signed parts changed does not pass."""
    mail = sign(MAIL, a_key(), forms="simple/simple", tags=f"x={NOW + 60}")
    chosen = random.Random(6376)
    for _ in range(300):
        at = chosen.randrange(len(mail))
        other = mail[:at] + bytes([mail[at] ^ 1 << chosen.randrange(8)]) + mail[at + 1 :]
        if check(zone, other) == Verdict.PASS:
            # white space within b= is no part of it, names of fields have no case: only these may differ
            assert at < mail.index(b"From:") or mail[at : at + 1].lower() == other[at : at + 1].lower()


async def test_a_mail_without_a_signature_is_none(prover: Prover, zone: Zone) -> None:
    """Without the field in the header nothing is asked and nothing fetched, whatever the body holds."""
    for head in (
        MAIL,
        b"",
        b"X-DKIM-Signature: v=1\r\n\r\n",
        MAIL + sign(MAIL, a_key()),
        b"\r\n\r\n" + sign(MAIL, a_key()),
    ):
        assert await prover.dkim(head=head, message=untouched, sender=SENDER) == Verdict.NONE
    for sender in ("", "alice", "alice@[192.0.2.7]"):
        for head in (sign(MAIL, a_key()), b"odd\r\n" + sign(MAIL, a_key())):
            assert await prover.dkim(head=head, message=untouched, sender=sender) == Verdict.NONE
    odd = b"odd\r\n" + MAIL + sign(MAIL, a_key())
    assert await prover.dkim(head=odd, message=untouched, sender=SENDER) == Verdict.NONE
    assert zone.asked == []


async def test_no_more_of_the_header_is_read_than_the_limit(prover: Prover) -> None:
    """A header that goes on beyond the limit is a failure, also where the caller hands over more."""
    mail = sign(MAIL, a_key(), names="from")
    for size, verdict in ((0, Verdict.PASS), (HEADER_LIMIT, Verdict.FAIL)):
        head, _, body = mail.partition(b"\r\n\r\n")
        whole = head + b"\r\nX: " + b"y" * size + b"\r\n\r\n" + body
        assert await prover.dkim(head=whole, message=lambda whole=whole: whole, sender=SENDER) == verdict  # type: ignore[misc]


async def test_a_message_is_fetched_once_and_beside_the_loop(prover: Prover) -> None:
    """The message is asked for once, in a thread, and only so many at a time."""
    mail = sign(sign(MAIL, a_key()), a_key(), names="from", tags="n=again")
    mail = mail.replace(b"One", b"Two")
    under_way, most, times = 0, 0, 0

    def message() -> bytes:
        nonlocal under_way, most, times
        under_way, times = under_way + 1, times + 1
        most = max(most, under_way)
        time.sleep(0.05)
        under_way -= 1
        return mail

    verdicts = await asyncio.gather(*(prover.dkim(head=mail, message=message, sender=SENDER) for _ in range(6)))
    assert set(verdicts) == {Verdict.FAIL}
    assert times == 6
    assert most == proof.DKIM_AT_ONCE


async def test_the_clock_decides_what_has_expired(zone: Zone) -> None:
    """A signature passes until the moment it says, by the clock the prover was given."""

    class Stopped(SystemClock):
        def now(self) -> datetime:
            return datetime.fromtimestamp(self.at, UTC)

        at = NOW

    clock = Stopped()
    prover = Prover(clock, zone.nameserver)
    mail = sign(MAIL, a_key(), tags=f"x={NOW + 60}")
    assert await prover.dkim(head=mail, message=lambda: mail, sender=SENDER) == Verdict.PASS
    clock.at = NOW + 60
    assert await prover.dkim(head=mail, message=lambda: mail, sender=SENDER) == Verdict.FAIL
    prover.close()


def test_the_librarys_inner_names_are_there() -> None:
    """What the check calls within the library is there, and leaves the body alone without its hash."""
    assert callable(dkim.validate_signature_fields)
    made = dkim.DKIM(minkey=1024)
    made.headers, made.body = [], None
    made.pk, made.keysize, made.ktag, made.seqtlsrpt = dkim.evaluate_pk("x", a_key().record())
    tags = {b"a": b"rsa-sha256", b"b": b"AAAA", b"c": b"relaxed/relaxed"}
    assert made.verify_sig_process(tags, [b"from"], (b"DKIM-Signature", b" b=AAAA\r\n"), None) is False
