"""Texts, fonts and colours as the dictionaries of a PDF tell them. Runs in the child."""

import html
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

import pikepdf

from bridge.document.pdf.lettering import Face

_FONT = re.compile(r"/(\S+)\s+([-+.\d]+)\s+Tf")
_COLOUR = re.compile(r"((?:[-+.\d]+\s+){1,4})(g|rg|k)\b")


_LANGUAGE = re.compile("\x1b[A-Za-z]{2}(?:-?[A-Za-z]{2})?\x1b")
"""Says within a text string in which language it goes on (ISO 32000-1, 7.9.2.2)."""
_TAG = re.compile(r"<[^>]*>")
_LINE_END = re.compile(r"</(?:p|div|li|tr)\s*>|<br\s*/?>", re.IGNORECASE)


def text_of(found: object) -> str:
    """A text string, or a stream, a name or a number that stands for one; its line ends as newlines."""
    if isinstance(found, pikepdf.Stream):
        found = pikepdf.String(found.read_bytes())
    if isinstance(found, pikepdf.Name):
        found = str(found)[1:]
    if isinstance(found, int | Decimal) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, pikepdf.String | str):
        return ""
    text = _LANGUAGE.sub("", str(found)).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")


def rich_text_of(found: object) -> str:
    """The words of a rich text (12.7.3.4), which is XHTML."""
    inner = _LINE_END.sub("\n", " ".join(text_of(found).split()))
    return "\n".join(line.strip() for line in html.unescape(_TAG.sub("", inner)).strip().split("\n"))


def number(found: object, otherwise: float = 0.0) -> float:
    """A number; ``otherwise`` where something else stands in its place."""
    return float(found) if isinstance(found, int | float | Decimal) else otherwise


def numbers(found: object) -> list[float]:
    """The numbers of an array; none if it is none."""
    each: list[object] = list(found) if isinstance(found, pikepdf.Array) else []
    return [float(one) for one in each if isinstance(one, int | float | Decimal)]


@dataclass(frozen=True, slots=True)
class Wished:
    """What a default appearance asks for (12.7.3.3); ``size`` 0: what fits."""

    size: float = 0.0
    face: Face = "sans"
    colour: str = "black"


def read_default_appearance(wished: str, defaults: pikepdf.Dictionary | None = None) -> Wished:
    """Font, size and colour of a text, as far as they are told; ``defaults`` is the dictionary that has the fonts."""
    font = _FONT.search(wished)
    colours = _COLOUR.findall(wished)
    return Wished(
        abs(_float(font[2])) if font else 0.0,
        _face(font[1] if font else "", defaults or pikepdf.Dictionary()),
        css_colour([_float(each) for each in colours[-1][0].split()]) if colours else "black",
    )


def _face(name: str, defaults: pikepdf.Dictionary) -> Face:
    """What a font is like, told by its name."""
    font: object = defaults
    for key in ("/DR", "/Font", f"/{name}"):
        font = font.get(key) if isinstance(font, pikepdf.Dictionary) and key != "/" else None
    base = font.get("/BaseFont") if isinstance(font, pikepdf.Dictionary) else None
    known = f"{name} {bytes(base).decode('latin-1') if isinstance(base, pikepdf.Name) else ''}".lower()
    if any(each in known for each in ("cour", "mono", "consol")):
        return "mono"
    if any(each in known for each in ("times", "tiro", "tibo", "roman", "serif", "garamond", "georgia", "cambria")):
        return "sans" if "sans" in known else "serif"
    return "sans"


def _float(digits: str) -> float:
    """A number as it stands in a content stream; 0 where it is none, as in ``1.2.3``."""
    try:
        return float(digits)
    except ValueError:
        return 0.0


def css_colour(parts: list[float]) -> str:
    """A colour of one, three or four numbers."""
    match [min(1.0, max(0.0, part)) for part in parts]:
        case [grey]:
            red = green = blue = grey
        case [red, green, blue]:
            pass
        case [cyan, magenta, yellow, black]:
            red, green, blue = ((1 - ink) * (1 - black) for ink in (cyan, magenta, yellow))
        case _:
            return "black"
    return f"rgb({red * 255:.0f}, {green * 255:.0f}, {blue * 255:.0f})"


def colour_operator(found: object, *, stroke: bool) -> bytes:
    """What sets a colour of a dictionary's array; empty where it has none."""
    parts = numbers(found)
    operator = {1: b"g", 3: b"rg", 4: b"k"}.get(len(parts))
    if operator is None:
        return b""
    return b" ".join(b"%.3f" % part for part in parts) + b" " + (operator.upper() if stroke else operator)
