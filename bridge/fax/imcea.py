"""Fax numbers as Exchange hands them on in SMTP: ``IMCEAFAX-`` and the number, or a name and a number, encoded.

MS-OXCMAIL, 2.1.3.1.8, has the encoding. What is encoded is MAPI's fax address, ``dialable | name@canonical | more``, of
which only a number has to be there; people type it as ``[FAX:+1 (415) 555-0123]``.
"""

import re

from bridge.errors import NotAFaxNumber
from bridge.fax import numbers
from bridge.runtime import foreign

_ENCAPSULATED = re.compile(r"IMCEA([A-Za-z0-9]{1,20})-(.*)", re.IGNORECASE | re.DOTALL | re.ASCII)
_ESCAPED = re.compile(r"\+[0-7][0-9A-F]|(?:\+[89A-F][0-9A-F])+", re.IGNORECASE | re.ASCII)
_DIALLED = re.compile(r"\+?[0-9(][0-9 ().-]*", re.ASCII)


def read(local: str) -> tuple[str, str] | None:
    """The number as it was written, and for whom (or empty); None for what is no encapsulated address.

    Raises NotAFaxNumber for one that encloses something else, or may be read in two ways.
    """
    found = _ENCAPSULATED.fullmatch(local)
    if found is None:
        return None
    kind, written = found.groups()
    if kind.upper() != "FAX":
        raise NotAFaxNumber(f"IMCEA{kind.upper()} is Exchange's way to enclose an address that is no fax number")
    decoded = _ESCAPED.sub(_characters, written.replace("_", "/"))
    if decoded == written or not _DIALLED.fullmatch(written):
        return _parts(decoded)
    # a number as it was, with a plus that should have been +2B: that it may be a space is for Egypt's +20 alone
    if _DIALLED.fullmatch(decoded.strip()):
        raise NotAFaxNumber(f"the number may be {written} or {decoded.strip()}; write its plus as +2B")
    return written, ""


def _characters(escaped: re.Match[str]) -> str:
    """What pluses and two hexadecimal digits each stand for; ASCII's letters and digits are never encoded."""
    text = foreign.decode(bytes.fromhex(escaped[0].replace("+", "")))
    return escaped[0] if (text.isascii() and text.isalnum()) or not text.isprintable() else text


def _parts(address: str) -> tuple[str, str]:
    """MAPI's fax address. A canonical number counts before the dialable one that stands before it."""
    pieces = [piece.strip() for piece in address.split("|")]
    number_at = 1 if len(pieces) > 1 and _is_number(pieces[1]) else 0
    if any(pieces[number_at + 1 :]):
        raise NotAFaxNumber(numbers.MORE_TO_DIAL)
    name, _, number = pieces[number_at].rpartition("@")
    return number.strip(), " ".join(name.split())


def _is_number(piece: str) -> bool:
    return _DIALLED.fullmatch(piece.rpartition("@")[2].strip()) is not None
