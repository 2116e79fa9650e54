"""Makes the pages of a PDF flat: what a viewer prints of layers, forms and annotations is drawn, and all they are.

An appearance that is there and shows what is filled in is kept; whatever lacks one gets it here. What is not to be
printed is gone, and what of it somebody might miss is told. Runs in the child.
"""

from dataclasses import dataclass, field

import pikepdf

from bridge.document import typesetting
from bridge.document.pdf import annotations, appearances, glyphs, hidden, lettering, shapes, xfa
from bridge.document.pdf.fields import OFF, Field
from bridge.document.pdf.layers import Layers
from bridge.document.pdf.lettering import Lettering
from bridge.document.pdf.shapes import Box
from bridge.document.pdf.styles import number, numbers, text_of
from bridge.document.pdf.unusable import PdfUnusable
from bridge.runtime.phrases import name_of_part, phrase

FIELD_TOO_SMALL = phrase("the text of its field “{field}” does not fit; print it to a new PDF and attach that")
FIELD_WITHOUT_FONT = phrase(
    "the fonts for the text of its field “{field}” are not installed here; print it to a new PDF and attach that"
)
FIELD_UNKNOWN = phrase("it does not say which mark its field “{field}” has; print it to a new PDF and attach that")
ON_SCREEN_ONLY = name_of_part("{name}, what is for the screen only")
NOT_FOR_PRINTING = phrase("it is marked as not to be printed, and so is not faxed")
NOTES = name_of_part("{name}, the words of its notes")
NOT_ON_THE_PAGE = phrase("they are seen when a note is opened, and do not stand on the page")

_HIDDEN, _PRINTED = 1 << 1, 1 << 2
"""Bits of an annotation's flags (ISO 32000-1, table 165)."""
_NEVER_PRINTED = "/Popup"
_PAGE_KEYS = {
    *("/Type", "/Parent", "/Resources", "/MediaBox", "/CropBox", "/TrimBox", "/Rotate", "/UserUnit"),
    *("/Contents", "/Group"),
}
"""What of a page is drawn; all else is for programs: actions, thumbnails, private data."""


@dataclass(slots=True)
class _Todo:
    """A widget or another annotation that gets a drawing: instructions, and words, each at its place in a box."""

    annotation: pikepdf.Dictionary
    name: str
    box: Box
    content: bytes = b""
    words: Lettering | None = None
    place: tuple[float, float] = (0.0, 0.0)
    turned: int = 0
    multiplied: bool = False


@dataclass(slots=True)
class Unprinted:
    """What is in the PDF and not printed, that somebody might miss."""

    on_screen: bool = False
    notes: bool = False

    def told(self, name: str) -> list[tuple[str, str]]:
        """As lines of the parts list: what, and why not."""
        lines = [(ON_SCREEN_ONLY, NOT_FOR_PRINTING)] if self.on_screen else []
        lines += [(NOTES, NOT_ON_THE_PAGE)] if self.notes else []
        return [(line.format(name=name), reason) for line, reason in lines]


@dataclass(slots=True)
class _Flattener:
    pdf: pikepdf.Pdf
    form: pikepdf.Dictionary
    todo: list[_Todo] = field(default_factory=list)
    texts: list[tuple[Field, pikepdf.Stream]] = field(default_factory=list)
    """Fields whose appearance may show something else than they say, or not all of it."""
    unprinted: Unprinted = field(default_factory=Unprinted)

    @property
    def all_anew(self) -> bool:
        """Whether viewers are asked to draw all fields anew, since appearances may be out of date."""
        return bool(self.form.get("/NeedAppearances", False))

    def take(self, annotation: pikepdf.Dictionary) -> bool:
        """Whether an annotation or widget is printed; if so it has an appearance, or will have."""
        flags, kind = int(number(annotation.get("/F"))), annotation.get("/Subtype")
        if flags & _HIDDEN or kind == _NEVER_PRINTED or not annotations.has_box(annotation):
            return False
        self.unprinted.notes |= kind == "/Text" and bool(text_of(annotation.get("/Contents")).strip())
        if not flags & _PRINTED:
            self.unprinted.on_screen |= kind not in ("/Text", "/Link") and self._shows_something(annotation)
            return False
        annotation.F = _PRINTED
        if (drawing := appearances.of(annotation)) is not None:
            _give_box(drawing, annotations.box_of(annotation))
        if kind == "/Widget":
            self._take_field(Field(annotation, self.form))
        elif drawing is None and (drawn := annotations.draw(annotation)) is not None:
            self._take_drawing(annotation, drawn)
        return True

    def _shows_something(self, annotation: pikepdf.Dictionary) -> bool:
        """Whether a reader would see it on the screen, and could miss it on paper."""
        if annotation.get("/Subtype") == "/Widget":
            return bool(Field(annotation, self.form).value)
        return appearances.of(annotation) is not None or annotations.draw(annotation) is not None

    def _take_drawing(self, annotation: pikepdf.Dictionary, drawing: annotations.Drawing) -> None:
        """Have an annotation drawn as large as it is, whatever its box: viewers cut nothing off."""
        box = shapes.reach(drawing.content, annotations.box_of(annotation))
        if drawing.words is not None:
            box = shapes.union(box, drawing.box)
        annotation.Rect = pikepdf.Array(list(box))
        left, bottom, *_ = box
        self.todo.append(
            _Todo(
                annotation,
                text_of(annotation.get("/Contents"))[:40],
                box,
                b"1 0 0 1 %.2f %.2f cm " % (-left, -bottom) + drawing.content,
                drawing.words,
                (drawing.box[0] - left, drawing.box[1] - bottom),
                multiplied=drawing.multiplied,
            )
        )

    def _take_field(self, one: Field) -> None:
        if one.kind == "/Btn" and not one.is_pushbutton:
            self._take_box(one)
            return
        shown = appearances.of(one.widget)
        if one.kind not in {"/Tx", "/Ch"}:
            if shown is None and one.is_pushbutton:
                self._draw(one, marked=True)
        elif shown is None:
            self._draw(one)
        elif not one.value:
            if self.all_anew and not one.is_list and appearances.has_words(shown):
                self._draw(one)
        elif not appearances.has_words(shown):
            self._draw(one)
        else:
            self.texts.append((one, shown))

    def _take_box(self, one: Field) -> None:
        """A check box or a radio button: its state is shown as its own drawing has it, if there is one."""
        states = appearances.states(one.widget)
        value = one.state
        if not states and one.is_radio and "/AS" not in one.widget and value not in {"", OFF}:
            raise PdfUnusable(FIELD_UNKNOWN.format(field=one.name))
        if "/AS" not in one.widget or (self.all_anew and value and not (one.is_radio and not states)):
            one.widget.AS = pikepdf.Name(value if value in states or (not states and value) else OFF)
        shown = appearances.of(one.widget)
        if shown is None or (self.all_anew and one.is_on and appearances.is_empty(shown)):
            self._draw(one, marked=one.is_on)

    def _draw(self, one: Field, *, marked: bool | None = None) -> None:
        """Have a field drawn: its edge, and its value, or its mark if it is a button that is on."""
        box = annotations.box_of(one.widget)
        width, height = _sides(box, one.turned)
        words = None
        if marked is None and (one.value.strip() or one.is_list):
            words = one.lettering(width, height)
        elif marked:
            words = one.marked(width, height)
        if words is not None and not words.text.strip():
            words = None
        if width > 0 and height > 0:
            self.todo.append(_Todo(one.widget, one.name, box, one.edge(width, height), words, turned=one.turned))

    def draw(self) -> None:
        """Draw all that lacks a drawing. Raises PdfUnusable."""
        for (one, _), words in zip(self.texts, appearances.words([shown for _, shown in self.texts]), strict=True):
            if _is_to_be_replaced(one, words, all_anew=self.all_anew):
                self._draw(one)
        with_words = [each for each in self.todo if each.words is not None]
        drawn = self._lettered(with_words)
        letters = {id(each): form for each, form in zip(with_words, drawn, strict=True)}
        for each in self.todo:
            each.annotation.AP = pikepdf.Dictionary(N=self._form(each, letters.get(id(each))))

    def _lettered(self, todo: list[_Todo]) -> list[pikepdf.Stream]:
        try:
            return lettering.draw(self.pdf, [each.words for each in todo if each.words is not None])
        except lettering.DoesNotFit as error:
            raise PdfUnusable(FIELD_TOO_SMALL.format(field=todo[error.at].name)) from error
        except typesetting.TextUnusable as error:
            if len(todo) > 1:  # one by one, to say which it is
                return [self._lettered([each])[0] for each in todo]
            raise PdfUnusable(FIELD_WITHOUT_FONT.format(field=todo[0].name)) from error

    def _form(self, each: _Todo, words: pikepdf.Stream | None) -> pikepdf.Stream:
        width, height = _sides(each.box, each.turned)
        resources = pikepdf.Dictionary()
        content = b"q %b Q" % each.content
        opacity = min(1.0, max(0.0, number(each.annotation.get("/CA"), 1.0)))
        if each.multiplied or opacity < 1:
            state = pikepdf.Dictionary(ca=opacity, CA=opacity)
            if each.multiplied:
                state.BM = pikepdf.Name.Multiply
            resources.ExtGState = pikepdf.Dictionary(G=state)
            content = b"/G gs " + content
        if words is not None:
            resources.XObject = pikepdf.Dictionary(W=words)
            content += b" q 1 0 0 1 %.2f %.2f cm /W Do Q" % each.place
        form = self.pdf.make_stream(content)
        form.Type, form.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
        form.BBox = pikepdf.Array([0, 0, width, height])
        cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}.get(each.turned, (1, 0))
        form.Matrix = pikepdf.Array([cosine, sine, -sine, cosine, 0, 0])
        form.Resources = resources
        return form


def _sides(box: Box, turned: int) -> tuple[float, float]:
    """Width and height of a box as one reads what stands in it."""
    left, bottom, right, top = box
    return (top - bottom, right - left) if turned in {90, 270} else (right - left, top - bottom)


def _is_to_be_replaced(one: Field, words: appearances.Words, *, all_anew: bool) -> bool:
    """Whether a field's own drawing does not show what it says: is out of date, cut off, or lacks letters."""
    if words.lacks_letters or appearances.is_same(one.value, words.seen):
        return words.lacks_letters
    out_of_date = all_anew and not one.is_formatted
    cut_off = appearances.is_same(one.value, words.all)
    return out_of_date or cut_off or appearances.is_replaced(one.value, words.all)


def _give_box(drawing: pikepdf.Stream, box: Box) -> None:
    """Make a drawing whole that says not how large it is: as large as its place."""
    if len(numbers(drawing.get("/BBox"))) != 4:  # noqa: PLR2004 - two corners
        left, bottom, right, top = box
        drawing.BBox = pikepdf.Array([0, 0, right - left, top - bottom])
    drawing.Subtype = pikepdf.Name.Form


def flatten(pdf: pikepdf.Pdf) -> Unprinted:
    """Leave nothing but what is drawn. Raises PdfUnusable."""
    layers = Layers(pdf)
    if layers.any:
        hidden.take_out(pdf, layers)
    held = pdf.Root.get("/AcroForm")
    form = held if isinstance(held, pikepdf.Dictionary) else pikepdf.Dictionary()
    xfa.fill(pdf, form)
    flattener = _Flattener(pdf, form)
    annotated = False
    for page in pdf.pages:
        found = annotations.on(page)
        if found:
            page.obj.Annots = pikepdf.Array([each for each in found if flattener.take(each)])
            annotated = True
        elif "/Annots" in page.obj:
            del page.obj.Annots
    if annotated:
        flattener.draw()
        if "/NeedAppearances" in flattener.form:
            del flattener.form["/NeedAppearances"]
        pdf.flatten_annotations("all")
    for page in pdf.pages:
        for key in set(page.obj.keys()) - _PAGE_KEYS:
            del page.obj[key]
    hidden.tidy(pdf)
    glyphs.check(pdf)
    return flattener.unprinted
