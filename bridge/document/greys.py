"""Which pages of a PDF a fax line takes as they are, and which have greys to deal with. Runs in the child.

Black text and lines and black-and-white pictures are drawn at their best by whoever draws them last. Greys and colours
the carrier would make dots of, in its own way: letters of dots cannot be read, and a page of dots takes minutes.
"""

import re
from collections.abc import Iterator

import pikepdf

from bridge.document.blank import content_of
from bridge.document.damage import unpacked

_DEEPEST = 5
"""Drawings within drawings that are looked into."""

_TINT = re.compile(rb"\s(?:rg|RG|g|G|k|K|scn?|SCN?)(?=\s|$)")
"""Operators that set a colour (ISO 32000-1, table 74), which stand after its numbers."""
_NUMBERS = {b"g": 1, b"rg": 3, b"k": 4}
"""How many, where the operator tells; else as many as there are."""
_LONGEST = 80
"""Bytes in which the numbers of a colour stand."""
_SHADED = re.compile(rb"/\S+\s+(?:sh|scn|SCN)\b")
_INLINE = re.compile(rb"\bBI\b.{0,300}?\bID\b", re.DOTALL)
_BLACK_OR_WHITE = ({0.0}, {1.0})
_INKS = 4
"""Of which a colour may be mixed, black the last of them."""


def has_greys(page: pikepdf.Page) -> bool:
    """Whether anything on it is neither black nor white; so it is taken to be where it cannot be read."""
    try:
        return _has_greys(page.resources, content_of(page), 0)
    except Exception:  # noqa: BLE001 - a stranger's file: who draws it finds out
        return True


def is_scan(page: pikepdf.Page) -> bool:
    """Whether a page has neither text nor lines, so that without greys it is ink and paper already."""
    try:
        return re.search(rb"\b(?:Tj|TJ|S|s|f|F|B|b)\b|['\"*]", content_of(page)) is None
    except Exception:  # noqa: BLE001 - as above
        return False


def _has_greys(resources: pikepdf.Object, content: bytes, depth: int) -> bool:
    return (
        depth > _DEEPEST
        or _SHADED.search(content) is not None
        or any(_is_tint(content, found) for found in _TINT.finditer(content))
        or any(map(_is_grey_inline, _INLINE.findall(content)))
        or any(map(_is_clear, resources.get("/ExtGState", pikepdf.Dictionary()).values()))
        or any(_draws_greys(drawn, resources, depth) for drawn in _drawn(resources, content))
    )


def _draws_greys(drawn: pikepdf.Object, resources: pikepdf.Object, depth: int) -> bool:
    if drawn.get("/Subtype") == "/Form":
        return _has_greys(drawn.get("/Resources", resources), unpacked(drawn), depth + 1)
    return not is_bilevel(drawn)


def _is_clear(state: pikepdf.Object) -> bool:
    """Whether what is drawn in this state lets something shine through."""
    return any(float(state.get(name, 1)) != 1 for name in ("/ca", "/CA")) or state.get("/SMask", "/None") != "/None"


def _drawn(resources: pikepdf.Object, content: bytes) -> Iterator[pikepdf.Object]:
    """The pictures and drawings that the content names; several pages may share resources that each uses in part."""
    for name, drawn in resources.get("/XObject", pikepdf.Dictionary()).items():
        if re.search(re.escape(name.encode()) + rb"\s+Do\b", content) or b"#" in content:
            yield drawn


def is_bilevel(image: pikepdf.Object) -> bool:
    """Whether a picture has ink and paper only."""
    if "/SMask" in image or "/Mask" in image:
        return False
    if bool(image.get("/ImageMask", False)):
        return True
    space = image.get("/ColorSpace")
    filters = image.get("/Filter")
    return int(image.get("/BitsPerComponent", 8)) == 1 and (
        space in {"/DeviceGray", "/CalGray"} or "/CCITTFaxDecode" in str(filters) or "/JBIG2Decode" in str(filters)
    )


def _is_grey_inline(header: bytes) -> bool:
    return re.search(rb"/(?:BPC|BitsPerComponent)\s*1\b|/(?:IM|ImageMask)\s*true", header) is None


def _is_tint(content: bytes, found: re.Match[bytes]) -> bool:
    before = content[max(0, found.start() - _LONGEST) : found.start()].split()
    count = _NUMBERS.get(found[0].strip().lower(), _INKS)
    numbers: list[float] = []
    for word in reversed(before[-count:]):
        try:
            numbers.insert(0, float(word))
        except ValueError:
            break
    if len(numbers) == _INKS:
        return set(numbers[:3]) != {0.0} or numbers[3] not in {0.0, 1.0}
    return set(numbers) not in _BLACK_OR_WHITE if numbers else False
