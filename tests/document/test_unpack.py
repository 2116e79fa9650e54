"""Files that hold others: opened, each file in them with its line, and never more of them than the limits allow."""

import base64
import io
import random
import struct
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from bridge.document import pieces, unpack
from bridge.document.limits import Limits
from bridge.document.options import DocumentOptions
from bridge.document.unpack import Unopenable
from tests.support.document_samples import Made, a_pdf, left_out, mail, make, multipart, part, plain

PDF = a_pdf("inside")
OPEN = DocumentOptions(archives=True)
LIMITS = Limits(archive_files=100, archive_bytes=1_000_000)


def tnef_object(level: int, kind: int, content: bytes) -> bytes:
    """One object of a TNEF stream (MS-OXTNEF, 2.1.3)."""
    checksum = sum(content) & 0xFFFF
    return struct.pack("<BII", level, kind, len(content)) + content + struct.pack("<H", checksum)


def winmail(*files: tuple[str, bytes], text: bytes = b"") -> bytes:
    """A winmail.dat with a plain text and these files."""
    stream = struct.pack("<IH", 0x223E9F78, 1) + tnef_object(1, 0x00089006, struct.pack("<I", 0x00010000))
    stream += tnef_object(1, 0x00069007, struct.pack("<II", 1252, 0))
    if text:
        stream += tnef_object(1, 0x0002800C, text + b"\0")
    for name, content in files:
        stream += tnef_object(2, 0x00069002, bytes(14))
        stream += tnef_object(2, 0x00018010, name.encode() + b"\0") + tnef_object(2, 0x0006800F, content)
    return stream


def zipped(*files: tuple[str, bytes]) -> bytes:
    """A packed ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


async def with_file(
    workspace: Path, content: bytes, name: str, options: DocumentOptions | None = None, text: bytes = plain("see")
) -> Made:
    """A mail with this one file."""
    held = part(content, "application/octet-stream", name)
    return await make(workspace, mail(multipart("mixed", text, held)), options=options)


async def test_a_winmail_dat_is_opened(tmp_path: Path) -> None:
    """Its files are faxed in order; its text is the mail's once more, and only where the mail has none its text."""
    held = winmail(("a.pdf", PDF), ("b.txt", b"more words"), text=b"the text")
    made = await with_file(tmp_path, held, "winmail.dat")
    assert made.words() == ["inside", "more words"]
    assert [(each.name, each.left_out) for each in made.parts] == [
        (pieces.BODY_NAME, pieces.BODY_NOT_FAXED),
        (pieces.BODY_NAME, pieces.OTHER_FORM),
        ("winmail.dat: a.pdf", None),
        ("winmail.dat: b.txt", None),
    ]
    alone = await make(tmp_path, mail(part(winmail(text=b"the text"), "application/ms-tnef", "winmail.dat")))
    assert alone.words() == ["the text"]


@pytest.mark.parametrize("files", [(), (("a.pdf", PDF),)], ids=["alone", "beside a file"])
async def test_a_text_in_a_winmail_dat_that_nobody_can_read_fails(
    files: tuple[tuple[str, bytes], ...], tmp_path: Path
) -> None:
    """It is held to what holds for any other text: the source of a file or of a mail is never pages."""
    coded = b"%%\r\n" + base64.encodebytes(random.Random(7).randbytes(600))
    source = b"see\r\n--b1\r\nContent-Type: application/pdf\r\n\r\nJVBERi0x\r\n--b1--\r\n"
    for text, said in ((coded, "letters and signs"), (source, "source of a mail")):
        made = await make(tmp_path, mail(part(winmail(*files, text=text), "application/ms-tnef", "winmail.dat")))
        assert said in made.failed
        assert made.pages == 0


async def test_a_winmail_dat_of_nothing_has_its_line(tmp_path: Path) -> None:
    """What holds neither text nor file is told of as empty."""
    made = await with_file(tmp_path, winmail(), "winmail.dat")
    assert made.words() == ["see"]
    assert left_out(made.parts)["winmail.dat"] == pieces.EMPTY


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
async def test_a_winmail_dat_cut_short_is_refused(share: float, tmp_path: Path) -> None:
    """Never a file less, or half of one."""
    held = winmail(("a.pdf", PDF), ("b.txt", b"more words"))
    made = await with_file(tmp_path, held[: int(len(held) * share)], "winmail.dat")
    assert made.failed == f"winmail.dat: {unpack.DAMAGED}"


def test_without_the_extra_a_winmail_dat_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words name the extra for the operator, and for the sender what to do."""
    monkeypatch.setitem(sys.modules, "tnefparse", None)
    with pytest.raises(Unopenable, match="extra tnef is not installed"):
        unpack.winmail(winmail(text=b"x"))


async def test_archives_are_opened_where_the_site_wishes(tmp_path: Path) -> None:
    """Every file in one is faxed or has its line; by default an archive fails the fax, and says so."""
    held = zipped(("letter.pdf", PDF), ("sub/notes.txt", b"some notes"), ("__MACOSX/._letter.pdf", b"\0\5\x16\7"))
    assert (await with_file(tmp_path, held, "a.zip")).failed == f"a.zip: {unpack.NO_ARCHIVES}"
    made = await with_file(tmp_path, held, "a.zip", OPEN)
    assert made.words() == ["inside", "some notes"]
    assert [(each.name, bool(each.left_out)) for each in made.parts][1:] == [
        ("a.zip: letter.pdf", False),
        ("a.zip: sub/notes.txt", False),
        ("a.zip: __MACOSX/._letter.pdf", True),
    ]


async def test_one_bad_file_in_an_archive_fails_the_fax_by_name(tmp_path: Path) -> None:
    """A file that cannot be faxed is named with its archive."""
    made = await with_file(tmp_path, zipped(("a.pdf", PDF), ("b.bin", bytes(range(256)))), "a.zip", OPEN)
    assert made.failed.startswith("a.zip: b.bin: ")


async def test_no_archive_within_an_archive(tmp_path: Path) -> None:
    """Which ends every nesting of bombs."""
    made = await with_file(tmp_path, zipped(("b.zip", zipped(("a.pdf", PDF)))), "a.zip", OPEN)
    assert made.failed == f"a.zip: b.zip: {unpack.ARCHIVE_IN_ARCHIVE}"


def test_a_bomb_is_not_unpacked() -> None:
    """Not more than the limit is read, be it one file or many, and whatever the archive says of their size."""
    for held in (
        zipped(("big", bytes(20_000_000))),
        zipped(*((f"{number}", bytes(300_000)) for number in range(4))),
    ):
        with pytest.raises(Unopenable, match="more than 1 MB"):
            list(unpack.archive(held, LIMITS))
    with pytest.raises(Unopenable, match="more than 100 files"):
        list(unpack.archive(zipped(*((f"{number}", b"x") for number in range(101))), LIMITS))


def test_a_locked_archive_is_refused_in_words() -> None:
    """With the cure."""
    held = bytearray(zipped(("a", b"x")))
    held[6] |= 1
    held[held.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Unopenable, match="password"):
        list(unpack.archive(bytes(held), LIMITS))


def sign(entity: bytes, folder: Path, *how: str) -> bytes:
    """The entity signed by OpenSSL, as DER."""
    key, certificate = str(folder / "key.pem"), str(folder / "cert.pem")
    subject = ["-subj", "/CN=Ann", "-days", "2", "-nodes", "-newkey", "rsa:2048"]
    _openssl(["req", "-x509", *subject, "-keyout", key, "-out", certificate])
    return _openssl(["cms", "-sign", "-binary", "-signer", certificate, "-inkey", key, "-outform", "DER", *how], entity)


def _openssl(arguments: list[str], given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, check=True, capture_output=True, timeout=60).stdout


async def test_a_mail_signed_in_one_piece_is_unwrapped(tmp_path: Path) -> None:
    """Outlook's opaque form: what is inside is the mail, and the text stays off beside a document."""
    entity = multipart("mixed", plain("the text"), part(PDF, "application/pdf", "a.pdf"))
    held = sign(entity, tmp_path, "-nodetach")
    made = await make(tmp_path, mail(part(held, "application/pkcs7-mime; smime-type=signed-data", "smime.p7m")))
    assert made.words() == ["inside"]
    assert left_out(made.parts) == {pieces.BODY_NAME: pieces.BODY_NOT_FAXED, "a.pdf": None}


async def test_a_mail_signed_beside_its_text_keeps_the_signature_off(tmp_path: Path) -> None:
    """``multipart/signed``: the signature is left out with a line, the rest is as ever."""
    for kind in ("pkcs7-signature", "pgp-signature"):
        signature = part(b"0\x80sig", f"application/{kind}", "smime.p7s")
        made = await make(tmp_path, mail(multipart("signed", plain("the text"), signature)))
        assert made.words() == ["the text"]
        assert left_out(made.parts)["smime.p7s"] == "a signature is not faxed"


async def test_a_signature_without_what_was_signed_is_refused(tmp_path: Path) -> None:
    """A detached signature called ``pkcs7-mime`` holds no mail."""
    held = sign(b"x", tmp_path)
    made = await make(tmp_path, mail(part(held, "application/pkcs7-mime", "smime.p7m")))
    assert made.failed == f"smime.p7m: {unpack.SIGNED_ELSEWHERE}"


HELD = [winmail(("a.pdf", PDF[:200]), text=b"x"), zipped(("a.pdf", PDF), ("b", b"x"))]


@given(st.sampled_from(HELD), st.data())
@settings(max_examples=300, deadline=None)
def test_damage_is_told_and_nothing_else_raised(held: bytes, data: st.DataObject) -> None:
    """Whatever is done to its bytes, a container opens, or is refused in words."""
    at = data.draw(st.integers(0, len(held) - 1))
    broken = held[:at] + data.draw(st.binary(max_size=8)) + held[at + data.draw(st.integers(0, 8)) :]
    for opening in (unpack.winmail, lambda content: list(unpack.archive(content, LIMITS)), unpack.signed):
        with suppress(Unopenable):
            opening(broken)
