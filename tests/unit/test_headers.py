import re
from email import message_from_bytes
from email.policy import compat32, default as modern

import pytest
from hypothesis import given, strategies as st

from bridge.mail import fields
from bridge.mail.forwarding import received_line
from bridge.mail.headers import (
    FIELD_LIMIT,
    HEADER_LIMIT,
    MESSAGE_ID_LIMIT,
    REFERENCES_KEPT,
    VALUE_LIMIT,
    read_headers,
)
from bridge.runtime import foreign
from tests.support.unit_clock import START

NAMES = [b"Subject", b"Message-ID", b"References", b"In-Reply-To", b"Auto-Submitted", b"Received", b"X y", b"\xff"]
FIELD = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from([b":", b" :", b": ", b"\t:", b"", b"::"]),
    st.one_of(st.binary(max_size=60), st.sampled_from([b"<a@b>", b"<>", b"<a@[>", b'"', b"no", b"=?utf-8?q?=0A?="])),
    st.sampled_from([b"\r\n", b"\n", b"\r", b"\r\n ", b"\n\t", b""]),
).map(b"".join)
MAIL = st.one_of(st.binary(max_size=300), st.lists(FIELD, max_size=8).map(b"".join))
_ID = re.compile(r"<[^<>\s@\x00-\x20\x7f-\uffff]+@[^<>\s@]+>")


@given(MAIL)
def test_any_bytes_have_headers(mail: bytes) -> None:
    """Whatever bytes a mail is made of, its header fields are read, and each is what it promises."""
    found = read_headers(mail)
    for name in ("subject", "Message-ID", "x-nothing", "received"):
        assert len(found.text(name)) <= 200
        assert found.text(name).isprintable()
        assert found.count(name) == len([field for field, _ in found.fields if field == name.lower()])
        assert (found.raw(name) is None) == (found.count(name) == 0)
    assert found.message_id is None or (_ID.fullmatch(found.message_id) and len(found.message_id) <= MESSAGE_ID_LIMIT)
    assert len(found.references) <= REFERENCES_KEPT
    assert all(_ID.fullmatch(one) and len(one) <= MESSAGE_ID_LIMIT for one in found.references)
    assert isinstance(found.is_automatic, bool)
    assert all(b"\n" not in value and b"\r" not in value for _, value in found.fields)


@pytest.mark.parametrize(
    ("mail", "subject"),
    [
        (b"Subject: one\r\n\r\nSubject: two\r\n", "one"),
        (b"subject:one\n\nbody", "one"),
        (b"Subject: one\r\n two\r\n\tthree\r\n\r\n", "one two three"),
        (b"Subject: one\r\nSubject: two\r\n\r\n", "one"),
        (b"From x\r\nSubject: one\r\n\r\n", "one"),
        (b"no field\r\nSubject: one\r\n\r\n", "one"),
        (b" folded nothing\r\nSubject: one\r\n\r\n", "one"),
        (b"\r\nSubject: in the body\r\n", ""),
        (b"Subject:\r\n\r\n", ""),
        (b"", ""),
    ],
)
def test_a_subject_is_read(mail: bytes, subject: str) -> None:
    """The first field of a name counts, folded lines are joined, and the header ends with the first empty line."""
    assert read_headers(mail).text("subject") == subject


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        (b"<a.b-c_d@mail.example.org>", "<a.b-c_d@mail.example.org>"),
        (b"  <a@b> (comment)", "<a@b>"),
        (b"<a@[192.0.2.1]>", "<a@[192.0.2.1]>"),
        (b"<>", None),
        (b"<a@[>", None),
        (b"<a@]>", None),
        (b"<a@b[1]>", None),
        (b"<a@.b>", None),
        (b"<a@b..c>", None),
        (b"<a@b.>", "<a@b.>"),
        (b"<a..b.@c>", "<a..b.@c>"),
        (b"<=?utf-8?q?a?=@b>", None),
        (b"<a=b?c@d>", "<a=b?c@d>"),
        (b"a@b", None),
        (b"<a b@c>", None),
        (b"<a@b@c>", None),
        (b"<a@b\r\n Bcc: x>", None),
        (b"<\xc3\xa9@b>", None),
        (b"<" + b"a" * 240 + b"@b.example>", None),
        (b"<" + b"a" * 238 + b"@b.example>", "<" + "a" * 238 + "@b.example>"),
    ],
)
def test_an_id_must_match_the_grammar(value: bytes, identity: str | None) -> None:
    """A Message-ID counts only when it is well formed and no longer than 250 octets."""
    found = read_headers(b"Message-ID: " + value + b"\r\n\r\n").message_id
    assert found == identity


def test_references_are_the_thread() -> None:
    """References are the thread so far and the mail itself, without repeats, the latest twenty."""
    thread = b" ".join(b"<%d@example.org>" % number for number in range(30))
    found = read_headers(b"References: " + thread + b"\r\nMessage-ID: <own@example.org>\r\n\r\n").references
    assert len(found) == 20
    assert found[-2:] == ("<29@example.org>", "<own@example.org>")
    only = read_headers(b"In-Reply-To: <up@example.org>\r\nMessage-ID: <own@example.org>\r\n\r\n").references
    assert only == ("<up@example.org>", "<own@example.org>")
    twice = read_headers(b"References: <a@b> <a@b>\r\nMessage-ID: <a@b>\r\n\r\n").references
    assert twice == ("<a@b>",)


@pytest.mark.parametrize(
    ("value", "automatic"),
    [
        (b"auto-replied", True),
        (b"auto-generated; x=y", True),
        (b"AUTO-NOTIFIED", True),
        (b"no", False),
        (b"No", False),
        (b" no (by hand)", False),
        (b"no; x=y", False),
        (b"", True),
        (b"\xff", True),
    ],
)
def test_automatic_mail_says_so(value: bytes, *, automatic: bool) -> None:
    """Auto-Submitted with anything but ``no`` is automatic mail; without the field it is not."""
    assert read_headers(b"Auto-Submitted: " + value + b"\r\n\r\n").is_automatic is automatic
    assert not read_headers(b"Subject: x\r\n\r\n").is_automatic


def test_headers_are_bounded() -> None:
    """However long a header is, only so many fields of so many bytes are kept."""
    assert len(read_headers(b"A: b\r\n" * (FIELD_LIMIT + 50)).fields) <= FIELD_LIMIT
    assert len(read_headers(b"A: " + b"x" * (2 * VALUE_LIMIT)).fields[0][1]) <= VALUE_LIMIT
    assert len(read_headers(b"A: x\r\n" + b" y\r\n" * 30_000).fields[0][1]) <= VALUE_LIMIT
    beyond = b"A: " + b"x" * HEADER_LIMIT + b"\r\nSubject: beyond\r\n\r\n"
    assert read_headers(beyond).text("subject") == ""


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_trace_line_is_one_field(client: str, helo: str) -> None:
    """Whatever a client calls itself, the trace line is one folded Received field in ASCII."""
    line = received_line(client=client, helo=helo, protocol="ESMTP", hostname="mx.example.org", row_id="ROW", now=START)
    first, *folded, last = line.decode("ascii").split("\r\n")
    assert first.startswith("Received: from ")
    assert folded
    assert all(one.startswith("\t") and one.strip().isprintable() for one in folded)
    assert last == ""
    assert "\n" not in line.decode("ascii").replace("\r\n", "")


def test_a_trace_line_names_no_more_than_names() -> None:
    """What a client calls itself cannot close the comment, begin an encoded word or break the line."""
    line = received_line(
        client="a)b", helo="x (=?utf-8?q?=0A?=\r\nBcc:", protocol="ESMTP", hostname="h(", row_id="ROW", now=START
    )
    assert line.startswith(
        b"Received: from x????utf-8?q??0A????Bcc: ([a?b])\r\n\tby h? (Faxbridge) with ESMTP id ROW;\r\n"
    )
    assert received_line(client="", helo="", protocol="ESMTP", hostname="h", row_id="R", now=START).startswith(
        b"Received: from unknown ([unknown])"
    )


# Writing


EVIL = st.one_of(
    st.text(max_size=120),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300),
    st.lists(
        st.sampled_from(
            ["=?utf-8?q?", "?=", "=0ABcc:_x", "\r\n", "\n ", "\0", "é", "=", "?", " ", "\u2028", "a" * 80, "傳"]
        ),
        max_size=12,
    ).map("".join),
)


def lines_of(written: bytes, name: str) -> list[str]:
    """The lines of one field; fails unless it is one field of that name, and nothing more."""
    *lines, last = written.decode("ascii").split("\r\n")
    assert last == ""
    assert lines[0].startswith(f"{name}: ")
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])
    assert all(" " <= char <= "~" for line in lines for char in line)
    assert all(len(line) <= 998 for line in lines)
    return lines


@given(EVIL)
def test_free_text_comes_back(text: str) -> None:
    """Any text is one field, which both readers read as that text: ASCII as it is, all else encoded once."""
    written = fields.unstructured("Subject", text)
    lines, wanted = lines_of(written, "Subject"), foreign.one_line(text, fields.VALUE_LIMIT)
    read = message_from_bytes(written + b"\r\n", policy=modern)
    assert read.keys() == ["Subject"]
    assert read["Subject"] == wanted
    assert foreign.header_text(message_from_bytes(written + b"\r\n", policy=compat32)["Subject"], 500) == wanted
    if wanted.isascii() and "=?" not in wanted:
        assert "".join(lines).removeprefix("Subject: ") == wanted
    else:
        assert all(len(line) <= 76 for line in lines)
        words = "".join(lines).removeprefix("Subject: ").split(" ")
        assert all(re.fullmatch(r"=\?utf-8\?[qb]\?[^ ?]+\?=", word) and len(word) <= 75 for word in words)


@given(EVIL)
def test_a_status_field_is_never_encoded(text: str) -> None:
    """A field of a delivery status is one field of printable ASCII that no reader decodes, kept where it is such."""
    written = fields.verbatim("Diagnostic-Code", text)
    whole = "".join(lines_of(written, "Diagnostic-Code")).removeprefix("Diagnostic-Code: ")
    assert "=?" not in whole
    assert message_from_bytes(written + b"\r\n", policy=modern).keys() == ["Diagnostic-Code"]
    if text.isascii() and text.isprintable() and "=?" not in text:
        assert whole == text[: fields.STATUS_LIMIT].strip()


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("Fax <fax@fax.local>", "Fax <fax@fax.local>"),
        ("fax@fax.local", "fax@fax.local"),
        ("Fax Desk <fax@fax.local>", "Fax Desk <fax@fax.local>"),
        ('"Fax, Desk" <fax@fax.local>', '"Fax, Desk" <fax@fax.local>'),
        ('"The \\"Fax\\"" <fax@fax.local>', '"The \\"Fax\\"" <fax@fax.local>'),
        ("Büro <fax@fax.local>", "=?utf-8?b?QsO8cm8=?= <fax@fax.local>"),
        ("Fax\r\nBcc: x <fax@fax.local>", '"Fax Bcc: x" <fax@fax.local>'),
        ("fax@fax.local (Fax)", "fax@fax.local"),
        ("=?utf-8?q?a=0ABcc:?= <fax@fax.local>", "=?utf-8?b?PT91dGYtOD9xP2E9MEFCY2M6Pz0=?= <fax@fax.local>"),
        ("nothing", "other@fax.local"),
        ("", "other@fax.local"),
    ],
)
def test_the_sender_is_one_mailbox(written: str, line: str) -> None:
    """Who our mail is from is one mailbox, its name quoted or encoded where it must be; else the one given besides."""
    assert fields.sender("From", written, "other@fax.local") == f"From: {line}\r\n".encode()


@given(EVIL, EVIL)
def test_any_sender_is_one_field(person: str, mailbox: str) -> None:
    """Whatever stands for the sender, it is one field of one mailbox."""
    for written in (f"{person} <fax@fax.local>", f"{person} <{mailbox}>", f"{person}@{mailbox}"):
        field = fields.sender("From", written, "other@fax.local")
        lines_of(field, "From")
        assert len(message_from_bytes(field + b"\r\n", policy=modern)["From"].addresses) == 1


def test_ids_stand_one_a_line() -> None:
    """Ids stand letter by letter, one a line, however long they are."""
    identities = ["<a@b>", f"<{'c' * 240}@d>", "<e@f>"]
    assert fields.ids("References", identities) == f"References: <a@b>\r\n {identities[1]}\r\n <e@f>\r\n".encode()


DISPLAYED = [
    (b"To: Dr. Smith <+14155550123@fax.local>", "Dr. Smith"),
    (b'To: "Smith, Dr. \\"Bones\\"" <+14155550123@FAX.local>', 'Smith, Dr. "Bones"'),
    (b"To: a@b.example, =?utf-8?q?Gr=C3=BCn?= <+14155550123@fax.local>", "Gr\u00fcn"),
    (b"Cc: Ward 5\r\n <+14155550123@fax.local>, x@y.example", "Ward 5"),
    (b"To: friends: Ann <+14155550123@fax.local>;", "Ann"),
    (b"To: Bob <+14155550124@fax.local>", ""),
    (b"To: +14155550123@fax.local", ""),
    (b"To: <+14155550123@fax.local>", ""),
    (b'To: "" <+14155550123@fax.local>', ""),
    (b'To: x" <+14155550123@fax.local>', ""),
    (b"Bcc: Eve <+14155550123@fax.local>", ""),
]


@pytest.mark.parametrize(("line", "name"), DISPLAYED)
def test_the_display_name_of_an_address(line: bytes, name: str) -> None:
    """The name that stands with this very address in To or Cc, decoded; of another address, or without one, none."""
    assert read_headers(line + b"\r\n\r\n").name_of("+14155550123@fax.local") == name


@given(st.binary(max_size=300))
def test_any_bytes_give_some_name(value: bytes) -> None:
    """Whatever stands in To, a name of one bounded line comes out, or none."""
    name = read_headers(b"To: " + value + b"<+14155550123@fax.local>\r\n\r\n").name_of("+14155550123@fax.local")
    assert len(name) <= 200
    assert "\n" not in name
    assert "\r" not in name


@pytest.mark.parametrize(
    ("written", "person"),
    [
        ('"Dr. Berg"', "Dr. Berg"),
        ("\"'Dr. Berg'\"", "Dr. Berg"),
        ("'Dr. Berg'", "Dr. Berg"),
        ('"\\"Dr. Berg\\""', "Dr. Berg"),
        ("=?utf-8?B?4oCeRHIuIEJlcmfigJw=?=", "Dr. Berg"),
        ('"O\'Neill, Pat"', "O'Neill, Pat"),
        ("Ward 7", "Ward 7"),
        ("'14155550123@fax.local'", ""),
        ('"+14155550123@fax.local"', ""),
        ("anna@example.org", ""),
        ('"mailto:anna@example.org"', ""),
        ("+1 (415) 555-0123", ""),
        ('"Fax: 415-555-0123"', ""),
        ("\"'4155550123'\"", ""),
        ("=?utf-8?B?wrtBbm5hIEJlcmfCqw==?=", "Anna Berg"),
        ("=?utf-8?B?4oCdQW5uYSBCZXJn4oCd?=", "Anna Berg"),
        ("Fax 4155550123", ""),
        ('"4155550123 (Business Fax)"', ""),
        ('"[FAX:+14155550123]"', ""),
        ('"4155550123^NOCOVER"', ""),
        ("Fax Department", "Fax Department"),
        ('"Dr. Berg (Fax)"', "Dr. Berg (Fax)"),
        ("Ward 7 4155550123", "Ward 7 4155550123"),
    ],
)
def test_what_names_nobody_is_no_person(written: str, person: str) -> None:
    """Quotes that a program put around a name go; an address or a number in its place is none."""
    field = f"{written} <+14155550123@fax.local>".encode()
    headers = read_headers(b"To: a@b.example, " + field + b"\r\nFrom: " + field + b"\r\n\r\n")
    assert (headers.name_of("+14155550123@fax.local"), headers.writer) == (person, person)
