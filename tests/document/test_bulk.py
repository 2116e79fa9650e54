"""Large attachments come out as the library's own parser has them, and sooner."""

import base64
import email
import random
import time

import pytest
from hypothesis import given, settings, strategies as st

from bridge.document import bulk
from tests.support.document_samples import mail, multipart, part, plain

CONTENT = random.Random(3).randbytes(400_000)


def leaves(message: email.message.Message) -> list[tuple[str, object]]:
    """Type and decoded content of every part."""
    return [
        (each.get_content_type(), each.get_payload(decode=True)) for each in message.walk() if not each.is_multipart()
    ]


def both(content: bytes) -> tuple[list[tuple[str, object]], list[tuple[str, object]]]:
    """What comes of a mail here and there."""
    return leaves(bulk.parse(content)), leaves(email.message_from_bytes(content))


def large(*, ending: bytes = b"\r\n", width: int = 76, content: bytes = CONTENT) -> bytes:
    """Base64 as mail programs write it."""
    written = base64.b64encode(content)
    return b"".join(written[at : at + width] + ending for at in range(0, len(written), width))


BODIES = {
    "as usual": large(),
    "bare line ends": large(ending=b"\n"),
    "short lines": large(width=4),
    "one line": large(width=10**9),
    "cut short": large()[:-300],
    "cut within a letter": large()[:-5],
    "with a blank line": large() + b"\r\n\r\n",
    "not base64 at the end": large() + b"-- \r\nyours\r\n",
    "not base64 within": large()[:9000] + b"!$\r\n" + large()[9000:],
    "two in a row": large()[:100_000] + b"==\r\n" + large(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("field", ["base64", "BASE64 ", "7bit", "quoted-printable", "x-base64"])
def test_what_comes_out_is_the_same(body: bytes, field: str) -> None:
    """However the content is written and called: alone, among others, and in a mail within the mail."""
    one = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: " + field.encode() + b"\r\n\r\n" + body
    for whole in (
        mail(one),
        mail(multipart("mixed", plain("see there"), one, plain("after"))),
        mail(multipart("mixed", b"Content-Type: message/rfc822\r\n\r\n" + mail(multipart("mixed", one, one)))),
    ):
        ours, theirs = both(whole)
        assert [kind for kind, _ in ours] == [kind for kind, _ in theirs]
        for (_, content), (_, wanted) in zip(ours, theirs, strict=True):
            assert content == wanted


FIELD = b"Content-Transfer-Encoding: base64\n"
PILE = (b"\n--", b"--b", b"\r\n\r\n", b"\n", large()[:210_000], FIELD, b"x: y\n", b"- ")


@given(st.lists(st.sampled_from(PILE)))
@settings(max_examples=60, deadline=None)
def test_any_pile_of_pieces_comes_out_the_same(pieces: list[bytes]) -> None:
    """Boundaries where none should be, fields within contents, contents without fields."""
    ours, theirs = both(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + b"".join(pieces))
    assert ours == theirs


def test_a_token_is_nothing_a_mail_could_hold() -> None:
    """Two mails have other tokens for the same part."""
    taken: dict[str, bytes] = {}
    content = part(CONTENT, "application/pdf", "a.pdf")
    assert bulk._short(content, taken) != bulk._short(content, taken)
    assert len(taken) == 2


def test_it_is_much_faster() -> None:
    """A mail with 8 MB attached is parsed in a third of the time, or less."""
    whole = mail(multipart("mixed", plain("x"), part(CONTENT * 20, "application/pdf", "a.pdf")))
    times = []
    for parse in (bulk.parse, email.message_from_bytes):
        began = time.process_time()
        assert len(leaves(parse(whole))) == 2
        times.append(time.process_time() - began)
    assert times[0] < times[1] / 3
