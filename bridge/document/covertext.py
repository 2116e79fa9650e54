"""The text of a mail as it stands on a cover page: what its writer says, and nothing else. Runs in the child.

Cut are the mails it answers, the writer's signature, and the disclaimers that mail servers append. Each is known by a
line that programs write in English, German, French or Spanish, or by the marks of HTML mails; what is not known for
sure stays.
"""

import re
from html.parser import HTMLParser

from bridge.document import characters, seen, signs
from bridge.document.kinds import Kind
from bridge.document.pieces import Piece

LONGEST = 100_000
"""Characters; a longer text belongs on pages of its own."""

_SIGNATURES = {"-- ", "--\u00a0"}
_QUOTED = re.compile(r"\s{0,3}>")
_WROTE = r"\b(?:wrote|schrieb|a écrit|escribió)"
_SAYS = re.compile(rf"(?:on|am|le|el)\b.{{5,200}}{_WROTE}\b.{{0,100}}:|.{{3,200}}{_WROTE}\s?:", re.IGNORECASE)
"""How a program introduces the mail that is answered."""
_ORIGINAL = re.compile(
    r"-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht|weitergeleitete nachricht|"
    r"message d'origine|message original|message transféré|mensaje original|mensaje reenviado)\s*-{2,}|_{20,}",
    re.IGNORECASE,
)
_FROM = re.compile(r"\*?(?:from|von|de)\*?\s?:\*?\s", re.IGNORECASE)
_SENT = re.compile(
    r"\*?(?:sent|date|gesendet|datum|envoyé|enviado|fecha)\*?(?:\s(?:am|le|el))?\s?:\*?\s", re.IGNORECASE
)
_FIELDS_NEAR = 3
_KEPT = "confidential|intended|privileged"
_DISCLAIMER = re.compile(
    rf"\W{{0,4}}(?:confidentiality notice|disclaimer\b|this (?:e-?mail|message)[^.]{{0,80}}(?:{_KEPT})|"
    rf"the information (?:contained )?in this (?:e-?mail|message)[^.]{{0,60}}(?:{_KEPT})|"
    r"diese (?:e-?mail|nachricht)[^.]{0,80}vertraulich|ce (?:message|courriel)[^.]{0,80}confidentiel|"
    r"este (?:mensaje|correo)[^.]{0,80}confidencial)",
    re.IGNORECASE,
)

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {"p", "div", "br", "tr", "li", "ul", "ol", "table", "blockquote", "hr", "pre", *_HEADINGS}
_QUOTE_MARKS = ("gmail_quote", "moz-cite", "divrplyfwdmsg", "appendonsend", "yahoo_quoted")
_SIGNATURE_MARKS = ("gmail_signature", "moz-signature")


def read(piece: Piece, *, trim: bool) -> str:
    """The text of a mail's body, plain, without blank lines at its ends."""
    content = characters.read(piece.content, piece.charset)
    text = _plain(signs.joined(content), trim=trim) if piece.kind is Kind.HTML else content
    lines = text.replace("\f", "\n").splitlines()
    return "\n".join(_without_gaps([line.rstrip() for line in (_trimmed(lines) if trim else lines)]))


def as_written(piece: Piece) -> str:
    """All words of a text that a reader sees, line for line as they were written."""
    content = characters.read(piece.content, piece.charset)
    return _plain(content, trim=False, as_written=True) if piece.kind is Kind.HTML else content


def _trimmed(lines: list[str]) -> list[str]:
    """The lines before the first that begins what is not the writer's; without quoted ones among them."""
    kept: list[str] = []
    for at, line in enumerate(lines):
        if line in _SIGNATURES or _begins_another(lines, at) or (_DISCLAIMER.match(line.strip()) and any(kept)):
            break
        if not _QUOTED.match(line):
            kept.append(line)
    return kept if any(line.strip() for line in kept) else lines


def _begins_another(lines: list[str], at: int) -> bool:
    line = lines[at].strip()
    if _ORIGINAL.fullmatch(line):
        return True
    if _FROM.match(line) and any(_SENT.match(near.strip()) for near in lines[at + 1 : at + 1 + _FIELDS_NEAR]):
        return True
    two = f"{line} {lines[at + 1].strip()}" if at + 1 < len(lines) else line
    follows = next((near for near in lines[at + 1 :] if near.strip() and not near.strip().endswith(":")), ">")
    return bool(_QUOTED.match(follows)) and any(_SAYS.fullmatch(each) for each in (line, two))


def _without_gaps(lines: list[str]) -> list[str]:
    """Never two blank lines together, and none at the ends."""
    kept = [line for at, line in enumerate(lines) if line.strip() or (at and lines[at - 1].strip())]
    while kept and not kept[-1].strip():
        kept.pop()
    while kept and not kept[0].strip():
        kept.pop(0)
    return kept


def _plain(content: str, *, trim: bool, as_written: bool = False) -> str:
    reader = _Reader(trim=trim, as_written=as_written)
    reader.feed(content)
    reader.close()
    return "".join(reader.text)


class _Reader(HTMLParser):
    """An HTML text as lines; with ``trim`` without what its marks say is quoted or a signature.

    ``as_written``: its line ends are kept, which on a page are spaces.
    """

    def __init__(self, *, trim: bool, as_written: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self._trim = trim
        self._as_written = as_written
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.text.append("\n")
        if tag in seen.VOID:
            return
        marks = " ".join(value or "" for name, value in attrs if name in {"class", "id", "type"}).lower()
        cut = tag == "blockquote" or any(mark in marks for mark in (*_QUOTE_MARKS, *_SIGNATURE_MARKS))
        self._open.append((tag, tag in seen.UNSEEN or (self._trim and cut)))

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at][0] == tag:
                del self._open[at:]
                break
        if tag in _BLOCKS:
            self.text.append("\n" if tag not in {"p", *_HEADINGS} else "\n\n")

    def handle_data(self, data: str) -> None:
        if not any(hidden for _, hidden in self._open):
            self.text.append(data if self._as_written else re.sub(r"\s+", " ", data))
