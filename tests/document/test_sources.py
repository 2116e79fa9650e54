"""Texts that are none for people are told from all others, which stay texts."""

import base64
import binascii
import random

import pytest

from bridge.document import mime, sources
from bridge.document.limits import Limits
from bridge.document.pieces import Role
from tests.support.document_samples import mail, multipart, part, plain

NOISE = random.Random(7).randbytes(3_000)


def base64_lines(size: int, width: int = 76, *, url: bool = False) -> str:
    """So many bytes of noise in base64."""
    coded = (base64.urlsafe_b64encode if url else base64.b64encode)(NOISE[:size]).decode()
    return "\n".join(coded[at : at + width] for at in range(0, len(coded), width))


def uu_lines(size: int) -> str:
    """So many bytes of noise in uuencode, without its first line and its last."""
    return b"".join(binascii.b2a_uu(NOISE[at : at + 45]) for at in range(0, size, 45)).decode()


PROSE = "Please see the letter of the patient in bed 7, and call the ward when it has come.\n"
PART = "--b1\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
NONE = {
    "base64": base64_lines(600),
    "base64 of two lines": base64_lines(100),
    "base64 on one line": base64_lines(600, 10_000),
    "base64 under words": PROSE + base64_lines(600),
    "base64 under many words": PROSE * 40 + base64_lines(600),
    "base64 between words": PROSE + "\n" + base64_lines(600, 60) + "\n\n" + PROSE,
    "quoted base64 of a file": "see\n" + base64_lines(3_000, 72),
    "uuencode without its end": "begin 644 a.pdf\n" + uu_lines(900),
    "uuencode lines": PROSE + uu_lines(450),
    "base64 that is quoted": "".join(f"> {line}\n" for line in base64_lines(600).split("\n")),
    "uuencode that is quoted": "".join(f">> {line}\n" for line in uu_lines(450).split("\n")),
    "yEnc": "=ybegin line=128 size=99 name=a.pdf\nabcdef\n=yend size=99\n",
    "BinHex": "(This file must be converted with BinHex 4.0)\n\n:#dP[GQPMD@0SDA`!\n",
    "a part": PROSE + PART + "JVBERi0x\n--b1--\n",
    "a part with its fields in another order": "--=_x_=\nMIME-Version: 1.0\nContent-ID: <a@b>\n\nwords",
    "a part in quoted-printable": "------=_Part_1\ncontent-transfer-encoding: quoted-printable\n\nM=C3=BCller\n",
}


@pytest.mark.parametrize("text", NONE.values(), ids=NONE.keys())
@pytest.mark.parametrize("shape", ["body", "file", "html", "html lines", "archive text"])
def test_what_nobody_can_read_is_no_text(text: str, shape: str) -> None:
    """It fails by name, as the mail's own text, as a file that hangs on it, and within HTML."""
    # A line before it: else nothing but base64 would be undone.
    written = ("%%\n" + text).encode()
    html = b"<html><body><p>" + written.replace(b"<", b"&lt;") + b"</p></body></html>"
    lines = b"<div>" + written.replace(b"<", b"&lt;").replace(b"\n", b"<br>\r\n") + b"</div>"
    whole = {
        "body": mail(b"Content-Type: text/plain\r\n\r\n" + written),
        "file": mail(multipart("mixed", plain("see"), part(written, "text/plain", "a.txt"))),
        "html": mail(b"Content-Type: text/html\r\n\r\n" + html),
        "html lines": mail(b"Content-Type: text/html\r\n\r\n" + lines),
        "archive text": mail(multipart("mixed", plain("see"), part(written, "application/octet-stream", "a.bin"))),
    }[shape]
    roles = [piece.role for piece in mime.pieces(whole, Limits())]
    assert Role.UNUSABLE in roles
    assert not {Role.BODY, Role.ATTACHMENT} & set(roles)


TEXTS = {
    "prose": PROSE * 30,
    "a certificate": f"Our key:\n-----BEGIN CERTIFICATE-----\n{base64_lines(900, 64)}\n-----END CERTIFICATE-----\n",
    "a PGP key": f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{base64_lines(900, 64)}\n=abcd\n"
    "-----END PGP PUBLIC KEY BLOCK-----\n",
    "a PGP key that is quoted": "> -----BEGIN PGP PUBLIC KEY BLOCK-----\n>\n"
    + "".join(f"> {line}\n" for line in base64_lines(900, 64).split("\n"))
    + "> -----END PGP PUBLIC KEY BLOCK-----\n",
    "genes": "\n".join("".join(random.Random(at).choices("ACGT", k=60)) for at in range(40)),
    "proteins": "\n".join("".join(random.Random(at).choices("ACDEFGHIKLMNPQRSTVWY", k=60)) for at in range(40)),
    "checksums": "\n".join(random.Random(at).randbytes(32).hex() for at in range(40)),
    "keys of licences": "\n".join("ABCD1-EFGH2-IJKL3-MNOP4-QRST5" for _ in range(40)),
    "a key of DKIM": 'v=DKIM1; k=rsa; p="' + base64_lines(300, 10_000) + '"\n' + PROSE,
    "long addresses": "\n".join(f"https://example.org/a/{base64_lines(60, 100, url=True)}?x={at}" for at in range(20)),
    "one long word": PROSE * 3 + base64_lines(60, 100) + "\n",
    "fields": "From: Anna Berg\nTo: ward 3\nSubject: bed 7\nContent-Type: text/plain, it says\n\n" + PROSE,
    "quoted source": "> --b1\n> Content-Type: text/plain\n>\n> words\n" + PROSE,
    "rules and signatures": PROSE + "\n--\nAnna Berg\n-----\n--------------------\n" + PROSE,
    "capitals": "MEDICATION LIST OF THE PATIENT IN BED SEVEN AS OF THIS MONDAY\n" * 30,
    "a table": "\n".join(f"{at:>8} {at * 7.25:>12.2f} {'x' * (at % 40)}" for at in range(60)),
    "a log": "\n".join(f"2026-11-30T09:{at:02}:00Z host daemon[{at}]: id={at:040x} ok" for at in range(50)),
    "a word for mail people": "The part says Content-Transfer-Encoding: base64, and that was it.\n--\nAnna",
    "begin": "begin 644 steps further on, then turn left.\n",
    "dots": "." * 70 + "\n" + "_" * 70 + "\n" + "/" * 70 + "\n" + "=" * 70,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_what_people_can_read_is_a_text(text: str) -> None:
    """Tables, keys, sequences and words about mail are faxed as they are."""
    assert sources.why_unreadable(text) == ""
    [piece] = mime.pieces(mail(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode()), Limits())
    assert (piece.role, piece.content) == (Role.BODY, text.encode())


def test_a_form_that_cannot_be_read_is_not_missed_beside_one_that_can() -> None:
    """Where a mail has the same text twice, the readable form is faxed, and the other has its line."""
    broken = b"Content-Type: text/plain\r\n\r\n%%\r\n" + NONE["base64"].encode()
    good = b"Content-Type: text/html\r\n\r\n<p>Please call.</p>"
    found = mime.pieces(mail(multipart("alternative", broken, good)), Limits())
    assert [piece.role for piece in found] == [Role.LEFT_OUT, Role.BODY]
