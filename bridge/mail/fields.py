"""Header fields as we write them: a name and a value become folded lines of ASCII, and nothing foreign adds a field.

The standard library's header classes are not asked: they read a value once more while they write it, so that an encoded
word inside an encoded word became a field of its own, and an id longer than a line came out encoded.
"""

import base64
import re
from collections.abc import Sequence
from email.utils import parseaddr

from bridge.fax.options import is_mail_address
from bridge.runtime import foreign

LINE_WIDTH = 76
VALUE_LIMIT = 500
"""Characters of one value; ids and addresses have bounds of their own."""

STATUS_LIMIT = 900
"""Of one value in a delivery status: one line holds it, and an ORCPT or ENVID (RFC 3461, 4.2 and 4.4) is never cut."""

UNDISCLOSED = "undisclosed-recipients:;"

_ENCODED_WORD = "=?"
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_NAME_ADDRESS = re.compile(r"(.*)<([^<>]*)>\s*", re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ESCAPED = re.compile(r"\\(.)")
_PRINTABLE = re.compile(r"[ -~]*", re.ASCII)
_BETWEEN_WORDS = re.compile(r"(?<=[^ ]) (?=[^ ])")
_PLAIN_IN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


def unstructured(name: str, value: str) -> bytes:
    """A field of free text. ASCII stands as it is; all else, and what looks like an encoded word, is encoded once."""
    text = foreign.one_line(value, VALUE_LIMIT)
    if text.isascii() and _ENCODED_WORD not in text:
        return _folded(name, text.split(" "))
    return _folded(name, encoded_words(text, LINE_WIDTH - len(name) - 2))


def verbatim(name: str, value: str) -> bytes:
    """A field of a delivery status: printable ASCII letter by letter, never encoded, folded at single spaces only.

    What is not ASCII becomes a question mark, and what a reader might take for an encoded word is parted.
    """
    text = value if _PRINTABLE.fullmatch(value) else ascii_line(value, STATUS_LIMIT)
    return _folded(name, _BETWEEN_WORDS.split(text[:STATUS_LIMIT].replace(_ENCODED_WORD, "= ?").strip()))


def ids(name: str, identities: Sequence[str]) -> bytes:
    """A field of message ids, one a line and whole; they have been read by ``headers`` and match the grammar."""
    return (f"{name}: " + "\r\n ".join(identities) + "\r\n").encode("ascii")


def address(name: str, mailbox: str) -> bytes:
    """A field of one address, whole on its line; a text that is no address, or that readers decode, is not shown.

    An address with letters beyond ASCII stands as the name of an empty group: it can be read, and the field is one that
    every relay takes (RFC 6857, 3.1, has the same way out).
    """
    if _ENCODED_WORD not in mailbox:
        if is_mail_address(mailbox):
            return f"{name}: {mailbox}\r\n".encode("ascii")
        if is_mail_address(mailbox, utf8=True):
            *words, last = encoded_words(mailbox, LINE_WIDTH - len(name) - 4)
            return _folded(name, [*words, f"{last}:;"])
    return f"{name}: {UNDISCLOSED}\r\n".encode("ascii")


def sender(name: str, written: str, otherwise: str) -> bytes:
    """A field of one mailbox as configured, ``Name <address>`` or the address alone; else ``otherwise``."""
    match = _NAME_ADDRESS.fullmatch(written)
    person, mailbox = match.groups() if match else ("", parseaddr(written)[1])
    if not is_mail_address(mailbox) or _ENCODED_WORD in mailbox:
        return address(name, otherwise)
    person = foreign.one_line(person)
    if _QUOTED.fullmatch(person):
        person = foreign.one_line(_ESCAPED.sub(r"\1", person[1:-1]))
    if not person:
        return address(name, mailbox)
    if not person.isascii() or _ENCODED_WORD in person:
        words = encoded_words(person, LINE_WIDTH - len(name) - 2)
    elif _ATOMS.fullmatch(person):
        words = person.split(" ")
    else:
        words = ['"' + re.sub(r'([\\"])', r"\\\1", person) + '"']
    return _folded(name, [*words, f"<{mailbox}>"])


def encoded_words(text: str, width: int) -> list[str]:
    """``text`` as encoded words (RFC 2047) in UTF-8, none longer than ``width`` nor ending within a character.

    They are such as may stand in a display name too.
    """
    encode = min((_q, _b), key=lambda way: len(way(text)))
    words, piece = [], ""
    for char in text:
        if piece and len(encode(piece + char)) > width:
            words.append(encode(piece))
            piece = ""
        piece += char
    return [*words, encode(piece)]


def ascii_line(text: str, limit: int = 300) -> str:
    """One line of printable ASCII; what is not becomes a question mark."""
    return foreign.one_line(text, limit).encode("ascii", errors="replace").decode("ascii")


def _q(text: str) -> str:
    coded = "".join(
        chr(byte) if byte in _PLAIN_IN_Q else "_" if byte == ord(" ") else f"={byte:02X}" for byte in text.encode()
    )
    return f"=?utf-8?q?{coded}?="


def _b(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode('ascii')}?="


def _folded(name: str, words: Sequence[str]) -> bytes:
    """The field, its lines as full as they may be; a word longer than a line stays whole."""
    lines = [f"{name}: {words[0]}"]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > LINE_WIDTH:
            lines.append("")
        lines[-1] += f" {word}"
    return ("\r\n".join(lines) + "\r\n").encode("ascii")
