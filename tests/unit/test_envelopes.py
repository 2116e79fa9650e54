import pytest
from hypothesis import given, strategies as st

from bridge.errors import Permanent
from bridge.fax.addresses import Mailbox, OwnMailbox
from bridge.intake.envelopes import (
    ADDRESS_LIMIT,
    BadSyntax,
    FaxEnvelope,
    FaxRecipient,
    OwnRecipient,
    TooLarge,
    UnknownParameter,
    check_mail_parameters,
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


@pytest.mark.parametrize(
    "parameters", [{}, {"SIZE": "0"}, {"SIZE": "1000"}, {"BODY": "7bit"}, {"BODY": "8BITMIME", "SIZE": "1"}]
)
def test_what_is_offered_may_be_asked(parameters: dict[str, str]) -> None:
    """SIZE within the limit and both kinds of BODY are taken."""
    check_mail_parameters(parameters, 1000)


@pytest.mark.parametrize(
    ("parameters", "refusal", "reply"),
    [
        ({"SIZE": "1001"}, TooLarge, "552 5.3.4 "),
        ({"SIZE": "9" * 20}, TooLarge, "552 5.3.4 "),
        ({"SIZE": "9" * 21}, BadSyntax, "501 5.5.4 "),
        ({"SIZE": ""}, BadSyntax, "501 5.5.4 "),
        ({"SIZE": "-1"}, BadSyntax, "501 5.5.4 "),
        ({"SIZE": "\u0661"}, BadSyntax, "501 5.5.4 "),
        ({"SIZE": "1_0"}, BadSyntax, "501 5.5.4 "),
        ({"BODY": "BINARYMIME"}, BadSyntax, "501 5.5.4 "),
        ({"BODY": ""}, BadSyntax, "501 5.5.4 "),
        ({"SMTPUTF8": ""}, UnknownParameter, "555 5.5.4 "),
        ({"AUTH": "<>"}, UnknownParameter, "555 5.5.4 "),
        ({"X" * 500: ""}, UnknownParameter, "555 5.5.4 "),
    ],
)
def test_what_is_not_offered_is_refused(parameters: dict[str, str], refusal: type[Permanent], reply: str) -> None:
    """Too large a size, a parameter that was not offered, a value that is none: each has its reply."""
    with pytest.raises(refusal) as caught:
        check_mail_parameters(parameters, 1000)
    assert caught.value.smtp.startswith(reply)
    assert len(caught.value.smtp) < 100


def test_a_limit_is_shown_in_megabytes() -> None:
    """The refusal of a large mail says what the limit is."""
    with pytest.raises(TooLarge, match="50 MB at most"):
        check_mail_parameters({"SIZE": "50000001"}, 50_000_000)


def test_an_envelope_counts_its_recipients() -> None:
    """Faxes and our own mailboxes both count; before MAIL there is no sender, which is not the null sender."""
    envelope = FaxEnvelope()
    assert (envelope.sender, envelope.recipients) == (None, 0)
    envelope.faxes.append(FaxRecipient("+14155550123@fax.local", "+14155550123"))
    envelope.own.append(OwnRecipient("postmaster@fax.local", OwnMailbox(Mailbox.POSTMASTER)))
    assert envelope.recipients == 2
    assert FaxEnvelope().faxes == []
