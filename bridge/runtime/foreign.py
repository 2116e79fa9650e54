"""Text from strangers: file names, subjects, answers of the carrier. Bounded, total, never a control character.

Everything foreign that reaches a notice, a log line, a row or a header of ours goes through here. (The standard
library's modern header parser raises on some malformed fields and hands back CR LF from an encoded word.)
"""

import base64
import codecs
import itertools
import quopri
import re
import unicodedata
from encodings import normalize_encoding
from encodings.aliases import aliases

HEADER_LENGTH = 200
"""Characters kept of a foreign header field."""

_CHARSETS = """
ascii utf_8 utf_8_sig utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le latin_1
iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10 iso8859_11 iso8859_13
iso8859_14 iso8859_15 iso8859_16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874 cp1125
koi8_r koi8_t koi8_u kz1048 ptcp154 tis_620 hp_roman8 mac_cyrillic mac_greek mac_iceland mac_latin2 mac_roman
mac_turkish big5 big5hkscs cp950 gb2312 gbk gb18030 hz euc_kr cp949 johab iso2022_kr
euc_jp euc_jis_2004 euc_jisx0213 shift_jis shift_jis_2004 shift_jisx0213 cp932 iso2022_jp iso2022_jp_1
iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext
"""
"""Charsets that letters are written in, by Python's names: not its escapes, host names, byte transforms or UTF-7."""

_CODECS = frozenset(_CHARSETS.split())
_SHIFTING = ("iso2022", "hz")
"""How charsets begin in which a letter means what was shifted to before it (RFC 1468, RFC 1843)."""

_UNLABELLED = {"unknown-8bit", "x-unknown"}
"""What programs put for a charset that they were not told (RFC 1428)."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET_NAME = re.compile(r"[A-Za-z0-9_.:+-]{1,40}", re.ASCII)
_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]*)?\?([BbQq])\?([^?\r\n]{0,2000})\?=")
_ROW = re.compile(rf"{_ENCODED_WORD.pattern}(?:\s*{_ENCODED_WORD.pattern})*")


def one_line(text: str, limit: int = HEADER_LENGTH) -> str:
    """``text`` on one line: control and format characters become spaces, runs of spaces one, ``limit`` kept.

    Lone surrogates and bidirectional overrides go too: what is printed is what is there.
    """
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: 4 * limit])
    joined = " ".join(visible.split())
    return joined if len(joined) <= limit else joined[: limit - 1].rstrip() + "…"


def decode(raw: bytes, charset: str | None = None) -> str:
    """Bytes as text, whatever they are: a byte order mark decides, then the charset named, else UTF-8.

    What is none of these is read as Windows-1252 with gaps filled. Only charsets of mail are followed.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(name, errors="replace")
    for codec in (_codec(charset or ""), "utf-8"):
        if codec is None:
            continue
        try:
            return raw.decode(codec)
        except ValueError:
            continue
    return raw.decode("cp1252", errors="replace")


def _codec(charset: str) -> str | None:
    """Python's name for a charset of mail; None for all others, which Python is not even asked for.

    (Asking imports modules by that name and keeps each answer forever; some codecs run what they read, or warn.)
    """
    if not _CHARSET_NAME.fullmatch(charset):
        return None
    name = normalize_encoding(charset).lower()
    codec = aliases.get(name) or aliases.get(name.replace(".", "_")) or name
    return codec if codec in _CODECS else None


def header_text(raw: str | bytes, limit: int = HEADER_LENGTH) -> str:
    """A header field's value as a person reads it: encoded words (RFC 2047) decoded, one line, bounded.

    Never raises; an encoded word that cannot be decoded stands as it came.
    """
    text = decode(raw if isinstance(raw, bytes) else _octets(raw))
    return one_line(_ROW.sub(_decode_row, text[: 20 * limit]), limit)


def _octets(text: str) -> bytes:
    """The octets behind a header the email package handed over (8-bit octets come as lone surrogates)."""
    try:
        return text.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", errors="replace")


def _decode_row(row: re.Match[str]) -> str:
    """Encoded words one after another; the blanks between them are none of the text (RFC 2047, 6.2).

    Where a word cannot be decoded by itself, perhaps a letter was split over it and the next (which 5. forbids):
    neighbours of one charset are then taken as one. In a charset with shifts they always are: there a split shows
    nowhere.
    """
    words = list(_ENCODED_WORD.finditer(row[0]))
    read: list[str] = []
    for charset, group in itertools.groupby(words, key=lambda word: _codec(word[1]) or word[1].lower()):
        together = list(group)
        each = [_decoded(charset, [word]) for word in together]
        whole = _decoded(charset, together) if None in each or charset.startswith(_SHIFTING) else None
        apart = (word[0] if text is None else text for text, word in zip(each, together, strict=True))
        read.append("".join(apart) if whole is None else whole)
    return "".join(read)


def _decoded(charset: str, words: list[re.Match[str]]) -> str | None:
    """The text of these words as if they were one; None if it is none."""
    codec = _codec(charset)
    if codec is None and charset not in _UNLABELLED:
        return None
    try:
        octets = b"".join(_octets_of(word[2], word[3]) for word in words)
        return decode(octets) if codec is None else octets.decode(codec)
    except ValueError:
        if codec is None or len(words) == 1 or any(word[2] not in "Bb" for word in words):
            return None
    try:  # base64 that was cut anywhere
        return _octets_of("B", "".join(word[3] for word in words)).decode(codec)
    except ValueError:
        return None


def _octets_of(encoding: str, payload: str) -> bytes:
    if encoding in "Bb":
        payload = payload.replace(" ", "")
        return base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True)
    return quopri.decodestring(payload.encode("ascii").replace(b"_", b"=20").replace(b" ", b"=20"))
