"""The text of a mail that a person wrote, as far as its first line is wanted: bounded, whatever the mail holds."""

from email import message_from_bytes
from email.policy import default as modern
from html.parser import HTMLParser

BODY_LIMIT = 256 * 1024
"""Octets of a mail that are looked at."""

_BREAKS = {"br", "p", "div", "tr", "li", "h1", "h2", "h3", "blockquote", "body"}
_UNSEEN = {"style", "script", "head", "title"}


def text_of(mail: bytes) -> str:
    """Its plain text, else that of its HTML; empty where there is none, or none that can be read."""
    try:
        body = message_from_bytes(mail[:BODY_LIMIT], policy=modern).get_body(("plain", "html"))
        content = "" if body is None else str(body.get_content())
    except (LookupError, ValueError, AttributeError):  # what no parser makes sense of says nothing to us
        return ""
    if body is not None and body.get_content_subtype() == "html":
        reader = _Text()
        reader.feed(content)
        return "".join(reader.pieces)
    return content


class _Text(HTMLParser):
    """The words of an HTML text, a line for each block."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        if tag in _BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(" ".join(data.split()) or (" " if data else ""))
