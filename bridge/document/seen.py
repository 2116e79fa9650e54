"""What a reader of an HTML text sees, without drawing it: how many letters, which pictures where. In the child."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple

from bridge.document import characters, references, signs

UNSEEN = {"script", "style", "head", "title", "template", "noscript"}
_DRAWING = {"svg", "input", "button", "select", "textarea", "meter", "progress", "math", "canvas"}
_QUOTES = {"blockquote"}
_QUOTE_MARKS = ("gmail_quote", "gmail_extra", "moz-cite", "divrplyfwdmsg", "appendonsend", "yahoo_quoted")
_SIGNATURE_MARKS = ("signature", "x_sig")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_WEB = ("http:", "https:", "//")
_NOT_DISPLAYED = re.compile(r"(?:^|[;\s])display\s*:\s*none", re.IGNORECASE)
_MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", re.IGNORECASE)
_ELEMENT = re.compile(r"^[a-z0-9]+(?=[.#])", re.IGNORECASE)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_A_DOT = 3
"""A picture so wide or high counts who reads the mail and shows nothing."""

SIGNATURE_LINE = "-- "


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture in the text: its address, how many letters stand before it, and whether that is a signature's place.

    ``hidden`` is one that its writer shows to nobody; ``ruled_out`` one that a rule for its class, or that of what is
    around it, says so of: if no other rule says otherwise.
    """

    source: str
    at: int
    signed: bool
    quoted: bool
    dot: bool
    hidden: bool = False
    ruled_out: bool = False


@dataclass(slots=True)
class Seen:
    """The letters of the text (without spaces), and its pictures."""

    letters: int = 0
    references: list[Reference] = field(default_factory=list)
    draws: bool = False
    """Whether something else in it may leave ink: a drawing, a field of a form."""

    @property
    def is_blank(self) -> bool:
        """Nothing would be seen on paper."""
        return not self.letters and not self.draws and all(each.dot or each.hidden for each in self.references)

    def of(self, keys: Collection[str]) -> list[Reference]:
        """Where the part stands that any of these names."""
        return [each for each in self.references if references.key_of(each.source) in keys]

    @property
    def on_the_web(self) -> int:
        """How many pictures would have to be fetched."""
        wanted = (each for each in self.references if not each.dot and not each.hidden)
        return sum(1 for each in wanted if each.source.lower().startswith(_WEB))


def look(content: bytes, charset: str | None) -> Seen:
    """Read an HTML text. Whatever it is made of, nothing raises."""
    eye = _Eye()
    eye.feed(signs.joined(characters.read(content, charset)))
    eye.close()
    return eye.seen


class _Open(NamedTuple):
    """An element that has begun: its name, and whether it is a quotation, a signature, hidden or ruled out."""

    tag: str
    quotes: bool
    signs: bool
    hides: bool
    ruled_out: bool


class _Eye(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = Seen()
        self._open: list[_Open] = []
        self._unseen = 0
        self._signed = False
        self._hiding: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for source in references.before(tag, given):
            self._picture(source, given)
        for source in references.behind(given):
            self._picture(source, {name: given.get(name, "") for name in ("style", "class", "id")}, behind=True)
        self.seen.draws = self.seen.draws or tag in _DRAWING
        if tag in VOID:
            return
        marks = f"{given.get('class', '')} {given.get('id', '')}".lower()
        quote = tag in _QUOTES or any(mark in marks for mark in _QUOTE_MARKS)
        signature = any(mark in marks for mark in _SIGNATURE_MARKS)
        self._open.append(_Open(tag, quote, signature, _is_hidden(given), self._is_ruled_out(given)))
        self._unseen += tag in UNSEEN

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at].tag == tag:
                self._unseen -= sum(1 for each in self._open[at:] if each.tag in UNSEEN)
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1].tag == "style":
            self._hiding |= _hiding(data)
            for source in references.in_style(data):
                at = Reference(source, self.seen.letters, signed=True, quoted=False, dot=False)
                self.seen.references.append(at)
        if self._unseen:
            return
        self._signed = self._signed or data.strip("\n") in {SIGNATURE_LINE, SIGNATURE_LINE.strip(), "--\xa0"}
        self.seen.letters += sum(1 for char in data if characters.shows(char))

    def _picture(self, source: str, given: dict[str, str], *, behind: bool = False) -> None:
        """What stands behind the text decorates it, as a letterhead does."""
        if self._unseen or not source:
            return
        sides = [given.get(side, "").removesuffix("px").strip() for side in ("width", "height")]
        dot = any(side.isdecimal() and int(side[:9]) <= _A_DOT for side in sides)
        signed = behind or self._signed or any(each.signs for each in self._open)
        quoted = any(each.quotes for each in self._open)
        hidden = _is_hidden(given) or any(each.hides for each in self._open)
        ruled_out = self._is_ruled_out(given) or any(each.ruled_out for each in self._open)
        self.seen.references.append(Reference(source, self.seen.letters, signed, quoted, dot, hidden, ruled_out))

    def _is_ruled_out(self, given: Mapping[str, str]) -> bool:
        names = {f".{name}" for name in given.get("class", "").split()} | {f"#{given.get('id', '')}"}
        return not names.isdisjoint(self._hiding)


def _hiding(style: str) -> set[str]:
    """The classes (and ids) whose elements a style hides on every medium, of rules that name them alone."""
    rules = _RULE.findall(_MEDIA.sub("", style))
    hiding = (selectors for selectors, said in rules if _NOT_DISPLAYED.search(said))
    return {_ELEMENT.sub("", each.strip()) for selectors in hiding for each in selectors.split(",")}


def _is_hidden(given: Mapping[str, str]) -> bool:
    return "hidden" in given or _NOT_DISPLAYED.search(given.get("style", "")) is not None
