"""One PDF from a mail's pieces, in order; all of them or none. Runs in the child."""

import errno
import io
import re
from dataclasses import dataclass

import pikepdf

from bridge.document import characters, images, text
from bridge.document.limits import Limits
from bridge.document.mime import BODY_NAME, EMPTY, Piece, Role
from bridge.document.report import PartReport, Report

_PDF = re.compile(rb"%PDF-[0-9]")
_HEADER_WITHIN = 1024
_BROKEN = re.compile("reconstruct|endstream|stream length|decoding stream|unexpected EOF|premature eof")
"""In a warning of qpdf's: it had to guess, so pages or their content may be gone."""

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")

UNUSABLE_TYPE = "this type of file cannot be faxed; attach it as PDF, PNG, JPEG, TIFF or plain text"
HTML_ONLY = "the mail has only HTML text; send it as plain text, or attach a PDF"
TOO_MANY = "makes more than {} pages; send it in several faxes"
NOT_ALONE = "not faxed, because another part cannot be and a fax goes out whole or not at all"
DAMAGED = "the PDF is damaged; make it again, or print it to a new PDF"
TOO_LARGE = "needs too much memory; make it smaller, or send it in several faxes"
STRANGE = "cannot be made into pages ({}); make it again, or attach it as another PDF"
NOTHING = "the mail holds nothing that could be faxed: no attachment and no text"


class PieceUnusable(Exception):
    """This piece cannot become pages; the text says why and what to do."""


@dataclass(slots=True)
class _Line:
    """What became of one piece so far."""

    piece: Piece
    pages: int = 0
    left_out: str | None = None


def make_pdf(found: list[Piece], limits: Limits) -> tuple[pikepdf.Pdf | None, Report]:
    """The pages and the report; no PDF when the report says why it failed."""
    pdf = pikepdf.new()
    lines = [_Line(piece) for piece in found]
    trouble: str | None = None
    for line in lines:
        if line.piece.role is Role.LEFT_OUT:
            line.left_out = line.piece.reason
            continue
        try:
            line.pages = _add(pdf, line.piece, limits)
            line.left_out = None if line.pages else EMPTY
        except Exception as error:  # noqa: BLE001 - whatever a stranger's file sets off, the notice names the part
            line.left_out = _words(error)
            trouble = trouble or f"{line.piece.name}: {line.left_out}"
        if len(pdf.pages) > limits.pages:
            line.left_out = TOO_MANY.format(limits.pages)
            trouble = f"{line.piece.name}: {line.left_out}"
            break
    if trouble is None and not len(pdf.pages):
        trouble = NOTHING
    if trouble is not None:
        for line in lines:
            if line.left_out is None:
                line.left_out, line.pages = NOT_ALONE, 0
    parts = tuple(
        PartReport(name=line.piece.name[:300], type=line.piece.type, pages=line.pages, left_out=line.left_out)
        for line in lines
    )
    if trouble is not None:
        return None, Report(parts=parts, failed=trouble[:500])
    return pdf, Report(pages=len(pdf.pages), parts=parts)


def _words(error: Exception) -> str:
    """What to tell of a piece that failed; a full disk is no fault of the piece's."""
    if isinstance(error, PieceUnusable | images.ImageUnusable | text.TextUnusable):
        return str(error)
    if isinstance(error, MemoryError):
        return TOO_LARGE
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        raise error
    return STRANGE.format(type(error).__name__)


def _add(pdf: pikepdf.Pdf, piece: Piece, limits: Limits) -> int:
    """Append a piece's pages, recognised by its content, not by its name."""
    if piece.type == "text/html" and piece.name == BODY_NAME:
        raise PieceUnusable(HTML_ONLY)
    if _is_pdf(piece):
        return _add_pdf(pdf, piece.content, limits.pages)
    if piece.content.startswith(_PICTURES):
        return images.add_image(pdf, piece.content, limits.pixels, limits.pages)
    if piece.type == "text/plain" and characters.looks_like_text(piece.content, piece.charset):
        return _add_text(pdf, piece, limits.pages)
    if not piece.content:
        raise PieceUnusable("the file is empty; attach it again")
    raise PieceUnusable(UNUSABLE_TYPE)


def _is_pdf(piece: Piece) -> bool:
    """A PDF may stand behind some junk; a text that only speaks of PDFs is a text."""
    if piece.type == "text/plain":
        return _PDF.match(piece.content) is not None
    return _PDF.search(piece.content[:_HEADER_WITHIN]) is not None


def _add_text(pdf: pikepdf.Pdf, piece: Piece, max_pages: int) -> int:
    """A text's pages; one far too long is refused before hours are spent on laying it out."""
    if characters.is_blank(piece.content, piece.charset):
        return 0
    if text.pages_at_least(characters.read(piece.content, piece.charset)) > max_pages:
        raise PieceUnusable(TOO_MANY.format(max_pages))
    return text.add_text(pdf, piece.content, piece.charset)


def _add_pdf(pdf: pikepdf.Pdf, content: bytes, max_pages: int) -> int:
    """A PDF's pages, with form fields and annotations drawn as they would print."""
    try:
        with pikepdf.open(io.BytesIO(content)) as source:
            pages = len(source.pages)
            if pages > max_pages:
                raise PieceUnusable(TOO_MANY.format(max_pages))
            if _is_broken(source):
                raise PieceUnusable(DAMAGED)
            source.generate_appearance_streams()
            source.flatten_annotations("print")
            pdf.pages.extend(source.pages)
    except pikepdf.PasswordError as error:
        raise PieceUnusable("the PDF is protected by a password; attach it without one") from error
    except (pikepdf.PdfError, ValueError, RuntimeError, TypeError) as error:
        raise PieceUnusable(DAMAGED) from error
    if not pages:
        raise PieceUnusable("the PDF has no pages")
    return pages


def _is_broken(source: pikepdf.Pdf) -> bool:
    """Whether pages of a PDF that opened may be missing or blank: its table was rebuilt, or a stream is cut short.

    qpdf repairs in silence what it can, and what was lost is lost in silence too.
    """
    said = [*source.get_warnings(), *source.check_pdf_syntax(), *source.get_warnings()]
    return any(_BROKEN.search(str(warning)) for warning in said)


def check_received(content: bytes, limits: Limits) -> tuple[pikepdf.Pdf | None, Report]:
    """A file fetched from the carrier as a PDF: a PDF as it is if it is whole, a TIFF turned into one."""
    pdf = pikepdf.new()
    try:
        if _PDF.search(content[:_HEADER_WITHIN]):
            with pikepdf.open(io.BytesIO(content)) as source:
                if _is_broken(source):
                    return None, Report(failed="the file cannot be opened (it is damaged or cut short)")
                pdf.pages.extend(source.pages)
        else:
            images.add_image(pdf, content, limits.pixels, limits.pages * 10)
    except (pikepdf.PdfError, images.ImageUnusable, ValueError, RuntimeError) as error:
        return None, Report(failed=f"the file cannot be opened ({type(error).__name__})")
    if not len(pdf.pages):
        return None, Report(failed="the file has no pages")
    return pdf, Report(pages=len(pdf.pages))
