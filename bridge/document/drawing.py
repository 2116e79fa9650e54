"""The pages of one piece, by its kind. Runs in the child."""

from collections.abc import Iterator, Mapping

import pikepdf

from bridge.document import characters, images, markup, sheets, text, typesetting, vectors
from bridge.document.kinds import Kind
from bridge.document.limits import Limits
from bridge.document.lines import NOT_FETCHED, ONE_PICTURE, PICTURES, PartLine
from bridge.document.options import DocumentOptions
from bridge.document.paper import Size, sheet_of
from bridge.document.pdf import flat, opening, placeholders
from bridge.document.pdf.unusable import PdfUnusable
from bridge.document.pieces import BLANK, Piece, Role
from bridge.runtime.phrases import phrase

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
TOO_MANY = phrase("makes more than {pages} pages; send it in several faxes")

_DRAWING = b'<style>body { margin: 0 } img { max-width: 100%; max-height: 9.7in }</style><img src="cid:drawing">'


class PieceUnusable(Exception):
    """This piece cannot become pages; the text says why and what to do."""


UNUSABLE = (
    PieceUnusable,
    PdfUnusable,
    images.ImageUnusable,
    vectors.DrawingUnusable,
    typesetting.TextUnusable,
)
"""All that say in words for people why a piece cannot become pages."""


def add(pdf: pikepdf.Pdf, line: PartLine, limits: Limits, options: DocumentOptions) -> Mapping[int, str]:
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


def _add_pdf(pdf: pikepdf.Pdf, line: PartLine, max_pages: int, options: DocumentOptions) -> None:
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
