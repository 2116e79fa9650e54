"""Where an HTML text names its pictures, and by what: by Content-ID, by place, or by a file's name. Runs in the child.

Beside ``img`` these are backgrounds (of a style, or of a table as mail programs write them), buttons that are pictures,
objects, and choices of several. Browsers know all of them; WeasyPrint is told of those it does not know.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

HERE = "https://mail.invalid/"
"""Where the text is said to lie, so that what is named beside it has an address."""

_URL = r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^)"']*))\s*\)"""
_DRAWN = re.compile(rf"(?:background|list-style|content|border-image)[a-z-]*\s*:[^;{{}}]*?{_URL}", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_OBJECTS = {"object": "data", "embed": "src"}


def key_of(source: str) -> str:
    """By what an address names a part: its Content-ID (RFC 2392), its Content-Location (RFC 2557) or its name."""
    source = source.strip()
    scheme, _, rest = source.partition(":")
    if scheme.lower() == "cid":
        return unquote(rest).strip("<>")
    return unquote(source.removeprefix(HERE).removeprefix("./"))


def in_style(style: str) -> Iterator[str]:
    """Addresses of the pictures that a style draws."""
    for found in _DRAWN.finditer(_COMMENT.sub("", style)):
        yield next(filter(None, found.groups()), "")


def before(tag: str, given: Mapping[str, str]) -> Iterator[str]:
    """Addresses of the pictures that an element itself shows; of several to choose from, the one that is drawn."""
    if tag == "img" or (tag == "input" and given.get("type", "").lower() == "image"):
        yield given.get("src") or first_of(given.get("srcset", ""))
    elif tag in _OBJECTS:
        yield given.get(_OBJECTS[tag], "")


def behind(given: Mapping[str, str]) -> Iterator[str]:
    """Addresses of the pictures on which an element stands."""
    yield given.get("background", "")
    yield from in_style(given.get("style", ""))


def first_of(choices: str) -> str:
    """The first address of several that are written for screens of several kinds."""
    return next(iter(choices.split()), "").rstrip(",")


def made_plain(element: Any) -> None:
    """Tell WeasyPrint of the pictures that it would not see, in words that it knows."""
    for each in element.iter():
        if not isinstance(each.tag, str):
            continue  # a comment
        each.attrib.pop("cellspacing", None)  # rows that touch are not told apart as well by their grounds
        if address := each.get("background"):
            quoted = address.strip().replace("\\", "%5C").replace('"', "%22").replace("\n", "")
            each.set("style", f'background-image: url("{quoted}"); {each.get("style", "")}')
        if each.tag == "input" and each.get("type", "").lower() == "image" and each.get("src"):
            each.tag = "img"
        if each.tag == "img" and not each.get("src") and each.get("srcset"):
            each.set("src", first_of(each.get("srcset")))
