"""Whatever bytes a mail's header holds, and whatever a carrier says: the right notice goes out, no field too many."""

import re
from dataclasses import dataclass, replace
from email import message_from_bytes, message_from_string
from email.message import Message
from email.policy import compat32, default

import pytest
from hypothesis import example, given, settings, strategies as st

from bridge.fax.jobs import Outcome, Part
from bridge.fax.states import FaxState
from bridge.mail import notices, returned
from bridge.mail.headers import read_headers
from bridge.mail.notices import NoticeEvent
from bridge.mail.returned import Returned
from bridge.mail.wishes import Action
from tests.support.unit_clock import START
from tests.support.unit_mail import (
    OPTIONS,
    OUTCOMES,
    ROW,
    SENDER,
    a_duplicate,
    a_fax,
    a_message,
    facts,
    fields_of,
    parts_in,
)

OUTER = ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version")
OURS = ("X-Fax-Event", "X-Fax-Id", "X-Fax-Number", "Content-Type")
AN_ID = re.compile(r"<[^\s<>@]+@[^\s<>@]+>", re.ASCII)
END = f"\r\n--=_faxbridge_{ROW}--\r\n".encode()

ENCODED = "=?utf-8?q?=0ABcc?=@example.org"
"""An address, to the letter of RFC 5321."""

NAMES = st.sampled_from(
    [
        *(b"Subject", b"Message-ID", b"References", b"In-Reply-To", b"From", b"To", b"Bcc", b"Content-Type"),
        *(b"X-Fax-Id", b"X-Fax-Event", b"X-Fax-Number", b"Auto-Submitted", b"MIME-Version", b"", b" ", b"\xe9"),
    ]
)
PIECES = st.sampled_from(
    [
        *(b"=?utf-8?q?", b"=?utf-8?b?", b"?=", b"=0D=0A", b"=0ABcc:_x", b"PT91dGYtOD9xPz0K", b"=?", b"\xff\xfe"),
        *(b"\r\n", b"\r\n ", b"\n", b"\r", b"\0", b"\x0b", b"\x1b", b" ", b"\t", b"X-Fax-Id: 1", b"\r\n\r\n"),
        *(b"<a@b.example>", b"<" + b"a" * 238 + b"@b.example>", b"<" + b"a" * 239 + b"@b.example>", b"a" * 999),
        *(b"<", b">", b"@", b"[", b'"', b"\\", b"(", b",", b";", b":", b".", b"\xe2\x80\xae", b"\xc2\x85", b"\xc3"),
        *(END, END.removesuffix(b"--\r\n"), b'boundary="=_faxbridge_X"', b"--", b"Action: delivered"),
    ]
)
VALUES = st.one_of(st.lists(PIECES, max_size=8).map(b"".join), st.binary(max_size=60))
FIELDS = st.tuples(NAMES, st.sampled_from([b": ", b":", b" :", b""]), VALUES, st.sampled_from([b"\r\n", b"\n", b"\r"]))
HEADERS = st.one_of(st.binary(max_size=300), st.lists(FIELDS.map(b"".join), max_size=8).map(b"".join))
TEXTS = st.one_of(
    VALUES.map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.text(st.characters(codec=None), max_size=40),
)


@dataclass(frozen=True)
class Foreign:
    """All that strangers may have a say in."""

    mail: bytes
    recipient: str
    person: str
    orcpt: str
    envid: str
    sender: str
    carrier: str
    name: str


STRANGERS = st.builds(
    Foreign,
    mail=st.tuples(HEADERS, st.sampled_from([b"", b"\r\n", b"\r\nbody\r\n", b"\r\ncaf\xc3\xa9\r\n"])).map(b"".join),
    recipient=TEXTS,
    person=TEXTS,
    orcpt=st.one_of(TEXTS, TEXTS.map("rfc822;{}".format), TEXTS.map("utf-8;{}".format)),
    envid=TEXTS,
    sender=st.one_of(TEXTS, st.sampled_from([SENDER, "josé@example.org", "傳真@例子.example", "", ENCODED])),
    carrier=TEXTS,
    name=TEXTS,
)
NASTY = Foreign(
    b'Message-ID: <>\r\nTo: "\r\nFrom: <a@[>\r\nSubject: =?utf-8?q?a=0ABcc:_x?=\r\n\r\n',
    "=?utf-8?q?=0ABcc:_x?=@fax.local\r\nBcc: x",
    "\r\nBcc: x",
    "rfc822;\r\nAction: delivered",
    "=?utf-8?q?=0AAction:_delivered?=",
    "a@[",
    "\r\n\r\n--\r\nAction: delivered",
    "\ud800.pdf",
)
LONG_ID = b"Message-ID: <" + b"a" * 239 + b"@b.example>\r\n"


def check(notice: bytes, foreign: Foreign, event: str) -> list[Message]:
    """The form that every notice has; its parts, as other people's programs read them."""
    head, _, rest = notice.partition(b"\r\n\r\n")
    whole = b"\r\nContent-Type: message/rfc822\r\n" in rest
    outside = rest.partition(b"\r\nContent-Type: message/rfc822\r\n")[0] if whole else rest
    assert (head + outside).isascii()
    assert notice.replace(b"\r\n", b"").translate(None, b"\r\n\0") == notice.replace(b"\r\n", b""), "a bare line end"
    assert max(map(len, notice.split(b"\r\n"))) <= 998

    identity = read_headers(foreign.mail).message_id
    thread = ["References"] if read_headers(foreign.mail).references else []
    coding = [] if notice.isascii() else ["Content-Transfer-Encoding"]
    expected = [*OUTER, *(["In-Reply-To"] if identity else []), *thread, *OURS, *coding]
    assert [name for name, _ in fields_of(notice)] == expected
    for policy in (compat32, default):  # the one that does not look at values, and the one that reads them
        parsed = message_from_bytes(notice, policy=policy)
        assert list(parsed.keys()) == expected
        assert (parsed["X-Fax-Event"], parsed["X-Fax-Id"], parsed["X-Fax-Number"]) == (
            event,
            "06D1ZN8K7Q1X",
            "+14155550123",
        )
        assert (parsed["Auto-Submitted"], parsed["From"]) == ("auto-replied", "Fax <fax@fax.local>")
        assert parsed["Message-ID"] == f"<{ROW.lower()}.faxbridge@mx.example.org>"
        assert policy is compat32 or not [value for value in parsed.values() if len(str(value).splitlines()) > 1]
        if identity:
            assert "".join(parsed["In-Reply-To"].split()) == identity
            assert AN_ID.fullmatch(identity)
            assert len(identity) <= 250
            assert identity.encode() in foreign.mail
        assert not parsed.defects
        parts = parts_in(parsed)
        assert [part.get_content_type() for part in parts[:2]] == ["multipart/alternative", "message/delivery-status"]
        for form in (parts[0], *parts_in(parts[0])):
            assert not form.defects
            form.get_payload(decode=True)
        _check_status(parts[1])
    return parts


def _check_status(part: Message) -> None:
    """The blocks for programs hold our fields and no others (RFC 3464, 2)."""
    message, fax = parts_in(part)
    assert [name for name in message if name != "Original-Envelope-Id"] == ["Reporting-MTA", "Arrival-Date"]
    assert list(fax.keys())[:4] == ["Original-Recipient", "Final-Recipient", "Action", "Status"]
    assert set(fax.keys()) <= {
        *("Original-Recipient", "Final-Recipient", "Action", "Status", "Diagnostic-Code", "Last-Attempt-Date"),
    }
    assert len(set(fax.keys())) == len(fax.keys())
    assert fax["Final-Recipient"] == "fax; +14155550123"
    assert fax["Action"] in set(Action)
    for block in (message, fax):
        read = message_from_string(block.as_string(), policy=default)
        assert not [value for value in read.values() if len(str(value).splitlines()) > 1]


@pytest.mark.parametrize("event", OUTCOMES)
@settings(max_examples=60)
@given(foreign=STRANGERS, give_back=st.sampled_from([None, False, True]))
@example(foreign=NASTY, give_back=True)
@example(foreign=NASTY, give_back=False)
@example(foreign=replace(NASTY, sender=ENCODED, mail=LONG_ID), give_back=None)
def test_any_header_gives_the_right_notice(event: NoticeEvent, foreign: Foreign, give_back: bool | None) -> None:
    """Whatever bytes stand in a header, and whatever is said of the fax, its notice has our fields and no others."""
    told = facts(
        event,
        foreign.mail,
        fax=a_fax(
            recipient=foreign.recipient,
            person=foreign.person,
            company=foreign.name,
            original_recipient=foreign.orcpt,
            sender=foreign.sender,
        ),
        message=a_message(envelope_id=foreign.envid, envelope_sender=foreign.sender),
        outcome=Outcome(OUTCOMES[event].outcome_class, OUTCOMES[event].cause, 1, foreign.carrier),
        parts=(Part(foreign.name, foreign.name, 2), Part(foreign.name, "x/y", 0, foreign.carrier)),
        why=foreign.carrier,
        returned=None if give_back is None else Returned(foreign.mail, give_back),
    )
    notice = notices.render(told, OPTIONS, row_id=ROW, recipient=foreign.sender, now=START)
    parts = check(notice, foreign, event)
    assert len(parts) == (2 if give_back is None else 3)
    lighter = returned.without_content(notice)
    assert lighter.isascii()
    if not any(part.get_content_type() == "message/rfc822" for part in parts):
        assert lighter == notice
        return
    assert notice.removesuffix(END).endswith(b"\r\n\r\n" + foreign.mail), "given back byte by byte"
    assert [part.get_content_type() for part in check(lighter, foreign, event)] == [
        *("multipart/alternative", "message/delivery-status", "text/rfc822-headers"),
    ]


@pytest.mark.parametrize("state", FaxState)
@settings(max_examples=40)
@given(foreign=STRANGERS)
@example(foreign=NASTY)
def test_any_header_gives_the_right_word_about_a_duplicate(state: FaxState, foreign: Foreign) -> None:
    """The same holds for the word that a mail came in again, however the first fax stands."""
    told = a_duplicate(
        state,
        foreign.mail,
        fax=a_fax(state=state, recipient=foreign.recipient, person=foreign.person, sender=foreign.sender),
        recipient=foreign.recipient,
        original_recipient=foreign.orcpt,
        envelope_id=foreign.envid,
    )
    notice = notices.render_duplicate(told, OPTIONS, row_id=ROW, recipient=foreign.sender, now=START)
    assert len(check(notice, foreign, "duplicate")) == 2
