"""Takes out of a PDF's pages what belongs to layers that are not printed, and the marks of those that are.

What is hidden is then not in the file at all. What paints is taken out; what sets the scene for later (colours,
matrices, clips) stays, since it holds within a hidden stretch as well (ISO 32000-1, 8.11.3.2). Runs in the child.
"""

from collections.abc import Iterable, Iterator

import pikepdf

from bridge.document.blank import PATHS
from bridge.document.pdf import annotations
from bridge.document.pdf.layers import Layers
from bridge.document.pdf.unusable import PdfUnusable
from bridge.runtime.phrases import phrase

INSEPARABLE = phrase("its hidden layers cannot be told from what is to be seen; print it to a new PDF and attach that")

_DEEPEST = 30
"""Drawings within drawings."""

_UNSEEN = b"n"
"""What paints nothing, and is no drawing that was left to viewers either."""

_TEXT_PAINTERS = {"Tj", "TJ"}
_TEXT_AFTER_LINE = {"'", '"'}
_TEXT_MOVERS = {"BT", "ET", "Td", "TD", "Tm", "T*"}
_MARKS = {"BMC", "BDC", "EMC", "MP", "DP"}
_IMAGE = "INLINE IMAGE"
_PRIVATE = ("/Metadata", "/PieceInfo", "/Alternates", "/OPI", "/OC", "/AF")
"""What a drawing may bring along beside what is drawn: other forms of it, files, notes of the program that made it."""

_NAMED_BY = {
    "/XObject": {"Do"},
    "/Font": {"Tf"},
    "/ExtGState": {"gs"},
    "/Shading": {"sh"},
    "/Pattern": {"scn", "SCN"},
}
"""Kinds of resources and the operators that name one."""

Instruction = pikepdf.ContentStreamInstruction | pikepdf.ContentStreamInlineImage


def take_out(pdf: pikepdf.Pdf, layers: Layers) -> None:
    """Leave on the pages, and in all that they draw, what is printed. Raises PdfUnusable."""
    stripper = _Stripper(pdf, layers)
    for page in pdf.pages:
        stripper.strip_page(page)


def tidy(pdf: pikepdf.Pdf) -> None:
    """Leave nothing in the file that hangs on what is drawn, and is not drawn itself."""
    for item in pdf.objects:
        if isinstance(item, pikepdf.Stream):
            for name in _PRIVATE:
                if name in item:
                    del item[name]


class _Stripper:
    def __init__(self, pdf: pikepdf.Pdf, layers: Layers) -> None:
        self._pdf = pdf
        self._layers = layers
        self._done: set[tuple[int, int]] = set()

    def strip_page(self, page: pikepdf.Page) -> None:
        kept = list(self._kept(pikepdf.parse_content_stream(page), page.resources))
        page.obj.Contents = self._pdf.make_stream(pikepdf.unparse_content_stream(kept))
        page.obj.Resources = self._used(page.resources, kept, 0)
        shown = [each for each in annotations.on(page) if self._layers.prints(each.get("/OC"))]
        for each in shown:
            for drawn in _appearances(each):
                if not self._layers.prints(drawn.get("/OC")):
                    drawn.write(_UNSEEN)
                self._strip_drawing(drawn, pikepdf.Dictionary(), 0)
        page.obj.Annots = pikepdf.Array(shown)

    def _strip_drawing(self, drawing: pikepdf.Stream, inherited: pikepdf.Object, depth: int) -> None:
        """A drawing with a content of its own: a form, a tile of a pattern, a letter of a font."""
        if depth > _DEEPEST:
            raise PdfUnusable(INSEPARABLE)
        if drawing.objgen in self._done:
            return
        self._done.add(drawing.objgen)
        resources = drawing.get("/Resources", inherited)
        kept = list(self._kept(pikepdf.parse_content_stream(drawing), resources))
        drawing.write(pikepdf.unparse_content_stream(kept))
        drawing.Resources = self._used(resources, kept, depth)

    def _kept(self, content: Iterable[Instruction], resources: pikepdf.Object) -> Iterator[Instruction]:
        """The instructions without those that paint what is hidden, and without marks. Raises PdfUnusable."""
        open_marks: list[bool] = []
        misplaced = False
        for instruction in content:
            operator = str(instruction.operator)
            if operator in _MARKS:
                if operator in {"BMC", "BDC"}:
                    open_marks.append(self._hides(instruction, resources))
                elif operator == "EMC" and open_marks:
                    open_marks.pop()
                continue
            if operator in _TEXT_MOVERS | _TEXT_AFTER_LINE:
                misplaced = False
            if any(open_marks):
                misplaced = misplaced or operator in _TEXT_PAINTERS | _TEXT_AFTER_LINE
                yield from _unpainted(instruction, operator)
            elif misplaced and operator in _TEXT_PAINTERS:
                raise PdfUnusable(INSEPARABLE)  # its place depends on the width of what was taken out
            elif operator != "Do" or self._is_drawn(instruction, resources):
                yield instruction

    def _hides(self, mark: Instruction, resources: pikepdf.Object) -> bool:
        operands = list(mark.operands)
        if str(mark.operator) != "BDC" or len(operands) != 2 or operands[0] != "/OC":  # noqa: PLR2004 - a tag, a name
            return False
        named = operands[1]
        content = resources.get("/Properties", pikepdf.Dictionary()).get(str(named))
        return not self._layers.prints(content)

    def _is_drawn(self, instruction: Instruction, resources: pikepdf.Object) -> bool:
        drawn = resources.get("/XObject", pikepdf.Dictionary()).get(str(next(iter(instruction.operands))))
        return not isinstance(drawn, pikepdf.Stream) or self._layers.prints(drawn.get("/OC"))

    def _used(self, resources: pikepdf.Object, content: list[Instruction], depth: int) -> pikepdf.Dictionary:
        """The resources that the content names, each stripped as well; other pages may share them."""
        used = pikepdf.Dictionary(dict(resources.items()))
        if "/Properties" in used:
            del used["/Properties"]
        for kind, operators in _NAMED_BY.items():
            if not isinstance(held := resources.get(kind), pikepdf.Dictionary):
                continue
            names = {
                str(operand)
                for instruction in content
                if str(instruction.operator) in operators
                for operand in instruction.operands
                if isinstance(operand, pikepdf.Name)
            }
            used[kind] = pikepdf.Dictionary({name: each for name, each in held.items() if name in names})
            for each in used[kind].values():
                self._strip_resource(kind, each, resources, depth + 1)
        return used

    def _strip_resource(self, kind: str, held: pikepdf.Object, inherited: pikepdf.Object, depth: int) -> None:
        if isinstance(held, pikepdf.Stream) and (kind == "/Pattern" or held.get("/Subtype") == "/Form"):
            self._strip_drawing(held, inherited, depth)
        elif not isinstance(held, pikepdf.Dictionary):
            return
        elif kind == "/Font" and held.get("/Subtype") == "/Type3":
            for letter in held.get("/CharProcs", pikepdf.Dictionary()).values():
                self._strip_resource("/Pattern", letter, held.get("/Resources", inherited), depth)
        elif kind == "/ExtGState" and isinstance(mask := held.get("/SMask"), pikepdf.Dictionary):
            self._strip_resource("/XObject", mask.get("/G", pikepdf.Dictionary()), inherited, depth)


def _unpainted(instruction: Instruction, operator: str) -> Iterator[Instruction]:
    """What is left of an instruction in a hidden stretch."""
    operands = list(instruction.operands)
    if operator in PATHS:
        yield _instruction([], "n")
    elif operator in _TEXT_AFTER_LINE:
        if operator == '"':
            yield _instruction(operands[:1], "Tw")
            yield _instruction(operands[1:2], "Tc")
        yield _instruction([], "T*")
    elif operator not in _TEXT_PAINTERS | {"Do", "sh", _IMAGE}:
        yield instruction


def _instruction(operands: list[pikepdf.Object], operator: str) -> pikepdf.ContentStreamInstruction:
    return pikepdf.ContentStreamInstruction(operands, pikepdf.Operator(operator))


def _appearances(annotation: pikepdf.Object) -> Iterator[pikepdf.Stream]:
    """The drawings of an annotation as it is shown, one for each of its states."""
    held = annotation.get("/AP")
    normal = held.get("/N") if isinstance(held, pikepdf.Dictionary) else None
    if isinstance(normal, pikepdf.Stream):
        yield normal
    elif isinstance(normal, pikepdf.Dictionary):
        yield from (each for each in normal.values() if isinstance(each, pikepdf.Stream))
