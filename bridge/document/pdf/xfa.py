"""Values that stand in the XFA data of a form alone (ISO 32000-1, 12.7.8): put where all other viewers look for them.

A form of the static kind is there twice, as fields of the PDF and as XFA. Programs fill in either; Acrobat shows
what stands in the XFA data, others what stands in the fields. Runs in the child.
"""

import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pikepdf

from bridge.document.pdf import annotations, appearances
from bridge.document.pdf.fields import OFF, Field
from bridge.document.pdf.styles import text_of

_DATA = "{http://www.xfa.org/schema/xfa-data/1.0/}data"
_DEEPEST = 50
"""Elements within elements; fields within fields."""
_STEP = re.compile(r"(.*?)(?:\[(\d+)\])?")
"""Of the path to a field: its name, and its place among those of that name."""


def fill(pdf: pikepdf.Pdf, form: pikepdf.Dictionary) -> None:
    """Give each field without a value the one that the XFA data have for it."""
    values = {path: value for root in _data(form.get("/XFA")) for path, value in _leaves(root, (), 0)}
    if not values:
        return
    for page in pdf.pages:
        for each in annotations.on(page):
            if each.get("/Subtype") == "/Widget" and (value := values.get(_path(each))):
                _give(Field(each, form), value)


def _give(one: Field, value: str) -> None:
    if one.kind in {"/Tx", "/Ch"} and not one.value:
        one.widget.V = pikepdf.String(value)
    elif one.kind == "/Btn" and one.state in {"", OFF} and f"/{value}" in appearances.states(one.widget) - {OFF}:
        one.widget.V = one.widget.AS = pikepdf.Name(f"/{value}")


def _data(held: object) -> Iterator[ET.Element]:
    """The elements with the data, in the packet for them or in the whole."""
    packets = list(held) if isinstance(held, pikepdf.Array) else [held]
    for packet in packets:
        if not isinstance(packet, pikepdf.Stream):
            continue
        content = packet.read_bytes()
        if b"datasets" in content:
            try:
                yield from ET.parse(io.BytesIO(content)).getroot().iter(_DATA)  # noqa: S314 - bounded by the child
            except (ET.ParseError, ValueError, LookupError):
                continue


def _leaves(element: ET.Element, path: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each value, by the names that lead to it and their places among those of the same name."""
    seen: dict[str, int] = {}
    for each in element if depth < _DEEPEST else ():
        name = str(each.tag).rpartition("}")[2]
        at = seen[name] = seen.get(name, -1) + 1
        here = (*path, f"{name}[{at}]")
        if len(each):
            yield from _leaves(each, here, depth + 1)
        elif each.text and each.text.strip():
            yield here, each.text


def _path(widget: pikepdf.Dictionary) -> tuple[str, ...]:
    """The same of a field; what is only for the layout has a name with ``#`` and is not in the data."""
    names: list[str] = []
    holder: object = widget
    for _ in range(_DEEPEST):
        if not isinstance(holder, pikepdf.Dictionary):
            break
        if "/T" in holder:
            names.insert(0, text_of(holder["/T"]))
        holder = holder.get("/Parent")
    steps = [step for name in names for step in name.split(".") if step and not step.startswith("#")]
    return tuple(f"{found[1]}[{found[2] or 0}]" for step in steps if (found := _STEP.fullmatch(step)))
