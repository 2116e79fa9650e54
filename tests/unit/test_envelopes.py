import pytest
from hypothesis import given, strategies as st

from bridge.fax.addresses import Mailbox, OwnMailbox
from bridge.intake.envelopes import (
    ADDRESS_LIMIT,
    BadSyntax,
    FaxEnvelope,
    FaxRecipient,
    OwnRecipient,
    read_path,
)


@pytest.mark.parametrize(
    ("argument", "verb", "address", "parameters"),
    [
        ("FROM:<a@example.org>", "FROM", "a@example.org", {}),
        ("from:<a@example.org>", "FROM", "a@example.org", {}),
        ("FROM: <a@example.org> ", "FROM", "a@example.org", {}),
        ("FROM:a@example.org", "FROM", "a@example.org", {}),
        ("FROM:<>", "FROM", "", {}),
        ("FROM:<a@example.org> SIZE=10 body=8BITMIME", "FROM", "a@example.org", {"SIZE": "10", "BODY": "8BITMIME"}),
        ("TO:<(415)555-0123@fax.local>", "TO", "(415)555-0123@fax.local", {}),
        ('TO:<"(415) 555-0123"@fax.local>', "TO", '"(415) 555-0123"@fax.local', {}),
        ("TO:<FAX=+14155550123@fax.local>", "TO", "FAX=+14155550123@fax.local", {}),
        ("TO:<postmaster>", "TO", "postmaster", {}),
        ("TO:<@one.example,@two.example:+14155550123@fax.local>", "TO", "+14155550123@fax.local", {}),
        ("TO:<a@b> X", "TO", "a@b", {"X": ""}),
        ("TO:<a@b> X=Y=Z", "TO", "a@b", {"X": "Y=Z"}),
    ],
)
def test_a_path_is_read(argument: str, verb: str, address: str, parameters: dict[str, str]) -> None:
    """The address stands between angle brackets, parameters follow after a space, a source route is passed over."""
    assert read_path(argument, verb) == (address, parameters)


@pytest.mark.parametrize(
    "argument",
    [
        *(
            None,
            "",
            "FROM",
            "FROM:",
            "<a@b>",
            "a@b",
            "FORM:<a@b>",
            "FROM<a@b>",
            "FROM:<a@b",
            "FROM:a@b>",
            "FROM:<a@b>x",
        ),
        *("FROM:<a@b>SIZE=1", "FROM:<<a@b>>", "FROM:<a>b@c>", "FROM:<a\r\nb@c>", "FROM:<a\nRCPT TO:<x@y>", "TO:<a@b>"),
        *("FROM:<a\x00@b>", "FROM:<a\x7f@b>", "FROM:<a\x1b[2J@b>", "FROM:<a\u2028@b>", f"FROM:<{'a' * 400}@b>"),
        *("FROM :<a@b>", " : <a@b>", "FROM:<@route.example:>", "FROM:<a@b> \x00"),
    ],
    ids=repr,
)
def test_what_is_no_path_is_refused(argument: str | None) -> None:
    """Anything else is bad syntax: no bracket, one too many, the other verb, control characters, an endless address."""
    with pytest.raises(BadSyntax) as caught:
        read_path(argument, "FROM")
    assert caught.value.smtp.startswith("501 5.5.4 ")


@given(st.one_of(st.none(), st.text(max_size=80), st.text(max_size=60).map(lambda text: f"FROM:<{text}>{text}")))
def test_any_argument_is_read_or_refused(argument: str | None) -> None:
    """Whatever stands after the command, it is read or refused, and what is read is short and printable."""
    try:
        address, parameters = read_path(argument, "FROM")
    except BadSyntax:
        return
    assert len(address) <= ADDRESS_LIMIT
    assert address.isprintable()
    assert not set(address) & set("<>\r\n")
    assert all(name == name.upper() and " " not in value for name, value in parameters.items())


def test_a_parameter_is_given_once() -> None:
    """The same name twice is bad syntax, in whatever case: nobody has to guess which of them counts."""
    with pytest.raises(BadSyntax, match="size is given twice"):
        read_path("FROM:<a@b> SIZE=1 BODY=7BIT size=2", "FROM")


def test_names_of_parameters_are_capitals_and_values_are_as_given() -> None:
    """``envid=aB`` is the parameter ENVID with the value aB."""
    assert read_path("FROM:<> envid=aB Ret=hdrs", "FROM") == ("", {"ENVID": "aB", "RET": "hdrs"})


def test_an_envelope_counts_its_recipients() -> None:
    """Faxes and our own mailboxes both count; before MAIL there is no sender, which is not the null sender."""
    envelope = FaxEnvelope()
    assert (envelope.sender, envelope.recipients) == (None, 0)
    envelope.faxes.append(FaxRecipient("+14155550123@fax.local", "+14155550123"))
    envelope.own.append(OwnRecipient("postmaster@fax.local", OwnMailbox(Mailbox.POSTMASTER)))
    assert envelope.recipients == 2
    assert FaxEnvelope().faxes == []
