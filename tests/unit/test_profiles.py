"""What a strict listener insists on, and what a legacy one forgives."""

import pytest
from hypothesis import given, strategies as st

from bridge.intake.envelopes import BadSyntax
from bridge.intake.options import Profile
from bridge.intake.profiles import BadForm, LinesTooLong, check_form, check_greeting
from bridge.mail.headers import read_headers

NAMES = [
    *("client.example.org", "localhost", "COPIER-3", "a", "x1", "ward_3.clinic.example", "copier_7", "mx.example.org."),
    *("[192.0.2.1]", "[IPv6:2001:db8::1]", "[ipv6:::1]", "3com.example.net", "1.2.3.4.example", "a" * 255),
]
NO_NAMES = [
    *(None, "", "192.0.2.1", "2001:db8::1", "a b", "a..b", ".a", "-a", "a-", "a.-b", "caf\u00e9.example", "(a)", "<a>"),
    *(
        "[192.0.2.1",
        "192.0.2.1]",
        "[]",
        "[fax.local]",
        "a\0b",
        "a\x07",
        "a" * 256,
        "a,b",
        "a@b",
        "10",
        "1.2",
        "a.b..",
        "[IPv6:]",
    ),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("profile", Profile)
def test_a_name_is_a_greeting(name: str, profile: Profile) -> None:
    """A domain (with the underscores people use), or an address literal, is right for both profiles."""
    check_greeting("EHLO", name, profile)


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_no_greeting_for_strict(name: str | None) -> None:
    """Nothing, a bare address, words, odd dots: strict says how a greeting is written, legacy takes it."""
    with pytest.raises(BadSyntax) as caught:
        check_greeting("HELO", name, Profile.STRICT)
    assert caught.value.smtp.startswith("501 5.5.4 write HELO and this machine's name")
    check_greeting("HELO", name, Profile.LEGACY)


@given(st.one_of(st.none(), st.text(max_size=300)))
def test_any_greeting_is_taken_or_refused(name: str | None) -> None:
    """Whatever a client calls itself, the answer is yes, or one line of ours without it."""
    check_greeting("EHLO", name, Profile.LEGACY)
    try:
        check_greeting("EHLO", name, Profile.STRICT)
    except BadSyntax as error:
        said = error.smtp
    else:
        assert name is not None
        assert name.isascii()
        return
    assert said == "501 5.5.4 write EHLO and this machine's name, or its address in brackets: EHLO [192.0.2.1]"


DATE, MESSAGE_ID = b"Date: Mon, 23 Nov 2026 08:15:30 +0000\r\n", b"Message-ID: <1@client.example.org>\r\n"


@pytest.mark.parametrize(
    "head", [DATE + MESSAGE_ID, MESSAGE_ID.lower() + b"Subject: x\r\n" + DATE.upper(), b"Date:\r\nMessage-ID:\r\n"]
)
def test_both_fields_are_form_enough(head: bytes) -> None:
    """Date and Message-ID are there, in any case and order, whatever they hold."""
    check_form(read_headers(head + b"\r\nText\r\n"), too_long=False)


@pytest.mark.parametrize(
    ("head", "missing"),
    [
        (b"", "Date"),
        (MESSAGE_ID, "Date"),
        (DATE, "Message-ID"),
        (DATE + b"\r\n" + MESSAGE_ID, "Message-ID"),
        (b"Resent-Date: x\r\nX-Message-ID: y\r\n", "Date"),
        (DATE + b" Message-ID: <folded@example.org>\r\n", "Message-ID"),
    ],
)
def test_a_field_that_is_missing_is_named(head: bytes, missing: str) -> None:
    """Without Date or Message-ID in the header a mail is refused with 550 5.6.0; the text names what is missing."""
    with pytest.raises(BadForm) as caught:
        check_form(read_headers(head + b"\r\nText\r\n"), too_long=False)
    assert caught.value.smtp.startswith(f"550 5.6.0 the mail has no {missing} field")
    assert "profile legacy" in caught.value.smtp


def test_long_lines_are_bad_form() -> None:
    """A mail with lines over the limit is refused with 554 5.6.0, and told where it would be taken."""
    with pytest.raises(LinesTooLong) as caught:
        check_form(read_headers(DATE + MESSAGE_ID + b"\r\n"), too_long=True)
    assert caught.value.smtp.startswith("554 5.6.0 the mail has lines of more than 998 octets")
    assert "profile legacy" in caught.value.smtp
