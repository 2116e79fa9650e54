"""What came back for a mail of ours, in the words of the servers that people run, and of those who mean harm."""

import time

import pytest
from hypothesis import given, strategies as st

from bridge.mail.bounces import WHY_LIMIT, CameBack, Meaning, read_bounce
from bridge.mail.headers import HEADER_LIMIT, read_headers


def read(mail: bytes) -> CameBack:
    """As intake does it."""
    head = mail[:HEADER_LIMIT]
    return read_bounce(head, read_headers(head))


def report(status: bytes, *, kind: bytes = b"delivery-status", boundary: bytes = b'"x/1"', part: bytes = b"") -> bytes:
    """A report (RFC 3464) around a status part."""
    mark = b"--" + boundary.strip(b'"')
    return b"\r\n".join(
        [
            b"From: MAILER-DAEMON@mx.example.org",
            b"Subject: Undelivered Mail Returned to Sender",
            b"Auto-Submitted: auto-replied",
            b"Content-Type: multipart/report; report-type=" + kind + b";",
            b"\tboundary=" + boundary,
            b"",
            b"This is a MIME-encapsulated message.",
            mark,
            b"Content-Type: text/plain",
            b"",
            b"Action: delayed is only a word here.",
            mark,
            part or b"Content-Description: Delivery report\r\nContent-Type: message/delivery-status",
            b"",
            status.replace(b"\n", b"\r\n"),
            mark,
            b"Content-Type: message/rfc822",
            b"",
            b"Action: failed",
            b"",
            b"%PDF",
            mark + b"--",
            b"",
        ]
    )


POSTFIX = b"""Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4Z1
Arrival-Date: Mon, 23 Nov 2026 08:15:30 +0000 (UTC)

Final-Recipient: rfc822; front-desk@example.org
Original-Recipient: rfc822;front-desk@example.org
Action: %s
Status: %s
Diagnostic-Code: %s
"""


def postfix(action: bytes, status: bytes, diagnosis: bytes) -> bytes:
    return POSTFIX % (action, status, diagnosis)


NO_USER = postfix(b"failed", b"5.1.1", b"smtp; 550 5.1.1 <front-desk@example.org>: no such user")
EXIM_OLD = b"""X-Failed-Recipients: front-desk@example.org
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.
"""
QMAIL = b"""Subject: failure notice

Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
"""
FAILED = {
    "Postfix": report(NO_USER),
    "Postfix with bare line feeds": report(NO_USER).replace(b"\r\n", b"\n"),
    "Exchange, fields in odd order": report(
        b"Reporting-MTA: dns;mx\n\nStatus: 5.2.2\nDiagnostic-Code: smtp;554 mailbox full\nFinal-Recipient: rfc822;a@b\n"
        b"ACTION:Failed (mailbox full)\n"
    ),
    "one of two": report(NO_USER + b"\nFinal-Recipient: rfc822; b@example.org\nAction: delayed\nStatus: 4.4.1\n"),
    "boundary without quotes": report(NO_USER, boundary=b"xyz.1"),
    "in UTF-8 (RFC 6533)": report(NO_USER, part=b"Content-Type: message/global-delivery-status"),
    "an action nobody knows": report(postfix(b"shrugged", b"5.0.0", b"x")),
    "no status part": report(b"", part=b"Content-Type: text/plain"),
    "a status part of nothing": report(b""),
    "Exim of old": EXIM_OLD,
    "qmail": QMAIL,
}


@pytest.mark.parametrize("mail", FAILED.values(), ids=FAILED.keys())
def test_what_failed(mail: bytes) -> None:
    """A report that names a failure, one that cannot be read, and the bounces of old servers say: it failed."""
    assert read(mail).meaning is Meaning.FAILED


def test_why() -> None:
    """What a report says of the failure is kept on one line: its status, and the server's own words."""
    assert read(report(NO_USER)).why == "5.1.1 smtp; 550 5.1.1 <front-desk@example.org>: no such user"


PROGRESS = {
    "delayed": report(postfix(b"delayed", b"4.4.1", b"x-postfix; connection timed out")),
    "delivered": report(postfix(b"delivered", b"2.0.0", b"smtp; 250 ok")),
    "relayed and expanded": report(postfix(b"relayed", b"2.0.0", b"x") + b"\nAction: expanded\nStatus: 2.0.0\n"),
    "read": report(
        b"Disposition: manual-action/MDN-sent-manually; displayed\n",
        kind=b"disposition-notification",
        part=b"Content-Type: message/disposition-notification",
    ),
}


@pytest.mark.parametrize("mail", PROGRESS.values(), ids=PROGRESS.keys())
def test_what_goes_on(mail: bytes) -> None:
    """A delay, a success, a receipt for reading are no failure, whatever stands in their other parts."""
    assert read(mail).meaning is Meaning.PROGRESS


OTHER = {
    "out of office": b"Subject: Away\r\nAuto-Submitted: auto-replied (vacation)\r\n\r\nAction: failed\r\n",
    "a person": b"From: anna@example.org\r\nSubject: Re: Fax\r\n\r\nWho is this for?\r\n",
    "a feedback report": report(b"Feedback-Type: abuse\n", kind=b"feedback-report"),
    "a report of no kind": b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n\r\nAction: failed\r\n--x--\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("mail", OTHER.values(), ids=OTHER.keys())
def test_what_a_person_must_read(mail: bytes) -> None:
    """An automatic reply, a person's answer and anything nobody foresaw neither failed nor goes on."""
    assert read(mail).meaning is Meaning.OTHER


@given(st.binary(max_size=3000))
def test_whatever_comes(noise: bytes) -> None:
    """No bytes make the reader raise, alone or in the place of a status, and what it says is one short line."""
    for mail in (noise, report(noise), report(NO_USER, boundary=b'"%s"' % noise[:60].replace(b'"', b""))):
        why = read(mail).why
        assert len(why) <= WHY_LIMIT
        assert why.isprintable()


HOSTILE = {
    "boundaries without end": b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n"
    + b"\n--x\r\n" * 60_000,
    "a status without end": report(b"Action: delayed\n" * 30_000),
    "a header without end": b"Content-Type: multipart/report\r\n" + b" ;boundary=" * 30_000,
    "blank lines": report(b"\n" * 200_000),
}


@pytest.mark.parametrize("mail", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_was_made_to_cost(mail: bytes) -> None:
    """However it was made, a bounce is read in well under a second."""
    began = time.monotonic()
    read(mail)
    assert time.monotonic() - began < 0.5
