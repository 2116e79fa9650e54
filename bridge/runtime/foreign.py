"""Text from strangers: file names, subjects, answers of the carrier. Bounded, total, never a control character.

Everything foreign that reaches a notice, a log line, a row or a header of ours goes through here. (The standard
library's modern header parser raises on some malformed fields and hands back CR LF from an encoded word.)
"""

import base64
import binascii
import quopri
import re
import unicodedata

HEADER_LENGTH = 200
"""Characters kept of a foreign header field."""

_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]*)?\?([BbQq])\?([^? ]{0,2000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(=\?)")


def one_line(text: str, limit: int = HEADER_LENGTH) -> str:
    """``text`` on one line: control and format characters become spaces, runs of spaces one, ``limit`` kept.

    Lone surrogates and bidirectional overrides go too: what is printed is what is there.
    """
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: 4 * limit])
    joined = " ".join(visible.split())
    return joined if len(joined) <= limit else joined[: limit - 1].rstrip() + "…"


def decode(raw: bytes, charset: str | None = None) -> str:
    """Bytes as text, whatever they are: the charset named, else UTF-8, else Windows-1252 with gaps filled."""
    for name in (charset, "utf-8"):
        if name is None:
            continue
        try:
            return raw.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return raw.decode("cp1252", errors="replace")


def header_text(raw: str | bytes, limit: int = HEADER_LENGTH) -> str:
    """A header field's value as a person reads it: encoded words (RFC 2047) decoded, one line, bounded.

    Never raises; an encoded word that cannot be decoded stands as it came.
    """
    text = decode(raw if isinstance(raw, bytes) else _octets(raw))
    text = _BETWEEN_WORDS.sub(r"\1\2", text[: 20 * limit])
    return one_line(_ENCODED_WORD.sub(_decode_word, text), limit)


def _octets(text: str) -> bytes:
    """The octets behind a header the email package handed over (8-bit octets come as lone surrogates)."""
    try:
        return text.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", errors="replace")


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, payload = match.groups()
    try:
        if encoding in "Bb":
            raw = base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True)
        else:
            raw = quopri.decodestring(payload.encode("ascii").replace(b"_", b"=20"))
        return raw.decode(charset)
    except (LookupError, ValueError, binascii.Error):
        return match.group(0)
