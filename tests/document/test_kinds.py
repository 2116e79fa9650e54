"""A file is what its bytes are, whatever it is called."""

import io
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from bridge.document.kinds import Kind, kind_of
from tests.support.document_samples import EXECUTABLE, a_pdf, saved

DOT = Image.new("L", (8, 8), 0)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def zipped(**members: bytes) -> bytes:
    """A ZIP of these, not packed, in this order; ``__`` in a name stands for ``/``."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def a_docx() -> bytes:
    """A package as Word makes them."""
    return zipped(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})


JAPANESE = "\u3053\u308c\u306f\u6587\u7ae0\u3002"
ODT = b"application/vnd.oasis.opendocument.text"
KNOWN: dict[str, tuple[bytes, str, Kind]] = {
    "PDF": (a_pdf("x"), "application/octet-stream", Kind.PDF),
    "PDF behind junk": (b"\r\n\r\nxx\r\n" + a_pdf("x"), "application/pdf", Kind.PDF),
    "PDF without a version": (b"%PDF\n1 0 obj<</Type/Catalog>>endobj", "application/pdf", Kind.PDF),
    "PDF of another version": (b"%PDF-a.4\n1 0 obj<</Type/Catalog>>endobj", "", Kind.PDF),
    "PDF without its first line": (b"%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj", "", Kind.PDF),
    "data of a form": (b"%FDF-1.2\n1 0 obj<</FDF<</Fields[]>>>>endobj", "application/vnd.fdf", Kind.UNKNOWN),
    "text that begins with a percent sign": (b"% of all 1 0 objects", "", Kind.TEXT),
    "text about PDF": (b"a file begins with %PDF-1.4", "text/plain", Kind.TEXT),
    "TIFF": (saved(DOT, "TIFF"), "image/jpeg", Kind.TIFF),
    **{kind: (saved(DOT, kind), "", Kind.PICTURE) for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "AVIF")},
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/jpeg", Kind.PICTURE),
    "MP4": (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "image/heic", Kind.UNKNOWN),
    "text": ("Grüße".encode(), "application/octet-stream", Kind.TEXT),
    "Japanese text": ((JAPANESE * 700).encode(), "text/plain", Kind.TEXT),
    "text that begins with BM": (b"BMW is what he drives, and BM stands first", "", Kind.TEXT),
    "HTML": (b"\n<!-- a --><!DOCTYPE HTML PUBLIC><p>", "application/octet-stream", Kind.HTML),
    "HTML as said": (b"<p>x", "text/html", Kind.HTML),
    "XML": (b'<?xml version="1.0"?><ClinicalDocument/>', "text/xml", Kind.UNKNOWN),
    "PostScript": (b"%!PS-Adobe-3.0\n", "application/postscript", Kind.UNKNOWN),
    "RTF": (b"{\\rtf1\\ansi x}", "text/plain", Kind.OFFICE),
    "old Word": (OLE + "WordDocument".encode("utf-16-le"), "", Kind.OFFICE),
    "locked Word": (OLE + "EncryptedPackage".encode("utf-16-le"), "", Kind.LOCKED),
    "Outlook item": (OLE + "__substg1.0_0037".encode("utf-16-le"), "", Kind.OUTLOOK),
    "Word": (a_docx(), "application/zip", Kind.OFFICE),
    "OpenDocument": (zipped(mimetype=ODT, content=b""), "", Kind.OFFICE),
    "locked OpenDocument": (
        zipped(**{"mimetype": ODT, "META-INF/manifest.xml": b"<m:encryption-data/>"}),
        "",
        Kind.LOCKED,
    ),
    "ZIP": (zipped(a=b"1"), "application/octet-stream", Kind.ARCHIVE),
    "ZIP cut short": (zipped(a=b"1")[:30], "application/zip", Kind.UNKNOWN),
    "winmail.dat": (b"\x78\x9f\x3e\x22\x01\x00", "application/ms-tnef", Kind.TNEF),
    "signed in one piece": (b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80", "", Kind.SIGNED),
    "encrypted": (b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0", "", Kind.ENCRYPTED),
    "PGP": (b"-----BEGIN PGP MESSAGE-----\n", "application/octet-stream", Kind.ENCRYPTED),
    "signature": (b"anything", "application/pkcs7-signature", Kind.SIGNATURE),
    "address card": (b"BEGIN:VCARD\nEND:VCARD", "application/octet-stream", Kind.CARD),
    "calendar": (b"BEGIN:VCALENDAR", "text/plain", Kind.CALENDAR),
    "mail": (b"From: a@b\nDate: x\nSubject: y\n\nhi", "application/octet-stream", Kind.MESSAGE),
    "text with two fields": (b"From: a@b\nDate: x\n\nhi", "application/octet-stream", Kind.TEXT),
    "typed text that quotes a mail": (b"From: a@b\nDate: x\nSubject: y\n\nhi", "text/plain", Kind.TEXT),
    "noise of a microphone": (bytes(range(0xA1, 0xFF)) * 9, "audio/basic", Kind.UNKNOWN),
    "words of the West": ("Müller, Bett 7".encode("latin-1"), "application/octet-stream", Kind.TEXT),
    "words that are called a picture": (b"removed by the gateway", "image/jpeg", Kind.TEXT),
    "nothing": (b"", "application/pdf", Kind.EMPTY),
    "executable": (EXECUTABLE, "application/pdf", Kind.UNKNOWN),
}


@pytest.mark.parametrize(("content", "declared", "kind"), KNOWN.values(), ids=KNOWN.keys())
def test_each_kind_is_known_by_its_bytes(content: bytes, declared: str, kind: Kind) -> None:
    """The bytes decide; the declared type only where they leave a choice."""
    assert kind_of(content, declared) is kind


def _cut(content: bytes) -> st.SearchStrategy[bytes]:
    return st.integers(0, len(content)).map(lambda at: content[:at])


@given(
    st.one_of(st.binary(max_size=300), st.sampled_from([each for each, *_ in KNOWN.values()]).flatmap(_cut)),
    st.sampled_from(["", "text/plain", "text/html", "message/rfc822", "application/zip"]),
)
@settings(max_examples=500, deadline=None)
def test_any_bytes_have_a_kind(content: bytes, declared: str) -> None:
    """Whatever the bytes, they are of some kind, and nothing raises."""
    assert kind_of(content, declared) in Kind


def test_a_packed_manifest_is_not_unpacked_whole_and_damage_in_it_is_told() -> None:
    """An OpenDocument file whose manifest is broken is of no known kind; one that is a bomb is an office document."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", ODT)
        archive.writestr("META-INF/manifest.xml", bytes(300_000_000), zipfile.ZIP_DEFLATED)
    bomb = out.getvalue()
    tracemalloc.start()
    assert kind_of(bomb) is Kind.OFFICE
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    broken = bytearray(bomb)
    at = broken.index(b"manifest.xml") + len(b"manifest.xml")
    broken[at : at + 8] = b"\xff" * 8
    assert kind_of(bytes(broken)) is Kind.UNKNOWN
