"""Mail addresses, in ASCII and beyond it (RFC 5321, RFC 6531), and how they stand in a field."""

from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given, strategies as st

from bridge.fax.options import is_mail_address
from bridge.mail import fields

BEYOND = (
    "josé@example.org",
    "傳真@例子.example",
    "müller@xn--mnchen-3ya.example",
    '"jo sé"@example.org',
    "info@münchen.de",
)


@pytest.mark.parametrize("address", BEYOND)
def test_an_address_beyond_ascii(address: str) -> None:
    """An address of RFC 6531 is one where such are asked for, and nowhere else."""
    assert is_mail_address(address, utf8=True)
    assert not is_mail_address(address)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "jose\u0301@example.org",
            "info@\uff45xample.org",
            "info@example\u017f.org",
            "info@example\u3002org",
            "info@exa\u00admple.org",
        ),
        *("jo\u00a0sé@example.org", "jo\u202esé@example.org", "jo\u200bsé@example.org", "jo sé@example.org", "josé"),
        *("jos\ud8ffé@example.org", "josé@", "@éxample.org", "josé@exa mple.org", "josé\r\n@example.org", "é@[é]"),
        *(
            "a@é..example",
            "é@-example.org",
            "a@😀.example",
            "é" * 122 + "@example.org",
            "Jos <é@b>",
            "é@b, c@d",
            "é;@b",
        ),
    ],
)
def test_no_address_beyond_ascii(text: str) -> None:
    """What cannot be seen, can be written in two ways, is too long in octets, or is no address otherwise, is none."""
    assert not is_mail_address(text, utf8=True)


def test_the_length_counts_in_octets() -> None:
    """An address may have 254 octets in UTF-8."""
    assert is_mail_address("é" * 121 + "@example.org", utf8=True)
    assert len(("é" * 121 + "@example.org").encode()) == 254


@given(st.text(st.characters(max_codepoint=127), max_size=30))
def test_in_ascii_both_grammars_are_one(text: str) -> None:
    """Of a text in ASCII both say the same."""
    assert is_mail_address(text) == is_mail_address(text, utf8=True)


@given(st.one_of(st.text(max_size=20), st.text("é.@\u0301\u200b ", max_size=12)).map("{}@example.org".format))
def test_what_is_taken_can_be_written(text: str) -> None:
    """Whatever is taken for an address has one line, can be seen, and fits on a command line of SMTP."""
    if is_mail_address(text, utf8=True):
        assert text.isprintable()
        assert len(text.encode()) <= 254


@pytest.mark.parametrize("address", [*BEYOND, "é" * 121 + "@example.org"])
def test_it_can_be_read_in_a_field_of_ascii(address: str) -> None:
    """In a field it stands as the name of an empty group: ASCII, well folded, and readable again."""
    written = fields.address("To", address)
    assert written.isascii()
    assert written.endswith(b":;\r\n")
    assert max(map(len, written.split(b"\r\n"))) <= 78
    read = message_from_bytes(written + b"\r\n", policy=default)["To"]
    assert not read.addresses
    (group,) = read.groups
    # the standard library parts the encoded words of a name by spaces, which RFC 2047, 6.2, does not
    assert group.display_name.replace(" ", "") == address.replace(" ", "")
