"""Texts, fonts and colours as the dictionaries of a PDF tell them. Runs in the child."""

import re
from dataclasses import dataclass

import pikepdf

from bridge.document.pdf.lettering import Face

_FONT = re.compile(r"/(\S+)\s+([-+.\d]+)\s+Tf")
_COLOUR = re.compile(r"((?:[-+.\d]+\s+){1,4})(g|rg|k)\b")


def text_of(found: object) -> str:
    """A text string, or a stream that holds one; its line ends as newlines."""
    if isinstance(found, pikepdf.Stream):
        found = pikepdf.String(found.read_bytes())
    if not isinstance(found, pikepdf.String | str | pikepdf.Name):
        return ""
    return str(found).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


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
        abs(float(font[2])) if font else 0.0,
        _face(font[1] if font else "", defaults or pikepdf.Dictionary()),
        css_colour([float(number) for number in colours[-1][0].split()]) if colours else "black",
    )


def _face(name: str, defaults: pikepdf.Dictionary) -> Face:
    """What a font is like, told by its name."""
    fonts = defaults.get("/DR", pikepdf.Dictionary()).get("/Font", pikepdf.Dictionary())
    font = fonts.get(f"/{name}", pikepdf.Dictionary()) if name else pikepdf.Dictionary()
    known = f"{name} {font.get('/BaseFont', '')}".lower()
    if any(each in known for each in ("cour", "mono", "consol")):
        return "mono"
    if any(each in known for each in ("times", "tiro", "tibo", "roman", "serif", "garamond", "georgia", "cambria")):
        return "sans" if "sans" in known else "serif"
    return "sans"


def css_colour(numbers: list[float]) -> str:
    """A colour of one, three or four numbers."""
    match [min(1.0, max(0.0, number)) for number in numbers]:
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
    numbers = [float(each) for each in found] if isinstance(found, pikepdf.Array) else []
    operator = {1: b"g", 3: b"rg", 4: b"k"}.get(len(numbers))
    if operator is None:
        return b""
    return b" ".join(b"%.3f" % number for number in numbers) + b" " + (operator.upper() if stroke else operator)
