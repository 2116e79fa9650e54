import string

import pytest
from hypothesis import example, given, strategies as st

from bridge.mail.alignment import aligned, read_domain, sender_domain
from bridge.mail.headers import Headers, read_headers
from bridge.mail.results import VALUE_LIMIT, Results, proves, read_results

FRONT = "mx.example.net"
SENDER = "alice@example.org"
SIGNED = 'dkim=pass reason="good; spf=pass" header.i=@example.org header.b="a/b="'
OTHERS = "iprev=pass policy.iprev=192.0.2.1; dmarc=pass header.from=example.org"


def results(value: str | bytes, front: str = FRONT) -> Results | None:
    """What one field says."""
    raw = value if isinstance(value, bytes) else value.encode()
    return read_results(Headers((("authentication-results", raw),)), front)


def believed(value: str, sender: str = SENDER) -> bool:
    """Whether one field proves the sender."""
    found = results(value)
    return found is not None and proves(found, sender, addressed=True)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("mx.example.net; none", Results()),
        ("mx.example.net 1; none", Results()),
        (f"mx.example.net; spf=pass smtp.mailfrom={SENDER}", Results(spf_sender=SENDER)),
        ("mx.example.net; spf=pass smtp.mailfrom=example.org", Results(spf_sender="example.org")),
        ("MX.Example.NET ; SPF = Pass SMTP . MailFrom = example.org", Results(spf_sender="example.org")),
        ('"mx.example.net"; spf=pass smtp.mailfrom="alice@example.org"', Results(spf_sender=SENDER)),
        (f"(a (b) \\( c) mx.example.net (d) 1 (e) ; (f) spf (g) /1 = pass (h) smtp.mailfrom={SENDER} (i)", SENDER),
        ("mx.example.net; dkim=pass header.d=example.org", Results(dkim_domains=("example.org",))),
        ("mx.example.net; dkim=pass header.i=@Example.Org", Results(dkim_domains=("example.org",))),
        ("mx.example.net; dkim=pass header.i=a@sub.example.org header.d=example.org", ("example.org",)),
        ("mx.example.net; dkim=pass header.d=a.example header.s=x; dkim=pass header.d=b.example", None),
        ("mx.example.net; auth=pass (PLAIN) smtp.auth=alice smtp.mailfrom=a@b.example", Results(login="alice")),
        ('mx.example.net; auth=pass smtp.auth="alice in wonderland"', Results(login="alice in wonderland")),
        (
            f"mx.example.net; {SIGNED}; {OTHERS}; spf=pass (domain of x) smtp.mailfrom=prvs=1/x=alice@example.org",
            Results(spf_sender="prvs=1/x=alice@example.org", dkim_domains=("example.org",)),
        ),
        ('mx.example.net; spf=pass smtp.mailfrom="a b"@example.org', Results(spf_sender='"a b"@example.org')),
    ],
)
def test_what_the_grammar_allows_is_read(value: str, wanted: object) -> None:
    """A field of RFC 8601 is read: versions, comments within comments, quoted strings, white space at every place."""
    found = results(value)
    assert found is not None
    match wanted:
        case Results():
            assert found == wanted
        case str():
            assert found == Results(spf_sender=wanted)
        case tuple():
            assert found == Results(dkim_domains=wanted)
        case _:
            assert found == Results(dkim_domains=("a.example", "b.example"))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "mx.example.net",
        "mx.example.net;",
        "mx.example.net; ",
        "mx.example.net; spf",
        "mx.example.net; spf=",
        "mx.example.net; spf=pass; ",
        "mx.example.net; spf=pass;",
        "mx.example.net; none; spf=pass smtp.mailfrom=example.org",
        "mx.example.net; spf=pass smtp.mailfrom=example.org; none",
        "mx.example.net 2; spf=pass smtp.mailfrom=example.org",
        "mx.example.net 1 1; spf=pass smtp.mailfrom=example.org",
        "mx.example.net/1; spf=pass smtp.mailfrom=example.org",
        "mx.example.net; spf/2=pass smtp.mailfrom=example.org",
        "mx.example.net; spf=pass smtp.mailfrom=example.org smtp.mailfrom=evil.example",
        "mx.example.net; spf=pass smtp.mailfrom=example.org SMTP.MailFrom=example.org",
        "mx.example.net; spf=pass smtp.mailfrom=",
        "mx.example.net; spf=pass smtp.mailfrom=; dkim=pass",
        "mx.example.net; spf=pass smtp.mailfrom",
        "mx.example.net; spf=pass smtp=example.org",
        "mx.example.net; spf=pass smtp.mailfrom=<alice@example.org>",
        "mx.example.net; spf=pass smtp.mailfrom=a,b@example.org",
        "mx.example.net; spf=pass smtp.mailfrom=example.org reason=late",
        "mx.example.net; spf=pass reason=one reason=two smtp.mailfrom=example.org",
        "mx.example.net; spf=pass (smtp.mailfrom=example.org",
        "mx.example.net; spf=pass ) smtp.mailfrom=example.org",
        'mx.example.net; spf=pass smtp.mailfrom="example.org',
        'mx.example.net; spf=pass smtp.mailfrom="example.org\\"',
        'mx.example.net; spf=pass smtp.mailfrom="a""b"',
        "mx.example.net; spf=pass(x)(y)smtp.mailfrom=example.org (z\\",
        "mx.example.net; spf=pass smtp.mailfrom=\xe4@example.org",
        "mx.example.net; spf=pass smtp.mailfrom=ехample.org",  # noqa: RUF001 - Cyrillic, which looks the same
        "mx.example.net; ѕpf=pass smtp.mailfrom=example.org",  # noqa: RUF001 - Cyrillic
        "mx.example.net; spf=pass smtp.mailfrom=example.org\x0b",
        "mx.example.net; spf=pass smtp.mailfrom=example.org\0",
        "mx.example.net; spf=pass (\xe4) smtp.mailfrom=example.org",
        'mx.example.net; spf=pass reason="\x07" smtp.mailfrom=example.org',
        'mx.example.net; spf=pass"x" smtp.mailfrom=example.org',
        "mx.example.net; -spf=pass smtp.mailfrom=example.org",
        "mx.example.net, mx.example.org; spf=pass smtp.mailfrom=example.org",
        "mx.example.net" + "(" * 9 + ")" * 9 + "; spf=pass smtp.mailfrom=example.org",
        "mx.example.net" + "; x=y" * 51,
        "mx.example.net; spf=pass smtp.mailfrom=example.org" + " " * VALUE_LIMIT,
        "spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org",
    ],
)
def test_what_is_odd_is_not_read(value: str) -> None:
    """A field that departs from the grammar anywhere says nothing at all."""
    assert results(value) is None


@pytest.mark.parametrize(
    "value",
    [
        # words in places where they say nothing
        f"mx.example.net; spf=fail (spf=pass smtp.mailfrom={SENDER}) smtp.mailfrom={SENDER}",
        f"mx.example.net; spf=fail (\\) ; spf=pass smtp.mailfrom={SENDER}) smtp.mailfrom={SENDER}",
        f"mx.example.net; spf=fail ((a) ; spf=pass smtp.mailfrom={SENDER}) smtp.mailfrom={SENDER}",
        f'mx.example.net; spf=fail reason="; spf=pass smtp.mailfrom={SENDER}" smtp.mailfrom={SENDER}',
        f'mx.example.net; spf=fail reason="\\"; spf=pass smtp.mailfrom={SENDER};" smtp.mailfrom={SENDER}',
        'mx.example.net; spf=pass smtp.mailfrom="; dkim=pass header.d=example.org; x=y"@evil.example',
        f'mx.example.net; spf=pass smtp.mailfrom="x {SENDER}"',
        "mx.example.net; dmarc=pass header.from=example.org",
        f"mx.example.net; dkim=pass header.from={SENDER} header.s=example.org",
        f"mx.example.net; spf=pass smtp.rcptto={SENDER}",
        f"mx.example.net; spf=pass smtp.helo=example.org policy.mailfrom={SENDER}",
        f"mx.example.net; x-spf=pass smtp.mailfrom={SENDER}",
        "mx.example.net; spf=pass smtp.mailfrom=example.org/dkim=pass header.d=example.org",
        # what contradicts itself
        f"mx.example.net; spf=pass smtp.mailfrom={SENDER}; spf=fail smtp.mailfrom={SENDER}",
        f"mx.example.net; spf=softfail smtp.mailfrom={SENDER}; spf=pass smtp.mailfrom={SENDER}",
        f"mx.example.net; spf=pass smtp.mailfrom={SENDER}; spf=pass smtp.mailfrom=evil.example",
        f"mx.example.net; spf=pass smtp.mailfrom={SENDER}; spf=none",
        "mx.example.net; dkim=pass header.d=example.org; dkim=fail header.d=EXAMPLE.org",
        "mx.example.net; dkim=pass header.d=example.org; dkim=fail",
        "mx.example.net; dkim=pass header.d=evil.example header.i=@example.org",
        "mx.example.net; dkim=pass header.d=example.org header.i=@evil.example",
        "mx.example.net; dkim=pass header.d=example.org header.i=@notexample.org",
        # results that are no pass
        *(f"mx.example.net; spf={word} smtp.mailfrom={SENDER}" for word in ("softfail", "neutral", "none", "policy")),
        *(f"mx.example.net; dkim={word} header.d=example.org" for word in ("fail", "neutral", "none", "passed")),
        # somebody else
        "mx.example.net; spf=pass smtp.mailfrom=bob@example.org",
        "mx.example.net; spf=pass smtp.mailfrom=alice@sub.example.org",
        "mx.example.net; spf=pass smtp.mailfrom=sub.example.org",
        "mx.example.net; spf=pass smtp.mailfrom=org",
        "mx.example.net; spf=pass smtp.mailfrom=@example.org",
        "mx.example.net; spf=pass smtp.mailfrom=alice@example.org@evil.example",
        "mx.example.net; spf=pass smtp.mailfrom=example.org.",
        'mx.example.net; spf=pass smtp.mailfrom=""',
        "mx.example.net; dkim=pass header.d=org",
        "mx.example.net; dkim=pass header.d=sub.example.org",
        "mx.example.net; dkim=pass header.d=ample.org",
        "mx.example.net; dkim=pass header.d=xn--exmple-cua.org",
        "mx.example.net; dkim=pass header.d=example.org.evil.example",
    ],
)
def test_a_sender_is_not_proved_by_what_only_looks_like_it(value: str) -> None:
    """No comment, reason, quoted string, other method, other property, contradiction or neighbour proves a sender."""
    assert not believed(value)


def test_a_sender_is_proved() -> None:
    """SPF for the address or its domain proves it, and so does a signature of its domain or of one above."""
    assert believed("mx.example.net; spf=pass smtp.mailfrom=alice@EXAMPLE.org")
    assert believed("mx.example.net; spf=pass smtp.mailfrom=example.org")
    assert believed("mx.example.net; dkim=fail header.d=list.example; dkim=pass header.d=example.org")
    assert believed("mx.example.net; dkim=pass header.d=example.org", "alice@mail.example.org")


@pytest.mark.parametrize(
    "sender", ["", "example.org", "@example.org", "alice@[192.0.2.1]", "alice@org", "a@b@example.org"]
)
def test_no_sender_is_never_proved(sender: str) -> None:
    """The null sender and what is no address are not proved, whatever the peer in front says."""
    spf = Results(spf_sender=sender, dkim_domains=("example.org", sender))
    assert not proves(spf, sender, addressed=True)
    assert not proves(Results(spf_sender="", dkim_domains=("",)), sender, addressed=True)


GOOD = f"Authentication-Results: mx.example.net; spf=pass smtp.mailfrom={SENDER}"
NOTHING = "Authentication-Results: mx.example.net; none"


@pytest.mark.parametrize(
    ("lines", "proved"),
    [
        ([GOOD, "Received: one", "Received: two"], True),
        (["Received: one", GOOD, "Received: two"], True),
        (["Received: one", "Received: two", GOOD], False),
        (["received: one", "RECEIVED : two", GOOD], False),
        ([NOTHING, GOOD], False),
        ([GOOD, NOTHING], True),
        (["Authentication-Results: mx.example.net; odd", GOOD], False),
        (["Authentication-Results: mx.example.net", GOOD], False),
        (["Authentication-Results: \xff; none", GOOD], False),
        (["Authentication-Results:", GOOD], False),
        (["Authentication-Results: other.example; spf=pass smtp.mailfrom=\xff", GOOD], True),
        (["Authentication-Results: other.example; odd", GOOD], True),
        (["Authentication-Results: mx.example.net.evil.example; none", GOOD], True),
        (["Authentication-Results: (mx.example.net; none) other.example; none", GOOD], True),
        (["X-Authentication-Results: mx.example.net; none", GOOD], True),
        (["ARC-Authentication-Results: i=1; mx.example.net; spf=pass smtp.mailfrom=alice@example.org"], False),
        (["Subject: x", "Authentication-Results: mx.example.net;", f"\tspf=pass smtp.mailfrom={SENDER}"], True),
        (["Subject: x", "", GOOD], False),
        ([GOOD + " " * 30_000 + "; spf=fail"], False),
        ([GOOD + " (" + "x" * 30_000 + "); spf=fail"], False),
        ([GOOD.replace("mx.example.net", "other.example")], False),
        ([GOOD.replace("mx.example.net", "mx.example.net.")], False),
    ],
)
def test_only_the_topmost_field_of_the_peer_in_front_counts(lines: list[str], proved: bool) -> None:
    """The first field under its name counts, above the second Received; one that cannot be read ends the search."""
    found = read_results(read_headers("\r\n".join([*lines, "", "text"]).encode("latin-1")), FRONT)
    assert (found is not None and proves(found, SENDER, addressed=True)) == proved


def test_without_a_name_nothing_counts() -> None:
    """Where no name is configured, no field counts, not even one without a name."""
    assert results("mx.example.net; none", "") is None
    assert results('""; spf=pass smtp.mailfrom=example.org', "") is None
    assert results("; spf=pass smtp.mailfrom=example.org", "") is None


PIECES = [
    *("mx.example.net", ";", "spf", "dkim", "auth", "=", "pass", "fail", "smtp.mailfrom", "header.d", "header.i"),
    *("example.org", SENDER, "none", " ", "\t", "(", ")", '"', "\\", "reason", "/", "1", ".", "@", "\xff", "\0"),
]
PLAUSIBLE = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(st.one_of(st.binary(max_size=200), PLAUSIBLE.map(lambda text: f"mx.example.net; {text}".encode("latin-1"))))
@example(b"mx.example.net" + b"(" * 7000)
@example(b"mx.example.net;" + b" (a)" * 1900)
def test_any_octets_are_read_or_not(value: bytes) -> None:
    """Whatever a field holds, it is read or it is not, and what is proved is bounded and was written there."""
    found = results(value)
    if found is None:
        return
    text = value.decode("ascii")
    for name in (found.spf_sender, found.login):
        assert name is None or (0 < len(name) <= 254 and (name in text or "\\" in text))
    assert all(read_domain(domain) == domain and domain in text.lower() for domain in found.dkim_domains)
    if proves(found, SENDER, addressed=True):
        assert "pass" in text
        assert "example.org" in text


COMMENT = st.text(st.sampled_from(string.ascii_letters + " ;=.@"), max_size=30).map(lambda text: f" ({text}) ")


@given(st.lists(COMMENT, min_size=4, max_size=4), st.sampled_from(["pass", "fail", "softfail"]))
def test_comments_change_nothing(comments: list[str], result: str) -> None:
    """What stands in comments neither proves nor takes away proof."""
    one, two, three, four = comments
    value = f"{one}mx.example.net{two}; spf={result}{three}smtp.mailfrom={SENDER}{four}"
    assert results(value) == Results(spf_sender=SENDER if result == "pass" else None)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_a_quoted_value_stays_a_value(text: str) -> None:
    """A stranger's text in a quoted string of the peer's is nothing but the value it stands in."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    found = results(
        f'mx.example.net; dkim=none reason="{quoted}"; spf=fail smtp.mailfrom="{quoted}"; '
        f'auth=pass smtp.auth="{quoted}"'
    )
    assert found == Results(login=text or None)


@pytest.mark.parametrize(
    ("domain", "sender", "speaks"),
    [
        ("example.org", "a@example.org", True),
        ("EXAMPLE.org", "a@Example.ORG", True),
        ("example.org", "a@mail.example.org", True),
        ("example.org", "a@x.y.example.org", True),
        ("mail.example.org", "a@example.org", False),
        ("example.org", "a@notexample.org", False),
        ("org", "a@example.org", False),
        ("", "a@example.org", False),
        (".", "a@example.org", False),
        (".example.org", "a@mail.example.org", False),
        ("example.org.", "a@example.org", False),
        ("co.uk", "a@example.co.uk", False),
        ("com.au", "a@example.com.au", False),
        ("example.co.uk", "a@example.co.uk", True),
        ("example.co.uk", "a@mail.example.co.uk", True),
        ("exa_mple.org", "a@exa_mple.org", True),
        ("0.2.1", "a@192.0.2.1", False),
        ("example.org", "a@[192.0.2.1]", False),
        ("example.org", '"x@evil.example"@example.org', True),
        ("evil.example", '"x@evil.example"@example.org', False),
        ("example.org", "example.org", False),
        ("example.org", "", False),
        ("example.org", "a@b@example.org", False),
        ("ex\xe4mple.org", "a@ex\xe4mple.org", False),
        ("\u212aexample.org", "a@kexample.org", False),
        ("example.org\n", "a@example.org", False),
        (f"{'a' * 64}.org", f"a@{'a' * 64}.org", False),
    ],
)
def test_a_domain_speaks_for_itself_and_those_below(domain: str, sender: str, speaks: bool) -> None:
    """A domain speaks for its own addresses and those below it, never for those above, beside or at a public suffix."""
    assert aligned(domain, sender) == speaks


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_texts_are_aligned_or_not(domain: str, sender: str) -> None:
    """Any two texts are aligned or not; those that are have a domain each, and the proved one ends the other."""
    if aligned(domain, sender):
        assert f".{sender_domain(sender)}".endswith(f".{read_domain(domain)}")


def test_a_signature_counts_for_those_it_is_addressed_to() -> None:
    """A mail that is not addressed to its recipients may have been sent on by anybody: its signature proves nothing."""
    signed, checked = Results(dkim_domains=("example.org",)), Results(spf_sender=SENDER)
    assert proves(signed, SENDER, addressed=True)
    assert not proves(signed, SENDER, addressed=False)
    assert proves(checked, SENDER, addressed=False)
