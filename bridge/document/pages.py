"""One PDF from a mail's pieces, in order; all of them or none. Runs in the child."""

import errno
from dataclasses import replace

import pikepdf

from bridge.document import drawing, images, running, seen
from bridge.document.kinds import Kind, kind_of
from bridge.document.limits import Limits
from bridge.document.lines import PartLine
from bridge.document.options import DocumentOptions
from bridge.document.pdf import opening
from bridge.document.pdf.unusable import PdfUnusable
from bridge.document.pieces import BLANK, BODY_NOT_FAXED, EMPTY, HIDDEN, IN_THE_TEXT, ON_THE_COVER, Piece, Role
from bridge.document.report import Report
from bridge.runtime.phrases import phrase

NOT_ALONE = phrase("not faxed, because another part cannot be and a fax goes out whole or not at all")
TOO_LARGE = phrase("needs too much memory; make it smaller, or send it in several faxes")
STRANGE = phrase("cannot be made into pages ({kind}); make it again, or attach it as another PDF")
NOTHING = phrase("the mail holds nothing that could be faxed: no attachment and no text")
EMPTY_FILE = phrase("the file is empty; attach it again")
ALL_BLANK = phrase(
    "blank: nothing would be seen on the paper; if it was scanned, perhaps the other side of the paper was meant"
)

DEFAULTS = DocumentOptions()


def make_pdf(
    found: list[Piece], limits: Limits, options: DocumentOptions = DEFAULTS
) -> tuple[pikepdf.Pdf | None, Report]:
    """The pages and the report; no PDF when the report says why it failed."""
    pdf = pikepdf.new()
    lines = [PartLine(piece) for piece in running.joined(found)]
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


def _nothing_seen(lines: list[PartLine]) -> str:
    """Why there is not one page, though nothing failed: by the name of the file that its sender meant."""
    for line in lines:
        if line.left_out == BLANK:
            return f"{line.piece.name}: {ALL_BLANK}"
    for line in lines:
        if line.left_out == EMPTY and line.piece.kind is Kind.EMPTY:
            return f"{line.piece.name}: {EMPTY_FILE}"
    return NOTHING


def _draw_text(pdf: pikepdf.Pdf, lines: list[PartLine], limits: Limits, options: DocumentOptions) -> str | None:
    """The text of a mail that stood back behind documents of which nothing would be seen; what to tell if it failed."""
    trouble: str | None = None
    for line in lines:
        if line.left_out in {BODY_NOT_FAXED, ON_THE_COVER}:
            line.piece = replace(line.piece, role=Role.BODY, reason="")
            trouble = _draw(pdf, line, limits, options) or trouble
    return trouble


def _draw_unshown(pdf: pikepdf.Pdf, lines: list[PartLine], limits: Limits, options: DocumentOptions) -> str | None:
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


def _is_ruled_out(picture: Piece, lines: list[PartLine]) -> bool:
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


def _draw(pdf: pikepdf.Pdf, line: PartLine, limits: Limits, options: DocumentOptions) -> str | None:
    """Append one piece's pages, all or none, and write down what came of it; returns what to tell if it failed."""
    if line.piece.role in {Role.LEFT_OUT, Role.COVER}:
        line.left_out = line.piece.reason
        return None
    before = len(pdf.pages)
    try:
        line.not_drawn = drawing.add(pdf, line, limits, options)
        line.pages = len(pdf.pages) - before
        if line.if_blank is not None and not line.pages:
            raise drawing.PieceUnusable(line.if_blank)  # noqa: TRY301 - one piece's failure like any other
        if len(pdf.pages) > limits.pages:
            raise drawing.PieceUnusable(drawing.TOO_MANY.format(pages=limits.pages))  # noqa: TRY301 - one piece's failure like any other
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file sets off, the notice names the part
        line.left_out, line.pages, line.not_drawn, line.beside = _words(error), 0, {}, []
        del pdf.pages[before:]
        return f"{line.piece.name}: {line.left_out}"
    line.left_out = None if line.pages else BLANK if line.not_drawn else EMPTY
    return None


def _words(error: Exception) -> str:
    """What to tell of a piece that failed; a full disk is no fault of the piece's."""
    if isinstance(error, drawing.UNUSABLE):
        return str(error)
    if isinstance(error, MemoryError):
        return TOO_LARGE
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        raise error
    return STRANGE.format(kind=type(error).__name__)


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
