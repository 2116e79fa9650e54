"""SVG drawings: told from other files, and looked at before they are drawn. Runs in the child."""

import io
import re
import zlib
from collections.abc import Collection
from xml.etree import ElementTree as ET

from bridge.document import signs
from bridge.runtime.phrases import phrase

BROKEN = phrase("the drawing is damaged, or not SVG as it should be; attach it as PDF")
TEXT_IN_HTML = phrase("the drawing holds text in a form that is not drawn here; attach it as PDF")

_ROOT = re.compile(
    r"(?:\s|<\?xml.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\])?\s*>)*<(?:[A-Za-z_]+:)?svg\b", re.IGNORECASE | re.DOTALL
)
_GZIP = b"\x1f\x8b"
_MOST = 20_000_000
"""Bytes of a drawing that was packed."""
_DRAWN = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "image", "use", "foreignObject"}
_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:px|pt|mm|cm|in)?\s*")


class DrawingUnusable(Exception):
    """The drawing cannot be drawn whole; the words say why."""


def is_one(content: bytes) -> bool:
    """Whether this is an SVG drawing, packed or not."""
    head = _unpacked(content, 1 << 16) if content.startswith(_GZIP) else content[: 1 << 16]
    return b"svg" in head and _ROOT.match(head.decode("utf-8", "replace").removeprefix("\ufeff")) is not None


def plain(content: bytes) -> bytes:
    """The drawing, unpacked. Raises DrawingUnusable where it cannot be drawn whole."""
    content = _plain(content)
    for each in _parsed(content).iter():
        if _local(each) == "foreignObject" and "".join(each.itertext()).strip():
            raise DrawingUnusable(TEXT_IN_HTML)
    return content


def named(content: bytes, missing: Collection[str]) -> bytes:
    """The drawing with the name of each sign that is missing in its place. Raises DrawingUnusable."""
    root = _parsed(content)
    for each in root.iter():
        each.text = signs.in_words(each.text, missing) if each.text else None
        each.tail = signs.in_words(each.tail, missing) if each.tail else None
    return bytes(ET.tostring(root, "utf-8"))


def size(content: bytes) -> tuple[float, float] | None:
    """Width and height as it gives them; None if it gives none."""
    try:
        root = _parsed(_plain(content))
    except DrawingUnusable:
        return None
    sides = [_LENGTH.fullmatch(root.get(side, "")) for side in ("width", "height")]
    if all(sides):
        return float(sides[0][1]), float(sides[1][1])  # type: ignore[index]
    box = re.findall(r"\d+(?:\.\d+)?", root.get("viewBox", ""))
    return (float(box[-2]), float(box[-1])) if len(box) >= 4 else None  # noqa: PLR2004 - left, top, width, height


def is_blank(content: bytes) -> bool:
    """Whether nothing in it would be drawn. One that cannot be read is not."""
    try:
        return not any(_local(each) in _DRAWN for each in _parsed(_plain(content)).iter())
    except DrawingUnusable:
        return False


def on_the_web(content: bytes) -> int:
    """How many pictures in it would have to be fetched."""
    hrefs = (
        value
        for each in _parsed(plain(content)).iter()
        if _local(each) in {"image", "use", "feImage"}
        for name, value in each.attrib.items()
        if name.rpartition("}")[2] == "href"
    )
    return sum(1 for href in hrefs if href.strip() and not href.strip().startswith(("data:", "#")))


def _plain(content: bytes) -> bytes:
    return _unpacked(content, _MOST) if content.startswith(_GZIP) else content


def _unpacked(content: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(content, most)
    except zlib.error:
        return b""


def _parsed(content: bytes) -> ET.Element:
    try:
        return ET.parse(io.BytesIO(content)).getroot()  # noqa: S314 - in the child, whose memory and time are bounded
    except (ET.ParseError, ValueError, LookupError) as error:
        raise DrawingUnusable(BROKEN) from error


def _local(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]
