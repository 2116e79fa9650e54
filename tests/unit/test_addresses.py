import pytest
from hypothesis import given, strategies as st

from bridge.errors import NotAFaxNumber
from bridge.fax import numbers
from bridge.fax.addresses import FaxNumber, Mailbox, OwnMailbox, read_local_part

LOCAL = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from('+1450235 ()-./="\\FAXfax;T3S\u0661\uff11'), max_size=40),
    st.from_regex(r'"?(FAX=)?\+?1?\(?415\)?[ .-]?555[ .-]?01[0-9]{2}(/[A-Z0-9]+=[a-z0-9]*)?"?', fullmatch=True),
)


@pytest.mark.parametrize(
    "local",
    [
        *("+14155550123", "14155550123", "4155550123", "(415)555-0123", "415.555.0123", "+1-415-555-0123"),
        *("FAX=+14155550123", "fax=+14155550123", "Fax=4155550123", '"(415) 555-0123"', '"FAX=+1 415 555 0123"'),
        '"\\+1415\\5550123"',
    ],
)
def test_a_number_is_read(local: str) -> None:
    """A number as people write it, FAX= before it, quotes around it: all mean the same fax."""
    assert read_local_part(local, "US") == FaxNumber("+14155550123")


@pytest.mark.parametrize(
    "local",
    [
        *("", "FAX=", "fax", "info", "john.doe", "john4155550123", "4155550123john", "VOICE=+14155550123", "FAX+1415"),
        *("FAX=FAX=+14155550123", "FAX =+14155550123", "FAX=+14155550123@", "+14155550123,+14155550124", '"', '""'),
        *('"415"5550123', '4155550123"', "FAX=+14155550123/", "FAX=+14155550123/T33S=1234", "+14155550123/ATTN=John"),
        *("4155550123/4155550124", "postmaster+x", "postmaster2", "bounce", "bounce+", "reply", "preview+x", "abuse-x"),
        *("+14155550123 /x=1", "FAX=\uff0b14155550123", "bounce+UPPER.x", "bounce+" + "a" * 65, "\u212aabuse"),
    ],
    ids=repr,
)
def test_what_is_not_understood_is_refused(local: str) -> None:
    """Anything else is refused; nothing is picked out of it."""
    with pytest.raises(NotAFaxNumber):
        read_local_part(local, "US")


def test_sub_addresses_are_refused_with_their_reason() -> None:
    """A T33S sub-address cannot be carried, and the refusal says so."""
    with pytest.raises(NotAFaxNumber, match="sub-address"):
        read_local_part("FAX=+14155550123/T33S=42", "US")


@pytest.mark.parametrize(
    ("local", "mailbox", "token"),
    [
        ("postmaster", Mailbox.POSTMASTER, ""),
        ("PostMaster", Mailbox.POSTMASTER, ""),
        ('"postmaster"', Mailbox.POSTMASTER, ""),
        ("abuse", Mailbox.ABUSE, ""),
        ("preview", Mailbox.PREVIEW, ""),
        ("bounce+abc123", Mailbox.BOUNCE, "abc123"),
        ("BOUNCE+ABC123", Mailbox.BOUNCE, "abc123"),
        ("reply+0z", Mailbox.REPLY, "0z"),
    ],
)
def test_our_own_mailboxes(local: str, mailbox: Mailbox, token: str) -> None:
    """Our own mailboxes are known in any case of letters, with the token in lower case."""
    assert read_local_part(local, "US") == OwnMailbox(mailbox, token)


@given(LOCAL)
def test_digits_are_never_glued(local: str) -> None:
    """Whatever stands before the @ is refused, ours, or a number with the digits as they stood, in their order."""
    try:
        wanted = read_local_part(local, "US")
    except NotAFaxNumber as error:
        assert error.smtp.isascii() and error.smtp.isprintable()  # noqa: PT017, PT018 - a reply line, whatever it says
        return
    if isinstance(wanted, FaxNumber):
        assert numbers.is_e164(wanted.number)
        written = "".join(char for char in local if char in "0123456789")
        assert written.endswith(wanted.number[-7:])
        assert "/" not in local
        assert not set(local) - set('+0123456789 ().-"\\FAXfax=')
