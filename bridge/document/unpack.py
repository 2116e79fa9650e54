"""What files hold that hold others: winmail.dat, ZIP archives, mail signed in one piece. Runs in the child."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from bridge.document.kinds import ZIP_DAMAGES
from bridge.document.limits import Limits
from bridge.runtime import foreign
from bridge.runtime.phrases import phrase

NO_TNEF = (
    "a winmail.dat cannot be opened here (the extra tnef is not installed); have the mail sent as plain text or HTML, "
    "not as rich text"
)
NO_ARCHIVES = phrase("an archive is not unpacked here; attach the files themselves")
ARCHIVE_IN_ARCHIVE = phrase("is an archive within an archive; attach the files themselves")
ARCHIVE_LOCKED = phrase("the archive is protected by a password; attach the files without one")
ARCHIVE_TOO_LARGE = phrase("the archive holds more than {size} MB; send the files in several faxes")
ARCHIVE_TOO_MANY = phrase("the archive holds more than {files} files; send them in several faxes")
DAMAGED = phrase("is damaged; attach it again")
SIGNED_ELSEWHERE = phrase("holds a signature only, not what was signed; attach that too")

_WINDOW = 1 << 16
_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_ATTACH_CONTENT_ID = 0x3712
_CLASS_ID_TAIL = bytes.fromhex("00000000c000000000000046")
"""How the class ids of embedded messages and documents end (MS-OXTNEF, 2.1.3.3.15)."""

_DATA_FORK = 1
_RTF = b"{\\rtf"
_TNEF_HEAD = 6
_TNEF_OBJECT = 9
_TNEF_CHECKSUM = 2
_TNEF_LEVELS = (1, 2)


class Unopenable(Exception):
    """It should be faxed and cannot be opened; the words say why and what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file inside. ``litter``: what a system puts there for itself; ``is_text``: a form of the mail's text."""

    name: str
    content: bytes
    type: str = "application/octet-stream"
    litter: bool = False
    is_text: bool = False
    charset: str | None = None
    content_id: str = ""


def signed(content: bytes) -> bytes:
    """The MIME entity within an S/MIME ``signed-data`` (RFC 8551, section 3.5.2). Raises Unopenable."""
    from asn1crypto import cms  # noqa: PLC0415 - which few mails need

    try:
        info = cms.ContentInfo.load(content)
        inner = info["content"]["encap_content_info"]["content"].native
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unopenable(DAMAGED) from error
    if not isinstance(inner, bytes):
        raise Unopenable(SIGNED_ELSEWHERE)
    return inner


def apple(content: bytes) -> Member:
    """The file within an AppleSingle, without what a Mac keeps beside it (RFC 1740). Raises Unopenable."""
    entries = int.from_bytes(content[24:26])
    for at in range(26, min(26 + 12 * entries, len(content)), 12):
        kind, offset, length = (int.from_bytes(content[begin : begin + 4]) for begin in (at, at + 4, at + 8))
        if kind == _DATA_FORK:
            if offset + length > len(content):
                raise Unopenable(DAMAGED)
            return Member("", content[offset : offset + length])
    raise Unopenable(DAMAGED)


def archive(content: bytes, limits: Limits) -> Iterator[Member]:
    """The files of a ZIP, in its order; not one byte more than the limits is unpacked. Raises Unopenable."""
    if not limits.archive_files:
        raise Unopenable(NO_ARCHIVES)
    left = limits.archive_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            files = [each for each in opened.infolist() if not each.is_dir()]
            if len(files) > limits.archive_files:
                raise Unopenable(ARCHIVE_TOO_MANY.format(files=limits.archive_files))
            for each in files:
                if each.flag_bits & 1:
                    raise Unopenable(ARCHIVE_LOCKED)
                with opened.open(each) as file:
                    read = _at_most(file, left)
                if read is None:
                    raise Unopenable(ARCHIVE_TOO_LARGE.format(size=limits.archive_bytes // 1_000_000))
                left -= len(read)
                litter = each.filename.startswith(_LITTER) or each.filename.endswith(_LITTER)
                yield Member(foreign.one_line(each.filename), read, litter=litter)
    except ZIP_DAMAGES as error:
        raise Unopenable(DAMAGED) from error


def _at_most(file: IO[bytes], most: int) -> bytes | None:
    """All of it; None if that is more than so many bytes (whatever its header says)."""
    pieces, size = [], 0
    while piece := file.read(_WINDOW):
        size += len(piece)
        if size > most:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def winmail(content: bytes) -> list[Member]:
    """The text and the files of a winmail.dat (MS-OXTNEF). Raises Unopenable."""
    try:
        import tnefparse  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Unopenable(NO_TNEF) from error
    if not _is_whole(content):
        raise Unopenable(DAMAGED)
    try:
        opened = tnefparse.TNEF(content, do_checksum=True)
        files = [_attached(each) for each in opened.attachments]
        texts = [(opened.htmlbody, "text/html"), (_rich_text(opened.rtfbody), "text/rtf"), (opened.body, "text/plain")]
    except Unopenable:
        raise
    except Exception as error:  # a parser that raises whatever comes
        raise Unopenable(DAMAGED) from error
    text = next(((found, kind) for found, kind in texts if found), None)
    return [*([] if text is None else [_text(*text)]), *files]


def _rich_text(found: object) -> bytes:
    """The text in RTF, if that is what it is: without a library of its own the parser gives it packed."""
    if not found:
        return b""
    text = _octets(found)
    if not text.startswith(_RTF):
        raise Unopenable(DAMAGED)
    return text


def _attached(attachment: Any) -> Member:
    """One file of a winmail.dat; of an object in it, what it is without its class id."""
    content = _octets(attachment.data)
    if content[4:16] == _CLASS_ID_TAIL:
        content = content[16:]
    ids = (each.data for each in attachment.mapi_attrs if each.name == _ATTACH_CONTENT_ID)
    content_id = foreign.one_line(str(next(ids, ""))).strip("<> \0")
    return Member(
        foreign.one_line(str(attachment.long_filename() or attachment.name)) or "unnamed",
        content,
        content_id=content_id,
    )


def _text(found: object, kind: str) -> Member:
    if isinstance(found, str):
        return Member("", found.encode("utf-8", "replace"), kind, is_text=True, charset="utf-8")
    return Member("", _octets(found).rstrip(b"\0"), kind, is_text=True)


def _octets(data: object) -> bytes:
    if not isinstance(data, bytes | bytearray):
        raise Unopenable(DAMAGED)
    return bytes(data)


def _is_whole(content: bytes) -> bool:
    """Whether every object of a TNEF stream ends within it, and has its checksum: the parser minds neither."""
    at = _TNEF_HEAD
    while at + _TNEF_OBJECT <= len(content) and content[at] in _TNEF_LEVELS:
        begin = at + _TNEF_OBJECT
        end = begin + int.from_bytes(content[at + 5 : begin], "little")
        at = end + _TNEF_CHECKSUM
        if at > len(content) or sum(content[begin:end]) & 0xFFFF != int.from_bytes(content[end:at], "little"):
            return False
    return True
