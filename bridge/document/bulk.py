"""Large attachments of a mail, kept out of the parser's way. Runs in the child.

Python's mail parser reads line by line; a scan of 20 MB has a quarter of a million, none of which means anything to it.
So the base64 of large parts is taken out first, a token put in its place, and decoded in one go when it is asked for.
What comes of the mail is the same.
"""

import base64
import binascii
import re
import secrets
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32, compat32
from functools import partial
from typing import Any

LARGE = 200_000
"""Bytes from which a part is taken out."""

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_IS_BASE64 = re.compile(rb"^content-transfer-encoding[ \t]*:[ \t]*base64\r?$", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEADER = 20_000


def parse(mail: bytes) -> Message:
    """The mail, as the standard library's parser has it."""
    taken: dict[str, bytes] = {}
    short = b"".join(_pieces(mail, taken)) if len(mail) > LARGE else mail
    return BytesParser(partial(_Part, taken), policy=compat32).parsebytes(short)


class _Part(Message):
    """One whose content may have been taken out."""

    def __init__(self, taken: dict[str, bytes], policy: Compat32 = compat32) -> None:
        super().__init__(policy)
        self._taken = taken

    def get_payload(self, i: Any = None, decode: Any = False) -> Any:  # noqa: FBT002 - as the library has it
        """As the library has it."""
        written = super().get_payload(i) if decode else None
        if isinstance(written, str):
            for token, content in self._taken.items():
                if written.strip() == token:
                    return _decoded(content)
                if token in written:  # with something behind it that was no boundary
                    return _decoded_slowly(written.replace(token, content.decode("ascii")))
        return super().get_payload(i, decode)


def _pieces(mail: bytes, taken: dict[str, bytes]) -> list[bytes]:
    """The mail with a token for each large part's content; between the lines that may be boundaries nothing is."""
    pieces, start = [], 0
    while True:
        end = mail.find(b"\n--", start)
        stop = len(mail) if end < 0 else end + 1
        pieces.append(_short(mail[start:stop], taken) if stop - start > LARGE else mail[start:stop])
        if end < 0:
            return pieces
        start = stop
        after = mail.find(b"\n", start)
        if after < 0:
            continue
        pieces.append(mail[start : after + 1])
        start = after + 1


def _short(part: bytes, taken: dict[str, bytes]) -> bytes:
    """A part's fields and a token, if all that follows them is base64; else the part."""
    end = _HEADER_END.search(part, 0, _LONGEST_HEADER)
    if end is None or _IS_BASE64.search(part, 0, end.start() + 1) is None:
        return part
    content = part[end.end() :]
    if content.translate(None, _BASE64):
        return part
    token = base64.b64encode(secrets.token_bytes(30)).decode("ascii")
    taken[token] = content
    return part[: end.end()] + token.encode("ascii") + b"\r\n"


def _decoded(content: bytes) -> bytes:
    try:
        return binascii.a2b_base64(content)
    except binascii.Error:  # cut short in the middle of a letter
        return _decoded_slowly(content.decode("ascii"))


def _decoded_slowly(written: str) -> bytes:
    """As the library does it, which has a way with everything."""
    part = Message()
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(written)
    decoded = part.get_payload(decode=True)
    assert isinstance(decoded, bytes)
    return decoded
