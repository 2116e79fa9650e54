"""One PDF from a mail's pieces, in order; all of them or none. Runs in the child."""

import io
import re
from dataclasses import dataclass

import pikepdf

from bridge.document import images, text
from bridge.document.limits import Limits
from bridge.document.mime import BODY_NAME, EMPTY, Piece, Role
from bridge.document.report import PartReport, Report

_PDF = re.compile(rb"%PDF-[0-9]")
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")

UNUSABLE_TYPE = "this type of file cannot be faxed; attach it as PDF, PNG, JPEG, TIFF or plain text"
HTML_ONLY = "the mail has only HTML text; send it as plain text, or attach a PDF"
NOT_ALONE = "not faxed, because another part cannot be and a fax goes out whole or not at all"
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
        except (PieceUnusable, images.ImageUnusable) as error:
            line.left_out = str(error)
            trouble = trouble or f"{line.piece.name}: {error}"
        if len(pdf.pages) > limits.pages:
            line.left_out = f"makes more than {limits.pages} pages; send it in several faxes"
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


def _add(pdf: pikepdf.Pdf, piece: Piece, limits: Limits) -> int:
    """Append a piece's pages, recognised by its content, not by its name."""
    if piece.type == "text/html" and piece.name == BODY_NAME:
        raise PieceUnusable(HTML_ONLY)
    if _PDF.search(piece.content[:1024]):
        return _add_pdf(pdf, piece.content)
    if piece.content.startswith(_PICTURES):
        return images.add_image(pdf, piece.content, limits.pixels, limits.pages)
    if piece.type == "text/plain" and text.looks_like_text(piece.content):
        return text.add_text(pdf, piece.content, piece.charset) if piece.content.strip() else 0
    if not piece.content:
        raise PieceUnusable("the file is empty; attach it again")
    raise PieceUnusable(UNUSABLE_TYPE)


def _add_pdf(pdf: pikepdf.Pdf, content: bytes) -> int:
    """A PDF's pages, with form fields and annotations drawn as they would print."""
    try:
        with pikepdf.open(io.BytesIO(content)) as source:
            source.generate_appearance_streams()
            source.flatten_annotations("print")
            pages = len(source.pages)
            pdf.pages.extend(source.pages)
    except pikepdf.PasswordError as error:
        raise PieceUnusable("the PDF is protected by a password; attach it without one") from error
    except (pikepdf.PdfError, ValueError, RuntimeError, TypeError) as error:
        raise PieceUnusable("the PDF is damaged; make it again, or print it to a new PDF") from error
    if not pages:
        raise PieceUnusable("the PDF has no pages")
    return pages


def check_received(content: bytes, limits: Limits) -> tuple[pikepdf.Pdf | None, Report]:
    """A file fetched from the carrier as a PDF: a PDF as it is if it opens and has pages, a TIFF turned into one."""
    pdf = pikepdf.new()
    try:
        if _PDF.search(content[:1024]):
            with pikepdf.open(io.BytesIO(content)) as source:
                pdf.pages.extend(source.pages)
        else:
            images.add_image(pdf, content, limits.pixels, limits.pages * 10)
    except (pikepdf.PdfError, images.ImageUnusable, ValueError, RuntimeError) as error:
        return None, Report(failed=f"the file cannot be opened ({type(error).__name__})")
    if not len(pdf.pages):
        return None, Report(failed="the file has no pages")
    return pdf, Report(pages=len(pdf.pages))
