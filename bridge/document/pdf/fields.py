"""What the fields of a PDF form say, and how it is to be set (ISO 32000-1, 12.7). Runs in the child."""

from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf

from bridge.document.pdf import appearances, shapes
from bridge.document.pdf.lettering import ALIGNS, LARGEST_AUTO, LINE, Lettering
from bridge.document.pdf.styles import (
    colour_operator,
    number,
    numbers,
    read_default_appearance,
    rich_text_of,
    text_of,
)

_DEEPEST = 50
"""Fields within fields."""

_MOST_CELLS = 1000

_MULTILINE, _PASSWORD, _COMB = 1 << 12, 1 << 13, 1 << 24
_RADIO, _PUSHBUTTON = 1 << 15, 1 << 16
_COMBO = 1 << 17
"""Bits of a field's flags (tables 226 to 230)."""

_SIGNS = {"4": "\u2714", "5": "\u2716", "8": "\u2718", "l": "\u25cf", "n": "\u25a0", "u": "\u25c6", "H": "\u2605"}
"""The letters of ZapfDingbats that mark a box, as what they look like."""
OFF = "/Off"
"""The state of a box that is not marked."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field as one of its widgets shows it: a text, or a button that is on or not."""

    widget: pikepdf.Dictionary
    defaults: pikepdf.Dictionary
    """The form's own dictionary, from which fields have what they do not say themselves."""

    def inherited(self, key: str) -> pikepdf.Object | None:
        """What the widget, the field or one of those above it says."""
        return next((holder[key] for holder in self._holders() if key in holder), self.defaults.get(key))

    @property
    def name(self) -> str:
        """As people see it in a viewer, else as programs call it."""
        if shown := next((text_of(holder["/TU"]) for holder in self._holders() if "/TU" in holder), ""):
            return shown
        return ".".join(reversed([text_of(holder["/T"]) for holder in self._holders() if "/T" in holder]))

    @property
    def kind(self) -> str:
        """``/Tx``, ``/Ch``, ``/Btn`` or ``/Sig``."""
        return str(self.inherited("/FT") or "")

    @property
    def is_pushbutton(self) -> bool:
        return self.kind == "/Btn" and bool(self._flags & _PUSHBUTTON)

    @property
    def is_radio(self) -> bool:
        return self.kind == "/Btn" and bool(self._flags & _RADIO)

    @property
    def is_formatted(self) -> bool:
        """Whether a script writes its value in another form than it is kept in, as a date or an amount."""
        actions = self.inherited("/AA")
        return isinstance(actions, pikepdf.Dictionary) and "/F" in actions

    @property
    def value(self) -> str:
        """What a reader is to see of a text or a choice; empty if nothing is filled in."""
        if self.kind == "/Tx":
            text = text_of(self.inherited("/V")) or rich_text_of(self.inherited("/RV"))
            text = "*" * len(text) if self._flags & _PASSWORD else text
            return text if self._flags & _MULTILINE else " ".join(text.split("\n"))
        return "\n".join(self._chosen()) if self.kind == "/Ch" else ""

    @property
    def is_list(self) -> bool:
        """Whether what may be chosen is all on show."""
        return self.kind == "/Ch" and not self._flags & _COMBO

    @property
    def state(self) -> str:
        """By its value, the name of the state of a box; empty if it has none. An option's word stands for its place."""
        value = text_of(self.inherited("/V"))
        if f"/{value}" not in appearances.states(self.widget):
            places = [at for at, (_, shown) in enumerate(self._options()) if shown == value]
            value = str(places[0]) if places else value
        return f"/{value}" if value else ""

    @property
    def is_on(self) -> bool:
        """Whether a box is marked."""
        return str(self.widget.get("/AS", OFF)) != OFF

    @property
    def sign(self) -> str:
        """The mark that a box has when it is on."""
        caption = text_of(self._look.get("/CA"))
        return _SIGNS.get(caption, caption) or ("\u25cf" if self.is_radio else "\u2714")

    def lettering(self, width: float, height: float) -> Lettering:
        """The value set in a box of that size, as the field wishes."""
        lines = bool(self._flags & _MULTILINE) and self.kind == "/Tx"
        text, inverted = self.value, frozenset[int]()
        wished = read_default_appearance(text_of(self.inherited("/DA")), self.defaults)
        if self.is_list:
            text, inverted = self._list(height, wished.size or LARGEST_AUTO)
            lines = True
        align = int(number(self.inherited("/Q")))
        return Lettering(
            text,
            width,
            height,
            size=wished.size,
            face=wished.face,
            align=ALIGNS[align] if 0 <= align < len(ALIGNS) else "left",
            lines=lines,
            cells=self._cells,
            inset=max(1.0, 2 * self.border),
            colour=wished.colour,
            inverted=inverted,
        )

    def marked(self, width: float, height: float) -> Lettering:
        """The mark of a box that is on, or a button's caption."""
        text = text_of(self._look.get("/CA")) if self.is_pushbutton else self.sign
        return Lettering(text, width, height, align="center", inset=0.5)

    @property
    def border(self) -> float:
        """How wide its edge is, in points; 0 without one."""
        if "/BC" not in self._look:
            return 0.0
        return number(self._style.get("/W"), 1.0)

    def edge(self, width: float, height: float) -> bytes:
        """What draws its ground and its edge, and those of its cells."""
        drawn = b""
        if ground := colour_operator(self._look.get("/BG"), stroke=False):
            drawn += b"%b 0 0 %.2f %.2f re f " % (ground, width, height)
        if self.border and (edge := colour_operator(self._look.get("/BC"), stroke=True)):
            drawn += b"%b %.2f w " % (edge, self.border)
            if self._style.get("/S") == "/U":
                return drawn + b"0 %.2f m %.2f %.2f l S " % (self.border / 2, width, self.border / 2)
            if self._style.get("/S") == "/D":
                dashes = [each for each in numbers(self._style.get("/D")) if each > 0] or [3.0]
                drawn += b"[ %b ] 0 d " % b" ".join(b"%.2f" % each for each in dashes)
            drawn += shapes.rectangle((0.0, 0.0, width, height), self.border / 2) + b" S "
            for cell in range(1, self._cells):
                drawn += b"%.2f 0 m %.2f %.2f l S " % (width * cell / self._cells, width * cell / self._cells, height)
        return drawn

    @property
    def turned(self) -> int:
        """By how many degrees it stands against its page, counterclockwise."""
        return int(number(self._look.get("/R"))) % 360

    @property
    def _look(self) -> pikepdf.Dictionary:
        look = self.widget.get("/MK")
        return look if isinstance(look, pikepdf.Dictionary) else pikepdf.Dictionary()

    @property
    def _style(self) -> pikepdf.Dictionary:
        style = self.widget.get("/BS")
        return style if isinstance(style, pikepdf.Dictionary) else pikepdf.Dictionary()

    @property
    def _cells(self) -> int:
        """Into how many cells it is parted, a letter in each; 0 if it is not, or has more letters than cells."""
        length = int(number(self.inherited("/MaxLen")))
        is_parted = self.kind == "/Tx" and self._flags & _COMB and not self._flags & _MULTILINE
        return min(length, _MOST_CELLS) if is_parted and len(self.value) <= length else 0

    @property
    def _flags(self) -> int:
        return int(number(self.inherited("/Ff")))

    def _holders(self) -> Iterator[pikepdf.Dictionary]:
        holder: object = self.widget
        for _ in range(_DEEPEST):
            if not isinstance(holder, pikepdf.Dictionary):
                return
            yield holder
            holder = holder.get("/Parent")

    def _options(self) -> list[tuple[str, str]]:
        """What may be chosen: as it is kept, and as it is shown."""
        found = self.inherited("/Opt")
        options = []
        for each in found if isinstance(found, pikepdf.Array) else []:
            pair = list(each)[:2] if isinstance(each, pikepdf.Array) else [each, each]
            options.append((text_of(pair[0]), text_of(pair[-1])))
        return options

    def _chosen(self) -> list[str]:
        """By their values; where there is none, by their places among the options."""
        value, options = self.inherited("/V"), self._options()
        shown = dict(options)
        kept = [text_of(each) for each in value] if isinstance(value, pikepdf.Array) else [text_of(value)]
        if not any(kept):
            places = (int(each) for each in numbers(self.inherited("/I")))
            return [options[at][1] for at in places if 0 <= at < len(options)]
        return [shown.get(each, each) for each in kept if each]

    def _list(self, height: float, size: float) -> tuple[str, frozenset[int]]:
        """The part of a list that is seen in its box, and which of its lines are chosen."""
        shown = [shown for _, shown in self._options()] or self._chosen()
        chosen = set(self._chosen())
        first = max(0, min(int(number(self.inherited("/TI"))), len(shown) - 1))
        seen = max(1, int(height / (size * LINE)))
        places = [at for at, line in enumerate(shown) if line in chosen]
        if places and not first <= places[0] <= places[-1] < first + seen:
            first, seen = places[0], max(seen, places[-1] + 1 - places[0])
        lines = shown[first : first + seen]
        return "\n".join(lines), frozenset(at for at, line in enumerate(lines) if line in chosen)
