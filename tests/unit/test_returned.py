"""The mail that a notice gives back (RET): whole and byte by byte where a part may hold it, else its header."""

from email import message_from_bytes
from email.policy import default

import pytest

from bridge.mail import notices, returned
from bridge.mail.notices import NoticeEvent
from bridge.mail.returned import Returned
from tests.support.unit_clock import START
from tests.support.unit_mail import OPTIONS, ROW, SENDER, facts, fields_of, parts_in, parts_of, well_formed

HEADER = b"From: Ann <ward@example.org>\r\nSubject: Letter\r\n\tto Dr Lee\r\nMessage-ID: <1@example.org>\r\n"
PLAIN = HEADER + b"\r\nsee attachment\r\n"
EIGHT_BIT = HEADER + b"Content-Transfer-Encoding: 8bit\r\n\r\ncaf\xc3\xa9\r\n"


def render(mail: bytes, *, whole: bool) -> bytes:
    """A notice of failure that gives this mail back."""
    told = facts(NoticeEvent.FAILED, mail, returned=Returned(mail, whole))
    return notices.render(told, OPTIONS, row_id=ROW, recipient=SENDER, now=START)


def raw_part(notice: bytes) -> tuple[bytes, bytes]:
    """Header and bytes of the third part, taken apart by the letter of RFC 2046."""
    mark = f"\r\n--=_faxbridge_{ROW}".encode()
    third = notice.split(mark + b"\r\n")[3].removesuffix(mark + b"--\r\n")
    head, _, content = third.partition(b"\r\n\r\n")
    return head, content


@pytest.mark.parametrize(("mail", "coding"), [(PLAIN, b"7bit"), (EIGHT_BIT, b"8bit")], ids=["7bit", "8bit"])
def test_a_whole_mail_comes_back_byte_by_byte(mail: bytes, coding: bytes) -> None:
    """A whole mail is a message/rfc822, not encoded, and the notice says of itself whether it is 8-bit."""
    notice = render(mail, whole=True)
    head, content = raw_part(notice)
    assert content == mail
    assert head == b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: " + coding
    names = [name for name, _ in fields_of(notice)]
    assert ("Content-Transfer-Encoding" in names) is (coding == b"8bit")
    (inner,) = parts_in(parts_of(notice)[2])
    assert inner["Message-ID"] == "<1@example.org>"
    assert not message_from_bytes(notice, policy=default).defects


@pytest.mark.parametrize(
    "mail",
    [
        HEADER + b"\r\na bare\nline end\r\n",
        HEADER + b"\r\na bare\rline end\r\n",
        HEADER + b"\r\nNUL \0\r\n",
        HEADER + b"\r\n" + b"a" * 999 + b"\r\n",
        HEADER + f"\r\n--=_faxbridge_{ROW}--\r\nContent-Type: text/plain\r\n".encode(),
        HEADER + b"X-Name: caf\xc3\xa9\r\n\r\nbody\r\n",
    ],
    ids=["bare LF", "bare CR", "NUL", "a long line", "our boundary", "a header beyond ASCII"],
)
def test_what_no_part_may_hold_comes_back_as_its_header(mail: bytes) -> None:
    """A mail that cannot stand in a part as it is comes back as its header, and the notice is plain text throughout."""
    notice = render(mail, whole=True)
    head, content = raw_part(notice)
    assert head.startswith(b"Content-Type: text/rfc822-headers")
    assert b"Message-ID: <1@example.org>" in content
    assert b"body" not in content
    assert well_formed(notice)


def test_the_header_comes_back_as_it_was() -> None:
    """Of a mail's header all fields come back as they stood, and nothing of its text."""
    head, content = raw_part(render(PLAIN, whole=False))
    assert (head, content) == (b"Content-Type: text/rfc822-headers", HEADER.removesuffix(b"\r\n") + b"\r\n")
    assert parts_of(render(PLAIN, whole=False))[2].get_content_type() == "text/rfc822-headers"


def test_a_header_beyond_ascii_is_encoded() -> None:
    """A header that is no legal text comes back in quoted-printable, without loss; what is no field does not."""
    odd = (
        b"From x@y Mon Jan  1\r\nX-Name: caf\xc3\xa9\r\nX-Long: "
        + b"a" * 2000
        + b"\r\nno field here\r\n folded\r\nTo: b@c\r\n"
    )
    notice = render(odd + b"\r\nbody\r\n", whole=False)
    part = parts_of(notice)[2]
    assert part["Content-Transfer-Encoding"] == "quoted-printable"
    raw = part.get_payload(decode=True)
    assert raw == b"X-Name: caf\xc3\xa9\r\nX-Long: " + b"a" * 2000 + b"\r\nTo: b@c\r\n"
    assert well_formed(notice)


def test_no_field_ends_the_part() -> None:
    """A field whose name is our boundary comes back, and begins no part."""
    fields = f"--=_faxbridge_{ROW}: x\r\nTo: b@c\r\n".encode()
    notice = render(fields + b"\r\n", whole=False)
    assert len(parts_of(notice)) == 3
    assert notice.count(f"\r\n--=_faxbridge_{ROW}".encode()) == 4
    assert parts_of(notice)[2].get_payload(decode=True) == fields


def test_a_header_is_bounded() -> None:
    """Of an endless header the beginning comes back, in whole lines."""
    mail = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 100) for number in range(5000)) + b"\r\n"
    _, content = raw_part(render(mail, whole=False))
    assert len(content) <= returned.HEADER_KEPT
    assert mail.startswith(content)
    assert content.endswith(b"a" * 100 + b"\r\n")


@pytest.mark.parametrize("mail", [PLAIN, EIGHT_BIT], ids=["7bit", "8bit"])
def test_without_content_a_notice_is_the_same_but_for_that(mail: bytes) -> None:
    """What a relay cannot take is left out: the header stands for the whole mail, and all else is as it was."""
    lighter = returned.without_content(render(mail, whole=True))
    assert lighter == render(mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", whole=False)
    assert well_formed(lighter)
    assert returned.without_content(lighter) == lighter


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"Subject: x\r\n\r\n--=_faxbridge_X\r\nContent-Type: message/rfc822\r\n\r\nFrom: a\r\n\r\n\xe9",
        b'Content-Type: multipart/mixed; boundary="=_faxbridge_X"\r\n\r\nno parts',
    ],
)
def test_other_mail_stays_as_it_is(other: bytes) -> None:
    """A mail that holds no mail given back by us is not touched."""
    assert returned.without_content(other) == other
