"""Parameters of MAIL and RCPT: what was offered is read as its RFC has it, and everything else has its reply."""

import string
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, strategies as st

from bridge.errors import Permanent
from bridge.fax.wishes import Notify, Ret
from bridge.intake.envelopes import BadSyntax, read_path
from bridge.intake.parameters import (
    ENVELOPE_ID_LIMIT,
    ORIGINAL_RECIPIENT_LIMIT,
    MailWishes,
    RecipientWishes,
    TooLarge,
    UnknownParameter,
    decode_xtext,
    read_mail_wishes,
    read_recipient_wishes,
)

T = TypeVar("T")

MAX = 1000


@pytest.mark.parametrize(
    ("given_", "wishes"),
    [
        ({}, MailWishes()),
        ({"SIZE": "0"}, MailWishes()),
        ({"SIZE": "1000"}, MailWishes(size=1000)),
        ({"SIZE": "00000000000000000007"}, MailWishes(size=7)),
        ({"BODY": "7bit"}, MailWishes()),
        ({"BODY": "8BITMIME", "SIZE": "1"}, MailWishes(size=1)),
        ({"SMTPUTF8": ""}, MailWishes(utf8=True)),
        ({"AUTH": "<>"}, MailWishes()),
        ({"AUTH": "e+3Dmc2@example.com"}, MailWishes()),
        ({"RET": "FULL"}, MailWishes(ret=Ret.FULL)),
        ({"RET": "hdrs"}, MailWishes(ret=Ret.HDRS)),
        ({"ENVID": "QQ314159"}, MailWishes(envelope_id="QQ314159")),
        ({"ENVID": "a+20b+2Bc+3Dd"}, MailWishes(envelope_id="a b+c=d")),
        ({"ENVID": "<>"}, MailWishes(envelope_id="<>")),
        ({"ENVID": "x" * 100}, MailWishes(envelope_id="x" * 100)),
        (
            {"SIZE": "5", "BODY": "8BITMIME", "SMTPUTF8": "", "AUTH": "<>", "RET": "FULL", "ENVID": "1"},
            MailWishes(5, Ret.FULL, "1", utf8=True),
        ),
    ],
)
def test_what_mail_may_ask_for(given_: dict[str, str], wishes: MailWishes) -> None:
    """SIZE, BODY, SMTPUTF8, AUTH, RET and ENVID are taken, words in any case, ENVID decoded."""
    assert read_mail_wishes(given_, MAX) == wishes


@pytest.mark.parametrize(
    ("given_", "refusal", "reply"),
    [
        ({"SIZE": "1001"}, TooLarge, "552 5.3.4 "),
        ({"SIZE": "9" * 20}, TooLarge, "552 5.3.4 "),
        *(
            ({"SIZE": value}, BadSyntax, "501 5.5.4 ")
            for value in ("9" * 21, "", "-1", "+1", " 1", "1_0", "0x1", "\u0661")
        ),
        *(({"BODY": value}, BadSyntax, "501 5.5.4 ") for value in ("", "BINARYMIME", "8BIT", "7BIT,8BITMIME")),
        ({"SMTPUTF8": "yes"}, BadSyntax, "501 5.5.4 "),
        *(({"AUTH": value}, BadSyntax, "501 5.5.4 ") for value in ("", "a=b", "a+b", "\u00fc")),
        *(({"RET": value}, BadSyntax, "501 5.5.4 ") for value in ("", "ALL", "FULL,HDRS", "FULL ", "HEADERS")),
        *(
            ({"ENVID": value}, BadSyntax, "501 5.5.4 ")
            for value in (
                "",
                "a b",
                "a=b",
                "a+",
                "a+2",
                "a+2b",
                "a+GG",
                "\u00fc",
                "a+0D+0Ab",
                "a+00",
                "a+E9",
                "x" * 101,
            )
        ),
        *(
            ({name: ""}, UnknownParameter, "555 5.5.4 ")
            for name in ("NOTIFY", "ORCPT", "BY", "MT-PRIORITY", "HOLDFOR", "REQUIRETLS", "XOORG", "", "X" * 500)
        ),
    ],
)
def test_what_mail_may_not_ask_for(given_: dict[str, str], refusal: type[Permanent], reply: str) -> None:
    """Too large a size, a parameter that was not offered, a value that is none: each has its reply, a short one."""
    with pytest.raises(refusal) as caught:
        read_mail_wishes(given_, MAX)
    assert caught.value.smtp.startswith(reply)
    assert len(caught.value.smtp) < 100


def test_a_limit_is_shown_in_megabytes() -> None:
    """The refusal of a large mail says what the limit is."""
    with pytest.raises(TooLarge, match="50 MB at most"):
        read_mail_wishes({"SIZE": "50000001"}, 50_000_000)


@pytest.mark.parametrize(
    ("given_", "wishes"),
    [
        ({}, RecipientWishes()),
        ({"NOTIFY": "NEVER"}, RecipientWishes(frozenset({Notify.NEVER}))),
        ({"NOTIFY": "success"}, RecipientWishes(frozenset({Notify.SUCCESS}))),
        (
            {"NOTIFY": "SUCCESS,FAILURE,DELAY"},
            RecipientWishes(frozenset({Notify.SUCCESS, Notify.FAILURE, Notify.DELAY})),
        ),
        ({"NOTIFY": "DELAY,DELAY"}, RecipientWishes(frozenset({Notify.DELAY}))),
        ({"ORCPT": "rfc822;bob@example.org"}, RecipientWishes(None, "rfc822;bob@example.org")),
        ({"ORCPT": "rfc822;Bob+2BLab@Example.Org"}, RecipientWishes(None, "rfc822;Bob+Lab@Example.Org")),
        ({"ORCPT": "RFC822;a;b"}, RecipientWishes(None, "RFC822;a;b")),
        ({"ORCPT": "fax;+2B14155550123"}, RecipientWishes(None, "fax;+14155550123")),
        ({"ORCPT": "x400;/c=us/".replace("=", "+3D")}, RecipientWishes(None, "x400;/c=us/")),
        ({"ORCPT": "utf-8;b\u00fcro@example.org"}, RecipientWishes(None, "utf-8;b\u00fcro@example.org")),
        ({"ORCPT": "UTF-8;b\\x{FC}ro@example.org"}, RecipientWishes(None, "UTF-8;b\\x{FC}ro@example.org")),
        ({"ORCPT": "rfc822;" + "a" * 490}, RecipientWishes(None, "rfc822;" + "a" * 490)),
    ],
)
def test_what_rcpt_may_ask_for(given_: dict[str, str], wishes: RecipientWishes) -> None:
    """NOTIFY in any case and order; ORCPT with its type, decoded where it is xtext, as it came where it is utf-8."""
    assert read_recipient_wishes(given_) == wishes


@pytest.mark.parametrize(
    ("given_", "refusal", "reply"),
    [
        *(
            ({"NOTIFY": value}, BadSyntax, "501 5.5.4 ")
            for value in (
                "",
                "MAYBE",
                "NEVER,SUCCESS",
                "SUCCESS,NEVER",
                "NEVER,NEVER",
                "SUCCESS,",
                ",DELAY",
                "SUCCESS DELAY",
            )
        ),
        *(
            ({"ORCPT": value}, BadSyntax, "501 5.5.4 ")
            for value in (
                *(
                    "",
                    ";",
                    "rfc822",
                    "rfc822;",
                    ";a@b",
                    "rf c;a@b",
                    "r\u00fc;a@b",
                    "a" * 41 + ";b",
                    "rfc822;a=b",
                    "rfc822;a+b",
                ),
                *(
                    "rfc822;\u00fc@b",
                    "rfc822;a+0D+0AX-Fax-Id:+201",
                    "rfc822;" + "a" * 501,
                    "utf-8;a=b",
                    "utf-8;a\u2028b",
                ),
                "utf-8;\u202e@b",
            )
        ),
        *(({name: "1"}, UnknownParameter, "555 5.5.4 ") for name in ("SIZE", "RET", "ENVID", "RRVS", "", "X" * 500)),
    ],
)
def test_what_rcpt_may_not_ask_for(given_: dict[str, str], refusal: type[Permanent], reply: str) -> None:
    """A word that is none, NEVER beside another, an ORCPT without type or that cannot be printed: refused."""
    with pytest.raises(refusal) as caught:
        read_recipient_wishes(given_)
    assert caught.value.smtp.startswith(reply)
    assert len(caught.value.smtp) < 100


def encoded(text: str) -> str:
    """As xtext (RFC 3461, 4)."""
    return "".join(char if char not in "+=" and "!" <= char <= "~" else f"+{ord(char):02X}" for char in text)


@given(st.text(alphabet=string.printable[:95], min_size=1, max_size=60))
def test_xtext_comes_back(text: str) -> None:
    """Every printable text comes through xtext unchanged."""
    assert decode_xtext("ENVID", encoded(text)) == text


ANYTHING = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="+=0123456789ABCDEF;,xX{}\\ \u00fcNEVRSUC", max_size=30),
    st.builds("{};{}".format, st.sampled_from(["rfc822", "utf-8", "fax", "x"]), st.text(max_size=30)),
)


def refusal_or(read: Callable[[], T]) -> tuple[str, T | None]:
    """The reply's code if it is refused for good; else an empty text and what was read."""
    try:
        return "", read()
    except Permanent as error:
        said = error.smtp
    return (said[:3] if said.isprintable() and len(said) < 200 else said), None


@given(
    st.dictionaries(st.sampled_from(["SIZE", "BODY", "SMTPUTF8", "AUTH", "RET", "ENVID", "X"]), ANYTHING, max_size=4)
)
def test_any_wish_of_mail_is_read_or_refused(parameters: dict[str, str]) -> None:
    """Whatever stands there it is read, as printable and bounded text, or refused for good in one short line."""
    code, wishes = refusal_or(lambda: read_mail_wishes(parameters, MAX))
    assert code in {"", "501", "552", "555"}
    if wishes is not None:
        assert 0 <= wishes.size <= MAX
        assert len(wishes.envelope_id) <= ENVELOPE_ID_LIMIT
        assert wishes.envelope_id.isascii()
        assert wishes.envelope_id.isprintable()


@given(st.dictionaries(st.sampled_from(["NOTIFY", "ORCPT", "X"]), ANYTHING, max_size=3))
def test_any_wish_of_rcpt_is_read_or_refused(parameters: dict[str, str]) -> None:
    """Whatever stands there it is read, as printable text that fits its column, or refused for good."""
    code, wishes = refusal_or(lambda: read_recipient_wishes(parameters))
    assert code in {"", "501", "555"}
    if wishes is not None:
        assert wishes.notify is None or (wishes.notify == {Notify.NEVER}) == (Notify.NEVER in wishes.notify)
        assert len(wishes.original_recipient) <= ORIGINAL_RECIPIENT_LIMIT
        assert wishes.original_recipient.isprintable()


@given(st.text(max_size=60))
def test_any_text_behind_a_path_is_read_or_refused(text: str) -> None:
    """From the line as it came: every text behind the path is read or refused, and nothing else comes of it."""
    code, _ = refusal_or(lambda: read_mail_wishes(read_path(f"FROM:<a@example.org> {text}", "FROM")[1], MAX))
    assert code in {"", "501", "552", "555"}
    code, _ = refusal_or(lambda: read_recipient_wishes(read_path(f"TO:<a@example.org> {text}", "TO")[1]))
    assert code in {"", "501", "555"}
