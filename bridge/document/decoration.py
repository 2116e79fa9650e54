"""Which pictures of a mail are its writer's letterhead, and which are what is to be faxed. Runs in the child.

No single sign decides, size least of all: a signature's logo is one of small or banner-shaped, shown within the text,
in a signature's or a quotation's place, and there more than once. What was attached and is not shown in the text is
never one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from bridge.document import images, vectors
from bridge.document.seen import Reference

ENOUGH = 3
"""Signs that make a decoration."""

_SMALL = 150_000
"""Dots: a logo of 500 by 300."""

_LARGE = 500_000
"""Dots: what no signature needs, but every photograph has."""

_DOT = 3
"""Dots, or less, one way."""

_BANNER = 3.5
"""So many times as wide as high."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the mail: where the text shows it, how many letters that has; attached, or made to be shown."""

    content: bytes
    references: tuple[Reference, ...]
    letters: int
    attached: bool
    embedded: bool


def decorations(pictures: Iterable[Shown]) -> list[bool]:
    """For each of the pictures of one mail, whether it is a decoration."""
    pictures = list(pictures)
    copies = Counter(sha256(each.content).digest() for each in pictures)
    return [_is_one(each, copies[sha256(each.content).digest()]) for each in pictures]


def _is_one(picture: Shown, copies: int) -> bool:
    if picture.attached and not picture.references:
        return False
    return _by_place(picture, copies) + _by_size(picture.content) >= ENOUGH


def _by_place(picture: Shown, copies: int) -> int:
    references = picture.references
    if not references:
        return picture.embedded + (copies > 1)
    apart = all(each.signed or each.quoted or _is_last(each, picture.letters) for each in references)
    return 1 + (not picture.attached) + apart + (len(references) > 1 or copies > 1)


def _is_last(reference: Reference, letters: int) -> bool:
    """Under most of the text, as what closes a letter is; a picture under a word or two is what they speak of."""
    return letters >= 40 and reference.at >= letters * 0.8  # noqa: PLR2004 - a sentence, and its last fifth


def is_modest(content: bytes) -> bool:
    """Whether a picture is small or banner-shaped, as a logo is and hardly anything that was scanned."""
    return _by_size(content) >= 1


def is_dot(content: bytes) -> bool:
    """Whether a picture is so thin that it shows nothing: it counts who reads the mail, or holds things apart."""
    size = _size(content)
    return size is not None and 0 < min(size) <= _DOT


def _size(content: bytes) -> tuple[float, float] | None:
    if vectors.is_one(content):
        return vectors.size(content)
    try:
        with images.opened(content) as picture:
            return picture.size
    except images.DAMAGES:
        return None


def _by_size(content: bytes) -> int:
    size = _size(content)
    if size is None:
        return 0
    width, height = size
    dots = width * height
    return (dots <= _SMALL) - (dots >= _LARGE) + (width >= height * _BANNER)
