"""One PDF from a mail's pieces, in order; all of them or none. Runs in the child."""

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

import pikepdf

from bridge.document import characters, images, markup, running, seen, sheets, text, typesetting, vectors
from bridge.document.kinds import Kind, kind_of
from bridge.document.limits import Limits
from bridge.document.options import DocumentOptions
from bridge.document.paper import Size, sheet_of
from bridge.document.pdf import flat, opening, placeholders
from bridge.document.pdf.unusable import PdfUnusable
from bridge.document.pieces import BLANK, BODY_NOT_FAXED, EMPTY, HIDDEN, IN_THE_TEXT, ON_THE_COVER, Piece, Role
from bridge.document.report import PartReport, Report
from bridge.runtime.phrases import name_of_part, phrase

UNUSABLE_TYPE = phrase("this type of file cannot be faxed; attach it as PDF, as a picture or as plain text")
CURES = {
    Kind.ENCRYPTED: phrase("the mail is encrypted; send it without encryption"),
    Kind.LOCKED: phrase("the document is protected by a password; attach it without one, or as PDF"),
    Kind.OUTLOOK: phrase("an item of Outlook's own kind cannot be faxed; print it to a PDF and attach that"),
    Kind.METAFILE: phrase("a drawing that only Microsoft Office shows; print it to a PDF and attach that"),
    Kind.OFFICE: phrase("office documents are not converted here; attach it as PDF"),
}
"""For files that are known, and cannot be made into pages."""
THUMBNAIL = phrase("only a small copy of another page, for lists of files")
MOST_TOLD = 50
NOT_FETCHED = phrase("nothing is fetched from the web; attach as a file what is to be faxed")
TOO_MANY = phrase("makes more than {pages} pages; send it in several faxes")
NOT_ALONE = phrase("not faxed, because another part cannot be and a fax goes out whole or not at all")
TOO_LARGE = phrase("needs too much memory; make it smaller, or send it in several faxes")
STRANGE = phrase("cannot be made into pages ({kind}); make it again, or attach it as another PDF")
NOTHING = phrase("the mail holds nothing that could be faxed: no attachment and no text")
EMPTY_FILE = phrase("the file is empty; attach it again")
ALL_BLANK = phrase(
    "blank: nothing would be seen on the paper; if it was scanned, perhaps the other side of the paper was meant"
)
ONE_PICTURE = name_of_part("a picture on the web")
PICTURES = name_of_part("{count} pictures on the web")
PAGE_OF = name_of_part("{name}, page {page}")
REPAIRED = name_of_part("{name}, repaired")


_DRAWING = b'<style>body { margin: 0 } img { max-width: 100%; max-height: 9.7in }</style><img src="cid:drawing">'

DEFAULTS = DocumentOptions()


class PieceUnusable(Exception):
    """This piece cannot become pages; the text says why and what to do."""


_UNUSABLE = (
    PieceUnusable,
    PdfUnusable,
    images.ImageUnusable,
    vectors.DrawingUnusable,
    typesetting.TextUnusable,
)


@dataclass(slots=True)
class _Line:
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


def make_pdf(
    found: list[Piece], limits: Limits, options: DocumentOptions = DEFAULTS
) -> tuple[pikepdf.Pdf | None, Report]:
    """The pages and the report; no PDF when the report says why it failed."""
    pdf = pikepdf.new()
    lines = [_Line(piece) for piece in running.joined(found)]
    trouble: str | None = None
    for line in lines:
        failed = _draw(pdf, line, limits, options)
        trouble = trouble or failed
    trouble = _draw_unshown(pdf, lines, limits, options) or trouble
    if trouble is None and not len(pdf.pages):
        trouble = _draw_text(pdf, lines, limits, options)
    if options.partial and len(pdf.pages):
        trouble = None
    elif trouble is None and not len(pdf.pages):
        trouble = _nothing_seen(lines)
    if trouble is not None:
        for line in lines:
            if line.left_out is None:
                line.left_out, line.pages = NOT_ALONE, 0
    parts = tuple(report for line in lines for report in line.reports())
    if trouble is not None:
        return None, Report(parts=parts, failed=trouble[:500])
    return pdf, Report(pages=len(pdf.pages), parts=parts)


def _nothing_seen(lines: list[_Line]) -> str:
    """Why there is not one page, though nothing failed: by the name of the file that its sender meant."""
    for line in lines:
        if line.left_out == BLANK:
            return f"{line.piece.name}: {ALL_BLANK}"
    for line in lines:
        if line.left_out == EMPTY and line.piece.kind is Kind.EMPTY:
            return f"{line.piece.name}: {EMPTY_FILE}"
    return NOTHING


def _draw_text(pdf: pikepdf.Pdf, lines: list[_Line], limits: Limits, options: DocumentOptions) -> str | None:
    """The text of a mail that stood back behind documents of which nothing would be seen; what to tell if it failed."""
    trouble: str | None = None
    for line in lines:
        if line.left_out in {BODY_NOT_FAXED, ON_THE_COVER}:
            line.piece = replace(line.piece, role=Role.BODY, reason="")
            trouble = _draw(pdf, line, limits, options) or trouble
    return trouble


def _draw_unshown(pdf: pikepdf.Pdf, lines: list[_Line], limits: Limits, options: DocumentOptions) -> str | None:
    """The pictures that a text speaks of and yet does not show: in a style that is for nothing in it, for a wide screen
    or in words that are not known here. They are pages of their own; what to tell if one failed.
    """
    trouble: str | None = None
    on_paper = [line.piece.pictures[name] for line in lines for name in line.shown if name in line.piece.pictures]
    for line in lines:
        if line.left_out == IN_THE_TEXT and line.piece.content not in on_paper:
            if _is_ruled_out(line.piece, lines):
                line.left_out = HIDDEN
                continue
            line.piece = replace(line.piece, role=Role.ATTACHMENT, reason="")
            trouble = trouble or _draw(pdf, line, limits, options)
    return trouble


def _is_ruled_out(picture: Piece, lines: list[_Line]) -> bool:
    """Whether a style hides a picture wherever a text speaks of it."""
    texts = [line.piece for line in lines if picture.content in line.piece.pictures.values()]
    named = [
        each
        for text in texts
        for each in seen.look(text.content, text.charset).of(
            {name for name, content in text.pictures.items() if content == picture.content}
        )
    ]
    return bool(named) and all(each.hidden or each.ruled_out for each in named)


def _draw(pdf: pikepdf.Pdf, line: _Line, limits: Limits, options: DocumentOptions) -> str | None:
    """Append one piece's pages, all or none, and write down what came of it; returns what to tell if it failed."""
    if line.piece.role in {Role.LEFT_OUT, Role.COVER}:
        line.left_out = line.piece.reason
        return None
    before = len(pdf.pages)
    try:
        line.not_drawn = _add(pdf, line, limits, options)
        line.pages = len(pdf.pages) - before
        if line.if_blank is not None and not line.pages:
            raise PieceUnusable(line.if_blank)  # noqa: TRY301 - one piece's failure like any other
        if len(pdf.pages) > limits.pages:
            raise PieceUnusable(TOO_MANY.format(pages=limits.pages))  # noqa: TRY301 - one piece's failure like any other
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file sets off, the notice names the part
        line.left_out, line.pages, line.not_drawn, line.beside = _words(error), 0, {}, []
        del pdf.pages[before:]
        return f"{line.piece.name}: {line.left_out}"
    line.left_out = None if line.pages else BLANK if line.not_drawn else EMPTY
    return None


def _words(error: Exception) -> str:
    """What to tell of a piece that failed; a full disk is no fault of the piece's."""
    if isinstance(error, _UNUSABLE):
        return str(error)
    if isinstance(error, MemoryError):
        return TOO_LARGE
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        raise error
    return STRANGE.format(kind=type(error).__name__)


def _add(pdf: pikepdf.Pdf, line: _Line, limits: Limits, options: DocumentOptions) -> Mapping[int, str]:
    """Append a piece's pages; the numbers of those that are left out, and why."""
    piece = line.piece
    if piece.role is Role.UNUSABLE:
        raise PieceUnusable(piece.reason)
    before = len(pdf.pages)
    match piece.kind:
        case Kind.PDF:
            _add_pdf(pdf, line, limits.pages, options)
        case Kind.TIFF | Kind.PICTURE:
            return _add_pictures(pdf, piece, limits, options)
        case Kind.SVG:
            line.beside = _add_drawing(pdf, piece, sheet_of(options.paper))
        case Kind.TEXT:
            _add_text(pdf, piece, limits.pages, sheet_of(options.paper))
        case Kind.HTML:
            sheet = sheet_of(options.paper)
            line.shown = markup.add_html(pdf, piece.content, piece.charset, piece.heading, piece.pictures, paper=sheet)
        case _:
            raise PieceUnusable(CURES.get(piece.kind, UNUSABLE_TYPE))
    return dict.fromkeys(sheets.finish_pages(pdf, before, options, limits.pixels), BLANK)


def _add_pictures(pdf: pikepdf.Pdf, piece: Piece, limits: Limits, options: DocumentOptions) -> Mapping[int, str]:
    """A picture, or those of a TIFF that are pages."""
    thumbnails: list[int] = []

    def shown() -> Iterator[images.Frame]:
        for frame in images.frames(piece.content, limits.pixels, limits.pages):
            if frame.is_thumbnail:
                thumbnails.append(frame.number)
            else:
                yield frame

    blanks = sheets.add_pictures(pdf, shown(), options, limits.pixels)
    return dict(sorted({**dict.fromkeys(blanks, BLANK), **dict.fromkeys(thumbnails, THUMBNAIL)}.items()))


def _add_drawing(pdf: pikepdf.Pdf, piece: Piece, sheet: Size) -> list[tuple[str, str]]:
    """An SVG drawing's page; what of it would have to be fetched, and why it is not."""
    drawing = vectors.plain(piece.content)
    markup.add_html(pdf, _DRAWING, "utf-8", (), {"drawing": drawing}, paper=sheet)
    return [(_on_the_web(count), NOT_FETCHED)] if (count := vectors.on_the_web(drawing)) else []


def _on_the_web(count: int) -> str:
    return ONE_PICTURE if count == 1 else PICTURES.format(count=count)


def _add_text(pdf: pikepdf.Pdf, piece: Piece, max_pages: int, sheet: Size) -> int:
    """A text's pages; one far too long is refused before hours are spent on laying it out."""
    if characters.is_blank(piece.content, piece.charset) and not piece.heading:
        return 0
    if text.pages_at_least(characters.read(piece.content, piece.charset), sheet) > max_pages:
        raise PieceUnusable(TOO_MANY.format(pages=max_pages))
    return text.add_text(pdf, piece.content, piece.charset, piece.heading, sheet)


def _add_pdf(pdf: pikepdf.Pdf, line: _Line, max_pages: int, options: DocumentOptions) -> None:
    """A PDF's pages as a viewer prints them."""

    def scans(source: pikepdf.Pdf) -> set[tuple[int, int]]:
        found = (sheets.scan_of(page, options) for page in source.pages)
        return {scan.objgen for scan in found if scan is not None}

    source = opening.read(line.piece.content, scans)
    with source.pdf:
        if len(source.pdf.pages) > max_pages:
            raise PieceUnusable(TOO_MANY.format(pages=max_pages))
        if (why := placeholders.reason_of(source.pdf)) is not None:
            raise PieceUnusable(why)
        within = placeholders.files_within(source.pdf)
        unprinted = flat.flatten(source.pdf)
        pdf.pages.extend(source.pdf.pages)
    name = line.piece.name
    line.repaired = source.repaired
    line.beside = unprinted.told(name) + [(f"{name}: {file}", placeholders.WITHIN) for file in within]
    line.if_blank = placeholders.ONLY_FILES if within else None


def check_received(content: bytes, limits: Limits) -> tuple[pikepdf.Pdf | None, Report]:
    """A file fetched from the carrier as a PDF: a PDF as it is if it is whole, a TIFF turned into one."""
    pdf = pikepdf.new()
    try:
        if kind_of(content) is Kind.PDF:
            with opening.read(content).pdf as source:
                pdf.pages.extend(source.pages)
        else:
            for frame in images.frames(content, limits.pixels, limits.pages * 10):
                if not frame.is_thumbnail:
                    images.add_page(pdf, frame)
    except PdfUnusable:
        return None, Report(failed="the file cannot be opened (it is damaged or cut short)")
    except (pikepdf.PdfError, images.ImageUnusable, ValueError, RuntimeError) as error:
        return None, Report(failed=f"the file cannot be opened ({type(error).__name__})")
    if not len(pdf.pages):
        return None, Report(failed="the file has no pages")
    return pdf, Report(pages=len(pdf.pages))
