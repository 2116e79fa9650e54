"""Transfer encodings undone (RFC 2045, section 6), however oddly they are named. Runs in the child.

What a field says is followed where the content bears it out. Where it is missing or makes no sense, base64 is known by
what comes of it: a file of a known kind, the fields of a mail, or a text.
"""

import binascii
import quopri
import re
from collections.abc import Callable
from dataclasses import dataclass

from bridge.document import characters, uuencode
from bridge.document.entity import Entity
from bridge.document.kinds import Kind, kind_of
from bridge.runtime import foreign
from bridge.runtime.phrases import phrase

IN_PIECES = phrase("did not arrive whole, or was packed in a way that cannot be undone; attach it again, best as PDF")

_COMMENT = re.compile(r"\([^()]*\)")
_NAMES = {
    "base64": "base64",
    "quotedprintable": "quoted-printable",
    "qp": "quoted-printable",
    "xuuencode": "uuencode",
    "uuencode": "uuencode",
    "xuue": "uuencode",
    "uue": "uuencode",
}
_BASE64 = re.compile(rb"[A-Za-z0-9+/][A-Za-z0-9+/=]*|={0,2}")
_REGULAR = re.compile(rb"\s*([A-Za-z0-9+/]+)")
_LINES = rb"(?:[A-Za-z0-9+/]{%d}\r?\n)*(?:[A-Za-z0-9+/]{1,%d}={0,2})?\s*"
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TAIL = re.compile(rb"={0,2}\s*")
_LONGEST_LINE = 1000
_ESCAPES = re.compile(rb"=(?:[0-9A-F]{2}|[ \t]*\r?\n)")
_SOFT_BREAK = re.compile(rb"^[^\r\n]{60,75}=\r?\n", re.MULTILINE)
_LEAST_PLAIN = 16
"""Letters of base64 that show it without a field that says so."""
_QUARTET = 4
_HEAD = 4096
_WORDS = 0.7
"""Of a text in a charset of the West so much is plain letters and blanks; of noise that is read as one, a third."""
_ENDS = ((b"%PDF-", b"%%EOF"), (b"\x89PNG", b"IEND\xaeB`\x82"), (b"\xff\xd8\xff", b"\xff\xd9"))
"""How files begin whose last bytes tell that nothing is missing, and these."""
_UNKNOWABLE = {Kind.EMPTY, Kind.UNKNOWN, Kind.TEXT, Kind.HTML, Kind.CARD, Kind.CALENDAR}


class Undecodable(Exception):
    """What it holds cannot be had with certainty."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The content, and what stands ``behind`` its end though it is no part of it: a list's footer, mostly."""

    content: bytes
    behind: bytes = b""


def decoded(entity: Entity) -> Decoded:
    """What a part holds. Raises Undecodable."""
    said = _said(entity)
    body = entity.body
    if "base64" in said:
        if said != {"base64"} and _plain_base64(body) is None:
            raise Undecodable
        return _unwrapped(_from_base64(body, entity.parameter("charset")))
    if said == {"quoted-printable"}:
        file = _plain_base64(body, lambda content: kind_of(content) not in _UNKNOWABLE)
        return Decoded(quopri.decodestring(body) if file is None else file)
    if said == {"uuencode"}:
        return _from_uuencode(body, entity.parameter("charset"))
    if said:
        raise Undecodable
    if (content := _plain_base64(body, charset=entity.parameter("charset"))) is not None:
        return Decoded(content)
    if entity.type.startswith("text/") and _is_plainly_quoted(body, entity.parameter("charset")):
        return Decoded(quopri.decodestring(body))
    return Decoded(body)


def opened(entity: Entity, fits: Callable[[bytes], bool]) -> bytes | None:
    """The body of a mail or a multipart, decoded if it is encoded, which none may be (RFC 2045, 6.4); else None."""
    body = entity.body
    if "quoted-printable" in _said(entity) and b"=3D" in body and b"=" not in _ESCAPES.sub(b"", body):
        body = quopri.decodestring(body)
    if fits(body):
        return body
    return _plain_base64(body, fits)


def _said(entity: Entity) -> set[str]:
    """The encodings that its fields name, but for those that change nothing or mean nothing."""
    said = set()
    for field in entity.head.get_all("Content-Transfer-Encoding", []):
        bare = _COMMENT.sub("", str(field)).partition(";")[0]
        words = [re.sub(r"[^a-z0-9]", "", word) for word in (bare.lower(), *re.split(r"[\s,]+", bare.lower()))]
        said |= {_NAMES[word] for word in words if word in _NAMES}
    return said


def _from_base64(body: bytes, charset: str | None) -> Decoded:
    """Base64 to its end, or to where lines begin that are none. Raises Undecodable."""
    if (letters := _regular(body)) is not None:
        return Decoded(_pieces(letters))
    lines = [line.strip(b" \t\r\0") for line in body.split(b"\n")]
    width = max((len(line) for line in lines[:3]), default=0)
    kept, behind = [], b""
    ended = False
    for at, line in enumerate(lines):
        if not line:
            continue
        fits = _BASE64.fullmatch(line) is not None
        if not fits or (ended and len(line) != width and not line.endswith(b"=")):
            behind = b"\n".join(body.split(b"\n")[at:])
            break
        kept.append(line)
        ended = line.endswith(b"=") or len(line) < width
    if behind.strip():
        if not kept:
            return _as_it_stands(body, charset)
        if any(
            len(line) == width and _BASE64.fullmatch(line) for line in lines[len(kept) + 1 :] if width > _LEAST_PLAIN
        ):
            raise Undecodable  # something else in its midst
    return Decoded(_pieces(b"".join(kept)), behind)


def _regular(body: bytes) -> bytes | None:
    """The letters of base64 as nearly everybody writes it: lines of one length, and a last one. It saves much time."""
    width = len(body[:_LONGEST_LINE].partition(b"\n")[0].rstrip(b"\r"))
    if not width or not (_is_even(body, width) or re.fullmatch(_LINES % (width, width), body)):
        return None
    return body.translate(None, b"\r\n")


def _is_even(body: bytes, width: int) -> bool:
    """Whether all line ends are alike and stand where lines of that width end: a quicker look at what is usual."""
    end = b"\r\n" if body[width : width + 2] == b"\r\n" else b"\n"
    others = body.translate(None, _LETTERS)
    count = len(body) // (width + len(end))
    ends, tail = others[: count * len(end)], others[count * len(end) :]
    last = len(body) - count * (width + len(end)) - len(tail)
    return (
        ends == end * count
        and body.endswith(tail)
        and _TAIL.fullmatch(tail) is not None
        and all(body[width + at :: width + len(end)][:count] == end[at : at + 1] * count for at in range(len(end)))
        and 0 <= last <= width
        and (last > 0 or b"=" not in tail)
    )


def _pieces(letters: bytes) -> bytes:
    """Base64 without line ends, of one piece or of several that are padded each. Raises Undecodable."""
    if b"=" not in letters[:-2] and len(letters) % _QUARTET == 0:
        return binascii.a2b_base64(letters)
    content = b""
    pieces = re.findall(rb"[^=]+={0,2}", letters)
    for at, piece in enumerate(pieces, 1):
        core = piece.rstrip(b"=")
        if len(core) % _QUARTET == 1:
            if at < len(pieces):
                raise Undecodable
            return _without_last(content, core)
        content += binascii.a2b_base64(core + b"=" * (-len(core) % _QUARTET))
    return content


def _without_last(before: bytes, core: bytes) -> bytes:
    """Base64 with a letter too many, which stands for nothing where the file plainly ends before it.

    Raises Undecodable where it may be what is left of letters that got lost.
    """
    content = before + binascii.a2b_base64(core[:-1])
    if before and len(core) == 1:  # behind what was filled up
        return content
    if not any(content.startswith(begin) and content.rstrip().endswith(end) for begin, end in _ENDS):
        raise Undecodable
    return content


def _as_it_stands(body: bytes, charset: str | None) -> Decoded:
    """What is called encoded and does not begin so: a file or a text that nobody encoded. Raises Undecodable.

    A text without a blank in any line is none for people, but something encoded with a fault in it.
    """
    kind = kind_of(body, "", charset)
    one_word = kind is Kind.TEXT and not any(b" " in line.strip() for line in body.split(b"\n"))
    if one_word or kind in {Kind.EMPTY, Kind.UNKNOWN}:
        raise Undecodable
    return Decoded(body)


def _from_uuencode(body: bytes, charset: str | None) -> Decoded:
    """The one file in it, and the text around."""
    text, files = uuencode.taken_out(body)
    if len(files) == 1:
        return Decoded(files[0].content, text)
    if b"begin " in body:
        raise Undecodable
    return _as_it_stands(body, charset) if body.strip() else Decoded(b"")


def _unwrapped(once: Decoded) -> Decoded:
    """What was encoded twice, though it says so once, if a file of a known kind comes of it."""
    if kind_of(once.content[:_HEAD]) is not Kind.TEXT:
        return once
    twice = _plain_base64(once.content, lambda content: kind_of(content) not in _UNKNOWABLE)
    return once if twice is None else Decoded(twice, once.behind)


def _plain_base64(body: bytes, fits: Callable[[bytes], bool] | None = None, charset: str | None = None) -> bytes | None:
    """The content of what is nothing but base64 though nothing says so; None where that is not beyond doubt."""
    begin = _REGULAR.match(body)
    if begin is None or len(begin[1]) < _LEAST_PLAIN:
        return None
    lines = [line.strip() for line in body.strip().split(b"\n")]
    if not all(map(_BASE64.fullmatch, lines)):
        return None
    letters = b"".join(lines)
    if len(letters) % _QUARTET:
        return None
    try:
        content = _pieces(letters)
    except Undecodable:
        return None
    known = fits(content) if fits is not None else kind_of(content) not in _UNKNOWABLE or _is_text(content, charset)
    return content if known else None


def _is_text(content: bytes, charset: str | None) -> bool:
    """Whether these are words, which hardly come about by chance."""
    try:
        text = content.decode("utf-8")
    except ValueError:
        text = foreign.decode(content, charset)
        words = sum(char.isascii() and (char.isalpha() or char.isspace()) for char in text)
        if charset is None or words < max(len(text) * _WORDS, _LEAST_PLAIN):
            return False
    return any(char.isspace() for char in text) and all(char in "\r\n\t\f" or characters.prints(char) for char in text)


def _is_plainly_quoted(body: bytes, charset: str | None) -> bool:
    """Whether a text is quoted-printable though nothing says so: every sign of equality is one of its own."""
    if b"=" not in body or b"=" in _ESCAPES.sub(b"", body):
        return False
    if _SOFT_BREAK.search(body) is None and len(re.findall(rb"=[89A-F][0-9A-F]", body)) < _QUARTET:
        return False
    text = foreign.decode(quopri.decodestring(body), charset)
    return all(char in "\r\n\t\f" or characters.prints(char) for char in text)
