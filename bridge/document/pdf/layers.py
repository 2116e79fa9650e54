"""Which layers of a PDF are printed (optional content, ISO 32000-1, 8.11). Runs in the child.

What counts is the default configuration: its lists of groups that are on and off, and what its usage entries say for
the event of printing. A viewer's own wishes (zoom, language, user) are not ours.
"""

from collections.abc import Iterable

import pikepdf

_DEEPEST = 20
"""Of an expression of visibility within expressions."""

_PRINT = "/Print"
_VIEW = "/View"


class Layers:
    """The groups of one PDF, each printed or not."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        properties = pdf.Root.get("/OCProperties")
        self.any = any(map(_is_layer, pdf.objects))
        self._printed: dict[tuple[int, int], bool] = {}
        if isinstance(properties, pikepdf.Dictionary):
            self._read(properties)

    def prints(self, content: object) -> bool:
        """Whether what belongs to this group, or to this membership dictionary, is printed."""
        if not isinstance(content, pikepdf.Dictionary):
            return True
        if content.get("/Type") == "/OCMD" or "/OCGs" in content or "/VE" in content:
            return self._prints_member(content)
        return self._printed.get(content.objgen, True)

    def _read(self, properties: pikepdf.Dictionary) -> None:
        """The states of the groups as the default configuration sets them up for printing."""
        default = properties.get("/D", pikepdf.Dictionary())
        groups = _dictionaries(properties.get("/OCGs"))
        base = default.get("/BaseState") != "/OFF"
        self._printed = {group.objgen: base for group in groups}
        for name, state in (("/ON", True), ("/OFF", False)):
            listed = {group.objgen for group in _dictionaries(default.get(name))}
            self._printed.update(dict.fromkeys(listed & self._printed.keys(), state))
        for usage in _dictionaries(default.get("/AS")):
            if usage.get("/Event") == _PRINT:
                self._apply(usage)
        intents = _names(default.get("/Intent")) or {_VIEW}
        for group in groups:
            if "/All" not in intents and not intents & (_names(group.get("/Intent")) or {_VIEW}):
                self._printed[group.objgen] = True  # a group of another intent hides nothing

    def _apply(self, usage: pikepdf.Dictionary) -> None:
        """What the groups themselves wish: off if any of the categories says so, on if one does and none objects."""
        for group in _dictionaries(usage.get("/OCGs")):
            wishes = [_wish(group, category) for category in _names(usage.get("/Category"))]
            if False in wishes:
                self._printed[group.objgen] = False
            elif True in wishes:
                self._printed[group.objgen] = True

    def _prints_member(self, member: pikepdf.Dictionary) -> bool:
        if isinstance(expression := member.get("/VE"), pikepdf.Array):
            return self._holds(expression, 0)
        states = [self._printed.get(group.objgen, True) for group in _dictionaries(member.get("/OCGs"))]
        if not states:
            return True
        match str(member.get("/P", "/AnyOn")):
            case "/AllOn":
                return all(states)
            case "/AnyOff":
                return not all(states)
            case "/AllOff":
                return not any(states)
        return any(states)

    def _holds(self, expression: object, depth: int) -> bool:
        """Whether an expression over groups is true; what cannot be read hides nothing."""
        if isinstance(expression, pikepdf.Dictionary):
            return self._printed.get(expression.objgen, True)
        if not isinstance(expression, pikepdf.Array) or not len(expression) or depth > _DEEPEST:
            return True
        values = (self._holds(each, depth + 1) for each in list(expression)[1:])
        match str(expression[0]):
            case "/And":
                return all(values)
            case "/Or":
                return any(values)
            case "/Not":
                return not next(values, False)
        return True


def _is_layer(item: pikepdf.Object) -> bool:
    """Whether it is a group: one is left over where the document that told of its state was taken apart."""
    return isinstance(item, pikepdf.Dictionary) and item.get("/Type") in ("/OCG", "/OCMD")


def _wish(group: pikepdf.Dictionary, category: str) -> bool | None:
    """What a group says of itself for one category; None where it says nothing."""
    said = group.get("/Usage", pikepdf.Dictionary()).get(category)
    if category not in {_PRINT, _VIEW, "/Export"} or not isinstance(said, pikepdf.Dictionary):
        return None
    state = said.get(f"{category}State")
    return None if state is None else state != "/OFF"


def _dictionaries(found: object) -> list[pikepdf.Dictionary]:
    """The dictionaries of a list, or the one that stands in its place."""
    if isinstance(found, pikepdf.Dictionary):
        return [found]
    return [each for each in found if isinstance(each, pikepdf.Dictionary)] if isinstance(found, pikepdf.Array) else []


def _names(found: object) -> set[str]:
    """The names of a list, or the one that stands in its place."""
    if isinstance(found, pikepdf.Name):
        return {str(found)}
    return {str(each) for each in _each(found) if isinstance(each, pikepdf.Name)}


def _each(found: object) -> Iterable[object]:
    return list(found) if isinstance(found, pikepdf.Array) else []
