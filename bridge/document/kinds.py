"""What a file is, told by its bytes; its name and declared type only choose between readings. Runs in the child."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from enum import StrEnum

from bridge.document import bitmaps, characters, vectors

HEAD = 4096
"""Bytes or characters in which everything but a container shows itself."""

_PDF_WITHIN = 1024
_PDF = re.compile(rb"%PDF-[0-9]")
_PDF_WITHOUT_VERSION = re.compile(rb"%PDF[-\s]|(?:%[^\r\n]*[\r\n]+)*\d+ \d+ obj\b")
"""How a PDF begins whose first line is not whole, or was lost: viewers open it all the same."""
_HTML = re.compile(
    r"(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_MARKUP = re.compile(r"<(?:\?xml|!doctype|svg)\b|%!PS", re.IGNORECASE)
_FIELD = re.compile(
    r"^(from|to|date|subject|received|message-id|mime-version|return-path):", re.IGNORECASE | re.MULTILINE
)
_FIELDS_OF_A_MAIL = 3
_NO_TEXT = ("audio/", "image/", "video/")
"""What is called so is no text of the West only because each of its bytes could be a letter."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_OUTLOOK_ITEM = "__substg1.0_".encode("utf-16-le")
_OFFICE_FOLDERS = ("word/", "xl/", "ppt/")
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument."
_HEIF = re.compile(rb"....ftyp(?:heic|heix|hevc|hevx|heim|heis|mif1|msf1|avif|avis)", re.DOTALL)
_PCX = re.compile(rb"\x0a[\x00\x02-\x05][\x00\x01][\x01\x02\x04\x08]", re.DOTALL)
_ICON = re.compile(
    rb"\x00\x00\x01\x00[\x01-\x40]\x00...[\x00\xff][\x00\x01]\x00[\x00\x01\x04\x08\x10\x18\x20]\x00", re.DOTALL
)
"""What begins with too little to tell it by that alone: also depths that there are, and bytes of nought."""
_DER = re.compile(rb"\x30[\x80-\x84].{0,4}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07([\x02\x03])", re.DOTALL)
_MOST_MEMBERS = 100_000
_MANIFEST_HEAD = 1 << 20
"""Bytes: a manifest may be packed to a thousandth of its size."""

ZIP_DAMAGES = (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError)
"""What ``zipfile`` raises on an archive that is not what it seems (NotImplementedError is a RuntimeError)."""


class Kind(StrEnum):
    """What can be told apart. The value is what a person would call it."""

    PDF = "PDF"
    TIFF = "TIFF"
    PICTURE = "picture"
    TEXT = "text"
    HTML = "HTML"
    OFFICE = "office document"
    TNEF = "winmail.dat"
    MESSAGE = "mail"
    ARCHIVE = "ZIP archive"
    SIGNED = "signed mail"
    ENCRYPTED = "encrypted mail"
    LOCKED = "office document with a password"
    OUTLOOK = "Outlook item"
    CARD = "address card"
    CALENDAR = "calendar entry"
    SIGNATURE = "signature"
    SVG = "SVG drawing"
    METAFILE = "drawing of Windows's own"
    APPLE = "file of a Mac"
    FORK = "Mac's notes about a file"
    EMPTY = "empty file"
    UNKNOWN = "unknown file"


_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"II+\x00", Kind.TIFF),
    (b"MM\x00+", Kind.TIFF),
    (b"\x89PNG\r\n\x1a\n", Kind.PICTURE),
    (b"\xff\xd8\xff", Kind.PICTURE),
    (b"GIF87a", Kind.PICTURE),
    (b"GIF89a", Kind.PICTURE),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Kind.PICTURE),
    (b"\xff\x4f\xff\x51\0", Kind.PICTURE),
    (b"\xb1\x68\xde\x3a", Kind.PICTURE),
    (b"8BPS\0\1\0\0\0\0\0\0", Kind.PICTURE),
    (b"\xd7\xcd\xc6\x9a", Kind.METAFILE),
    (b"\x01\x00\x09\x00\x00\x03", Kind.METAFILE),
    (b"\x00\x05\x16\x00", Kind.APPLE),
    (b"\x00\x05\x16\x07", Kind.FORK),
    (b"{\\rtf", Kind.OFFICE),
    (b"%FDF-", Kind.UNKNOWN),
    (b"\x78\x9f\x3e\x22", Kind.TNEF),
    (b"-----BEGIN PGP MESSAGE-----", Kind.ENCRYPTED),
    (b"-----BEGIN PGP SIGNATURE-----", Kind.SIGNATURE),
)
_BY_TYPE = {
    "application/pgp-signature": Kind.SIGNATURE,
    "application/pkcs7-signature": Kind.SIGNATURE,
    "application/x-pkcs7-signature": Kind.SIGNATURE,
    "application/pgp-keys": Kind.SIGNATURE,
    "message/rfc822": Kind.MESSAGE,
    "message/global": Kind.MESSAGE,
}
"""What only its sender can know."""


def kind_of(content: bytes, declared: str = "", charset: str | None = None) -> Kind:
    """What these bytes are. ``declared`` is the type the mail gives them, ``charset`` that of a text."""
    if not content:
        return Kind.EMPTY
    if declared in _BY_TYPE:
        return _BY_TYPE[declared]
    if vectors.is_one(content):
        return Kind.SVG
    for ask in (_by_beginning, _by_container):
        if (found := ask(content)) is not None:
            return found
    head = content[:_PDF_WITHIN]
    if declared != "text/plain" and (_PDF.search(head) or _PDF_WITHOUT_VERSION.match(head)):
        return Kind.PDF  # behind some junk; but a text that only speaks of PDFs is a text
    if characters.looks_like_text(content, charset):
        kind = _of_text(characters.read(content, charset)[:HEAD].lstrip(), declared)
        is_noise = kind is Kind.TEXT and declared.startswith(_NO_TEXT) and not characters.is_unicode(content)
        return Kind.UNKNOWN if is_noise else kind
    return Kind.UNKNOWN


def _by_beginning(content: bytes) -> Kind | None:
    if _PDF.match(content):
        return Kind.PDF
    stripped = content[:HEAD].lstrip()
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning) or (kind is not Kind.PICTURE and stripped.startswith(beginning)):
            return kind
    if (_PCX.match(content) and content[64:65] == b"\0") or _ICON.match(content):
        return Kind.PICTURE
    if bitmaps.is_one(content) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP") or _HEIF.match(content[:12]):
        return Kind.PICTURE
    return Kind.METAFILE if content[:4] == b"\x01\0\0\0" and content[40:44] == b" EMF" else None


def _by_container(content: bytes) -> Kind | None:
    openers: tuple[tuple[bytes, Callable[[bytes], Kind]], ...] = ((_OLE, _of_compound_file), (b"PK\x03\x04", _of_zip))
    for beginning, ask in openers:
        if content.startswith(beginning):
            return ask(content)
    found = _DER.match(content[:32])
    if found:
        return Kind.SIGNED if found[1] == b"\x02" else Kind.ENCRYPTED
    return None


def _of_compound_file(content: bytes) -> Kind:
    """What Windows keeps in one file as if it were a folder: old office files, Outlook's items, locked new ones."""
    if _ENCRYPTED_PACKAGE in content:
        return Kind.LOCKED
    return Kind.OUTLOOK if _OUTLOOK_ITEM in content else Kind.OFFICE


def _of_zip(content: bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()[:_MOST_MEMBERS]
            if "[Content_Types].xml" in names and any(name.startswith(_OFFICE_FOLDERS) for name in names):
                return Kind.OFFICE
            if content[38:].startswith(_OPEN_DOCUMENT):  # by the format, "mimetype" comes first and unpacked
                return Kind.LOCKED if b"encryption-data" in _manifest(archive, names) else Kind.OFFICE
    except ZIP_DAMAGES:
        return Kind.UNKNOWN
    return Kind.ARCHIVE


def _manifest(archive: zipfile.ZipFile, names: list[str]) -> bytes:
    """The head of an OpenDocument's table of contents; nothing if it has none."""
    if (name := "META-INF/manifest.xml") not in names:
        return b""
    with archive.open(name) as file:
        return file.read(_MANIFEST_HEAD)


def _of_text(text: str, declared: str) -> Kind:
    """Which language a text is in. A text that was typed as one stays one, whatever it quotes."""
    if declared in {"text/vcard", "text/x-vcard", "text/directory"} or text[:11].upper() == "BEGIN:VCARD":
        return Kind.CARD
    if declared == "text/calendar" or text[:15].upper() == "BEGIN:VCALENDAR":
        return Kind.CALENDAR
    if declared == "text/html" or _HTML.match(text):
        return Kind.HTML
    if _MARKUP.match(text):
        return Kind.UNKNOWN
    is_mail = declared != "text/plain" and len({name.lower() for name in _FIELD.findall(text.partition("\n\n")[0])})
    return Kind.MESSAGE if is_mail >= _FIELDS_OF_A_MAIL else Kind.TEXT
