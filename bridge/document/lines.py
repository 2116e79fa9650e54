"""What became of each piece of a mail, as the notice's list of parts tells it. Runs in the child."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from bridge.document import seen
from bridge.document.kinds import Kind
from bridge.document.pieces import Piece
from bridge.document.report import PartReport
from bridge.runtime.phrases import name_of_part, phrase

MOST_TOLD = 50
NOT_FETCHED = phrase("nothing is fetched from the web; attach as a file what is to be faxed")
ONE_PICTURE = name_of_part("a picture on the web")
PICTURES = name_of_part("{count} pictures on the web")
PAGE_OF = name_of_part("{name}, page {page}")
REPAIRED = name_of_part("{name}, repaired")


@dataclass(slots=True)
class PartLine:
    """What became of one piece so far."""

    piece: Piece
    pages: int = 0
    left_out: str | None = None
    not_drawn: Mapping[int, str] = field(default_factory=dict)
    """Pages of the piece that are left out, by number, and why."""
    beside: list[tuple[str, str]] = field(default_factory=list)
    """What else was within it and is not faxed, each with the reason."""
    repaired: bool = False
    shown: set[str] = field(default_factory=set)
    """The pictures of the mail that stand on a text's pages, by what it names them by."""
    if_blank: str | None = None
    """Why it cannot be faxed if nothing is seen on any of its pages."""

    def reports(self) -> list[PartReport]:
        """The piece, and what of it was not drawn."""
        piece = self.piece
        name = REPAIRED.format(name=piece.name[:280]) if self.repaired and self.pages else piece.name[:300]
        told = [PartReport(name=name, type=piece.type, pages=self.pages, left_out=self.left_out)]
        told += [
            PartReport(name=PAGE_OF.format(name=piece.name[:280], page=page), type=piece.type, pages=0, left_out=why)
            for page, why in islice(self.not_drawn.items(), MOST_TOLD)
        ]
        told += [
            PartReport(name=name[:300], type="application/octet-stream", pages=0, left_out=why)
            for name, why in self.beside
        ]
        if piece.kind is Kind.HTML and self.pages and (count := seen.look(piece.content, piece.charset).on_the_web):
            name = ONE_PICTURE if count == 1 else PICTURES.format(count=count)
            told.append(PartReport(name=name, type="image/*", pages=0, left_out=NOT_FETCHED))
        return told
